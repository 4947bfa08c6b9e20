/**
 * The command line of the server as configuration: `[file] [-] [--directive value …]`.
 *
 *   first argument without `-`     the configuration file
 *   `-` in its place, or last      read standard input, after the file
 *   `--name`, or `--name value`    begins a line; what follows up to the next `--…` are its values, each quoted
 *
 * The word right after `--name` is its value even if it begins with `--` (a password may), except after `--save` and `--sentinel`: `--save` with
 * nothing after it, or another option, means `save ""`.
 *
 * The lines come after those of file and standard input, so they have the last word. Source: spec/server.md 6.5; compared with the real server.
 */
import { quote, splitWords } from '../../resp/quoted-words.js';

export interface ConfigArguments {
  /** as given, not resolved; empty if there is none */
  readonly file: string;
  readonly readsStdin: boolean;
  /** lines of configuration, separated by LF; byte string */
  readonly lines: string;
}

/** @param words  the arguments after the script's name, as byte strings */
export function parseConfigArguments(words: readonly string[]): ConfigArguments {
  let file = '';
  let readsStdin = false;
  let rest = words;
  if (words.length > 0 && words[0] === '-') {
    readsStdin = true;
    rest = words.slice(1);
  } else if (words.length > 0 && !words[0]!.startsWith('-')) {
    file = words[0]!;
    rest = words.slice(1);
  }
  if (rest.at(-1) === '-') {
    readsStdin = true;
    rest = rest.slice(0, -1);
  }
  return { file, readsStdin, lines: optionLines(rest) };
}

function optionLines(words: readonly string[]): string {
  const lines: string[] = [];
  let line = '';
  let valueExpected = false;
  for (const [index, word] of words.entries()) {
    if (valueExpected || !word.startsWith('--')) {
      line += `${quote(word)} `;
      valueExpected = false;
      continue;
    }
    if (line !== '') lines.push(line.trimEnd());
    line = `${word.slice(2)} `;
    const name = splitWords(word.slice(2)) ?? [];
    valueExpected = name.length === 1 && name[0] !== 'sentinel' && name[0] !== 'save';
    const next = words[index + 1];
    if (name.length === 1 && name[0] === 'save' && (next === undefined || next.startsWith('--'))) line += '""';
  }
  if (line !== '') lines.push(line.trimEnd());
  return lines.join('\n');
}
