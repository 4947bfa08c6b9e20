/**
 * A line as the user types it, split into words of any bytes:
 *
 *   "…"   with \n \r \t \b \a \xhh, any other \c is c          '…'   with \' only
 *
 * A quote may begin in the middle of a word (`key"a b"` is one word); a blank or the end must follow a closing quote. Source: spec/cli.md section 1.17.
 */

const BLANK = /[ \n\r\t\v\f\0]/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** @returns the words, or null where a quote is not closed or is followed by something else than a blank */
export function splitWords(line: string | Uint8Array): Buffer[] | null {
  // One character per byte from here on, so that an escape can name any byte.
  const text = Buffer.from(line as string).toString('latin1');
  const words: Buffer[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && BLANK.test(text[at]!)) at++;
    if (at === text.length) return words;
    let word = '';
    while (at < text.length && !BLANK.test(text[at]!)) {
      const quote = text[at]!;
      if (quote !== '"' && quote !== "'") {
        word += text[at++];
        continue;
      }
      const quoted = quote === '"' ? readDoubleQuoted(text, at + 1) : readSingleQuoted(text, at + 1);
      if (quoted === null) return null;
      word += quoted.content;
      at = quoted.end;
      if (at < text.length && !BLANK.test(text[at]!)) return null;
    }
    words.push(Buffer.from(word, 'latin1'));
  }
}

/** @returns what one quoted argument stands for, or null if it is not exactly one word */
export function unquote(text: string | Uint8Array): Buffer | null {
  const words = splitWords(text);
  return words?.length === 1 ? words[0]! : null;
}

/** `end` is the position after the closing quote. */
type Quoted = { content: string; end: number } | null;

function readDoubleQuoted(text: string, start: number): Quoted {
  let content = '';
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return { content, end: at + 1 };
    if (text[at] !== '\\' || at + 1 === text.length) {
      content += text[at];
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at + 1, at + 4))?.[1];
    if (hex !== undefined) {
      content += String.fromCharCode(Number.parseInt(hex, 16));
      at += 3;
    } else {
      at++;
      content += ESCAPES[text[at]!] ?? text[at];
    }
  }
  return null;
}

function readSingleQuoted(text: string, start: number): Quoted {
  let content = '';
  for (let at = start; at < text.length; at++) {
    if (text[at] === "'") return { content, end: at + 1 };
    if (text[at] === '\\' && text[at + 1] === "'") at++;
    content += text[at];
  }
  return null;
}
