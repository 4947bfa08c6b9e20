/**
 * What a configuration directive is: a record that says how its words are read, how its value is shown and written back, and who may change it.
 *
 * Every directive has two faces. Its *text* is canonical: CONFIG GET shows it, comparing it with `defaultText` tells whether a rewrite must write
 * the line, and equal texts mean "nothing changed". Its *value* is what the server works with: a number, a boolean, a string, a small record.
 * `parse` makes both out of words and has no other effect, so a refused CONFIG SET has nothing to undo.
 *
 * Texts are byte strings: one character per byte (latin1), because a password or a file name may hold any byte. ASCII is unaffected. Values of
 * type `path` are decoded (UTF-8) and may be given to `node:fs` as they are.
 *
 * Source: spec/server.md section 6.
 */

/** The result of reading a directive's words. `reason` is the text that CONFIG SET and the start-up report show. */
export type Parsed<V> =
  | { readonly ok: true; readonly text: string; readonly value: V }
  | { readonly ok: false; readonly reason: string };

export function accept<V>(text: string, value: V): Parsed<V> {
  return { ok: true, text, value };
}

export function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

export interface ParseContext<V> {
  readonly current: V;
  /** An earlier line of the same start-up already named this directive: `save` lines then add up instead of replacing. */
  readonly repeated: boolean;
  /** The directory that a relative `dir` starts from; absolute. */
  readonly directory: string;
}

/** One line of the rewritten file, without the directive's name. `force` false: written only if the file already has a line to put it on. */
export interface RewriteLine {
  readonly words: string;
  readonly force: boolean;
}

/** `live`: it does here what it does in Redis. `kept`: accepted, kept, shown and written back, but nothing here depends on it. */
export type Effect = 'live' | 'kept';

export interface Traits {
  /** Older names; CONFIG GET, CONFIG SET and files take them, a rewrite puts the current name in their place. */
  readonly aliases?: readonly string[];
  /** Set at start only. */
  readonly immutable?: boolean;
  /** CONFIG SET needs `enable-protected-configs`. */
  readonly protected?: boolean;
  /** Shown by CONFIG GET only under its exact name. */
  readonly hidden?: boolean;
  /** A secret: redacted in SLOWLOG and MONITOR. */
  readonly sensitive?: boolean;
  /** CONFIG SET is refused while the dataset is loading. */
  readonly denyLoading?: boolean;
  /** Applied again even when the text is the same: the files that it names may have changed. */
  readonly reapplied?: boolean;
  readonly effect?: Effect;
  /** One sentence for the user's documentation, after the summary: why it has no effect here, or how it differs. */
  readonly note?: string;
}

export interface Directive<V> extends Required<Traits> {
  /** The name of the type, for the documentation. */
  readonly type: string;
  /** What values are possible, for the documentation. */
  readonly range: string;
  readonly summary: string;
  /** Takes several words; one word with blanks in it (CONFIG SET, or quotes in a file) is split at each blank. */
  readonly multiArg: boolean;
  readonly defaultText: string;
  readonly defaultValue: V;
  parse(words: readonly string[], context: ParseContext<V>): Parsed<V>;
  /** The lines that keep `value`; none: a line in the file is taken away. */
  rewrite(text: string, value: V): readonly RewriteLine[];
}

/** A directive's own part; the rest of the record comes from its traits. */
export interface Shape<V> {
  readonly type: string;
  readonly range: string;
  readonly defaultText: string;
  readonly defaultValue: V;
  readonly multiArg?: boolean;
  parse(words: readonly string[], context: ParseContext<V>): Parsed<V>;
  /** Without it a single line is written when the text differs from the default. */
  rewrite?(text: string, value: V): readonly RewriteLine[];
}

/** Completes a directive's record from its own part and its traits. */
export function directive<V>(shape: Shape<V>, summary: string, traits: Traits): Directive<V> {
  const { defaultText, multiArg = false } = shape;
  return {
    type: shape.type,
    range: shape.range,
    summary,
    multiArg,
    defaultText,
    defaultValue: shape.defaultValue,
    parse: multiArg ? (words, context) => shape.parse(splitSingleWord(words), context) : oneWord(shape.parse),
    rewrite: shape.rewrite ?? ((text) => [{ words: text, force: text !== defaultText }]),
    aliases: traits.aliases ?? [],
    immutable: traits.immutable ?? false,
    protected: traits.protected ?? false,
    hidden: traits.hidden ?? false,
    sensitive: traits.sensitive ?? false,
    denyLoading: traits.denyLoading ?? false,
    reapplied: traits.reapplied ?? false,
    effect: traits.effect ?? 'live',
    note: traits.note ?? '',
  };
}

function oneWord<V>(parse: Shape<V>['parse']): Shape<V>['parse'] {
  return (words, context) => (words.length === 1 ? parse(words, context) : refuse('wrong number of arguments'));
}

/** Splits at every single blank, as Redis does: two blanks in a row make an empty word, which most directives then refuse. */
function splitSingleWord(words: readonly string[]): readonly string[] {
  if (words.length !== 1) return words;
  return words[0] === '' ? [] : words[0]!.split(' ');
}
