/**
 * The server's configuration: what every directive is set to, and the only ways to change it.
 *
 *   start-up   `loadArgs`: the first line that is refused stops the start (ConfigError)
 *   CONFIG     `get`, `set` (all or nothing), `rewrite`
 *   server     `assign`, for values that other commands change (REPLICAOF)
 *
 * Reading is cheap anywhere: `config.values` is one object for the life of the process, with one field of final type per directive
 * (`config.values.clusterNodeTimeout`). It changes only in `assign` and `set`, between two commands; nobody else writes to it.
 *
 * Whoever must *do* something when a directive changes registers with `onChange`. A set works in four steps: all names are checked, then all values
 * are read, then all values are put in place, then the functions registered for what really changed run, each once. If one refuses, the
 * old values come back and the functions that had run already run again. Until then (some take time: opening sockets) the next set waits.
 *
 * Texts are byte strings, one character per byte; see directive.ts. Source: spec/server.md section 6.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { assert, InvariantError } from '../../memory/assert.js';
import {
  discardFileSync,
  errorCode,
  nodeFileSystem,
  strerror,
  syncDirectorySync,
  writeFullySync,
} from '../../persistence/file-system.js';
import { globMatchesText, isGlob } from '../../types/glob.js';
import { type Apply, applyAll, type MaybePromise, type Refusal } from './apply.js';
import { parseConfigArguments } from './arguments.js';
import { ConfigError } from './config-error.js';
import type { Directive, Parsed } from './directive.js';
import { type ConfigValues, type DirectiveName, directives, fieldName } from './directives.js';
import { encodePath } from './kinds.js';
import { type LineTarget, loadConfigText, readConfigFile } from './load.js';
import { type RewriteEntry, rewriteText } from './rewrite.js';
import { checkUserLine } from './user-line.js';

export interface ConfigHooks {
  /** What relative names start from; the process's working directory unless given (several servers may live in one process). */
  readonly directory?: string;
  /** Called when `dir` takes effect, with an absolute path. A server that has its process to itself follows with `process.chdir`. */
  readonly changeDirectory?: (path: string) => void;
  /** `rename-command from to`, `to` empty for "remove". Gives back the reason of a refusal. */
  readonly renameCommand?: (from: string, to: string) => string | null;
}

/** Who sets: protected directives may be reserved to local clients. */
export interface SetOrigin {
  /** A unix socket or a loopback address. */
  readonly isLocal: boolean;
}

interface Entry {
  readonly name: DirectiveName;
  readonly field: string;
  readonly directive: Directive<unknown>;
  readonly applies: Apply[];
  text: string;
}

/** A name that CONFIG knows: a directive's own, or one of its older ones. */
interface Name {
  readonly spelling: string;
  readonly entry: Entry;
}

interface Change {
  readonly name: Name;
  readonly text: string;
  readonly value: unknown;
}

export class Config {
  readonly values: ConfigValues;
  /** Absolute path of the configuration file; empty if there is none. */
  file = '';
  /** True while the dataset is being loaded; some directives cannot be set then. The server keeps it. */
  isLoading = false;
  /** How often a directive was set: what was made of `get` is good as long as this stays. */
  changeCount = 0;

  readonly #hooks: ConfigHooks;
  readonly #fields: Record<string, unknown>;
  readonly #entries: readonly Entry[];
  readonly #names = new Map<string, Name>();
  /** Those that patterns find. */
  readonly #shown: Name[] = [];
  /** Directives that a line of the present start-up has named. */
  readonly #named = new Set<Entry>();
  /** The set that has not ended yet; null if none. */
  #pendingSet: Promise<string | null> | null = null;

  constructor(hooks: ConfigHooks = {}) {
    this.#hooks = hooks;
    this.#entries = Object.entries(directives as Record<string, Directive<unknown>>).map(([name, directive]) => ({
      name: name as DirectiveName,
      field: fieldName(name),
      directive,
      applies: [],
      text: directive.defaultText,
    }));
    // An object made in one go keeps V8's fast form in spite of its many fields; one that grew field by field would be a slow dictionary.
    this.#fields = Object.fromEntries(this.#entries.map(({ field, directive }) => [field, directive.defaultValue]));
    this.values = this.#fields as unknown as ConfigValues;
    for (const entry of this.#entries) {
      for (const spelling of [entry.name, ...entry.directive.aliases]) {
        const name = { spelling, entry };
        this.#names.set(spelling, name);
        if (!entry.directive.hidden) this.#shown.push(name);
      }
    }
    const directory = hooks.directory ?? process.cwd();
    this.#put(this.#names.get('dir')!.entry, encodePath(directory), directory);
  }

  /**
   * Loads what the command line asks for: file, then standard input, then options.
   * @param argv       the arguments after the script's name, as Node.js gives them
   * @param readStdin  standard input to its end, as a byte string
   * @throws ConfigError
   */
  loadArgs(argv: readonly string[], readStdin: () => string = () => readFileSync(0, 'latin1')): void {
    const { file, readsStdin, lines } = parseConfigArguments(argv.map(encodePath));
    this.#named.clear();
    let text = '';
    if (file !== '') {
      this.file = resolve(this.values.dir, Buffer.from(file, 'latin1').toString());
      text = readConfigFile(this.file, this.#lines);
    }
    if (readsStdin) text += (text === '' || text.endsWith('\n') ? '' : '\n') + readStdin();
    loadConfigText(`${text}\n${lines}`, this.#lines);
    this.#checkWhole();
  }

  readonly #lines: LineTarget = {
    setDirective: (name, words) => {
      const entry = this.#names.get(name)?.entry;
      if (entry === undefined) return undefined;
      const parsed = this.#parse(entry, words);
      if (!parsed.ok) return parsed.reason;
      this.#named.add(entry);
      this.#put(entry, parsed.text, parsed.value);
      return null;
    },
    renameCommand: (from, to) => this.#hooks.renameCommand?.(from, to) ?? null,
    defineUser: (words) => checkUserLine(words, this.values.requirepass),
    directory: () => this.values.dir,
  };

  /** What no single line can tell. */
  #checkWhole(): void {
    const { clusterEnabled, replicaof, logfile } = this.values;
    if (clusterEnabled && replicaof !== null)
      throw new ConfigError('replicaof directive not allowed in cluster mode', null);
    if (logfile === '') return;
    try {
      closeSync(openSync(this.resolvePath(logfile), 'a', 0o644));
    } catch (error) {
      throw new ConfigError(`Can't open the log file: ${strerror(error)}`, null);
    }
  }

  #parse(entry: Entry, words: readonly string[]): Parsed<unknown> {
    return entry.directive.parse(words, {
      current: this.#fields[entry.field],
      repeated: this.#named.has(entry),
      directory: this.values.dir,
    });
  }

  #put(entry: Entry, text: string, value: unknown): void {
    this.changeCount++;
    entry.text = text;
    this.#fields[entry.field] = value;
    if (entry.name === 'dir') this.#hooks.changeDirectory?.(value as string);
  }

  /** A name from a path directive as an absolute path: relative ones start at `dir`. */
  resolvePath(path: string): string {
    return resolve(this.values.dir, path);
  }

  /** The canonical text of a directive, as CONFIG GET shows it. */
  text(name: DirectiveName): string {
    return this.#names.get(name)!.entry.text;
  }

  /** Whether `name` is a directive whose value is a secret, to be redacted in SLOWLOG and MONITOR. Any case, any alias. */
  isSensitive(name: string): boolean {
    return this.#names.get(name.toLowerCase())?.entry.directive.sensitive ?? false;
  }

  /**
   * CONFIG GET: names and texts, without duplicates. An exact name is given back as it was typed; a pattern finds present and older names, but no
   * hidden directive.
   */
  get(patterns: readonly string[]): [name: string, text: string][] {
    const found = new Map<string, [string, string]>();
    const add = (key: string, shown: string, entry: Entry) => {
      if (!found.has(key)) found.set(key, [shown, entry.text]);
    };
    for (const pattern of patterns) {
      const lowered = pattern.toLowerCase();
      if (!isGlob(pattern)) {
        const name = this.#names.get(lowered);
        if (name !== undefined) add(lowered, pattern, name.entry);
        continue;
      }
      const matchesAll = lowered === '*';
      for (const { spelling, entry } of this.#shown) {
        if (matchesAll || globMatchesText(lowered, spelling)) add(spelling, spelling, entry);
      }
    }
    return [...found.values()];
  }

  /** What `get` finds for `*`, flat: name, text, name, text … */
  everything(): string[] {
    const found: string[] = [];
    for (const { spelling, entry } of this.#shown) found.push(spelling, entry.text);
    return found;
  }

  /**
   * CONFIG SET: all or nothing.
   * @param pairs  name, value, name, value …; byte strings
   * @returns      null if done, else the error reply without its `-`; a promise of it if something registered with onChange takes time
   */
  set(pairs: readonly string[], origin: SetOrigin): MaybePromise<string | null> {
    if (this.#pendingSet !== null) return this.#pendingSet.then(() => this.set(pairs, origin));
    const changes = this.#readPairs(pairs, origin);
    if (typeof changes === 'string') return changes;
    const real = changes.filter(({ name, text }) => name.entry.text !== text || name.entry.directive.reapplied);
    const before = real.map(({ name }) => ({ name, text: name.entry.text, value: this.#fields[name.entry.field] }));
    const outcome = this.#changeAll(real, before);
    if (!(outcome instanceof Promise)) return outcome;
    const pending = outcome.finally(() => {
      if (this.#pendingSet === pending) this.#pendingSet = null;
    });
    this.#pendingSet = pending;
    return pending;
  }

  /** Steps 1 and 2 of a set. @returns the changes, or the error reply */
  #readPairs(pairs: readonly string[], origin: SetOrigin): Change[] | string {
    if (pairs.length === 0 || pairs.length % 2 !== 0) return 'ERR syntax error';
    const names: Name[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const typed = pairs[at]!;
      const name = this.#names.get(typed.toLowerCase());
      if (name === undefined)
        return `ERR Unknown option or number of arguments for CONFIG SET - '${typed.split('\0')[0]}'`;
      const { directive } = name.entry;
      if (directive.immutable) return failure(typed, "can't set immutable config");
      if (directive.protected && !this.#allowsProtected(origin)) return failure(typed, "can't set protected config");
      if (directive.denyLoading && this.isLoading) return 'LOADING Redis is loading the dataset in memory';
      if (names.includes(name)) return failure(typed, 'duplicate parameter');
      names.push(name);
    }
    const changes: Change[] = [];
    this.#named.clear();
    for (const [index, name] of names.entries()) {
      const parsed = this.#parse(name.entry, [pairs[index * 2 + 1]!]);
      if (!parsed.ok) return failure(name.spelling, parsed.reason);
      changes.push({ name, text: parsed.text, value: parsed.value });
    }
    return changes;
  }

  #allowsProtected(origin: SetOrigin): boolean {
    const { enableProtectedConfigs } = this.values;
    return enableProtectedConfigs === 'yes' || (enableProtectedConfigs === 'local' && origin.isLocal);
  }

  /** Steps 3 and 4 of a set. */
  #changeAll(changes: readonly Change[], before: readonly Change[]): MaybePromise<string | null> {
    try {
      this.#putAll(changes);
    } catch (error) {
      this.#putAll(before); // `dir` may have been removed since it was checked
      return failure('dir', strerror(error));
    }
    const applies: Apply[] = [];
    const causes: Name[] = [];
    for (const { name } of changes) {
      for (const apply of name.entry.applies) {
        if (applies.includes(apply)) continue;
        applies.push(apply);
        causes.push(name);
      }
    }
    const refused = applyAll(applies, () => this.#putAll(before));
    const reply = (refusal: Refusal | null) => refusal && failure(causes[refusal.at]!.spelling, refusal.reason);
    return refused instanceof Promise ? refused.then(reply) : reply(refused);
  }

  #putAll(changes: readonly Change[]): void {
    for (const { name, text, value } of changes) this.#put(name.entry, text, value);
  }

  /**
   * Registers what must happen when CONFIG SET changes one of `names`. It runs once per set, however many of them changed, in the order of the
   * set's arguments. It does not run for values from start-up or `assign`.
   */
  onChange(names: DirectiveName | readonly DirectiveName[], apply: Apply): void {
    for (const name of typeof names === 'string' ? [names] : names) this.#names.get(name)!.entry.applies.push(apply);
  }

  /**
   * Sets a directive because the server's state changed by another way (REPLICAOF, a default that depends on others). Immutable ones, too; nothing
   * registered with onChange runs.
   * @param words  as in a configuration file; they must be valid
   */
  assign(name: DirectiveName, ...words: string[]): void {
    const { entry } = this.#names.get(name)!;
    this.#named.clear();
    const parsed = this.#parse(entry, words);
    assert(parsed.ok, `${words.join(' ')} is no value for ${name}`);
    this.#put(entry, parsed.text, parsed.value);
  }

  /**
   * CONFIG REWRITE.
   * @param others  lines of other parts of the server, see rewrite.ts
   * @param isComplete  every directive is written, also one that has its default
   * @returns       null if the file is written and durable, else the error reply without its `-`
   */
  rewrite(others: readonly RewriteEntry[] = [], isComplete = false): string | null {
    if (this.file === '') return 'ERR The server is running without a config file';
    try {
      const text = rewriteText(this.#readOldFile(), [...this.#rewriteEntries(isComplete), ...others], this.#keyOf);
      replaceFile(this.file, Buffer.from(text, 'latin1'));
      return null;
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      return `ERR Rewriting config file: ${strerror(error)}`;
    }
  }

  #readOldFile(): string {
    try {
      return readFileSync(this.file, 'latin1');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return '';
      throw error;
    }
  }

  #rewriteEntries(isComplete: boolean): RewriteEntry[] {
    return this.#entries.map(({ name, field, directive, text }) => {
      // Roles are kept in nodes.conf there.
      if (name === 'replicaof' && this.values.clusterEnabled) return { key: name, lines: [] };
      const lines = directive.rewrite(text, this.#fields[field]);
      return {
        key: name,
        lines: lines.map(({ words, force }) => ({ text: `${name} ${words}`, force: force || isComplete })),
      };
    });
  }

  readonly #keyOf = (words: readonly string[]): string | null => {
    const first = words[0]!.toLowerCase();
    const name = this.#names.get(first);
    if (name !== undefined) return name.entry.name;
    if (first === 'sentinel') return words.length > 1 ? `sentinel ${words[1]!.toLowerCase()}` : first;
    return NOT_DIRECTIVES.has(first) ? first : null;
  };
}

/** Lines that a configuration file may have although they set no directive. */
const NOT_DIRECTIVES: ReadonlySet<string> = new Set(['include', 'rename-command', 'loadmodule', 'user']);

function failure(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}')${reason === '' ? '' : ` - ${reason}`}`;
}

/** Puts a file in the place of another one so that at every moment, even after a crash, one of them is there and whole. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBytes(3).toString('hex')}`;
  const fd = nodeFileSystem.openSync(temporary, 'ax', 0o644);
  try {
    try {
      writeFullySync(nodeFileSystem, fd, bytes, 0, bytes.length);
      nodeFileSystem.fsyncSync(fd);
    } finally {
      nodeFileSystem.closeSync(fd);
    }
    nodeFileSystem.renameSync(temporary, path);
  } catch (error) {
    discardFileSync(nodeFileSystem, temporary);
    throw error;
  }
  syncDirectorySync(nodeFileSystem, dirname(path));
}
