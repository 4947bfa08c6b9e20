/** Lines that the user types, and arguments in quotes, as words of any bytes. Source: spec/cli.md section 1.17. */
import * as quotedWords from '../resp/quoted-words.js';

/** @returns the words, or null where a quote is not closed or is followed by something else than a blank */
export function splitWords(line: string | Uint8Array): Buffer[] | null {
  const words = quotedWords.splitWords(Buffer.from(line as string).toString('latin1'));
  return words?.map((word) => Buffer.from(word, 'latin1')) ?? null;
}

/** @returns what one quoted argument stands for, or null if it is not exactly one word */
export function unquote(text: string | Uint8Array): Buffer | null {
  const words = splitWords(text);
  return words?.length === 1 ? words[0]! : null;
}
