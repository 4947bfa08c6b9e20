/** MONITOR: who watches, and the line each executed command gives them. Source: spec server.md section 15. */
import { ADMIN, type Command, SKIP_MONITOR } from '../commands/command.js';
import { quote } from '../resp/quoted-words.js';
import type { Request } from '../resp/request.js';
import type { Connection } from './connection.js';
import { IS_UNIX_SOCKET } from './connection-flags.js';
import { secretsOf } from './redaction.js';

export class Monitors {
  private readonly connections = new Set<Connection>();

  get count(): number {
    return this.connections.size;
  }

  add(connection: Connection): void {
    this.connections.add(connection);
  }

  remove(connection: Connection): void {
    this.connections.delete(connection);
  }

  /** Sends one command that has just been executed to all monitors. */
  feed(connection: Connection, request: Request, command: Command): void {
    if (this.connections.size === 0 || (command.flags & (ADMIN | SKIP_MONITOR)) !== 0) return;
    const nowUs = Math.floor((performance.timeOrigin + performance.now()) * 1000);
    const seconds = Math.floor(nowUs / 1_000_000);
    const micros = String(nowUs % 1_000_000).padStart(6, '0');
    const address =
      (connection.flags & IS_UNIX_SOCKET) !== 0
        ? `unix:${connection.transport.localPath}`
        : connection.transport.remoteAddress;
    let line = `+${seconds}.${micros} [${connection.databaseIndex} ${address}]`;
    const secrets = secretsOf(command.fullName, request, connection.server.config);
    for (let i = 0; i < request.argc; i++) line += secrets.has(i) ? ' "(redacted)"' : ` ${quote(request.latin1(i))}`;
    const bytes = Uint8Array.from(Buffer.from(`${line}\r\n`, 'latin1'));
    for (const monitor of this.connections) monitor.push(bytes);
  }
}
