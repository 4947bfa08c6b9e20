/**
 * One line of a configuration file to words, and a string back to a quoted word.
 *
 * Words are separated by blanks. `"…"` knows the escapes `\n \r \t \b \a`, `\xHH`, and `\` before any other character for that character;
 * `'…'` knows only `\'`. A quote may open inside a word, but what follows the closing quote must be a blank or the end.
 *
 * Texts are byte strings (one character per byte). Source: spec/server.md 6.4.2, 6.5; nodes.conf uses the same rules (spec/cluster.md 10.2).
 */

const BLANK = /[ \t\n\r\v\f]/;
const HEX_ESCAPE = /^x[0-9a-fA-F]{2}$/;
const NAMED_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** @returns the words of `line`; null if its quotes are unbalanced */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && BLANK.test(line[at]!)) at++;
    if (at >= line.length) return words;
    let word = '';
    while (at < line.length && !BLANK.test(line[at]!)) {
      const character = line[at]!;
      if (character !== '"' && character !== "'") {
        word += character;
        at++;
        continue;
      }
      const quoted = character === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
      if (quoted === null) return null;
      word += quoted.text;
      at = quoted.end;
      if (at < line.length && !BLANK.test(line[at]!)) return null;
    }
    words.push(word);
  }
}

interface Quoted {
  readonly text: string;
  /** index after the closing quote */
  readonly end: number;
}

function readDoubleQuoted(line: string, start: number): Quoted | null {
  let text = '';
  for (let at = start; at < line.length; at++) {
    const character = line[at]!;
    if (character === '"') return { text, end: at + 1 };
    if (character !== '\\' || at + 1 >= line.length) {
      text += character;
    } else if (HEX_ESCAPE.test(line.slice(at + 1, at + 4))) {
      text += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16));
      at += 3;
    } else {
      text += NAMED_ESCAPES[line[at + 1]!] ?? line[at + 1]!;
      at++;
    }
  }
  return null;
}

function readSingleQuoted(line: string, start: number): Quoted | null {
  let text = '';
  for (let at = start; at < line.length; at++) {
    if (line[at] === "'") return { text, end: at + 1 };
    if (line[at] === '\\' && line[at + 1] === "'") at++;
    text += line[at]!;
  }
  return null;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** `text` in double quotes, with everything but printable ASCII escaped, so that `splitWords` gives it back. */
export function quote(text: string): string {
  let out = '"';
  for (const character of text) {
    const code = character.charCodeAt(0);
    out += ESCAPES[character] ?? (code >= 32 && code < 127 ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  }
  return `${out}"`;
}

/** `text` as one word: as it is where that is safe, else quoted. A host name with a line break in it must not become two lines of a file. */
export function asWord(text: string): string {
  return /^[!#-&(-[\]-~]+$/.test(text) ? text : quote(text);
}
