/**
 * What is looked after for each connection from time to time: idle clients, soft output limits. Source: spec server.md sections 4.1 and 4.3.
 *
 * Each tick takes the next part of the connections, so that everyone is seen about once a second and no tick takes long.
 */
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { IS_BLOCKED, IS_MONITOR, IS_PRIMARY_LINK, IS_PUBSUB, IS_REPLICA } from './connection-flags.js';
import type { Server } from './server.js';

const NEVER_IDLE = IS_REPLICA | IS_MONITOR | IS_PRIMARY_LINK | IS_BLOCKED | IS_PUBSUB;
const SEEN_MIN = 5;

export class ClientsCron {
  private readonly server: Server;
  private readonly config: Config;
  private waiting: Connection[] = [];

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
  }

  /** To be called `hz` times a second. */
  tick(): void {
    if (this.waiting.length === 0) this.waiting = [...this.server.connections.values()];
    const count = Math.max(SEEN_MIN, Math.ceil(this.server.connections.size / this.config.values.hz));
    const nowMs = Date.now();
    for (const connection of this.waiting.splice(0, count)) if (!connection.isClosed) this.look(connection, nowMs);
  }

  private look(connection: Connection, nowMs: number): void {
    const { timeout } = this.config.values;
    if (timeout > 0 && (connection.flags & NEVER_IDLE) === 0 && nowMs - connection.lastActiveMs > timeout * 1000) {
      this.server.log.verbose('Closing idle client');
      connection.close();
      return;
    }
    if (this.server.clientEviction.isOn) this.server.clientEviction.note(connection);
    if (connection.queuedBytes > 0 || connection.softLimitSinceMs > 0) this.server.checkOutputLimits(connection);
  }
}
