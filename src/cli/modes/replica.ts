/** --replica, and SYNC or PSYNC typed as a command: the image is passed over, then every command that replicas get is printed as CSV. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../../client/client-error.js';
import { encodeCommand } from '../../client/encode-command.js';
import { ReplyReader } from '../../resp/reply-reader.js';
import type { CommandLine } from '../command-line.js';
import { ReplicaStream, SyncRefused } from '../replica-stream.js';
import { formatCsv } from '../reply/format.js';
import { decodeReply } from '../reply/reply-node.js';
import { lossText } from '../session.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { announce } from './announce.js';

/** A server that sends an image with an end mark waits for the acknowledgement, and only some time later is ready for it. */
const ACKNOWLEDGE_AFTER_MS = 1000;
const MARK_BYTES = 40;
const LF = 0x0a;

export async function runReplica(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  try {
    await announce(session, terminal, 'capa', 'eof');
    // No keys in the image: it is passed over anyway.
    await announce(session, terminal, 'rdb-filter-only', '');
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    terminal.writeError(`Error: ${lossText(error)}\n`);
    return 1;
  }
  return followPrimary(session.detach(), encodeCommand(['SYNC']), terminal);
}

/** Sends the request for synchronisation and prints until the connection ends. @returns 1, for that is an error */
export async function followPrimary(socket: Socket, request: Uint8Array, terminal: Terminal): Promise<number> {
  const stream = new ReplicaStream(socket);
  try {
    await passOverImage(stream, request, terminal);
    await printCommands(stream, terminal);
  } catch (error) {
    if (error instanceof SyncRefused) terminal.writeError(`SYNC with master failed: ${error.message}\n`);
    else if (error instanceof ClientError) terminal.writeError(`Error: ${lossText(error)}\n`);
    else throw error;
  }
  stream.close();
  return 1;
}

async function passOverImage(stream: ReplicaStream, request: Uint8Array, terminal: Terminal): Promise<void> {
  const header = await stream.request(request);
  if (header === null) return;
  if (header.mark === null) {
    terminal.writeError(`SYNC with master, discarding ${header.length} bytes of bulk transfer...\n`);
    await stream.readImage(header, () => {});
    terminal.writeError('SYNC done. Logging commands from master.\n');
    return;
  }
  terminal.writeError('SYNC with master, discarding bytes of bulk transfer until EOF marker...\n');
  const imageBytes = await stream.readImage(header, () => {});
  terminal.writeError(`SYNC done after ${imageBytes + MARK_BYTES} bytes. Logging commands from master.\n`);
  await sleep(ACKNOWLEDGE_AFTER_MS);
  terminal.writeError('sending REPLCONF ACK 0\n');
  stream.write(encodeCommand(['REPLCONF', 'ACK', 0]));
}

async function printCommands(stream: ReplicaStream, terminal: Terminal): Promise<void> {
  const reader = new ReplyReader({ keepRaw: true });
  for (;;) {
    let bytes = await stream.read();
    // Empty lines between commands are signs of life.
    while (reader.pendingBytes === 0 && bytes[0] === LF) bytes = bytes.subarray(1);
    reader.feed(bytes);
    for (let result = reader.next(); result !== null; result = reader.next()) {
      if (result.kind === 'malformed')
        throw new ClientError('MALFORMED_REPLY', 'no command', { code: result.code, found: '' });
      terminal.write(Buffer.from(`${formatCsv(decodeReply(result.raw!))}\n`, 'latin1'));
    }
  }
}
