/** --rdb and --functions-rdb: the server's data as a file, through a full synchronisation. All messages go to stderr, for `-` writes the data to stdout. */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { ClientError } from '../../client/client-error.js';
import { encodeCommand } from '../../client/encode-command.js';
import { strerror } from '../../persistence/file-system.js';
import type { ImageHeader } from '../../replication/image-receiver.js';
import type { CommandLine } from '../command-line.js';
import { ReplicaStream, SyncRefused } from '../replica-stream.js';
import { lossText, type Session } from '../session.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { announce } from './announce.js';

const FILE_MODE = 0o644;

/** Where the image goes. */
interface Sink {
  write(bytes: Uint8Array, start: number, end: number): void;
  finish(): void;
}

export async function runRdb(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  try {
    if (!(await announceWishes(session, line, terminal))) return 1;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    terminal.writeError(`Error: ${lossText(error)}\n`);
    return 1;
  }
  const stream = new ReplicaStream(session.detach());
  const isDone = await saveImage(stream, line.rdbFile, terminal);
  stream.close();
  return isDone ? 0 : 1;
}

async function announceWishes(session: Session, line: CommandLine, terminal: Terminal): Promise<boolean> {
  await announce(session, terminal, 'capa', 'eof');
  await announce(session, terminal, 'rdb-only', '1');
  if (!line.wantsFunctionsRdb || (await announce(session, terminal, 'rdb-filter-only', 'functions'))) return true;
  terminal.writeError('Failed requesting functions only RDB from server, aborting\n');
  return false;
}

/** Asks for a full synchronisation and writes its image to a file (`-`: stdout). Whatever happens is told on stderr. @returns whether the image is there */
export async function saveImage(stream: ReplicaStream, file: string, terminal: Terminal): Promise<boolean> {
  let header: ImageHeader;
  try {
    header = (await stream.request(encodeCommand(['SYNC'])))!;
  } catch (error) {
    terminal.writeError(`${requestFailureText(error)}\n`);
    return false;
  }
  const isMarked = header.mark !== null;
  const length = isMarked ? 'bytes of bulk transfer until EOF marker' : `${header.length} bytes`;
  terminal.writeError(`SYNC sent to master, writing ${length} to '${file}'\n`);
  let sink: Sink;
  try {
    sink = file === '-' ? new StdoutSink(terminal) : new FileSink(file);
  } catch (error) {
    terminal.writeError(`Error opening '${file}': ${strerror(error)}\n`);
    return false;
  }
  try {
    const imageBytes = await stream.readImage(header, (bytes, start, end) => sink.write(bytes, start, end));
    sink.finish();
    terminal.writeError(`Transfer finished with success${isMarked ? ` after ${imageBytes} bytes` : '.'}\n`);
    return true;
  } catch (error) {
    terminal.writeError(
      error instanceof ClientError
        ? 'I/O Error reading RDB payload from socket\n'
        : `Error writing data to file: ${strerror(error)}\n`,
    );
    return false;
  }
}

function requestFailureText(error: unknown): string {
  if (error instanceof SyncRefused) return `SYNC with master failed: ${error.message}`;
  if (error instanceof ClientError) return 'Error reading bulk length while SYNCing';
  throw error;
}

class StdoutSink implements Sink {
  constructor(private readonly terminal: Terminal) {}

  write(bytes: Uint8Array, start: number, end: number): void {
    this.terminal.write(bytes.slice(start, end));
  }

  finish(): void {}
}

class FileSink implements Sink {
  readonly #fd: number;
  #length = 0;

  /** An existing file is written over from its start, and cut at the end when all is there: not before, so that a failure leaves what it can. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_CREAT | constants.O_WRONLY, FILE_MODE);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) at += writeSync(this.#fd, bytes, at, end - at);
    this.#length += end - start;
  }

  finish(): void {
    ftruncateSync(this.#fd, this.#length);
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }
}
