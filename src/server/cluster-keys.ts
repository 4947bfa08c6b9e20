/** The keys of one slot, as the cluster deals with them: listed for GETKEYSINSLOT, deleted when the slot is lost. Only database 0 exists in a cluster. */
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Propagation } from './propagation.js';

/** @returns at most `countMax` entries of the slot, expired ones included; good until the next change of the keyspace */
export function entriesOfSlot(keyspace: Keyspace, slot: number, countMax: number): Ref[] {
  const { table, databases } = keyspace;
  const slotTable = databases[0].slots[slot];
  const refs: Ref[] = [];
  if (slotTable === 0) return refs;
  const bucketCount = table.bucketCount(slotTable);
  for (let bucket = 0; bucket < bucketCount && refs.length < countMax; bucket++) {
    table.visitBucket(slotTable, bucket, (ref) => refs.push(ref));
  }
  if (refs.length > countMax) refs.length = countMax;
  return refs;
}

/** Deletes every key of the slot; replicas and the append-only file are told key by key. @returns how many there were */
export function deleteSlot(keyspace: Keyspace, propagation: Propagation, slot: number, name: 'DEL' | 'UNLINK'): number {
  const db = keyspace.databases[0];
  const { entries } = keyspace;
  const refs = entriesOfSlot(keyspace, slot, Number.MAX_SAFE_INTEGER);
  for (const ref of refs) {
    propagation.deletion(db.index, name, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    db.remove(ref);
  }
  keyspace.dirty += refs.length;
  return refs.length;
}
