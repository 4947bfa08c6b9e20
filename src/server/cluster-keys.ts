/** The keys of one slot, as the cluster deals with them: listed for GETKEYSINSLOT, deleted when the slot is lost. Only database 0 exists in a cluster. */
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Propagation } from './propagation.js';

/** Lists the keys of a slot, as often as it takes to move them away. */
export class SlotKeys {
  private readonly keyspace: Keyspace;
  /**
   * Where the last search found its first key. Who moves a slot asks for its first keys, takes them away and asks again: from the slot's first bucket each
   * search would go through all that has been emptied.
   */
  private slot = 0;
  private firstBucket = 0;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** @returns at most `countMax` entries of the slot, expired ones included; good until the next change of the keyspace */
  first(slot: number, countMax: number): Ref[] {
    const { table, databases } = this.keyspace;
    const slotTable = databases[0].slots[slot];
    const refs: Ref[] = [];
    if (slotTable === 0) return refs;
    const bucketCount = table.bucketCount(slotTable);
    let bucket = slot === this.slot && this.firstBucket < bucketCount ? this.firstBucket : 0;
    for (let seen = 0; seen < bucketCount && refs.length < countMax; seen++) {
      const isFirst = refs.length === 0;
      table.visitBucket(slotTable, bucket, (ref) => refs.push(ref));
      if (isFirst && refs.length > 0) {
        this.slot = slot;
        this.firstBucket = bucket;
      }
      bucket = bucket + 1 === bucketCount ? 0 : bucket + 1;
    }
    if (refs.length > countMax) refs.length = countMax;
    return refs;
  }
}

/** Deletes every key of the slot; replicas and the append-only file are told key by key. @returns how many there were */
export function deleteSlot(keyspace: Keyspace, propagation: Propagation, slot: number, name: 'DEL' | 'UNLINK'): number {
  const db = keyspace.databases[0];
  const { entries } = keyspace;
  const refs = new SlotKeys(keyspace).first(slot, Number.MAX_SAFE_INTEGER);
  for (const ref of refs) {
    propagation.deletion(db.index, name, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    db.remove(ref);
  }
  keyspace.dirty += refs.length;
  return refs.length;
}
