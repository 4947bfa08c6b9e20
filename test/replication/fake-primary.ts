/** A primary that a test plays itself: it answers a replica's handshake, and sends image and stream as the test says. */
import type { Socket } from 'node:net';
import { encodeCommand } from '../../src/client/encode-command.js';
import { RdbType } from '../../src/persistence/rdb/opcodes.js';
import { RdbWriter } from '../../src/persistence/rdb/rdb-writer.js';
import { type FakeServer, fakeServer } from '../support/fake-server.js';

export const ID = 'f1'.repeat(20);

/** @returns the reply to PSYNC (or SYNC, without arguments), and what follows it; one char per byte */
export type SyncAnswer = (id: string, offset: number, socket: Socket) => string;

export interface FakePrimary extends FakeServer {
  /** The replica's newest connection. */
  readonly socket: () => Socket;
  /** The offset that the replica acknowledged last on that connection. */
  readonly acknowledged: () => number;
  /** `id offset` of each PSYNC. */
  readonly syncs: string[];
}

export async function fakePrimary(answer: SyncAnswer): Promise<FakePrimary> {
  let newest: Socket | null = null;
  let acknowledged = -1;
  const syncs: string[] = [];
  const server = await fakeServer((args, socket) => {
    newest = socket;
    const name = args[0]!.toUpperCase();
    if (name === 'PING') return '+PONG\r\n';
    if (name === 'REPLCONF' && args[1]!.toUpperCase() === 'ACK') {
      acknowledged = Number(args[2]);
      return null;
    }
    if (name === 'REPLCONF') return '+OK\r\n';
    syncs.push(args.slice(1).join(' '));
    acknowledged = -1;
    // Images are bytes, not text.
    socket.write(Buffer.from(answer(args[1]!, Number(args[2]), socket), 'latin1'));
    return null;
  });
  return Object.assign(server, { socket: () => newest!, acknowledged: () => acknowledged, syncs });
}

/** The image of a data set with these strings in database 0. */
export function image(strings: Record<string, string>): Buffer {
  const writer = new RdbWriter(null);
  writer.begin();
  writer.aux('redis-ver', '7.0.15');
  writer.aux('repl-stream-db', '0');
  writer.aux('repl-id', ID);
  writer.aux('repl-offset', '0');
  writer.selectDb(0);
  for (const [key, value] of Object.entries(strings)) {
    const name = Buffer.from(key);
    writer.key(RdbType.STRING, name, 0, name.length);
    writer.string(Buffer.from(value), 0, Buffer.byteLength(value));
  }
  writer.end();
  return Buffer.from(writer.bytes.slice(0, writer.length));
}

/** `+FULLRESYNC` and the image, with its length in front, as text of bytes. */
export function fullSync(offset: number, strings: Record<string, string>): string {
  const bytes = image(strings);
  return `+FULLRESYNC ${ID} ${offset}\r\n$${bytes.length}\r\n${bytes.toString('latin1')}`;
}

/** Commands as the stream has them. */
export function stream(...commands: string[]): Buffer {
  return Buffer.concat(commands.map((command) => encodeCommand(command.split(' '))));
}
