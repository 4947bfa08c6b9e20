/**
 * One database: 16384 slots, each with its own small table (DESIGN section 2), and the only place that changes entries.
 *
 * How a command works on a key: `lookupRead` or `lookupWrite` gives the entry's reference or 0; `add`, `overwrite`, `resizeValue`, `setExpiry`,
 * `clearExpiry` and `remove` change it; a change in place calls `beforeWrite` first. A reference is valid until the next call that may move or
 * free that entry: the methods that may move it return the new one.
 *
 * Invariants: (1) `keyCount` and `expiryCount` are the exact sums over the slots; (2) every change of an entry passes `beforeWrite` or `added` once
 * it is certain to happen, so that a running snapshot sees the old value first and WATCH sees the change; (3) no slot's bound is later
 * than the expiry of a key in it (`expiryBounds`), or than the time of a field (`fieldBounds`); (4) `timedHashCount` is the number of entries with `Entries.isTimedHash`.
 */
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import { betterDistance, copyBytes } from '../memory/copy.js';
import { SLAB_BLOCK_BYTES_MAX } from '../memory/size-classes.js';
import { CLOCK_MASK } from './access-clock.js';
import { ENCODING_RAW, entryBytes, isTimedHashForm, TYPE_STRING } from './entry.js';
import { canShiftExpiry, gapBefore, shiftExpiry, takeOverValue } from './entry-head.js';
import { hashAhead, hashAheadToo, hashKey, keyHashResult } from './key-hash.js';
import { KeySampler } from './key-sampler.js';
import { SLOT_COUNT } from './key-slot.js';
import { KeyWalk } from './key-walk.js';
import type { Keyspace } from './keyspace.js';
import { SlotBounds } from './slot-bounds.js';

/** Room for 8 M keys in all: 64 MiB if none of them come. */
const EXPECTED_PER_SLOT_MAX = 512;

export class Database {
  /** The table of each slot; 0 = no key. */
  readonly slots = new Int32Array(SLOT_COUNT);
  keyCount = 0;
  expiryCount = 0;
  /** Moving average of the remaining life of expiring keys, ms; kept by the active cycle for INFO. */
  averageTtlMs = 0;
  /** Keys that a new slot may expect: while a data set of known size is loaded. */
  private expectedPerSlot = 0;
  /** Number in SELECT; changes with SWAPDB. */
  index: number;
  readonly expiryBounds = new SlotBounds();
  /** Hashes with fields that have times. */
  timedHashCount = 0;
  readonly fieldBounds = new SlotBounds();
  readonly space: Keyspace;
  private readonly sampler: KeySampler;
  /** Slot and hash of the last `find`: of `table.foundItem`, if that is an entry of this database. */
  private foundSlot = 0;
  private foundHash = 0;

  constructor(space: Keyspace, index: number) {
    this.space = space;
    this.index = index;
    this.sampler = new KeySampler(space, this.slots);
  }

  /** @returns the entry of the key whether expired or not, without any effect; 0 for none */
  find(key: Uint8Array, start: number, length: number): Ref {
    const hash = hashKey(key, start, length);
    const slot = keyHashResult.slot;
    this.foundHash = hash;
    this.foundSlot = slot;
    const table = this.slots[slot];
    if (table === 0) {
      this.space.table.foundItem = 0;
      return 0;
    }
    return this.space.table.find(table, hash, key, start, length);
  }

  /**
   * Hashes keys that are about to be looked up, and brings their entries into the cache. No effect but on time.
   * @param count at most WARM_MAX keys, all in `bytes`, which must stay until `forgetHashAhead`
   */
  warm(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number): void {
    let found = 0;
    for (let i = 0; i < count; i++) {
      const hash = hashAhead(bytes, starts[i], lengths[i]);
      const table = this.slots[keyHashResult.slot];
      if (table === 0) continue;
      warmTables[found] = table;
      warmHashes[found++] = hash;
    }
    this.space.table.warm(warmTables, warmHashes, found);
  }

  /**
   * Brings the entries of WARM_MAX keys into the cache that are about to be looked up: numbers `from`, `from + step` and so on of those named, as far as
   * there are any. Their hashes are remembered if something else in these bytes has been hashed ahead.
   * @returns whether most of them lie in memory as they are named
   */
  warmSome(
    bytes: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    end: number,
    step: number,
  ): boolean {
    let found = 0;
    for (let i = from, left = WARM_MAX; i < end && left > 0; i += step, left--) {
      const hash = hashAheadToo(bytes, starts[i], lengths[i]);
      const table = this.slots[keyHashResult.slot];
      if (table === 0) continue;
      warmTables[found] = table;
      warmHashes[found++] = hash;
    }
    return this.space.table.warm(warmTables, warmHashes, found) * 2 > WARM_MAX;
  }

  /** @returns the live entry for a read: counts a hit or miss and refreshes the access clock; 0 for none */
  lookupRead(key: Uint8Array, start: number, length: number): Ref {
    const ref = this.lookupNoTouch(key, start, length);
    if (ref === 0) return 0;
    this.space.access(ref);
    return ref;
  }

  /** As `lookupRead`, but leaves the access clock alone (EXISTS, TTL, TYPE, …). */
  lookupNoTouch(key: Uint8Array, start: number, length: number): Ref {
    const ref = this.lookupUnheard(key, start, length);
    if (ref === 0 && this.space.keyListener !== null) this.space.keyListener.missed(this, key, start, length);
    return ref;
  }

  /** As `lookupNoTouch`, but a miss is told to nobody (OBJECT, …). */
  lookupUnheard(key: Uint8Array, start: number, length: number): Ref {
    const ref = this.find(key, start, length);
    if (ref === 0 || (this.space.entries.hasExpiry(ref) && this.space.isGone(this, ref))) {
      this.space.missCount++;
      return 0;
    }
    this.space.hitCount++;
    return ref;
  }

  /** @returns the live entry for a write: refreshes the access clock, counts neither hit nor miss; 0 for none */
  lookupWrite(key: Uint8Array, start: number, length: number): Ref {
    const ref = this.lookupToRemove(key, start, length);
    if (ref !== 0) this.space.access(ref);
    return ref;
  }

  /** As `lookupWrite`, for an entry that is going: its access clock is left alone, as is the memory in which it lies. */
  lookupToRemove(key: Uint8Array, start: number, length: number): Ref {
    const ref = this.find(key, start, length);
    return ref === 0 || (this.space.entries.hasExpiry(ref) && this.space.isGoneForWrite(this, ref)) ? 0 : ref;
  }

  /**
   * Creates an entry for a key that is not there.
   * @param expireAtMs Unix ms, 0 for none
   * @returns its reference; the value bytes are the caller's to write, at once
   */
  add(
    key: Uint8Array,
    start: number,
    length: number,
    type: number,
    encoding: number,
    valueLength: number,
    expireAtMs: number,
  ): Ref {
    const hash = hashKey(key, start, length);
    const slot = keyHashResult.slot;
    return this.addHashed(key, start, length, hash, slot, type, encoding, valueLength, expireAtMs);
  }

  /**
   * Creates an entry for a key that is not there with the value bytes of another entry, its type, encoding and expiry.
   * @returns its reference
   */
  addCopy(source: Ref, key: Uint8Array, start: number, length: number): Ref {
    const { arena, entries } = this.space;
    const valueLength = entries.valueLength(source);
    const needed = entryBytes(length, valueLength, entries.hasExpiry(source));
    const block = this.placeLike(source, arena.allocate(needed), key, start, length);
    const from = entries.valueStart(source);
    if (valueLength > SLAB_BLOCK_BYTES_MAX) {
      const gap = betterDistance(entries.view(source), from, entries.view(block), entries.valueStart(block));
      if (needed + gap <= arena.blockBytes(block)) entries.setGap(block, gap);
    }
    copyBytes(entries.view(source), from, entries.view(block), entries.valueStart(block), valueLength);
    return block;
  }

  /**
   * Writes a string value, over whatever the key held: the core of SET. The value is copied from `value`.
   * @param ref the key's entry as the last `lookupWrite` of this key gave it, or 0
   * @param expireAtMs Unix ms, 0 for none
   */
  setString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    encoding: number,
    expireAtMs: number,
  ): Ref {
    const entries = this.space.entries;
    let target: Ref;
    if (ref === 0) {
      target = this.addHashed(
        key,
        keyStart,
        keyLength,
        this.foundHash,
        this.foundSlot,
        TYPE_STRING,
        encoding,
        valueLength,
        expireAtMs,
      );
    } else {
      target = this.overwrite(ref, TYPE_STRING, encoding, valueLength, expireAtMs);
    }
    copyBytes(value, valueStart, entries.view(target), entries.valueStart(target), valueLength);
    return target;
  }

  /**
   * As `setString`, for a long value in a buffer that nobody else needs any more, with `room` bytes before the value that are nobody's.
   * @returns whether the buffer is the entry's now; if not, the value was copied
   */
  takeString(
    ref: Ref,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    room: number,
    expireAtMs: number,
  ): boolean {
    const headBytes = entryBytes(keyLength, 0, expireAtMs > 0);
    const block =
      headBytes <= room ? this.space.arena.adopt(value, valueStart - headBytes, headBytes + valueLength) : 0;
    if (block === 0) {
      this.setString(ref, key, keyStart, keyLength, value, valueStart, valueLength, ENCODING_RAW, expireAtMs);
      return false;
    }
    if (ref === 0) {
      const { foundHash, foundSlot } = this;
      this.place(
        block,
        key,
        keyStart,
        keyLength,
        foundHash,
        foundSlot,
        TYPE_STRING,
        ENCODING_RAW,
        valueLength,
        expireAtMs,
      );
    } else {
      this.replace(ref, block, TYPE_STRING, ENCODING_RAW, valueLength, expireAtMs);
    }
    return true;
  }

  /** Fills the value of an entry that was just created or overwritten with this length. */
  writeValue(ref: Ref, value: Uint8Array, start: number, length: number): void {
    const { entries } = this.space;
    copyBytes(value, start, entries.view(ref), entries.valueStart(ref), length);
  }

  /**
   * Replaces an entry's value by one of another type or length; the key stays, the old value is freed.
   * @returns the entry's reference; the value bytes are undefined and the caller's to write, at once
   */
  overwrite(ref: Ref, type: number, encoding: number, valueLength: number, expireAtMs: number): Ref {
    const { entries, arena } = this.space;
    const needed = entryBytes(entries.keyLength(ref), valueLength, expireAtMs > 0);
    // Allocated before anything changes: it may fail.
    const isKept = entries.hasExpiry(ref) === expireAtMs > 0 && arena.fits(ref, needed);
    return this.replace(ref, isKept ? ref : arena.allocate(needed), type, encoding, valueLength, expireAtMs);
  }

  /** As `overwrite`, in a block of the caller's choice, which may be the entry's own. @returns `target` */
  private replace(ref: Ref, target: Ref, type: number, encoding: number, valueLength: number, expireAtMs: number): Ref {
    const { entries } = this.space;
    this.beforeEnd(ref);
    const hadExpiry = entries.hasExpiry(ref);
    const keyLength = entries.keyLength(ref);
    if (entries.type(ref) !== TYPE_STRING) this.space.freeValue(ref);
    if (entries.isTimedHash(ref)) this.timedHashCount--;
    if (isTimedHashForm(type, encoding)) this.timedHashCount++;
    if (hadExpiry || expireAtMs > 0) this.noteExpiryChange(ref, hadExpiry, expireAtMs);
    entries.writeHeader(target, type, encoding, keyLength, valueLength, expireAtMs, entries.clockAndMark(ref));
    if (target !== ref) {
      copyBytes(entries.view(ref), entries.keyStart(ref), entries.view(target), entries.keyStart(target), keyLength);
      this.relocate(ref, target);
    }
    return target;
  }

  /**
   * Changes the length of a value; the bytes that both lengths share stay.
   * @returns the entry's reference; bytes beyond the old length are undefined
   */
  resizeValue(ref: Ref, valueLength: number): Ref {
    this.beforeWrite(ref);
    return this.resizeAnnounced(ref, valueLength);
  }

  /** As `resizeValue`, for a value that means the same afterwards: WATCH and tracking do not see it. */
  resizeQuietly(ref: Ref, valueLength: number): Ref {
    this.beforeQuietWrite(ref);
    return this.resizeAnnounced(ref, valueLength);
  }

  private resizeAnnounced(ref: Ref, valueLength: number): Ref {
    const entries = this.space.entries;
    const keyLength = entries.keyLength(ref);
    const expireAtMs = entries.expireAtMs(ref);
    const needed = entryBytes(keyLength, valueLength, expireAtMs > 0) + entries.gap(ref);
    if (this.space.arena.fits(ref, needed) || this.space.arena.extend(ref, needed)) {
      entries.setValueLength(ref, valueLength);
      return ref;
    }
    const oldLength = entries.valueLength(ref);
    // Growth by small steps (APPEND) leaves room behind the value, so that n appends cost O(n) and not O(n²).
    const room = valueLength > oldLength && oldLength > 64 ? needed + (valueLength >> 2) : needed;
    const moved = this.space.arena.allocate(room);
    this.moveEntry(ref, moved, keyLength, valueLength, expireAtMs, Math.min(oldLength, valueLength));
    return moved;
  }

  /** Gives the entry an expiry (Unix ms, positive). @returns its reference */
  setExpiry(ref: Ref, expireAtMs: number): Ref {
    return this.changeExpiry(ref, expireAtMs);
  }

  /** Takes the entry's expiry away. @returns its reference */
  clearExpiry(ref: Ref): Ref {
    return this.changeExpiry(ref, 0);
  }

  /**
   * Gives the entry's value, expiry and access clock to another key, here or in another database, where that key must not exist: RENAME and MOVE.
   * @returns the reference of the new entry; the old one is gone
   */
  transfer(ref: Ref, target: Database, key: Uint8Array, keyStart: number, keyLength: number): Ref {
    const { arena, entries } = this.space;
    const headBytes = entryBytes(keyLength, 0, entries.hasExpiry(ref));
    const gap = gapBefore(arena, entries, ref, headBytes);
    const moved =
      gap < 0
        ? target.addCopy(ref, key, keyStart, keyLength)
        : target.placeLike(
            ref,
            arena.allocateHead(headBytes + gap + entries.valueLength(ref), headBytes + gap),
            key,
            keyStart,
            keyLength,
          );
    if (gap > 0) entries.setGap(moved, gap);
    const mark = entries.clockAndMark(moved) & ~CLOCK_MASK;
    entries.setClockAndMark(moved, mark | (entries.clockAndMark(ref) & CLOCK_MASK));
    this.beforeEnd(ref);
    this.detach(ref);
    if (gap >= 0) takeOverValue(arena, entries, ref, moved);
    // The value's own blocks, if it has any, belong to the new entry now.
    arena.free(ref);
    return moved;
  }

  /** @returns an entry picked with equal chance among all, expired ones too; 0 if there is none */
  randomEntry(): Ref {
    return this.keyCount === 0 ? 0 : this.sampler.any();
  }

  /** As `KeySampler.some`; 0 if there is none. */
  sample(sampled: Ref[], places: number): number {
    return this.keyCount === 0 ? 0 : this.sampler.some(sampled, places);
  }

  /** As `KeySampler.someExpiring`; 0 if there is none. */
  sampleExpiring(sampled: Ref[], max: number): number {
    return this.expiryCount === 0 ? 0 : this.sampler.someExpiring(sampled, max);
  }

  /** @returns whether `ref`, of which nothing else is known, is the entry of a key with this hash in this slot; it is then taken for found */
  holds(ref: Ref, hash: number, slot: number): boolean {
    this.foundHash = hash;
    this.foundSlot = slot;
    return this.slots[slot] !== 0 && this.space.table.holds(this.slots[slot], hash, ref);
  }

  /**
   * Tells how many keys are about to be added, so that tables need not grow step by step (half of the time that inserting takes); 0 when they have been.
   * A wrong number costs memory at most for as many keys as it says, up to EXPECTED_PER_SLOT_MAX in each slot that gets any.
   */
  expect(keyCount: number): void {
    this.expectedPerSlot = Math.min(EXPECTED_PER_SLOT_MAX, Math.floor(keyCount / SLOT_COUNT));
  }

  /** Removes the entry and frees its value. */
  remove(ref: Ref): void {
    this.beforeEnd(ref);
    this.detach(ref);
    this.space.release(ref);
  }

  /** As `remove`, for an entry whose key gets another one at once by `add`: the key is then not new. */
  displace(ref: Ref): void {
    this.remove(ref);
    this.space.hidesBirth = this.space.keyListener !== null;
  }

  /** Announces a change in place of the entry's value. */
  beforeWrite(ref: Ref): void {
    if (this.space.isGuarded) this.space.guard(this, ref);
  }

  /** Announces a change that WATCH does not see: of a stream's consumer groups, of what it remembers, of a value's form. */
  beforeQuietWrite(ref: Ref): void {
    if (this.space.isGuarded) this.space.guardSnapshot(this, ref);
  }

  /** Changes the encoding of a hash, whose value is in the form of the new one, between two of which one is timed. */
  setTimed(ref: Ref, encoding: number): void {
    const { entries } = this.space;
    entries.setEncoding(ref, encoding);
    this.timedHashCount += entries.isTimedHash(ref) ? 1 : -1;
  }

  /** To be called when a field of a hash gets a time (Unix ms) earlier than those of all others. */
  noteFieldTime(ref: Ref, atMs: number): void {
    this.fieldBounds.lower(this.slotOf(ref), atMs);
  }

  /**
   * For walks over all slots while keys come and go: brings the tables of the next ones into the cache, and their keys, as far as they are small.
   * @returns the slot behind them, before which it is to be called again
   */
  warmSlots(from: number): number {
    const end = Math.min(from + WARM_MAX, SLOT_COUNT);
    return Math.max(from + 1, this.space.table.collectSmall(this.slots, from, end, warmItems));
  }

  /** @returns a walk over all entries */
  walk(): KeyWalk {
    return new KeyWalk(this.space.table, this.slots);
  }

  /** Calls `visit` for every entry; it must not change the database. O(n), without a break. */
  forEach(visit: (ref: Ref) => void): void {
    const walk = this.walk();
    while (walk.next()) for (let i = 0; i < walk.count; i++) visit(walk.refs[i]);
  }

  /** @returns number of keys in the slot */
  slotKeyCount(slot: number): number {
    const table = this.slots[slot];
    return table === 0 ? 0 : this.space.table.count(table);
  }

  private beforeEnd(ref: Ref): void {
    if (this.space.isGuarded) this.space.ending(this, ref);
  }

  /** Takes the entry out of its table without freeing it. */
  private detach(ref: Ref): void {
    const entries = this.space.entries;
    const table = this.space.table;
    let slot = this.foundSlot;
    let hash = 0;
    const isFound = table.foundItem === ref;
    if (!isFound) {
      hash = hashKey(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
      slot = keyHashResult.slot;
    }
    const items = this.slots[slot];
    if (table.count(items) === 1) {
      table.destroy(items);
      this.slots[slot] = 0;
    } else if (isFound) {
      table.removeFound(items);
    } else {
      table.remove(items, hash, ref);
    }
    this.keyCount--;
    if (entries.isTimedHash(ref)) this.timedHashCount--;
    if (entries.hasExpiry(ref)) {
      this.expiryCount--;
      this.sampler.noteExpiry(slot, -1);
    }
    this.sampler.noteKey(slot, -1);
  }

  private addHashed(
    key: Uint8Array,
    start: number,
    length: number,
    hash: number,
    slot: number,
    type: number,
    encoding: number,
    valueLength: number,
    expireAtMs: number,
  ): Ref {
    const block = this.space.arena.allocate(entryBytes(length, valueLength, expireAtMs > 0));
    return this.place(block, key, start, length, hash, slot, type, encoding, valueLength, expireAtMs);
  }

  /** As `place`, of the same type, encoding, value length and expiry as another entry, without its value. */
  private placeLike(source: Ref, block: Ref, key: Uint8Array, start: number, length: number): Ref {
    const { entries } = this.space;
    const hash = hashKey(key, start, length);
    const slot = keyHashResult.slot;
    const type = entries.type(source);
    const valueLength = entries.valueLength(source);
    const expireAtMs = entries.expireAtMs(source);
    return this.place(block, key, start, length, hash, slot, type, entries.encoding(source), valueLength, expireAtMs);
  }

  /** Makes a block that is large enough the entry of a key that is not there. @returns the block */
  private place(
    ref: Ref,
    key: Uint8Array,
    start: number,
    length: number,
    hash: number,
    slot: number,
    type: number,
    encoding: number,
    valueLength: number,
    expireAtMs: number,
  ): Ref {
    const space = this.space;
    space.entries.writeHeader(ref, type, encoding, length, valueLength, expireAtMs, space.birthClockAndMark);
    copyBytes(key, start, space.entries.view(ref), space.entries.keyStart(ref), length);
    if (this.slots[slot] === 0) this.slots[slot] = space.table.create(this.expectedPerSlot);
    space.table.insert(this.slots[slot], hash, ref);
    this.keyCount++;
    this.sampler.noteKey(slot, 1);
    if (expireAtMs > 0) {
      this.countExpiry(slot, expireAtMs);
      if (space.expiryObserver !== null) space.expiryObserver.given(this, ref);
    }
    if (isTimedHashForm(type, encoding)) {
      this.timedHashCount++;
      // Its times are not known here: the active cycle will find out.
      this.fieldBounds.lower(slot, 0);
    }
    if (space.isGuarded) space.added(this, ref);
    return ref;
  }

  private changeExpiry(ref: Ref, expireAtMs: number): Ref {
    const entries = this.space.entries;
    this.beforeWrite(ref);
    const hadExpiry = entries.hasExpiry(ref);
    const hasExpiry = expireAtMs > 0;
    if (!hadExpiry && !hasExpiry) return ref;
    if (hadExpiry && hasExpiry) {
      this.noteExpiryChange(ref, hadExpiry, expireAtMs);
      entries.updateExpiry(ref, expireAtMs);
      return ref;
    }
    const { arena } = this.space;
    const keyLength = entries.keyLength(ref);
    const valueLength = entries.valueLength(ref);
    const needed = entryBytes(keyLength, valueLength, hasExpiry) + entries.gap(ref);
    const moved = canShiftExpiry(arena, ref, hasExpiry, needed) ? ref : arena.allocate(needed);
    this.noteExpiryChange(ref, hadExpiry, expireAtMs);
    if (moved === ref) {
      shiftExpiry(arena, entries, ref, expireAtMs, needed);
      return ref;
    }
    this.moveEntry(ref, moved, keyLength, valueLength, expireAtMs, valueLength);
    return moved;
  }

  /** Writes the entry anew into the fresh block `moved`, with its first `keptBytes` of value, and gives the old block back. */
  private moveEntry(
    ref: Ref,
    moved: Ref,
    keyLength: number,
    valueLength: number,
    expireAtMs: number,
    keptBytes: number,
  ): void {
    const { entries } = this.space;
    const clockAndMark = entries.clockAndMark(ref);
    const gap = entries.gap(ref);
    entries.writeHeader(
      moved,
      entries.type(ref),
      entries.encoding(ref),
      keyLength,
      valueLength,
      expireAtMs,
      clockAndMark,
    );
    entries.setGap(moved, gap);
    copyBytes(
      entries.view(ref),
      entries.keyStart(ref),
      entries.view(moved),
      entries.keyStart(moved),
      keyLength + gap + keptBytes,
    );
    this.relocate(ref, moved);
  }

  /** Points the entry's cell to its new block and frees the old one. */
  private relocate(ref: Ref, moved: Ref): void {
    const table = this.space.table;
    if (table.foundItem === ref) {
      table.replaceFound(moved);
    } else {
      const entries = this.space.entries;
      const hash = hashKey(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
      table.replace(this.slots[keyHashResult.slot], hash, ref, moved);
      this.foundHash = hash;
      this.foundSlot = keyHashResult.slot;
    }
    this.space.arena.free(ref);
  }

  /** The entry, which has or gets an expiry, gets another one or none (0). */
  private noteExpiryChange(ref: Ref, hadExpiry: boolean, expireAtMs: number): void {
    const slot = this.slotOf(ref);
    if (hadExpiry) {
      this.expiryCount--;
      this.sampler.noteExpiry(slot, -1);
    }
    if (expireAtMs === 0) return;
    this.countExpiry(slot, expireAtMs);
    if (this.space.expiryObserver !== null) this.space.expiryObserver.given(this, ref);
  }

  private countExpiry(slot: number, expireAtMs: number): void {
    this.expiryCount++;
    this.sampler.noteExpiry(slot, 1);
    this.expiryBounds.lower(slot, expireAtMs);
  }

  /** @returns the slot of an entry, which mostly is the one that was found last */
  private slotOf(ref: Ref): number {
    const { table, entries } = this.space;
    if (table.foundItem === ref) return this.foundSlot;
    hashKey(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    return keyHashResult.slot;
  }
}

/** Keys being warmed; used within one call only. */
const warmTables = new Int32Array(WARM_MAX);
const warmHashes = new Int32Array(WARM_MAX);
/** Of slots being warmed. */
const warmItems: Ref[] = [];
