/**
 * What is looked after for each connection from time to time: idle clients, soft output limits, memory. Source: spec server.md sections 4.1 and 4.3.
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
  /** ID of the connection that was looked at last. */
  private lastId = 0;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
  }

  /** To be called `hz` times a second. */
  tick(): void {
    const { size } = this.server.connections;
    const count = Math.min(size, Math.max(SEEN_MIN, Math.ceil(size / this.config.values.hz)));
    const seenCount = this.lookAtNext(count);
    if (seenCount === count) return;
    this.lastId = 0;
    this.lookAtNext(count - seenCount);
  }

  /** @returns how many there were behind the last one, up to `count` */
  private lookAtNext(count: number): number {
    const nowMs = Date.now();
    let seenCount = 0;
    if (count === 0) return 0;
    for (const connection of this.server.connections.after(this.lastId)) {
      this.lastId = connection.id;
      this.look(connection, nowMs);
      if (++seenCount === count) break;
    }
    return seenCount;
  }

  private look(connection: Connection, nowMs: number): void {
    const { timeout } = this.config.values;
    if (timeout > 0 && (connection.flags & NEVER_IDLE) === 0 && nowMs - connection.lastActiveMs > timeout * 1000) {
      this.server.log.verbose('Closing idle client');
      connection.close();
      return;
    }
    this.server.memoryMeter.look(connection);
    if (this.server.clientEviction.isOn) this.server.clientEviction.note(connection);
    if (connection.queuedBytes > 0 || connection.softLimitSinceMs > 0) this.server.checkOutputLimits(connection);
  }
}
