/** What HEXPIRE and its kin, HGETEX and HSETEX do to fields: they give them a time, take it away, or remove them at once if it is over already. */
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_HASH } from '../server/notify-classes.js';
import { hashesOf } from '../types/hash.js';
import { propagateFieldDeletion, propagateFieldTimes, propagatePersistence } from './hash-expire-propagation.js';
import { dropIfEmpty } from './hash-fields.js';

/** In the place of a time: none. */
export const FOREVER = -3;

export class FieldTimeChange {
  /** Whether the fields end at once. On a replica none does: a time that is over can come from the primary alone, whose HDEL will follow. */
  isOver = false;
  private timeMs = 0;
  /** Arguments whose fields were changed. */
  private readonly changed: number[] = [];

  get count(): number {
    return this.changed.length;
  }

  /** @param timeMs Unix ms, not negative; or FOREVER */
  begin({ keyspace }: Invocation, timeMs: number): void {
    this.timeMs = timeMs;
    this.isOver = timeMs >= 0 && timeMs <= keyspace.nowMs && keyspace.expiryMode === EXPIRY_DELETE;
    this.changed.length = 0;
  }

  /** Changes the field in argument `at`, which was there when the command began. @returns the entry, whose hash may be empty now */
  apply(call: Invocation, ref: Ref, at: number): Ref {
    const { bytes, starts, lengths } = call.request;
    const hashes = hashesOf(call.keyspace);
    this.changed.push(at);
    // A field that is named twice is gone already.
    if (this.isOver) return hashes.remove(call.db, ref, bytes, starts[at], lengths[at]) || ref;
    const timeMs = this.timeMs === FOREVER ? 0 : Math.max(1, this.timeMs);
    return hashes.fieldTimes.setTime(call.db, ref, bytes, starts[at], lengths[at], timeMs);
  }

  /** Tells what was changed, if anything was, and removes the key of a hash that is empty. */
  finish(call: Invocation, ref: Ref): void {
    const { changed, isOver, timeMs } = this;
    if (changed.length === 0) return;
    call.notify(NOTIFY_HASH, isOver ? 'hdel' : timeMs === FOREVER ? 'hpersist' : 'hexpire', 1);
    if (isOver) propagateFieldDeletion(call, changed);
    else if (timeMs === FOREVER) propagatePersistence(call, changed);
    else propagateFieldTimes(call, timeMs, changed);
    dropIfEmpty(call, ref);
  }
}
