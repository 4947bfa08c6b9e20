/**
 * Several raw connections to one server, and what each of them receives by each step, to the byte: for commands that send to others.
 *
 * After a step every connection sends a PING with a number of its own and waits for it to come back: then everything that the step caused has arrived.
 * A connection in a transaction cannot do that; its step waits for the reply alone.
 */
import { RawConnection, request } from '../support/raw-connection.js';
import type { ServerProcess } from '../support/server-process.js';
import { waitFor } from '../support/wait-for.js';
import { words } from './steps.js';

export class Conversation {
  /** One line per step and connection that received something. */
  readonly transcript: string[] = [];
  private readonly connections = new Map<string, RawConnection>();
  private readonly inTransaction = new Set<string>();
  private pingCount = 0;

  constructor(
    private readonly server: ServerProcess,
    private readonly protocol: 2 | 3,
  ) {}

  /** `name: command`. @param command is sent as it is written in the case tables */
  async say(line: string): Promise<void> {
    const [, name, text] = /^(\w+): (.*)$/.exec(line)!;
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
    for (const [each, mark] of marks) {
      const received = (await this.settled(each)).slice(mark);
      if (received !== '') this.transcript.push(`  ${each} ${JSON.stringify(received)}`);
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
    return connection;
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
