/**
 * The syntax of a command as a text: `key value [NX|XX] [GET] [EX seconds|PX milliseconds]`, and the hint: what of it is still to come after the words
 * typed so far. Pure.
 *
 * Matching: words are taken by the arguments in order. Optional ones that follow each other may come in any order; what has been taken vanishes from the
 * hint, and an argument that has begun is completed first. A required argument that took a word hides the optional ones skipped before it. A word that
 * fits nowhere ends the hints, and so does one that should be a number and is none. Source: spec/cli.md section 1.16, hints of 7.2.
 */
import type { ArgumentSpec, HelpEntry } from './help-table.js';

/** The whole syntax of a command, without its name. */
export function syntaxText(specs: readonly ArgumentSpec[]): string {
  return specs.map(argumentText).join(' ');
}

/**
 * What is still to come, '' where nothing is; null if a word does not fit.
 * @param words those after the command's name
 */
export function hintText(entry: HelpEntry, words: readonly string[]): string | null {
  const match = matchList(entry.arguments, words);
  return match === NO_MATCH || match.taken < words.length ? null : match.rest;
}

function argumentText(spec: ArgumentSpec): string {
  const once = oneText(spec);
  const repeated = spec.isMultiple ? `${once} ${tailText(spec)}` : once;
  return spec.isOptional ? `[${repeated}]` : repeated;
}

/** `[key ...]`: what may follow once the argument is there. */
function tailText(spec: ArgumentSpec): string {
  return `[${spec.repeatsToken ? oneText(spec) : valueText(spec)} ...]`;
}

/** The argument once, with its token, without brackets. */
function oneText(spec: ArgumentSpec): string {
  const value = valueText(spec);
  if (spec.type === 'pure-token' || spec.token === '') return value;
  return value === '' ? tokenText(spec) : `${tokenText(spec)} ${value}`;
}

function valueText(spec: ArgumentSpec): string {
  if (spec.type === 'pure-token') return tokenText(spec);
  if (spec.type === 'oneof') return spec.parts.map(argumentText).join('|');
  if (spec.type === 'block') return spec.parts.map(argumentText).join(' ');
  return spec.name === '' ? '""' : spec.name;
}

/** The token of MIGRATE's empty key is the empty word. */
function tokenText({ token }: ArgumentSpec): string {
  return token === '' ? '""' : token;
}

/** How many words were taken, and what is still to come; '' where all is there. */
interface Match {
  readonly taken: number;
  /** Begun and not complete: nothing else can take the next word. */
  readonly isOpen: boolean;
  readonly rest: string;
}

const NO_MATCH = null;

/** @returns null where a required argument refuses a word that is there */
function matchList(specs: readonly ArgumentSpec[], words: readonly string[]): Match | typeof NO_MATCH {
  let taken = 0;
  /** Optional arguments passed over since the last one that took a word. */
  let skipped: ArgumentSpec[] = [];
  for (let at = 0; at < specs.length; at++) {
    if (specs[at]!.isOptional) {
      let end = at;
      while (end < specs.length && specs[end]!.isOptional) end++;
      const run = matchAnyOrder(specs.slice(at, end), words.slice(taken));
      taken += run.taken;
      skipped = run.left;
      if (run.open !== null) return openMatch(taken, run.open, [...run.left, ...specs.slice(end)]);
      // A tail (`[key ...]`) that may go on stands before what else may come.
      if (run.tail !== '' && taken === words.length)
        return openMatch(taken, run.tail, [...run.left, ...specs.slice(end)]);
      at = end - 1;
      continue;
    }
    if (taken === words.length) return openMatch(taken, '', [...skipped, ...specs.slice(at)]);
    const match = matchArgument(specs[at]!, words.slice(taken));
    if (match === NO_MATCH) return NO_MATCH;
    taken += match.taken;
    skipped = [];
    if (match.isOpen || (match.rest !== '' && taken === words.length))
      return { ...openMatch(taken, match.rest, specs.slice(at + 1)), isOpen: match.isOpen };
  }
  return { taken, isOpen: false, rest: skipped.map(argumentText).join(' ') };
}

function openMatch(taken: number, begun: string, following: readonly ArgumentSpec[]): Match {
  const texts = [begun, ...following.map(argumentText)].filter((text) => text !== '');
  return { taken, isOpen: following.some((spec) => !spec.isOptional), rest: texts.join(' ') };
}

interface RunMatch {
  readonly taken: number;
  /** Those that took nothing. */
  readonly left: ArgumentSpec[];
  /** What is missing of the one that has begun. */
  readonly open: string | null;
  /** How the last one that took a word may go on. */
  readonly tail: string;
}

/** Optional arguments beside each other: each takes words at most once. */
function matchAnyOrder(specs: readonly ArgumentSpec[], words: readonly string[]): RunMatch {
  let left = [...specs];
  let taken = 0;
  let tail = '';
  while (taken < words.length) {
    let found: { spec: ArgumentSpec; match: Match } | null = null;
    for (const spec of left) {
      const match = matchArgument(spec, words.slice(taken));
      if (match !== NO_MATCH) {
        found = { spec, match };
        break;
      }
    }
    if (found === null) break;
    const { spec, match } = found;
    left = left.filter((each) => each !== spec);
    taken += match.taken;
    tail = match.rest;
    // The closing bracket of the argument stays, as redis-cli has it, where a repetition is still to come.
    if (match.isOpen) return { taken, left, open: spec.isMultiple ? `${match.rest}]` : match.rest, tail };
  }
  return { taken, left, open: null, tail };
}

/** One argument with its repetitions; it takes at least one word, or does not match. */
function matchArgument(spec: ArgumentSpec, words: readonly string[]): Match | typeof NO_MATCH {
  let match = matchOnce(spec, words, true);
  if (match === NO_MATCH || !spec.isMultiple) return match;
  const tail = tailText(spec);
  let taken = match.taken;
  while (!match.isOpen && taken < words.length) {
    const next = matchOnce(spec, words.slice(taken), spec.repeatsToken);
    if (next === NO_MATCH) return { taken, isOpen: false, rest: '' };
    match = next;
    taken += next.taken;
  }
  return { taken, isOpen: match.isOpen, rest: match.rest === '' ? tail : `${match.rest} ${tail}` };
}

/** @param wantsToken whether the argument's token comes first, if it has one */
function matchOnce(spec: ArgumentSpec, words: readonly string[], wantsToken: boolean): Match | typeof NO_MATCH {
  if (words.length === 0) return NO_MATCH;
  const hasToken = wantsToken && (spec.token !== '' || spec.type === 'pure-token');
  if (hasToken && words[0]!.toUpperCase() !== spec.token.toUpperCase()) return NO_MATCH;
  if (spec.type === 'pure-token') return { taken: 1, isOpen: false, rest: '' };
  if (!hasToken) return matchValue(spec, words);
  if (words.length === 1) return { taken: 1, isOpen: true, rest: valueText(spec) };
  const value = matchValue(spec, words.slice(1));
  return value === NO_MATCH ? NO_MATCH : { ...value, taken: value.taken + 1 };
}

function matchValue(spec: ArgumentSpec, words: readonly string[]): Match | typeof NO_MATCH {
  if (spec.type === 'oneof') {
    for (const part of spec.parts) {
      const match = matchArgument(part, words);
      if (match !== NO_MATCH) return match;
    }
    return NO_MATCH;
  }
  if (spec.type === 'block') {
    const match = matchList(spec.parts, words);
    return match === NO_MATCH || match.taken === 0 ? NO_MATCH : match;
  }
  return fitsType(spec.type, words[0]!) ? { taken: 1, isOpen: false, rest: '' } : NO_MATCH;
}

function fitsType(type: string, word: string): boolean {
  if (type === 'integer' || type === 'unix-time') return /^[+-]?\d+$/.test(word);
  if (type === 'double') return /^[+-]?(inf|infinity|\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?)$/i.test(word);
  return true;
}
