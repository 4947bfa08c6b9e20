/**
 * Text made of `field:value` lines, of which most say the same as the last time they were asked for (INFO).
 *
 * A template with this tag gives the text that it would give without, but values that are what they were are not put into words again, and a text of which
 * nothing has changed is the one from before. INFO has two hundred values and runs once a second, as code that is not compiled: to make a number's text and to
 * join it to what there is costs a microsecond then, to see that it is the same a tenth of that.
 *
 * Nothing can become stale: values are compared whenever they are given.
 */

/** Puts the value that follows it in the template into words. */
export type Format = (value: number) => string;

/** What stands between the words of a template's text: its values. */
type Values = readonly (string | number | Format)[];

/** A template's text. */
class Lines {
  text = '';
  private readonly heads: readonly string[];
  private readonly values: (string | number | Format)[];
  /** Of each value its place in `pieces`; 0 for none. */
  private readonly places: number[];
  /** The text, cut at the values that have changed some time: most never do. */
  private pieces: string[] = [];

  constructor(heads: readonly string[], given: Values) {
    this.heads = heads;
    this.values = [...given];
    this.places = given.map(() => 0);
    this.cut(given);
  }

  update(given: Values): void {
    const { values, places } = this;
    let isChanged = false;
    let isCut = true;
    for (let i = 0; i < given.length; i++) {
      const value = given[i];
      if (value === values[i]) continue;
      values[i] = value;
      isChanged = true;
      if (places[i] > 0) this.pieces[places[i]] = wordsOf(given, i);
      else isCut = false;
      places[i] ||= 1;
    }
    if (!isCut) this.cut(given);
    else if (isChanged) this.text = this.pieces.join('');
  }

  private cut(given: Values): void {
    const { heads, places } = this;
    this.pieces = [];
    let parts = [heads[0]];
    for (let i = 0; i < given.length; i++) {
      if (places[i] === 0) {
        parts.push(wordsOf(given, i), heads[i + 1]);
      } else {
        places[i] = this.pieces.push(joined(parts), wordsOf(given, i)) - 1;
        parts = [heads[i + 1]];
      }
    }
    this.pieces.push(joined(parts));
    this.text = this.pieces.join('');
  }
}

/** @returns the parts as one string in one place: a sum of strings is a tree of them for the engine, which each use of it walks */
function joined(parts: readonly string[]): string {
  return parts.join('');
}

/** @returns what stands in the text for `given[i]` */
function wordsOf(given: Values, i: number): string {
  const value = given[i];
  if (typeof value === 'function') return '';
  const format = i === 0 ? null : given[i - 1];
  return typeof format === 'function' ? format(value as number) : `${value}`;
}

const known = new Map<TemplateStringsArray, Lines>();

/** The tag. A format has the value right behind it: `${twoDecimals}${ratio}`. */
export function fieldLines(heads: TemplateStringsArray, ...values: Values): string {
  const lines = known.get(heads);
  if (lines !== undefined) {
    lines.update(values);
    return lines.text;
  }
  const made = new Lines(heads, values);
  known.set(heads, made);
  return made.text;
}

/** As `toFixed`, but not out of the engine's slow code for it: 2 µs instead of 8 where code is cold. @param unit 10 to the number of decimals */
function decimals(value: number, unit: number): string {
  const parts = Math.round(Math.abs(value) * unit);
  const rest = parts % unit;
  // The first digit of the sum is cut off again: zeros in front of the rest stay so.
  return `${value < 0 ? '-' : ''}${(parts - rest) / unit}.${String(unit + rest).slice(1)}`;
}

export function twoDecimals(value: number): string {
  return decimals(value, 100);
}

export function threeDecimals(value: number): string {
  return decimals(value, 1000);
}

export function sixDecimals(value: number): string {
  return decimals(value, 1_000_000);
}
