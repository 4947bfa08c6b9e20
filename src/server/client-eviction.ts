/**
 * maxmemory-clients: disconnects the clients that take most memory when all together take too much. Source: spec server.md section 4.2.
 *
 * What a connection takes is noted at the end of its events, when it reads too slowly, and by the cron; the sum is looked at when a turn ends.
 * Replicas and the primary do not count; clients with NO-EVICT count and stay.
 *
 * Invariants: (1) while there is a limit, `totalBytes` is the sum of `noted`; (2) without one nothing is noted.
 */
import { connectionBytes, describeConnection } from './client-info.js';
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { IS_PRIMARY_LINK, NO_EVICT } from './connection-flags.js';
import { classOf } from './output-limits.js';
import type { Server } from './server.js';

/** No limit is lower: fewer would not even hold a few clients at rest. */
const LIMIT_BYTES_MIN = 128 * 1024;
/** Clients up to this size are alike. */
const SMALLEST_BUCKET = 15;
const LARGEST_BUCKET = 33;

export class ClientEviction {
  /** Clients disconnected so far. */
  evictedCount = 0;
  isOn = false;
  private readonly server: Server;
  private readonly config: Config;
  private limitBytes = 0;
  private totalBytes = 0;
  /** In the order in which the connections reached the size class they are in. */
  private readonly noted = new Map<Connection, number>();

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    config.onChange(['maxmemory', 'maxmemory-clients'], () => {
      this.configure();
      return null;
    });
    server.onTurnEnd(() => {
      if (this.isOn) this.enforce();
    });
    this.configure();
  }

  /** Notes what the connection takes now. To be called while `isOn` only. */
  note(connection: Connection): void {
    const before = this.noted.get(connection);
    if (connection.isClosed || !counts(connection)) {
      if (before !== undefined) this.forget(connection);
      return;
    }
    const bytes = connectionBytes(connection);
    if (before !== undefined && bucketOf(before) !== bucketOf(bytes)) this.noted.delete(connection);
    this.noted.set(connection, bytes);
    this.totalBytes += bytes - (before ?? 0);
    if (this.totalBytes >= this.limitBytes) this.server.scheduleTurnEnd();
  }

  forget(connection: Connection): void {
    this.totalBytes -= this.noted.get(connection) ?? 0;
    this.noted.delete(connection);
  }

  resetStatistics(): void {
    this.evictedCount = 0;
  }

  private enforce(): void {
    if (this.totalBytes < this.limitBytes) return;
    // What was noted may have been written or read since.
    for (const connection of [...this.noted.keys()]) this.note(connection);
    for (let bucket = LARGEST_BUCKET; bucket >= SMALLEST_BUCKET; bucket--) {
      for (const [connection, bytes] of [...this.noted]) {
        if (this.totalBytes < this.limitBytes) return;
        if (bucketOf(bytes) === bucket && (connection.flags & NO_EVICT) === 0) this.evict(connection);
      }
    }
  }

  private evict(connection: Connection): void {
    this.evictedCount++;
    this.server.log.notice(`Evicting client: ${describeConnection(connection)}`);
    this.forget(connection);
    connection.close();
  }

  private configure(): void {
    const { maxmemory, maxmemoryClients } = this.config.values;
    const { bytes, percent } = maxmemoryClients;
    const limit = percent === 0 ? bytes : Math.floor((maxmemory * percent) / 100);
    this.limitBytes = Math.max(limit, LIMIT_BYTES_MIN);
    this.isOn = limit > 0;
    this.noted.clear();
    this.totalBytes = 0;
    if (this.isOn) for (const connection of this.server.connections.values()) this.note(connection);
  }
}

function counts(connection: Connection): boolean {
  return (connection.flags & IS_PRIMARY_LINK) === 0 && classOf(connection) !== 'replica';
}

/** The power of two up to which the size goes. */
function bucketOf(bytes: number): number {
  const power = Math.floor(Math.log2(bytes)) + 1;
  return Math.min(LARGEST_BUCKET, Math.max(SMALLEST_BUCKET, power));
}
