/**
 * Finds the keys of a request from its command's key specs. Source: spec server.md section 18.2.
 *
 * A spec says where the search begins (a position, or a keyword's) and how keys follow (a range, or a count). Commands whose keys no spec can
 * tell bring a `findKeys` of their own.
 */
import type { Request } from '../resp/request.js';
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
    if (begin === 0) continue;
    if (!collect(spec, begin, request, flagsOf(command, spec.flags, request), found)) return null;
  }
  return found;
}

/** Flags that depend on the options: with GET, SET reads what it replaces. */
function flagsOf(command: Command, flags: readonly string[], request: Request): readonly string[] {
  if (command.fullName !== 'set' || !flags.includes('variable_flags')) return flags;
  for (let i = 3; i < request.argc; i++) if (request.is(i, 'GET')) return ['RW', 'access', 'update'];
  return ['OW', 'update'];
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
    const count = Number(request.text(begin + find.keyNumIndex));
    if (!Number.isInteger(count) || count < 0) return false;
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
