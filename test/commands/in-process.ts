/**
 * A server without sockets: commands go in as words, replies come out as their bytes, and a sink shows what is propagated. The clock stands still unless
 * the test moves it.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { CommandTable } from '../../src/commands/command-table.js';
import { allCommands } from '../../src/commands/index.js';
import { Request } from '../../src/resp/request.js';
import { PARSE_REQUEST, parseRequest, RequestState } from '../../src/resp/request-parser.js';
import { Config } from '../../src/server/config/config.js';
import { Connection } from '../../src/server/connection.js';
import { Logger } from '../../src/server/log.js';
import { Node } from '../../src/server/node.js';
import { type PropagationSink, TO_AOF } from '../../src/server/propagation.js';
import type { Server } from '../../src/server/server.js';
import { SocketTransport } from '../../src/server/transport.js';

export const NOW_MS = 1_700_000_000_000;

export class InProcess implements PropagationSink {
  readonly server: Server;
  readonly target = TO_AOF;
  isActive = true;
  selectedDb = 0;
  /** What was propagated since it was last taken, one command a line. */
  private records: string[] = [];
  private readonly connection: Connection;

  constructor() {
    const config = new Config();
    config.assign('enable-debug-command', 'yes');
    const commands = new CommandTable(allCommands);
    this.server = new Node(config, new Logger({ level: 'warning' }), commands).server;
    this.connection = new Connection(this.server, new SocketTransport(new net.Socket()), 1);
    this.server.propagation.addSink(this);
    this.server.keyspace.setNow(NOW_MS);
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const request = new Request();
    const state = new RequestState();
    state.position = start;
    while (parseRequest(bytes, end, request, state) === PARSE_REQUEST)
      this.records.push(Array.from({ length: request.argc }, (_, i) => request.latin1(i) || '""').join(' '));
  }

  /** Executes one command; words are separated by blanks, `""` is the empty word. @returns the raw reply */
  run(line: string): string {
    return this.runWords(line.split(' ').map((word) => (word === '""' ? '' : word)));
  }

  runWords(words: readonly string[]): string {
    return this.execute(Buffer.from(words.join(''), 'latin1'), words).toString('latin1');
  }

  /**
   * Executes a command that is written already: `bytes` are its words without anything between them.
   * @returns the raw reply, good until the next command
   */
  execute(bytes: Uint8Array, words: readonly string[]): Buffer {
    const { request, reply, dispatcher } = this.server;
    request.bytes = bytes;
    request.argc = 0;
    let start = 0;
    for (const word of words) {
      request.push(start, word.length);
      start += word.length;
    }
    const from = reply.length;
    dispatcher.execute(this.connection);
    const raw = Buffer.from(reply.bytes.buffer, reply.bytes.byteOffset + from, reply.length - from);
    reply.rewind(from);
    return raw;
  }

  takePropagated(): string[] {
    return this.records.splice(0);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.server.keyspace.setNow(this.server.keyspace.nowMs + ms);
  }
}

/** Runs commands on a fresh server, and compares what the last one propagated. */
export function propagates(
  setUp: readonly string[],
  command: string | readonly string[],
  expected: readonly string[],
): void {
  const server = new InProcess();
  for (const line of setUp) server.run(line);
  server.takePropagated();
  const reply = typeof command === 'string' ? server.run(command) : server.runWords(command);
  assert.ok(!reply.startsWith('-'), `${command}: ${reply}`);
  assert.deepEqual(server.takePropagated(), expected, String(command));
}
