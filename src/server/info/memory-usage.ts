/**
 * What the server's memory is used for, as INFO memory and MEMORY STATS tell it.
 *
 * `used` is exact for the data (the arena counts its blocks) plus the engine's heap and its buffers outside; `startup` is what was used before the
 * first key. Resident size comes from the system. Source of the fields: spec server.md sections 14 and 17.
 */
import { connectionBytes } from '../client-info.js';
import { classOf } from '../output-limits.js';
import type { Server } from '../server.js';

export interface MemoryUsage {
  /** All figures in bytes. */
  readonly used: number;
  readonly peak: number;
  readonly startup: number;
  readonly resident: number;
  readonly overhead: number;
  readonly dataset: number;
  readonly reserved: number;
  readonly normalClients: number;
  readonly replicaClients: number;
}

export class MemoryMeter {
  private readonly server: Server;
  private readonly startupBytes: number;
  private peakBytes = 0;

  constructor(server: Server) {
    this.server = server;
    this.startupBytes = heapBytes(server);
  }

  /** Memory in use: the arena's blocks and everything of the engine's that is not the arena. Cheap enough for each tick. */
  used(): number {
    const used = this.server.keyspace.arena.usedBytes + heapBytes(this.server);
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  resetPeak(): void {
    this.peakBytes = 0;
    this.used();
  }

  usage(): MemoryUsage {
    const used = this.used();
    const { arena } = this.server.keyspace;
    let normalClients = 0;
    let replicaClients = 0;
    for (const connection of this.server.connections.values()) {
      if (classOf(connection) === 'replica') replicaClients += connectionBytes(connection);
      else normalClients += connectionBytes(connection);
    }
    // Rubbish that was there at the start has been collected since: what is used besides the data cannot be data.
    const startup = Math.min(this.startupBytes, used - arena.usedBytes);
    const overhead = Math.min(used, startup + normalClients + replicaClients);
    return {
      used,
      peak: this.peakBytes,
      startup,
      resident: process.memoryUsage.rss(),
      overhead,
      dataset: used - overhead,
      reserved: used - arena.usedBytes + arena.reservedBytes,
      normalClients,
      replicaClients,
    };
  }
}

function heapBytes(server: Server): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + Math.max(0, external - server.keyspace.arena.reservedBytes);
}
