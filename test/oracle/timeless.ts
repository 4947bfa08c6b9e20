/**
 * Replies about streams that tell times: what was delivered when, and how long ago. They are equal but for those, and for the fields that 7.2 has
 * beyond the real 7.0.15: `inactive` and `active-time`.
 */
import type { Reply } from '../../src/resp/reply-reader.js';
import { type Comparison, decode, show } from './comparisons.js';

/** With times goes what depends on how Redis builds its radix trees. */
const TIMES: ReadonlySet<unknown> = new Set(['seen-time', 'idle', 'radix-tree-nodes']);
const NEW_TIMES: ReadonlySet<unknown> = new Set(['active-time', 'inactive']);

export const timeless: Comparison = (oracle, subject) => {
  const [left, right] = [oracle, subject].map((raw) => JSON.stringify(withoutTimes(decode(raw)), withoutBigInt));
  return left === right ? null : `\n      real: ${show(oracle)}\n      ours: ${show(subject)}`;
};

/** Maps become flat arrays, as RESP2 has them. */
function withoutTimes(value: Reply): unknown {
  if (value instanceof Map) return withoutTimes([...value].flat());
  if (value instanceof Error) return value.message;
  if (!Array.isArray(value)) return value;
  if (isId(value[0])) {
    // | ID | consumer | time | count | or | ID | time | count |
    const timeAt = value.length - 2;
    if (value.length >= 3 && typeof value[timeAt] === 'number') return value.with(timeAt, 0);
  }
  const kept: unknown[] = [];
  for (let i = 0; i < value.length; i++) {
    if (NEW_TIMES.has(value[i])) {
      i++;
    } else if (TIMES.has(value[i])) {
      kept.push(value[i++], 0);
    } else {
      kept.push(withoutTimes(value[i]!));
    }
  }
  return kept;
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && /^\d+-\d+$/.test(value);
}

function withoutBigInt(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
