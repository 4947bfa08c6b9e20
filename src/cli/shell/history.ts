/**
 * The shell's history: the latest lines, in memory and in a file that only its owner may read. Lines with a secret are not kept. The whole file is written
 * after each line, since several shells may run and the last one wins, as with redis-cli. A file that cannot be read or written is no reason to stop.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

const ENTRY_COUNT_MAX = 100;
const FILE_MODE = 0o600;

export class History {
  readonly #path: string | null;
  #entries: string[] = [];

  /** @param path null: in memory only */
  constructor(path: string | null) {
    this.#path = path;
    if (path === null) return;
    try {
      this.#entries = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .slice(-ENTRY_COUNT_MAX);
    } catch {
      // There is none yet.
    }
  }

  /** Oldest first. */
  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Adds a line, unless it repeats the one before. */
  add(line: string): void {
    if (line === this.#entries.at(-1)) return;
    this.#entries = [...this.#entries, line].slice(-ENTRY_COUNT_MAX);
    if (this.#path === null) return;
    try {
      writeFileSync(this.#path, this.#entries.map((entry) => `${entry}\n`).join(''), { mode: FILE_MODE });
      // One that was there before may be open to others.
      chmodSync(this.#path, FILE_MODE);
    } catch {
      // The history is a convenience.
    }
  }
}

/** Parameters of CONFIG SET that are secrets. */
const SECRET_PARAMETERS = new Set([
  'masterauth',
  'masteruser',
  'primaryauth',
  'primaryuser',
  'requirepass',
  'tls-key-file-pass',
  'tls-client-key-file-pass',
]);

/** Whether a line of these words must not be kept, since it shows a password. Source: spec/cli.md section 1.16, history. */
export function isSensitive(words: readonly string[]): boolean {
  const [name, second, third, ...more] = words.map((word) => word.toLowerCase());
  switch (name) {
    case 'auth':
      return true;
    case 'acl':
      return second === 'setuser' || second === 'deluser' || second === 'getuser';
    case 'config':
      // Every other word from the third on is a parameter.
      return second === 'set' && [third, ...more].some((word, at) => at % 2 === 0 && SECRET_PARAMETERS.has(word ?? ''));
    case 'hello':
      return [third, ...more].includes('auth');
    case 'migrate':
      return hasMigrateSecret(words.map((word) => word.toLowerCase()));
    case 'sentinel':
      return (
        (second === 'config' && third === 'set' && /^sentinel-(pass|user)$/.test(more[0] ?? '')) ||
        (second === 'set' && /^auth-(pass|user)$/.test(more[0] ?? ''))
      );
    default:
      return false;
  }
}

/** AUTH and AUTH2 count before KEYS: behind it they are keys. */
function hasMigrateSecret(words: readonly string[]): boolean {
  const keysAt = words.indexOf('keys');
  const options = words.slice(0, keysAt < 0 ? words.length : keysAt);
  return options.some((word, at) => at > 2 && (word === 'auth' || word === 'auth2'));
}
