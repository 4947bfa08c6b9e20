/** `:set hints`, `:set nohints`, typed or in ~/.redisclirc. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitWords } from '../split-words.js';

export interface Preferences {
  showsHints: boolean;
}

/** Carries out a line that begins with a colon. @returns what is wrong with it, or null */
export function applyPreference(words: readonly string[], preferences: Preferences): string | null {
  const [name, value] = words;
  if (name?.toLowerCase() !== ':set' || value === undefined) return `unknown redis-cli internal command '${name}'`;
  const preference = value.toLowerCase();
  if (preference !== 'hints' && preference !== 'nohints') return `unknown redis-cli preference '${value}'`;
  preferences.showsHints = preference === 'hints';
  return null;
}

/** Reads the file of preferences, if there is one. @returns lines about what is wrong in it */
export function loadPreferences(environment: NodeJS.ProcessEnv, preferences: Preferences): string[] {
  const path = dotFile(environment, 'REDISCLI_RCFILE', '.redisclirc');
  if (path === null) return [];
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  const complaints: string[] = [];
  for (const line of content.split('\n')) {
    const words = splitWords(line)?.map(String) ?? [];
    if (words.length === 0) continue;
    const complaint = applyPreference(words, preferences);
    if (complaint !== null) complaints.push(`.redisclirc: ${complaint}`);
  }
  return complaints;
}

/** A file in the user's home unless a variable names another; null: none is wanted. */
export function dotFile(environment: NodeJS.ProcessEnv, variable: string, name: string): string | null {
  const { HOME: home } = environment;
  const path = environment[variable] || (home === undefined || home === '' ? null : join(home, name));
  return path === '/dev/null' ? null : path;
}
