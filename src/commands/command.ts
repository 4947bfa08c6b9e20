/**
 * What a command is: one record that everything reads which must know about commands: the pipeline (arity, flags), the cluster and the proxy
 * (keys), COMMAND, its docs and the CLI's completion.
 *
 * Adding a command: a record in its group's file, a handler beside it, oracle cases in test/oracle. Sources: spec server.md sections 7.2 and 18.
 */
import type { Request } from '../resp/request.js';
import type { Invocation } from '../server/invocation.js';
import { LatencyHistogram } from '../server/latency.js';

/** Flags as COMMAND INFO tells them, in its order (spec server.md section 18). Append-only: COMMAND prints them by position. */
export const WRITE = 1 << 0;
export const READONLY = 1 << 1;
export const DENYOOM = 1 << 2;
export const ADMIN = 1 << 3;
export const PUBSUB = 1 << 4;
export const NOSCRIPT = 1 << 5;
export const BLOCKING = 1 << 6;
export const LOADING = 1 << 7;
export const STALE = 1 << 8;
export const SKIP_MONITOR = 1 << 9;
export const SKIP_SLOWLOG = 1 << 10;
export const ASKING = 1 << 11;
export const FAST = 1 << 12;
export const NO_AUTH = 1 << 13;
export const MAY_REPLICATE = 1 << 14;
export const NO_ASYNC_LOADING = 1 << 15;
export const NO_MULTI = 1 << 16;
export const MOVABLE_KEYS = 1 << 17;
export const ALLOW_BUSY = 1 << 18;
export const NO_MANDATORY_KEYS = 1 << 19;
export const PROTECTED = 1 << 20;
/** Not wrapped in MULTI/EXEC when it deletes expired keys on its way (RANDOMKEY, SCAN). */
export const TOUCHES_ARBITRARY_KEYS = 1 << 21;

/** How keys are found among the arguments: one key spec of COMMAND INFO. */
export interface KeySpec {
  /** RO, RW, OW, RM, then access, update, insert, delete, not_key, incomplete, variable_flags: as COMMAND INFO prints them */
  readonly flags: readonly string[];
  readonly notes?: string;
  readonly begin:
    | { readonly index: number }
    | { readonly keyword: string; readonly startFrom: number }
    | { readonly unknown: true };
  readonly find:
    | { readonly lastKey: number; readonly step: number; readonly limit: number }
    | { readonly keyNumIndex: number; readonly firstKey: number; readonly step: number }
    | { readonly unknown: true };
}

/** A key among the arguments of a request. */
export interface FoundKey {
  readonly position: number;
  /** As those of a key spec. */
  readonly flags: readonly string[];
}

/** One argument of a command's syntax, as COMMAND DOCS shows it. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'double' | 'key' | 'pattern' | 'unix-time' | 'pure-token' | 'oneof' | 'block';
  readonly token?: string;
  readonly keySpec?: number;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly summary?: string;
  readonly flags?: readonly ('optional' | 'multiple' | 'multiple_token')[];
  readonly arguments?: readonly ArgumentDoc[];
}

export type Handler = (call: Invocation) => void;

export interface CommandRecord {
  /** Lower case; of a subcommand the last word only. */
  readonly name: string;
  /** Words including the name (and the parent's): exact if positive, at least that many if negative. */
  readonly arity: number;
  readonly flags: number;
  readonly keys?: readonly KeySpec[];
  /** Finds keys where the specs do not tell all (SORT … STORE, MIGRATE … KEYS). @returns them, ascending */
  readonly findKeys?: (request: Request) => FoundKey[];
  /** ACL categories besides those that flags imply (read, write, admin, fast, slow, blocking, pubsub, dangerous for admin). */
  readonly acl: readonly string[];
  readonly tips?: readonly string[];
  readonly group: string;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  readonly history?: readonly (readonly [version: string, change: string])[];
  readonly docFlags?: readonly string[];
  readonly deprecatedSince?: string;
  readonly replacedBy?: string;
  readonly arguments?: readonly ArgumentDoc[];
  readonly subcommands?: readonly CommandRecord[];
  /** Absent for a container that has subcommands only. */
  readonly handler?: Handler;
}

/** A key range at fixed places: the usual spec. `last` counts from the end when negative. */
export function keyRange(flags: readonly string[], first: number, last: number, step = 1): KeySpec {
  return { flags, begin: { index: first }, find: { lastKey: last < 0 ? last : last - first, step, limit: 0 } };
}

/** One key, the first argument, whose value is read. */
export const READ_KEY = keyRange(['RO', 'access'], 1, 1);

/** Keys behind their number, which is argument `index`. */
export function countedKeys(flags: readonly string[], index: number): KeySpec {
  return { flags, begin: { index }, find: { keyNumIndex: 0, firstKey: 1, step: 1 } };
}

/** Slow by their category only, for the sake of large values: which the dispatcher sees when it meets one. */
const SHORT_UNLESS_LARGE = new Set([
  'set',
  'setex',
  'psetex',
  'del',
  'getrange',
  'substr',
  'setrange',
  'setbit',
  'bitfield',
  'pfcount',
]);

/** A command at run time: its record and its counters. One shape for all, as the pipeline reads it for each request. */
export class Command {
  readonly record: CommandRecord;
  /** `get`, `config|get`: as in errors, INFO commandstats and COMMAND INFO. */
  readonly fullName: string;
  readonly arity: number;
  readonly flags: number;
  readonly handler: Handler | null;
  readonly parent: Command | null;
  readonly subcommands: Map<string, Command> | null;
  /** Position of the first key, 0 if there is none at a fixed place; last (negative: from the end) and step as in COMMAND INFO. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly keyStep: number;
  /** These three tell all keys, and where `firstKey` is 0 there are none: the cluster need not read the specs. */
  readonly hasPlainKeys: boolean;
  /** Whether its time is so short and even that a run of calls may be timed together. */
  readonly isTimedInRuns: boolean;
  readonly histogram = new LatencyHistogram();
  /** Whether any of its counters has counted since they were reset: then it is in the table's `used`. */
  isUsed = false;
  callCount = 0;
  /** Begins as −0, which the engine keeps as a fraction as it does all later values: where the first fraction comes later, all commands change their form. */
  microseconds = -0;
  rejectedCount = 0;
  failedCount = 0;

  constructor(record: CommandRecord, parent: Command | null) {
    this.record = record;
    this.parent = parent;
    this.fullName = parent === null ? record.name : `${parent.fullName}|${record.name}`;
    this.arity = record.arity;
    this.flags = record.flags;
    this.isTimedInRuns = (record.flags & FAST) !== 0 || SHORT_UNLESS_LARGE.has(this.fullName);
    this.handler = record.handler ?? null;
    this.subcommands =
      record.subcommands === undefined
        ? null
        : new Map(record.subcommands.map((sub) => [sub.name, new Command(sub, this)]));
    let first = 0;
    let last = 0;
    let step = 0;
    // COMMAND INFO's range spans all specs that are ranges at fixed places, as RENAME's two.
    for (const spec of record.keys ?? []) {
      if (!('index' in spec.begin && 'lastKey' in spec.find)) continue;
      const specLast = spec.find.lastKey < 0 ? spec.find.lastKey : spec.begin.index + spec.find.lastKey;
      if (first === 0) {
        first = spec.begin.index;
        last = specLast;
        step = spec.find.step;
      } else if (step === 1 && spec.find.step === 1 && last >= 0) {
        last = specLast < 0 ? specLast : Math.max(last, specLast);
      }
    }
    this.firstKey = first;
    this.lastKey = last;
    this.keyStep = step;
    this.hasPlainKeys =
      (record.flags & MOVABLE_KEYS) === 0 && record.findKeys === undefined && isOneRange(record.keys ?? []);
  }

  resetStatistics(): void {
    this.histogram.clear();
    this.isUsed = false;
    this.callCount = 0;
    this.microseconds = 0;
    this.rejectedCount = 0;
    this.failedCount = 0;
  }
}

/** Whether the specs, taken together, are one range without gaps at a fixed place (or nothing). */
function isOneRange(specs: readonly KeySpec[]): boolean {
  let next = 0;
  for (const { begin, find } of specs) {
    if (!('index' in begin && 'lastKey' in find) || find.limit > 1) return false;
    if (next !== 0 && (begin.index !== next || find.step !== 1)) return false;
    next = find.lastKey < 0 || find.step !== 1 ? Number.MAX_SAFE_INTEGER : begin.index + find.lastKey + 1;
  }
  return true;
}
