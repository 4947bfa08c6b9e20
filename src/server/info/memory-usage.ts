/**
 * What the server's memory is used for, as INFO memory and MEMORY STATS tell it and as maxmemory counts it.
 *
 *   used = data (the arena's blocks, exact at any moment) + clients' buffers + buffers that maxmemory does not count + the engine's own
 *
 * The engine's heap is full of rubbish most of the time: how much of it is in use only a collection would tell. Its own share is therefore the least that was
 * seen in the last half to whole minute, which some collection has been close to: so keys are not evicted for rubbish. `startup` is what was used
 * before the first key. Resident size comes from the system. Engine and system are asked once a second: each takes longer than all else that a tick does.
 *
 * What clients take is a sum that changes with each look at one of them: when a buffer of theirs was made larger or given away, and by the cron, which sees
 * each about once a second. To go through thousands of them ten times a second would be most of what an idle server does.
 *
 * Invariants: (1) `normalClients` is the sum of all connections' `chargedBytes`, which is 0 for replicas and closed ones; (2) every open connection that is a
 * replica is in `replicas` when it has been looked at since it became one.
 *
 * Source of the fields: spec server.md sections 12, 14 and 17.
 */
import { getHeapStatistics } from 'node:v8';
import { connectionBytes } from '../client-info.js';
import type { Connection } from '../connection.js';
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

/** How often the arena is told what is left for it, and what replicas take is added up. */
const REFRESH_MS = 100;
const SAMPLE_MS = 1000;
/** Samples of which the least is kept, before the next such period begins. */
const SAMPLES_PER_PERIOD = 30;

export class MemoryMeter {
  private readonly server: Server;
  private readonly startupBytes: number;
  private readonly replicas = new Set<Connection>();
  private peakBytes = 0;
  private normalClients = 0;
  private replicaClients = 0;
  private notCountedBytes = 0;
  /** As of the last sample: the engine's heap, its own share, the process's pages. */
  private heapBytes = 0;
  private engineBytes = 0;
  private residentBytes = 0;
  /** Least share of the engine in the period before, and in this one so far. */
  private leastBefore = Number.MAX_SAFE_INTEGER;
  private least = Number.MAX_SAFE_INTEGER;
  private sampleCount = 0;
  /** The largest buffers that clients were seen with since the last sample, and between it and the one before. */
  private readonly input: Peak = { now: 0, before: 0 };
  private readonly output: Peak = { now: 0, before: 0 };

  constructor(server: Server) {
    this.server = server;
    this.sample();
    this.startupBytes = this.used();
    server.cron.every(SAMPLE_MS, () => this.sample());
    server.cron.every(REFRESH_MS, () => {
      this.addReplicas();
      server.memory.refresh();
    });
  }

  /** What is used besides the data and counts for maxmemory. */
  get otherBytes(): number {
    return this.engineBytes + this.normalClients;
  }

  /** The largest buffers of a client in the last second or two. */
  get largestInput(): number {
    return Math.max(this.input.now, this.input.before);
  }

  get largestOutput(): number {
    return Math.max(this.output.now, this.output.before);
  }

  /** Takes notice of what the connection takes now. */
  look(connection: Connection): void {
    const isReplica = classOf(connection) === 'replica';
    const bytes = isReplica || connection.isClosed ? 0 : connectionBytes(connection);
    this.normalClients += bytes - connection.chargedBytes;
    connection.chargedBytes = bytes;
    if (isReplica) this.replicas.add(connection);
    const { pendingLength, queuedBytes } = connection;
    if (pendingLength > this.input.now) this.input.now = pendingLength;
    if (queuedBytes > this.output.now) this.output.now = queuedBytes;
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

  /** The data as they are; engine and resident size as of the last sample, clients as they were when they were looked at. */
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
      resident: this.residentBytes,
      overhead,
      dataset: used - overhead,
      reserved: used - arena.usedBytes + arena.reservedBytes,
      normalClients: this.normalClients,
      replicaClients: this.replicaClients,
      notCounted: this.notCountedBytes,
      engineHeap: this.heapBytes,
    };
  }

  private addReplicas(): void {
    let bytes = 0;
    let queuedBytes = 0;
    for (const connection of this.replicas) {
      if (connection.isClosed || classOf(connection) !== 'replica') {
        this.replicas.delete(connection);
        continue;
      }
      bytes += connectionBytes(connection);
      queuedBytes += connection.transport.queuedBytes;
    }
    this.replicaClients = bytes;
    this.notCountedBytes = queuedBytes + (this.server.commitLog?.pendingBytes ?? 0);
  }

  private sample(): void {
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    const outside = Math.max(0, external - this.server.keyspace.arena.reservedBytes);
    this.heapBytes = heap;
    const engine = Math.max(0, heap + outside - this.normalClients - this.notCountedBytes);
    if (++this.sampleCount % SAMPLES_PER_PERIOD === 0) {
      this.leastBefore = this.least;
      this.least = engine;
    }
    this.least = Math.min(this.least, engine);
    this.engineBytes = Math.min(this.least, this.leastBefore);
    this.residentBytes = process.memoryUsage.rss();
    startPeriod(this.input);
    startPeriod(this.output);
  }
}

interface Peak {
  now: number;
  before: number;
}

function startPeriod(peak: Peak): void {
  peak.before = peak.now;
  peak.now = 0;
}
