/**
 * Who wants to hear of what: connections and the channels they listen to, waiting clients and their keys, watchers and theirs.
 *
 *   subject (a name within a space) ─ its interests, in the order in which they came ┐
 *   owner ──────────────────────────── its interests, in the order in which they came ┴ interest = (subject, owner)
 *
 * A subject is found by its bytes, with no string made of them; an interest comes, is found and goes in O(1). No Map and no Set: those whose entries come and
 * go are copied again and again, and each old copy refers to the next one. Once the collector of young objects has taken one of them for old it finds all
 * later ones reachable, with everything that was ever in them (connection-list.ts). Here objects refer to each other only while they are in use: whatever
 * leaves is cut off from all the others.
 *
 * Invariants: (1) a subject is in its table iff it has interests; (2) an interest is in the list of its subject iff it is in that of its owner; (3) there is
 * at most one interest of an owner in a subject, which the user sees to with `find`.
 */
import { hashBytes } from '../keyspace/key-hash.js';
import { equalBytes } from '../memory/copy.js';
import { Buckets } from './buckets.js';

/** Spreads numbers that are close together over all 32 bits. */
const HASH_FACTOR = 0x9e3779b1;

/** What owners of kind O can be interested in. Its fields are the table's, but for those of the classes that extend it. */
export class Subject<O> {
  /** Number of the database; 0 for what belongs to none. */
  readonly space: number;
  readonly name: Uint8Array;
  readonly hash: number;
  /** How many owners are interested. */
  count = 0;
  first: Interest<this, O> | null = null;
  last: Interest<this, O> | null = null;
  /** What `advance` returns next. */
  upcoming: Interest<this, O> | null = null;
  previous: this | null = null;
  next: this | null = null;
  nextInBucket: this | null = null;

  /** @param name is kept */
  constructor(space: number, name: Uint8Array) {
    this.space = space;
    this.name = name;
    this.hash = hashOf(space, name, 0, name.length);
  }

  /** Begins a walk through its interests, of which any may end meanwhile. One walk at a time. @returns the first, or null */
  begin(): Interest<this, O> | null {
    this.upcoming = this.first;
    return this.advance();
  }

  /** @returns the next of the walk, or null behind the last */
  advance(): Interest<this, O> | null {
    const { upcoming } = this;
    if (upcoming !== null) this.upcoming = upcoming.next;
    return upcoming;
  }
}

export class Interest<S extends Subject<O>, O> {
  readonly subject: S;
  readonly owner: O;
  readonly hash: number;
  /** Of a meaning that its user gives it. */
  isMarked = false;
  /** Those of the same subject. */
  previous: Interest<S, O> | null = null;
  next: Interest<S, O> | null = null;
  /** Those of the same owner. */
  previousOfOwner: Interest<S, O> | null = null;
  nextOfOwner: Interest<S, O> | null = null;
  nextInBucket: Interest<S, O> | null = null;

  constructor(subject: S, owner: O, hash: number) {
    this.subject = subject;
    this.owner = owner;
    this.hash = hash;
  }
}

/** What one owner is interested in. */
export class Interests<S extends Subject<O>, O> {
  count = 0;
  first: Interest<S, O> | null = null;
  last: Interest<S, O> | null = null;
  /** Tells it from others. */
  readonly serial = ++lastSerial;
}

let lastSerial = 0;

export class InterestTable<S extends Subject<O>, O> {
  private readonly subjects = new Buckets<S>();
  private readonly interests = new Buckets<Interest<S, O>>();
  private first: S | null = null;
  private last: S | null = null;
  private upcoming: S | null = null;

  /** How many subjects there are. */
  get size(): number {
    return this.subjects.size;
  }

  /** @returns the subject whose name is `bytes[start … start + length)`, or null */
  find(space: number, bytes: Uint8Array, start: number, length: number): S | null {
    if (this.size === 0) return null;
    const hash = hashOf(space, bytes, start, length);
    for (let subject = this.subjects.chain(hash); subject !== null; subject = subject.nextInBucket) {
      if (subject.hash !== hash || subject.space !== space) continue;
      const { name } = subject;
      if (name.length === length && equalBytes(name, 0, bytes, start, length)) return subject;
    }
    return null;
  }

  /** Adds a subject that is not there, and is to get its first interest now. */
  add(subject: S): void {
    subject.previous = this.last;
    if (this.last === null) this.first = subject;
    else this.last.next = subject;
    this.last = subject;
    this.subjects.put(subject);
  }

  /** @param interests the owner's */
  join(subject: S, owner: O, interests: Interests<S, O>): Interest<S, O> {
    const interest = new Interest<S, O>(subject, owner, pairHash(subject, interests));
    this.interests.put(interest);
    interest.previous = subject.last;
    if (subject.last === null) subject.first = interest;
    else subject.last.next = interest;
    subject.last = interest;
    subject.count++;
    interest.previousOfOwner = interests.last;
    if (interests.last === null) interests.first = interest;
    else interests.last.nextOfOwner = interest;
    interests.last = interest;
    interests.count++;
    return interest;
  }

  /** Ends an interest, and with the last one its subject. @param interests the owner's */
  leave(interest: Interest<S, O>, interests: Interests<S, O>): void {
    const { subject, previous, next, previousOfOwner, nextOfOwner } = interest;
    if (subject.upcoming === interest) subject.upcoming = next;
    if (previous === null) subject.first = next;
    else previous.next = next;
    if (next === null) subject.last = previous;
    else next.previous = previous;
    if (previousOfOwner === null) interests.first = nextOfOwner;
    else previousOfOwner.nextOfOwner = nextOfOwner;
    if (nextOfOwner === null) interests.last = previousOfOwner;
    else nextOfOwner.previousOfOwner = previousOfOwner;
    interest.previous = null;
    interest.next = null;
    interest.previousOfOwner = null;
    interest.nextOfOwner = null;
    this.interests.remove(interest);
    interests.count--;
    if (--subject.count === 0) this.remove(subject);
  }

  /** Ends all interests of an owner. */
  leaveAll(interests: Interests<S, O>): void {
    while (interests.first !== null) this.leave(interests.first, interests);
  }

  /** @returns the owner's interest in the subject, or null */
  interestIn(subject: S, owner: O, interests: Interests<S, O>): Interest<S, O> | null {
    let interest = this.interests.chain(pairHash(subject, interests));
    while (interest !== null && (interest.subject !== subject || interest.owner !== owner))
      interest = interest.nextInBucket;
    return interest;
  }

  /** Begins a walk through the subjects, in the order in which they came. Any may go meanwhile. One walk at a time. @returns the first, or null */
  begin(): S | null {
    this.upcoming = this.first;
    return this.advance();
  }

  /** @returns the next of the walk, or null behind the last */
  advance(): S | null {
    const { upcoming } = this;
    if (upcoming !== null) this.upcoming = upcoming.next;
    return upcoming;
  }

  private remove(subject: S): void {
    const { previous, next } = subject;
    if (this.upcoming === subject) this.upcoming = next;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    subject.previous = null;
    subject.next = null;
    this.subjects.remove(subject);
  }
}

function hashOf(space: number, bytes: Uint8Array, start: number, length: number): number {
  return hashBytes(bytes, start, length) ^ Math.imul(space, HASH_FACTOR);
}

function pairHash<S extends Subject<O>, O>(subject: S, interests: Interests<S, O>): number {
  return subject.hash ^ Math.imul(interests.serial, HASH_FACTOR);
}
