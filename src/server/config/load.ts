/**
 * Reads configuration text line by line. Directives go to the given target; the lines that are no directives (`include`, `user`, …) are dealt
 * with here.
 *
 * Source: spec/server.md 6.4.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { strerror } from '../../persistence/file-system.js';
import { splitWords } from '../../resp/quoted-words.js';
import { globMatchesText, isGlob } from '../../types/glob.js';
import { ConfigError } from './config-error.js';
import { OBSOLETE_DIRECTIVES } from './directives.js';
import { decodePath } from './kinds.js';

/** What the lines are for. Every function returns the reason of a refusal, or null. */
export interface LineTarget {
  /** @returns null if done; undefined if there is no directive of that name */
  setDirective(name: string, words: readonly string[]): string | null | undefined;
  /** `rename-command from to`; `to` is empty for "remove" */
  renameCommand(from: string, to: string): string | null;
  /** `user …`: the words after it, at least one */
  defineUser(words: readonly string[]): string | null;
  /** Where relative names start; changes with `dir` lines. */
  directory(): string;
}

/** Deep enough for any sane set of files; a file that includes itself ends here instead of in a stack overflow. */
const INCLUDE_DEPTH_MAX = 16;

const BAD_DIRECTIVE = 'Bad directive or wrong number of arguments';

/**
 * @param path  as given; relative to the target's directory
 * @throws ConfigError  if the file cannot be read
 */
export function readConfigFile(path: string, target: LineTarget): string {
  try {
    return readFileSync(resolve(target.directory(), path), 'latin1');
  } catch (error) {
    throw new ConfigError(`Fatal error, can't open config file '${path}': ${strerror(error)}`, undefined);
  }
}

/** @throws ConfigError  for the first line that is refused */
export function loadConfigText(text: string, target: LineTarget, depth = 0): void {
  for (const [index, raw] of text.split('\n').entries()) {
    const line = trimLine(raw);
    if (line === '' || line.startsWith('#')) continue;
    const reason = loadLine(line, target, depth);
    if (reason !== null) throw new ConfigError(reason, { line: index + 1, text: line });
  }
}

export function trimLine(line: string): string {
  return line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
}

function loadLine(line: string, target: LineTarget, depth: number): string | null {
  const words = splitWords(line);
  if (words === null) return 'Unbalanced quotes in configuration line';
  if (words.length === 0) return null;
  const name = words[0]!.toLowerCase();
  const values = words.slice(1);
  const done = target.setDirective(name, values);
  if (done !== undefined) return done;

  switch (name) {
    case 'include':
      return values.length === 1 ? include(values[0]!, target, depth) : BAD_DIRECTIVE;
    case 'rename-command':
      return values.length === 2 ? target.renameCommand(values[0]!, values[1]!) : BAD_DIRECTIVE;
    case 'user':
      return values.length > 0 ? target.defineUser(values) : BAD_DIRECTIVE;
    case 'loadmodule':
      return values.length > 0 ? `Can't load module from ${values[0]}: modules are not supported` : BAD_DIRECTIVE;
    case 'sentinel':
      return values.length > 0 ? 'sentinel directive while not in sentinel mode' : null;
  }
  return OBSOLETE_DIRECTIVES.has(name) && values.length === 1 ? null : BAD_DIRECTIVE;
}

function include(pattern: string, target: LineTarget, depth: number): string | null {
  if (depth === INCLUDE_DEPTH_MAX) return `include goes deeper than ${INCLUDE_DEPTH_MAX} files`;
  for (const path of includedFiles(decodePath(pattern), target.directory())) {
    loadConfigText(readConfigFile(path, target), target, depth + 1);
  }
  return null;
}

/** @returns the files that an `include` names, sorted; a pattern that matches nothing includes nothing, a plain name is kept even if it is missing */
function includedFiles(pattern: string, directory: string): string[] {
  if (!isGlob(pattern)) return [pattern];
  let found = [pattern.startsWith('/') ? '/' : directory];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    found = found.flatMap((parent) => (isGlob(segment) ? matchingEntries(parent, segment) : [join(parent, segment)]));
  }
  return found.filter((path) => existsSync(path)).sort();
}

function matchingEntries(parent: string, pattern: string): string[] {
  try {
    const names = readdirSync(parent).filter((name) => name.startsWith('.') === pattern.startsWith('.'));
    return names.filter((name) => globMatchesText(pattern, name)).map((name) => join(parent, name));
  } catch {
    return []; // not a directory, or not readable: nothing in it matches
  }
}
