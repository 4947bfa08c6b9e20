/**
 * Several raw connections to one server, and what each of them receives by each step, to the byte: for commands that send to others.
 *
 * After a step every connection, first the one that took it, sends a PING with a number of its own and waits for it to come back: then everything that the
 * step caused has arrived.
 * A connection in a transaction cannot do that; its step waits for the reply alone.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RawConnection, request } from '../support/raw-connection.js';
import type { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { useServers } from './harness.js';
import { words } from './steps.js';

export class Conversation {
  /** One line per step and connection that received something. */
  readonly transcript: string[] = [];
  private readonly connections = new Map<string, RawConnection>();
  private readonly ids = new Map<string, number>();
  /** Connections whose ids have been mentioned. */
  private readonly shown = new Set<string>();
  private readonly inTransaction = new Set<string>();
  private pingCount = 0;

  constructor(
    private readonly server: ServerProcess,
    private readonly protocol: 2 | 3,
  ) {}

  /**
   * @param line `name: command`, the command as it is written in the case tables; `$name` in it is the connection's client id, and in the transcript
   * that number is shown by its name
   */
  async say(line: string): Promise<void> {
    const [, name, written] = /^(\w+): (.*)$/.exec(line)!;
    const text = written!.replace(/\$(\w)$/, (_, each: string) => {
      this.shown.add(each);
      return String(this.ids.get(each));
    });
    const connection = await this.connection(name!);
    const marks = new Map([...this.connections].map(([each, { received }]) => [each, received.length]));
    const parts = words(text!).map((word) => word.toString('latin1'));
    connection.send(Buffer.from(request(...parts), 'latin1'));
    const command = parts[0]!.toUpperCase();
    if (command === 'MULTI') this.inTransaction.add(name!);
    if (command === 'EXEC' || command === 'DISCARD' || command === 'RESET') this.inTransaction.delete(name!);
    const start = marks.get(name!)!;
    if (this.inTransaction.has(name!)) {
      await waitFor(() => connection.received.length > start, { what: `a reply to ${line}` });
    }
    this.transcript.push(line);
    // Otherwise another connection's PING may come before the command.
    await this.settled(name!);
    for (const [each, mark] of marks) {
      const received = (await this.settled(each)).slice(mark);
      if (received !== '') this.transcript.push(`  ${each} ${this.withNames(JSON.stringify(received))}`);
    }
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
  }

  private async connection(name: string): Promise<RawConnection> {
    const known = this.connections.get(name);
    if (known !== undefined) return known;
    const connection = await RawConnection.connect({ host: '127.0.0.1', port: this.server.port });
    if (this.protocol === 3) {
      await connection.ask(request('HELLO', '3'), '%');
      await this.pong(connection);
      connection.received = '';
    }
    this.connections.set(name, connection);
    this.ids.set(name, Number((await connection.ask('CLIENT ID\r\n', ':1\r\n')).slice(1)));
    await this.pong(connection);
    connection.received = '';
    return connection;
  }

  private withNames(text: string): string {
    let named = text;
    for (const name of this.shown) named = named.replaceAll(`:${this.ids.get(name)}\\r`, `:$${name}\\r`);
    return named;
  }

  /** @returns all that the connection has received when nothing more is on its way, the answers to PING taken out */
  private async settled(name: string): Promise<string> {
    const connection = this.connections.get(name)!;
    if (!this.inTransaction.has(name) && !connection.isClosed) await this.pong(connection);
    return connection.received;
  }

  private async pong(connection: RawConnection): Promise<void> {
    const text = `pong-${String(++this.pingCount).padStart(6, '0')}`;
    const bulk = `$${text.length}\r\n${text}\r\n`;
    connection.send(request('PING', text));
    await waitFor(() => connection.isClosed || connection.received.includes(bulk), {
      what: 'PING to come back',
      intervalMs: 1,
      detail: () => JSON.stringify(connection.received.slice(-500)),
    });
    connection.received = connection.received.replace(`*2\r\n$4\r\npong\r\n${bulk}`, '').replace(bulk, '');
  }
}

/** Declares the tests of these conversations, for each server under test. @param title what the servers do alike */
export function tellConversations(title: string, conversations: Record<string, readonly string[]>): void {
  for (const kind of serversUnderTest()) {
    describe(`${kind} ${title} as redis-server does`, { skip: needsServers('redis', kind) }, () => {
      const servers = useServers(kind);
      for (const [name, lines] of Object.entries(conversations)) {
        for (const protocol of [2, 3] as const) {
          test(`${name}, RESP${protocol}`, async () => {
            const transcripts = await Promise.all(
              [servers().oracle, servers().subject].map(async (server) => {
                await server.call('FLUSHALL');
                const conversation = new Conversation(server, protocol);
                try {
                  for (const line of lines) await conversation.say(line);
                  return conversation.transcript;
                } finally {
                  conversation.close();
                }
              }),
            );
            assert.deepEqual(transcripts[1], transcripts[0]);
          });
        }
      }
    });
  }
}
