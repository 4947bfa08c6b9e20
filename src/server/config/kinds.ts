/**
 * The plain kinds of directives: yes/no, numbers, memory sizes, enumerations, strings. Each function makes one record of the table; what is
 * peculiar to a single directive (`save`, `bind`, …) is in special.ts.
 *
 * Source of the texts: spec/server.md 6.2.
 */

import { quote } from '../../resp/quoted-words.js';
import { accept, type Directive, directive, type Parsed, refuse, type Traits } from './directive.js';
import { formatMemory, parseInteger, parseMemory, parseOctal, showLimit, UINT64_MAX } from './numbers.js';

export function bool(
  initial: boolean,
  summary: string,
  traits: Traits & { check?: Check<boolean> } = {},
): Directive<boolean> {
  const { check } = traits;
  return directive(
    {
      type: 'bool',
      range: 'yes, no',
      defaultText: initial ? 'yes' : 'no',
      defaultValue: initial,
      parse(words) {
        const text = words[0]!.toLowerCase();
        if (text !== 'yes' && text !== 'no') return refuse("argument must be 'yes' or 'no'");
        return checked(text, text === 'yes', check);
      },
    },
    summary,
    traits,
  );
}

/** What a directive refuses beyond its type: the reason, or null if the value is fine. */
export type Check<V> = (value: V) => string | null;

function checked<V>(text: string, value: V, check: Check<V> | undefined): Parsed<V> {
  const reason = check?.(value) ?? null;
  return reason === null ? accept(text, value) : refuse(reason);
}

/** Values outside `clamp` are accepted and moved to its nearer end. */
interface NumberTraits extends Traits {
  readonly clamp?: readonly [bigint, bigint];
  readonly check?: Check<number>;
}

export function integer(
  initial: number,
  [low, high]: readonly [bigint, bigint],
  summary: string,
  traits: NumberTraits = {},
): Directive<number> {
  const { clamp, check } = traits;
  return directive(
    {
      type: 'integer',
      range: `${showLimit(low)} to ${showLimit(high)}`,
      defaultText: initial.toString(),
      defaultValue: initial,
      parse(words) {
        let value = parseInteger(words[0]!);
        if (value === null) return refuse("argument couldn't be parsed into an integer");
        if (value < low || value > high) return refuse(outside(low, high, 10));
        if (clamp !== undefined && value < clamp[0]) value = clamp[0];
        if (clamp !== undefined && value > clamp[1]) value = clamp[1];
        return checked(value.toString(), Number(value), check);
      },
    },
    summary,
    traits,
  );
}

function outside(low: bigint, high: bigint, radix: number): string {
  return `argument must be between ${low.toString(radix)} and ${high.toString(radix)} inclusive`;
}

export function octal(initial: number, high: bigint, summary: string, traits: Traits = {}): Directive<number> {
  return directive(
    {
      type: 'octal',
      range: `0 to ${high.toString(8)}`,
      defaultText: initial.toString(8),
      defaultValue: initial,
      parse(words) {
        const value = parseOctal(words[0]!);
        if (value === null) return refuse("argument couldn't be parsed as an octal number");
        if (value < 0n || value > high) return refuse(outside(0n, high, 8));
        return accept(value.toString(8), Number(value));
      },
    },
    summary,
    traits,
  );
}

export function memory(
  initial: number,
  [low, high]: readonly [bigint, bigint],
  summary: string,
  traits: Traits = {},
): Directive<number> {
  const defaultText = initial.toString();
  return directive(
    {
      type: 'memory',
      range: `${formatMemory(low)} to ${showLimit(high)}`,
      defaultText,
      defaultValue: initial,
      parse(words) {
        const bytes = parseMemory(words[0]!);
        if (bytes === null) return refuse('argument must be a memory value');
        if (bytes < low || bytes > high) return refuse(outside(low, high, 10));
        return accept(bytes.toString(), Number(bytes));
      },
      rewrite: (text) => [{ words: formatMemory(BigInt(text)), force: text !== defaultText }],
    },
    summary,
    traits,
  );
}

/** Either a number of bytes or a share of `maxmemory`; the other one is 0. */
export interface MemoryShare {
  readonly bytes: number;
  readonly percent: number;
}

export function memoryOrPercent(high: bigint, summary: string, traits: Traits = {}): Directive<MemoryShare> {
  const notEither = refuse('argument must be a memory or percent value');
  return directive(
    {
      type: 'memory or percent',
      range: `0 to ${showLimit(high)}, or 0% to 100%`,
      defaultText: '0',
      defaultValue: { bytes: 0, percent: 0 },
      parse(words) {
        const text = words[0]!;
        if (text.endsWith('%')) {
          const percent = parseInteger(text.slice(0, -1));
          if (percent === null || percent < 0n) return notEither;
          if (percent > 100n) return refuse('percentage argument must be less or equal to 100');
          return accept(percent === 0n ? '0' : `${percent}%`, { bytes: 0, percent: Number(percent) });
        }
        const bytes = parseMemory(text);
        if (bytes === null) return notEither;
        if (bytes > high) return refuse(outside(0n, high, 10));
        return accept(bytes.toString(), { bytes: Number(bytes), percent: 0 });
      },
      rewrite: (text) => [{ words: text.endsWith('%') ? text : formatMemory(BigInt(text)), force: text !== '0' }],
    },
    summary,
    traits,
  );
}

export const UINT64: readonly [bigint, bigint] = [0n, UINT64_MAX];

/** @param shownAs  names that are read but shown as another one, e.g. `relative` as `yes` in oom-score-adj */
export function enumeration<const N extends string>(
  names: readonly N[],
  initial: N,
  summary: string,
  traits: Traits & { shownAs?: Readonly<Record<string, N>> } = {},
): Directive<N> {
  const byText = new Map<string, N>(names.map((name) => [name, traits.shownAs?.[name] ?? name]));
  const choice = names.join(', ');
  return directive(
    {
      type: 'enum',
      range: choice,
      defaultText: initial,
      defaultValue: initial,
      parse(words) {
        const name = byText.get(words[0]!.toLowerCase());
        return name === undefined ? refuse(`argument(s) must be one of the following: ${choice}`) : accept(name, name);
      },
    },
    summary,
    traits,
  );
}

interface StringTraits extends Traits {
  readonly check?: Check<string>;
  /** The empty string is a value like any other; otherwise it means "not set", and a rewrite takes the line away. */
  readonly emptyIsValue?: boolean;
}

export function string(initial: string, summary: string, traits: StringTraits = {}): Directive<string> {
  return stringOf('string', initial, (text) => text, summary, traits);
}

/** A file name. The value is decoded for `node:fs`; it is as the user gave it, relative names included. */
export function path(initial: string, summary: string, traits: StringTraits = {}): Directive<string> {
  return stringOf('path', initial, decodePath, summary, traits);
}

/** UTF-8 bytes, one per character, to the string that `node:fs` and `process.title` want. */
export function decodePath(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** The reverse of decodePath: a string from `process.argv`, `process.cwd()` and the like as the byte string that directives are made of. */
export function encodePath(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function stringOf(
  type: string,
  initial: string,
  decode: (text: string) => string,
  summary: string,
  traits: StringTraits,
): Directive<string> {
  const { check, emptyIsValue = false } = traits;
  return directive(
    {
      type,
      range: '',
      defaultText: initial,
      defaultValue: initial,
      parse: (words) => checked(words[0]!, decode(words[0]!), check),
      rewrite(text) {
        if (text === '' && !emptyIsValue) return [];
        return [{ words: quote(text), force: text !== initial }];
      },
    },
    summary,
    traits,
  );
}
