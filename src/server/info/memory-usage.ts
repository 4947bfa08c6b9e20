/**
 * What the server's memory is used for, as INFO memory and MEMORY STATS tell it and as maxmemory counts it.
 *
 *   used = data (the arena's blocks, exact at any moment) + clients' buffers + buffers that maxmemory does not count + the engine's own
 *
 * The engine's heap is full of rubbish most of the time: how much of it is in use only a collection would tell. Its own share is therefore the least that was
 * seen in the last half to whole minute, which some collection has been close to: so keys are not evicted for rubbish. `startup` is what was used
 * before the first key. Resident size comes from the system. Source of the fields: spec server.md sections 12, 14 and 17.
 */
import { getHeapStatistics } from 'node:v8';
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
  readonly notCounted: number;
  /** Of the engine's heap, rubbish included. */
  readonly engineHeap: number;
}

const SAMPLE_MS = 100;
/** Samples of which the least is kept, before the next such period begins. */
const SAMPLES_PER_PERIOD = 300;

export class MemoryMeter {
  /** What is used besides the data and counts for maxmemory, as of the last sample. */
  otherBytes = 0;
  /** The largest buffers of a client, as of the last sample. */
  largestInput = 0;
  largestOutput = 0;
  private readonly server: Server;
  private readonly startupBytes: number;
  private peakBytes = 0;
  /** Of the last sample. */
  private normalClients = 0;
  private replicaClients = 0;
  private notCountedBytes = 0;
  private heapBytes = 0;
  /** Least share of the engine in the period before, and in this one so far. */
  private leastBefore = Number.MAX_SAFE_INTEGER;
  private least = Number.MAX_SAFE_INTEGER;
  private sampleCount = 0;

  constructor(server: Server) {
    this.server = server;
    this.sample();
    this.startupBytes = this.used();
    server.cron.every(SAMPLE_MS, () => {
      this.sample();
      server.memory.refresh();
    });
  }

  /** Memory in use that counts for maxmemory. */
  get countedBytes(): number {
    return this.server.keyspace.arena.usedBytes + this.otherBytes;
  }

  /** Memory in use. Cheap enough for each tick. */
  used(): number {
    const used = this.countedBytes + this.notCountedBytes;
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  resetPeak(): void {
    this.peakBytes = 0;
    this.used();
  }

  /** The data as they are; clients and engine as of the last sample: to go through thousands of clients takes a millisecond. */
  usage(): MemoryUsage {
    const used = this.used();
    const { arena } = this.server.keyspace;
    // Rubbish that was there at the start has been collected since: what is used besides the data cannot be data.
    const startup = Math.min(this.startupBytes, used - arena.usedBytes);
    const overhead = Math.min(used, startup + this.normalClients + this.replicaClients);
    return {
      used,
      peak: this.peakBytes,
      startup,
      resident: process.memoryUsage.rss(),
      overhead,
      dataset: used - overhead,
      reserved: used - arena.usedBytes + arena.reservedBytes,
      normalClients: this.normalClients,
      replicaClients: this.replicaClients,
      notCounted: this.notCountedBytes,
      engineHeap: this.heapBytes,
    };
  }

  private sample(): void {
    const { server } = this;
    this.normalClients = 0;
    this.replicaClients = 0;
    this.largestInput = 0;
    this.largestOutput = 0;
    let replicaQueue = 0;
    for (const connection of server.connections.values()) {
      if (connection.pendingLength > this.largestInput) this.largestInput = connection.pendingLength;
      if (connection.queuedBytes > this.largestOutput) this.largestOutput = connection.queuedBytes;
      if (classOf(connection) === 'replica') {
        this.replicaClients += connectionBytes(connection);
        replicaQueue += connection.transport.queuedBytes;
      } else {
        this.normalClients += connectionBytes(connection);
      }
    }
    this.notCountedBytes = replicaQueue + (server.commitLog?.pendingBytes ?? 0);
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    const outside = Math.max(0, external - server.keyspace.arena.reservedBytes);
    this.heapBytes = heap;
    const engine = Math.max(0, heap + outside - this.normalClients - this.notCountedBytes);
    if (++this.sampleCount % SAMPLES_PER_PERIOD === 0) {
      this.leastBefore = this.least;
      this.least = engine;
    }
    this.least = Math.min(this.least, engine);
    this.otherBytes = Math.min(this.least, this.leastBefore) + this.normalClients;
  }
}
