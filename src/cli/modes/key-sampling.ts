/**
 * --bigkeys and --memkeys: which keys have the most elements, or take the most memory, by type; and averages. Each batch of SCAN costs two round trips: the
 * types, then the sizes. Ctrl-C ends the scan, not the summary.
 */
import type { Arg } from '../../client/encode-command.js';
import type { CommandLine } from '../command-line.js';
import { repr } from '../reply/quote.js';
import { numberOf, textOf } from '../reply/reply-node.js';
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';
import { databaseSize, ModeFailure, samplingPace, scanKeys } from './key-scan.js';
import { withServer } from './mode-session.js';

const MILESTONE_KEYS = 1_000_000;

/** What is known of the keys of one type. */
interface TypeStatistics {
  readonly name: string;
  /** Asks for the number of elements; null for the types of modules, which have none to ask. */
  readonly sizeCommand: string | null;
  readonly unit: string;
  keyCount: number;
  totalSize: number;
  biggestSize: number;
  /** As shown; '' where no key has a size yet. */
  biggestKey: string;
}

/** In the order of the summary. */
const TYPES: readonly (readonly [name: string, sizeCommand: string, unit: string])[] = [
  ['list', 'LLEN', 'items'],
  ['hash', 'HLEN', 'fields'],
  ['string', 'STRLEN', 'bytes'],
  ['stream', 'XLEN', 'entries'],
  ['set', 'SCARD', 'members'],
  ['zset', 'ZCARD', 'members'],
];
const INTRODUCTION = `
# Scanning the entire keyspace to find biggest keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

`;

export function runKeySampling(line: CommandLine, terminal: Terminal): Promise<number> {
  return withServer(line, terminal, (session) => new KeySampling(session, line, terminal).run());
}

class KeySampling {
  readonly #session: Session;
  readonly #line: CommandLine;
  readonly #terminal: Terminal;
  readonly #measuresMemory: boolean;
  readonly #types = new Map<string, TypeStatistics>();
  #sampledKeys = 0;
  #keyBytes = 0;
  #databaseSize = 0;

  constructor(session: Session, line: CommandLine, terminal: Terminal) {
    this.#session = session;
    this.#line = line;
    this.#terminal = terminal;
    this.#measuresMemory = line.mode === 'memkeys';
    for (const [name, sizeCommand, unit] of TYPES) this.#addType(name, sizeCommand, unit);
  }

  async run(): Promise<number> {
    let isStopped = false;
    const stopListening = this.#terminal.onInterrupt(() => {
      isStopped = true;
    });
    this.#databaseSize = await databaseSize(this.#session);
    this.#terminal.write(INTRODUCTION);
    for await (const keys of scanKeys(this.#session, this.#line, samplingPace(this.#line))) {
      if (isStopped) break;
      await this.#sample(keys);
    }
    stopListening();
    this.#summarise(isStopped);
    return 0;
  }

  async #sample(keys: readonly Buffer[]): Promise<void> {
    const progress = this.#progress();
    const types = await this.#typesOf(keys);
    const sizes = await this.#sizesOf(keys, types);
    for (const [at, key] of keys.entries()) {
      const type = types[at]!;
      // Gone since SCAN saw it.
      if (type === null) continue;
      const size = sizes[at]!;
      type.keyCount++;
      type.totalSize += size;
      this.#keyBytes += key.length;
      this.#sampledKeys++;
      if (size > type.biggestSize) {
        type.biggestSize = size;
        type.biggestKey = repr(key);
        this.#terminal.write(
          `[${progress}] Biggest ${type.name.padEnd(6)} found so far '${type.biggestKey}' with ${size} ${type.unit}\n`,
        );
      }
      if (this.#sampledKeys % MILESTONE_KEYS === 0)
        this.#terminal.write(`[${progress}] Sampled ${this.#sampledKeys} keys so far\n`);
    }
  }

  async #typesOf(keys: readonly Buffer[]): Promise<(TypeStatistics | null)[]> {
    this.#session.sendAll(keys.map((key) => ['TYPE', key]));
    const types: (TypeStatistics | null)[] = [];
    for (const key of keys) {
      const reply = await this.#session.nextReply();
      if (reply.kind !== 'status') throw new ModeFailure(`TYPE returned an error: ${textOf(reply)} (key ${repr(key)})`);
      const name = textOf(reply);
      types.push(name === 'none' ? null : (this.#types.get(name) ?? this.#addType(name, null, '?')));
    }
    return types;
  }

  /** Sizes by key; 0 where the type has none. */
  async #sizesOf(keys: readonly Buffer[], types: readonly (TypeStatistics | null)[]): Promise<number[]> {
    const requests = keys.map((key, at) => this.#sizeRequest(key, types[at]!));
    this.#session.sendAll(requests.filter((request) => request !== null));
    const sizes: number[] = [];
    for (const [at, request] of requests.entries()) {
      const reply = request === null ? null : await this.#session.nextReply();
      // A key that has changed its type meanwhile is no reason to stop.
      if (reply?.kind === 'error')
        this.#terminal.writeError(
          `Warning:  ${String(request![0])} on '${repr(keys[at]!)}' failed (may have changed type)\n`,
        );
      sizes.push(reply?.kind === 'integer' ? numberOf(reply) : 0);
    }
    return sizes;
  }

  #sizeRequest(key: Buffer, type: TypeStatistics | null): Arg[] | null {
    if (type === null) return null;
    if (!this.#measuresMemory) return type.sizeCommand === null ? null : [type.sizeCommand, key];
    const samples = this.#line.memorySamples;
    return ['MEMORY', 'USAGE', key, ...(samples === null || samples === 0 ? [] : ['SAMPLES', samples])];
  }

  #summarise(isStopped: boolean): void {
    const print = (text: string): void => this.#terminal.write(`${text}\n`);
    const types = [...this.#types.values()];
    const average = this.#sampledKeys === 0 ? 0 : this.#keyBytes / this.#sampledKeys;
    print('\n-------- summary -------\n');
    print(`${isStopped ? `[${this.#progress()}] ` : ''}Sampled ${this.#sampledKeys} keys in the keyspace!`);
    print(`Total key length in bytes is ${this.#keyBytes} (avg len ${average.toFixed(2)})\n`);
    for (const { name, biggestKey, biggestSize, unit } of types)
      if (biggestSize > 0) print(`Biggest ${name.padStart(6)} found '${biggestKey}' has ${biggestSize} ${unit}`);
    print('');
    for (const { name, keyCount, totalSize, unit } of types) {
      const share = percent(keyCount, this.#sampledKeys);
      const mean = keyCount === 0 ? 0 : totalSize / keyCount;
      print(`${keyCount} ${name}s with ${totalSize} ${unit} (${share} of keys, avg size ${mean.toFixed(2)})`);
    }
  }

  #progress(): string {
    return percent(this.#sampledKeys, this.#databaseSize);
  }

  #addType(name: string, sizeCommand: string | null, unit: string): TypeStatistics {
    const type: TypeStatistics = {
      name,
      sizeCommand,
      unit: this.#measuresMemory ? 'bytes' : unit,
      keyCount: 0,
      totalSize: 0,
      biggestSize: 0,
      biggestKey: '',
    };
    this.#types.set(name, type);
    return type;
  }
}

/** `07.31%`; of nothing it is zero. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2).padStart(5, '0')}%`;
}
