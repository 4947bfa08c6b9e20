/**
 * Finds the keys of a request from its command's key specs. Source: spec server.md section 18.2.
 *
 * A spec says where the search begins (a position, or a keyword's) and how keys follow (a range, or a count). Commands whose keys no spec can
 * tell bring a `findKeys` of their own.
 */
import type { Request } from '../resp/request.js';
import { parseSafeInteger } from '../types/number.js';
import type { Command, FoundKey, KeySpec } from './command.js';

/**
 * @param withChannels  shard channels are wanted as well: they have slots, too
 * @returns the keys in the order of the specs; null if the arguments make no sense (a count that is none, or beyond the end)
 */
export function findKeys(command: Command, request: Request, withChannels = false): FoundKey[] | null {
  const { keys = [], findKeys: findOwn } = command.record;
  if (findOwn !== undefined) return findOwn(request);
  const found: FoundKey[] = [];
  for (const spec of keys) {
    if (!withChannels && spec.flags.includes('not_key')) continue;
    const begin = beginOf(spec, request);
    // A keyword before all keys must be there.
    if (keys.length === 1 && (begin === 0 || begin >= request.argc)) return null;
    if (begin === 0) continue;
    if (!collect(spec, begin, request, flagsOf(command, spec.flags, request), found)) return null;
  }
  return isLooseCount(keys, request) ? withoutFlags(found) : found;
}

/** Whether a count of keys is one for C's atoi only, as `1x` is. */
function isLooseCount(keys: readonly KeySpec[], { bytes, starts, lengths }: Request): boolean {
  for (const { begin, find } of keys) {
    if (!('keyNumIndex' in find) || !('index' in begin)) continue;
    const at = begin.index + find.keyNumIndex;
    return Number.isNaN(parseSafeInteger(bytes, starts[at], lengths[at]));
  }
  return false;
}

/** What Redis finds in its older way, when a spec does not fit: no flags, and a destination last. */
function withoutFlags(found: readonly FoundKey[]): FoundKey[] {
  const bare = found.map(({ position }) => ({ position, flags: [] }));
  return bare[0].position === 1 && bare.length > 1 ? [...bare.slice(1), bare[0]] : bare;
}

const LEADING_INTEGER = /^[ \t-\r]*([+-]?\d+)/;

/** @returns the count of keys in argument `at`, as atoi reads it: 0 if there is no number */
function keyCountIn(request: Request, at: number): number {
  const { bytes, starts, lengths } = request;
  const count = parseSafeInteger(bytes, starts[at], lengths[at]);
  return Number.isNaN(count) ? Number(LEADING_INTEGER.exec(request.latin1(at))?.[1] ?? 0) : count;
}

/** Flags that depend on the options: with GET, SET reads what it replaces; with nothing else, BITFIELD only reads. */
function flagsOf(command: Command, flags: readonly string[], request: Request): readonly string[] {
  if (!flags.includes('variable_flags')) return flags;
  if (command.fullName === 'bitfield') return onlyReads(request) ? ['RO', 'access'] : ['RW', 'access', 'update'];
  for (let i = 3; i < request.argc; i++) if (request.is(i, 'GET')) return ['RW', 'access', 'update'];
  return ['OW', 'update'];
}

/** Whether all operations of a BITFIELD are known, complete, and change nothing. */
function onlyReads(request: Request): boolean {
  for (let i = 2; i < request.argc; ) {
    if (request.is(i, 'GET') && i + 2 < request.argc) i += 3;
    else if (request.is(i, 'OVERFLOW') && i + 1 < request.argc) i += 2;
    else return false;
  }
  return true;
}

/** Whether a command has keys at all. */
export function hasKeys(command: Command): boolean {
  return (command.record.keys ?? []).some((spec) => !spec.flags.includes('not_key'));
}

/** @returns the position at which the spec's keys begin; 0 if its keyword does not occur */
function beginOf(spec: KeySpec, request: Request): number {
  if ('index' in spec.begin) return spec.begin.index;
  if ('unknown' in spec.begin) return 0;
  const { keyword, startFrom } = spec.begin;
  const isBackwards = startFrom < 0;
  const first = isBackwards ? request.argc + startFrom : startFrom;
  for (let i = first; isBackwards ? i > 0 : i < request.argc; i += isBackwards ? -1 : 1)
    if (request.is(i, keyword)) return i + 1;
  return 0;
}

function collect(spec: KeySpec, begin: number, request: Request, flags: readonly string[], found: FoundKey[]): boolean {
  const { find } = spec;
  if ('unknown' in find) return true;
  let first = begin;
  let last: number;
  if ('keyNumIndex' in find) {
    if (begin + find.keyNumIndex >= request.argc) return false;
    const count = keyCountIn(request, begin + find.keyNumIndex);
    if (count < 1) return false;
    first = begin + find.firstKey;
    last = first + (count - 1) * find.step;
    if (last >= request.argc) return false;
  } else if (find.lastKey >= 0) {
    last = begin + find.lastKey;
  } else {
    const end = request.argc + find.lastKey;
    // A limit of n means: only the first 1/n of what is left are keys (the rest are their counterparts).
    last = find.limit > 1 ? begin + Math.floor((end - begin + 1) / find.limit) - 1 : end;
  }
  const step = 'step' in find ? find.step : 1;
  for (let i = first; i <= last && i < request.argc; i += step) found.push({ position: i, flags });
  return true;
}
