/** maxmemory: whether a command may take more memory, and making room by eviction. Source: spec server.md section 12. */
import type { Keyspace } from '../keyspace/keyspace.js';

export class MemoryLimit {
  /** 0 = no limit. */
  bytesMax = 0;
  /** Keys evicted so far. */
  evictedCount = 0;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** @returns whether memory is within the limit */
  makeRoom(): boolean {
    return this.bytesMax === 0 || this.keyspace.arena.usedBytes <= this.bytesMax;
  }
}
