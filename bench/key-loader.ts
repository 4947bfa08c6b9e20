/**
 * Writes many distinct keys through one pipelined connection. `redis-benchmark -r` draws keys at random and so never fills a key space; this
 * loader counts: key number i is `key:` + i in 12 digits (16 bytes, the form redis-benchmark's GET asks for).
 *
 * It must be much faster than any server. So a chunk of commands is laid out once, and per command only the digits of the number are written.
 */
import { connect } from 'node:net';

const DIGITS = 12;
const CHUNK_BYTES = 64 * 1024;
/** Unanswered commands at most: bounds the server's output buffer and ours, and is far above what a server reads at once. */
const WINDOW = 50_000;
const REPLY_BYTES = '+OK\r\n'.length;

export interface KeyLoad {
  port: number;
  keys: number;
  /** 16 at least: the value carries the number of its key, so that values differ. */
  valueBytes: number;
}

export class LoadFailed extends Error {
  readonly code = 'LOAD_FAILED';
}

/** A chunk of SET commands, and where in it the digits of each number stand. */
export class SetChunk {
  readonly bytes: Buffer;
  readonly commandCount: number;
  private readonly commandBytes: number;
  private readonly keyDigits: number;
  private readonly valueDigits: number;

  constructor(valueBytes: number) {
    const key = `key:${'0'.repeat(DIGITS)}`;
    const value = `val:${'0'.repeat(DIGITS)}${'x'.repeat(valueBytes - 4 - DIGITS)}`;
    const head = `*3\r\n$3\r\nSET\r\n$${key.length}\r\n`;
    const middle = `\r\n$${value.length}\r\n`;
    const command = `${head}${key}${middle}${value}\r\n`;
    this.commandBytes = command.length;
    this.keyDigits = head.length + 4;
    this.valueDigits = head.length + key.length + middle.length + 4;
    this.commandCount = Math.max(1, Math.floor(CHUNK_BYTES / command.length));
    this.bytes = Buffer.from(command.repeat(this.commandCount), 'latin1');
  }

  /** Gives a copy with the commands for the keys from `firstKey` on, `count` of them (at most `commandCount`). */
  fill(firstKey: number, count: number): Buffer {
    for (let i = 0; i < count; i++) {
      const at = i * this.commandBytes;
      this.writeNumber(at + this.keyDigits, firstKey + i);
      this.writeNumber(at + this.valueDigits, firstKey + i);
    }
    return Buffer.from(this.bytes.subarray(0, count * this.commandBytes));
  }

  private writeNumber(start: number, value: number): void {
    let rest = value;
    for (let i = start + DIGITS - 1; i >= start; i--) {
      this.bytes[i] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}

/** @returns seconds from the first byte sent to the last reply */
export function loadKeys({ port, keys, valueBytes }: KeyLoad): Promise<number> {
  return new Promise((resolve, reject) => {
    const chunk = new SetChunk(valueBytes);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sent = 0;
    let answeredBytes = 0;
    let startedAt = 0;

    const send = (): void => {
      while (sent < keys && sent - answeredBytes / REPLY_BYTES < WINDOW && !socket.writableNeedDrain) {
        const count = Math.min(chunk.commandCount, keys - sent);
        socket.write(chunk.fill(sent, count));
        sent += count;
      }
    };
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new LoadFailed(message, { cause }));
    };
    socket.on('connect', () => {
      startedAt = performance.now();
      send();
    });
    socket.on('drain', send);
    socket.on('data', (data: Buffer) => {
      const error = data.indexOf(0x2d);
      if (error !== -1) return fail(`The server refused a SET: ${data.toString('latin1', error, error + 120)}`);
      answeredBytes += data.length;
      if (answeredBytes < keys * REPLY_BYTES) return send();
      socket.destroy();
      resolve((performance.now() - startedAt) / 1000);
    });
    socket.on('error', (cause) => fail(`Loading keys into port ${port} failed: ${cause.message}`, cause));
    socket.on('close', () => fail(`The server on port ${port} closed the connection while keys were loaded.`));
  });
}
