/**
 * A line of words, some of them quoted, to strings and back: inline requests, configuration files, the manifest of the append-only file, lines of the shell.
 *
 *   "…"   knows \n \r \t \b \a, \xHH, and \ before any other character for that character
 *   '…'   knows only \'
 *
 * A quote may open inside a word (`key"a b"` is one word); what follows a closing quote must be a blank or the end. A NUL ends the line, as it ends a C
 * string: so it cannot stand between quotes, only be written \x00. VT and FF are skipped between words, but do not end one.
 *
 * Texts are byte strings: one character (0–255) per byte. Source: spec server.md sections 6.4.2 and 6.5.
 */

const BLANK = /[ \t\n\r\v\f]/;
/** What a word without quotes goes up to. */
const PLAIN = /[^ \t\n\r\0"']*/y;
const HEX_ESCAPE = /^x[0-9a-fA-F]{2}$/;
const NAMED_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** @returns the words of `line`; null if its quotes are unbalanced */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  for (let at = skipBlanks(line, 0); !isLineEnd(line, at); at = skipBlanks(line, at)) {
    PLAIN.lastIndex = at;
    let word = PLAIN.exec(line)![0];
    at += word.length;
    if (line[at] === '"' || line[at] === "'") {
      const quoted = line[at] === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
      if (quoted === null) return null;
      word += quoted.text;
      at = quoted.end;
      if (!isLineEnd(line, at) && !BLANK.test(line[at]!)) return null;
    }
    words.push(word);
  }
  return words;
}

/** `text` in double quotes, with everything but printable ASCII escaped, so that `splitWords` gives it back. */
export function quote(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (byte) => ESCAPES[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

function skipBlanks(line: string, start: number): number {
  let at = start;
  while (at < line.length && BLANK.test(line[at]!)) at++;
  return at;
}

function isLineEnd(line: string, at: number): boolean {
  return at === line.length || line[at] === '\0';
}

interface Quoted {
  readonly text: string;
  /** Behind the closing quote. */
  readonly end: number;
}

function readDoubleQuoted(line: string, start: number): Quoted | null {
  let text = '';
  for (let at = start; !isLineEnd(line, at); at++) {
    const character = line[at]!;
    if (character === '"') return { text, end: at + 1 };
    if (character !== '\\' || isLineEnd(line, at + 1)) {
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
  for (let at = start; !isLineEnd(line, at); at++) {
    if (line[at] === "'") return { text, end: at + 1 };
    if (line[at] === '\\' && line[at + 1] === "'") at++;
    text += line[at]!;
  }
  return null;
}
