/**
 * Client-side caching: clients that track are told when keys that they have read, or that begin with a prefix of theirs, change.
 * Source: spec server.md section 5.7.
 *
 *   default    keys of each reading command are remembered (tracking-table.ts); the first change tells their clients once and forgets the key
 *   BCAST      nothing is remembered; changed keys with a prefix that somebody wants are collected, and told at the end of the turn
 *
 * What is told goes to the client itself, as a push of RESP3, or to another one that it names (REDIRECT), in RESP2 as a message of
 * `__redis__:invalidate`.
 *
 * Invariants: (1) IS_TRACKING is set iff the connection's tracker is on; (2) the keyspace has this listener iff somebody tracks; (3) a tracker is in
 * `prefixes` iff it broadcasts. A number once given to a tracker is never given to another one: what is remembered for those who are gone tells nobody.
 */
import { type Command, PUBSUB, READONLY } from '../commands/command.js';
import { findKeys } from '../commands/keys.js';
import type { Database } from '../keyspace/database.js';
import type { ChangeListener } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Request } from '../resp/request.js';
import type { Connection } from './connection.js';
import { IN_MULTI, IS_PUBSUB, IS_TRACKING } from './connection-flags.js';
import { GATE_LOADING } from './dispatcher.js';
import type { Server } from './server.js';
import { TrackingTable } from './tracking-table.js';

const CHANNEL = '__redis__:invalidate';
/** Keys forgotten at once when there are too many; a table that grew faster shrinks with the next reads. */
const EVICTED_MAX = 100;

/** How a client tracks. */
export interface TrackingOptions {
  /** Connection that is told in its place; 0 for none. */
  readonly redirectId: number;
  readonly isBroadcasting: boolean;
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  /** What it changes itself is not told. */
  readonly isNoLoop: boolean;
}

/** A client that tracks, or has done so. */
export interface Tracker {
  readonly number: number;
  options: TrackingOptions;
  /** CLIENT CACHING was the last command: the next one is remembered in OPTIN mode, and is not in OPTOUT mode. */
  isCachingGiven: boolean;
  isRedirectBroken: boolean;
  readonly prefixes: Set<string>;
}

/** A prefix that somebody broadcasts. */
interface Prefix {
  readonly trackers: Set<Connection>;
  /** Keys changed in this turn, and who did it last. */
  readonly changed: Map<string, Connection | null>;
}

export class Tracking implements ChangeListener {
  readonly table: TrackingTable;
  /** Connections that track, by their trackers' numbers. */
  private readonly trackers = new Map<number, Connection>();
  private readonly prefixes = new Map<string, Prefix>();
  private hasChangedPrefixes = false;
  /** The key that changes next expires or is evicted: no client has done it. */
  private isNobodys = false;
  private nextNumber = 1;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    this.table = new TrackingTable(server.keyspace);
    server.onTurnEnd(() => this.broadcast());
  }

  get clientCount(): number {
    return this.trackers.size;
  }

  get prefixCount(): number {
    return this.prefixes.size;
  }

  /** Turns tracking on, or changes how a client tracks. @param prefixes are added to those it has */
  enable(connection: Connection, options: TrackingOptions, prefixes: readonly string[]): void {
    connection.tracker ??= {
      number: this.nextNumber++,
      options,
      isCachingGiven: false,
      isRedirectBroken: false,
      prefixes: new Set(),
    };
    const { tracker } = connection;
    tracker.options = options;
    tracker.isRedirectBroken = false;
    connection.flags |= IS_TRACKING;
    this.trackers.set(tracker.number, connection);
    this.server.keyspace.setTrackingListener(this);
    if (!options.isBroadcasting) return;
    for (const text of prefixes.length === 0 ? [''] : prefixes) {
      tracker.prefixes.add(text);
      const prefix = this.prefixes.get(text);
      if (prefix === undefined) this.prefixes.set(text, { trackers: new Set([connection]), changed: new Map() });
      else prefix.trackers.add(connection);
    }
  }

  /** Turns tracking off. What the client has read stays remembered, should it turn it on again. */
  disable(connection: Connection): void {
    const { tracker } = connection;
    if (tracker === null || (connection.flags & IS_TRACKING) === 0) return;
    for (const text of tracker.prefixes) {
      const prefix = this.prefixes.get(text)!;
      prefix.trackers.delete(connection);
      if (prefix.trackers.size === 0) this.prefixes.delete(text);
    }
    tracker.prefixes.clear();
    tracker.isCachingGiven = false;
    tracker.isRedirectBroken = false;
    connection.flags &= ~IS_TRACKING;
    this.trackers.delete(tracker.number);
    if (this.trackers.size > 0) return;
    this.server.keyspace.setTrackingListener(null);
    this.table.clear();
  }

  /** A client that tracks has executed a command. */
  executed(connection: Connection, request: Request, command: Command): void {
    const { options, isCachingGiven } = connection.tracker!;
    const isWanted = options.isOptIn ? isCachingGiven : !(options.isOptOut && isCachingGiven);
    if (isWanted && !options.isBroadcasting && (command.flags & (READONLY | PUBSUB)) === READONLY) {
      this.remember(connection.tracker!, request, command);
    }
    // CLIENT CACHING is for one command, or for one transaction.
    if ((connection.flags & IN_MULTI) === 0 && !connection.isExecuting && command.parent?.fullName !== 'client')
      connection.tracker!.isCachingGiven = false;
  }

  /** The key that changes next expires or is evicted. */
  goesByItself(): void {
    this.isNobodys = true;
  }

  changed(_db: Database, ref: Ref): void {
    const { server } = this;
    const { isNobodys } = this;
    this.isNobodys = false;
    if ((server.gates & GATE_LOADING) !== 0) return;
    const caller = server.speaker === null ? null : server.dispatcher.caller;
    const { entries } = server.keyspace;
    const view = entries.view(ref);
    const start = entries.keyStart(ref);
    const length = entries.keyLength(ref);
    // A key that ends under somebody's command is told to its NOLOOP client if it broadcasts, and is not otherwise: so does the real server.
    if (this.prefixes.size > 0) this.collect(view, start, length, isNobodys ? null : caller);
    if (this.table.take(view, start, length)) this.invalidate(caller);
  }

  /** All keys of a database, or of all, are gone: everybody is told to forget everything. */
  flushed(): void {
    if (this.trackers.size === 0) return;
    this.table.clear();
    for (const connection of this.trackers.values())
      this.tell(connection, Buffer.from(connection.protocol === 3 ? '_\r\n' : '$-1\r\n'));
  }

  private remember(tracker: Tracker, request: Request, command: Command): void {
    const { bytes, starts, lengths } = request;
    for (const { position } of findKeys(command, request) ?? [])
      this.table.add(bytes, starts[position], lengths[position], tracker.number);
    const { trackingTableMaxKeys: keysMax } = this.server.config.values;
    if (keysMax === 0) return;
    for (let i = 0; i < EVICTED_MAX && this.table.keyCount > keysMax; i++) {
      this.table.takeAny();
      this.invalidate(null);
    }
  }

  /** Tells the clients of the key that was taken out of the table. */
  private invalidate(causer: Connection | null): void {
    const { clients, key } = this.table;
    let message: Uint8Array | null = null;
    for (const number of clients) {
      const connection = this.trackers.get(number);
      if (connection === undefined) continue;
      const { options } = connection.tracker!;
      if (options.isBroadcasting || (options.isNoLoop && connection === causer)) continue;
      message ??= encodeKeys([Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')]);
      this.tell(connection, message);
    }
  }

  /** Notes a changed key for each prefix that it has. */
  private collect(view: Uint8Array, start: number, length: number, causer: Connection | null): void {
    const key = Buffer.from(view.buffer, view.byteOffset + start, length).toString('latin1');
    for (const [text, { changed }] of this.prefixes) {
      if (!key.startsWith(text)) continue;
      changed.set(key, causer);
      if (this.hasChangedPrefixes) continue;
      this.hasChangedPrefixes = true;
      this.server.scheduleTurnEnd();
    }
  }

  /** Tells what was collected in this turn, one message per prefix. */
  private broadcast(): void {
    if (!this.hasChangedPrefixes) return;
    this.hasChangedPrefixes = false;
    for (const [, { trackers, changed }] of [...this.prefixes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (changed.size === 0) continue;
      const keys = [...changed.keys()].sort();
      const message = encodeKeys(keys);
      for (const connection of trackers) {
        if (!connection.tracker!.options.isNoLoop) {
          this.tell(connection, message);
          continue;
        }
        const others = keys.filter((key) => changed.get(key) !== connection);
        if (others.length > 0) this.tell(connection, encodeKeys(others));
      }
      changed.clear();
    }
  }

  /** Sends an invalidation, whose last part is `value`, to a client that tracks, or to where it has it sent. */
  private tell(connection: Connection, value: Uint8Array): void {
    const tracker = connection.tracker!;
    const { redirectId } = tracker.options;
    const target = redirectId === 0 ? connection : this.server.connections.get(redirectId);
    if (target === undefined) {
      tracker.isRedirectBroken = true;
      if (connection.protocol === 3)
        connection.push(Buffer.from(`>2\r\n$21\r\ntracking-redir-broken\r\n:${redirectId}\r\n`));
    } else if (target.protocol === 3) {
      target.push(Buffer.concat([INVALIDATE, value]));
    } else if (target !== connection && (target.flags & IS_PUBSUB) !== 0) {
      target.push(Buffer.concat([MESSAGE, value]));
    }
  }
}

const INVALIDATE = Buffer.from('>2\r\n$10\r\ninvalidate\r\n');
const MESSAGE = Buffer.from(`*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`);

/** @returns an array of bulk strings (one char code per byte) */
function encodeKeys(keys: readonly string[]): Uint8Array {
  return Buffer.from(`*${keys.length}\r\n${keys.map((key) => `$${key.length}\r\n${key}\r\n`).join('')}`, 'latin1');
}
