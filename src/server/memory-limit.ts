/**
 * maxmemory: whether a command may take more memory. Source: spec server.md section 12, rules 1 and 2.
 *
 * What counts is the data (the arena, exact at any moment) and the rest of the process's memory as it was at the last sample, without what
 * Redis leaves out too: the replication backlog and the append-only buffer.
 */
import type { Keyspace } from '../keyspace/keyspace.js';

export class MemoryLimit {
  /** 0 = no limit. */
  bytesMax = 0;
  /** Memory in use besides the data; sampled, as asking for it takes longer than a command. */
  otherBytes = 0;
  /** Keys evicted so far. */
  evictedCount = 0;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** @returns whether memory is within the limit */
  hasRoom(): boolean {
    return this.bytesMax === 0 || this.keyspace.arena.usedBytes + this.otherBytes <= this.bytesMax;
  }
}
