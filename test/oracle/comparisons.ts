/**
 * How much freedom a reply has, by name. The rule is `exact`: the same bytes. Every other comparison names the one thing that may differ, and what must
 * still be equal. A comparison gets the raw replies of both servers and returns null, or what is wrong.
 */
import { type Reply, ReplyError, ReplyReader } from '../../src/resp/reply-reader.js';

export type Comparison = (oracle: Buffer, subject: Buffer) => string | null;

/** The same bytes. */
export const exact: Comparison = (oracle, subject) => (oracle.equals(subject) ? null : different(oracle, subject));

/** An aggregate whose elements may come in any order. */
export const sorted: Comparison = (oracle, subject) => {
  const [left, right] = [oracle, subject].map((raw) => elementsOf(decode(raw)).map(canonical).sort());
  return sameType(oracle, subject) && JSON.stringify(left) === JSON.stringify(right)
    ? null
    : different(oracle, subject);
};

/** A map, an array of pairs, or a flat array of pairs, whose pairs may come in any order. Errors and nulls must be the same bytes. */
export const sortedPairs: Comparison = (oracle, subject) => {
  const [left, right] = [oracle, subject].map((raw) => pairsOf(decode(raw)));
  if (left === null || right === null) return exact(oracle, subject);
  const agree = JSON.stringify(left) === JSON.stringify(right) && sameType(oracle, subject);
  return agree ? null : different(oracle, subject);
};

/** Integers that count time: equal up to `tolerance` (of their own unit). */
export function near(tolerance: number): Comparison {
  return (oracle, subject) => {
    const [left, right] = [decode(oracle), decode(subject)].map(Number);
    return sameType(oracle, subject) && Math.abs(left! - right!) <= tolerance ? null : different(oracle, subject);
  };
}

/** Numbers (of any reply type, in text too) equal to so many significant digits. */
export function rounded(digits: number): Comparison {
  return (oracle, subject) => {
    const [left, right] = [decode(oracle), decode(subject)].map((value) => Number(value).toPrecision(digits));
    return sameType(oracle, subject) && left === right ? null : different(oracle, subject);
  };
}

/** The same type and length (of a string, or of an aggregate); contents are free. */
export const lengthOnly: Comparison = (oracle, subject) => {
  const [left, right] = [decode(oracle), decode(subject)].map((value) =>
    typeof value === 'string' ? value.length : elementsOf(value).length,
  );
  return sameType(oracle, subject) && left === right ? null : different(oracle, subject);
};

/** The same types all the way down; the contents of strings and numbers are free, and so are the lengths of strings. */
export const shape: Comparison = (oracle, subject) =>
  shapeOf(decode(oracle)) === shapeOf(decode(subject)) && sameType(oracle, subject) ? null : different(oracle, subject);

/** The same error code; the rest of the text is free. */
export const errorCode: Comparison = (oracle, subject) => {
  const [left, right] = [decode(oracle), decode(subject)];
  const agree = left instanceof ReplyError && right instanceof ReplyError && left.code === right.code;
  return agree ? null : different(oracle, subject);
};

/** Texts from which a pattern takes the same groups; everything outside the groups is free. */
export function captured(pattern: RegExp): Comparison {
  return (oracle, subject) => {
    const [left, right] = [oracle, subject].map((raw) => pattern.exec(raw.toString('latin1'))?.slice(1));
    if (left === undefined) return `the real server's reply does not match ${pattern}: ${show(oracle)}`;
    return JSON.stringify(left) === JSON.stringify(right) ? null : different(oracle, subject);
  };
}

/** Both match the pattern; nothing else is compared. */
export function bothMatch(pattern: RegExp): Comparison {
  return (oracle, subject) =>
    [oracle, subject].every((raw) => pattern.test(raw.toString('latin1'))) ? null : different(oracle, subject);
}

/** Nothing is compared: a step that only prepares something. */
export const anything: Comparison = () => null;

/** The one value in raw bytes that came from a server. Strings are latin1, so that bytes compare as bytes. */
export function decode(raw: Buffer): Reply {
  const reader = new ReplyReader({ bulk: 'bytes' });
  reader.feed(raw);
  const result = reader.next();
  if (result === null || result.kind === 'malformed') throw new Error(`not one reply: ${show(raw)}`);
  return asLatin1(result.value);
}

export function show(raw: Buffer): string {
  const text = JSON.stringify(raw.toString('latin1'));
  return text.length <= 600 ? text : `${text.slice(0, 600)}… (${raw.length} bytes)`;
}

function different(oracle: Buffer, subject: Buffer): string {
  return `\n      real: ${show(oracle)}\n      ours: ${show(subject)}`;
}

function sameType(oracle: Buffer, subject: Buffer): boolean {
  return oracle[0] === subject[0];
}

function asLatin1(value: Reply): Reply {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map(asLatin1);
  if (value instanceof Set) return new Set([...value].map(asLatin1));
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [asLatin1(key), asLatin1(each)]));
  return value;
}

/** The elements of an aggregate; of a map its pairs. */
function elementsOf(value: Reply): Reply[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value];
  return value instanceof Map ? [...value] : [];
}

function pairsOf(value: Reply): string[] | null {
  const elements = elementsOf(value);
  if (elements.length === 0) return null;
  const isNested = elements.every((each) => Array.isArray(each));
  if (isNested) return elements.map(canonical).sort();
  const pairs: string[] = [];
  for (let i = 0; i < elements.length; i += 2) pairs.push(canonical([elements[i]!, elements[i + 1] ?? null]));
  return pairs.sort();
}

function canonical(value: Reply): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof ReplyError) return `error ${value.message}`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const parts = elementsOf(value).map(canonical);
  return `[${(value instanceof Set ? parts.sort() : parts).join()}]`;
}

function shapeOf(value: Reply): string {
  if (value instanceof ReplyError) return `error ${value.code}`;
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  const kind = value instanceof Map ? 'map' : value instanceof Set ? 'set' : 'array';
  return `${kind}(${elementsOf(value).map(shapeOf).join()})`;
}
