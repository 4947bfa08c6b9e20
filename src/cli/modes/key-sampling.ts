/**
 * --bigkeys and --memkeys: which keys have the most elements, or take the most memory, by type; and averages. Ctrl-C ends the scan, not the summary.
 *
 * A batch of SCAN passes three stages, one a round trip: its keys are listed, their types are asked, their sizes. Three batches are under way at a time, each in
 * another stage, and what is asked for all three goes out in one write: so a batch costs one round trip in all.
 */
import type { Arg } from '../../client/encode-command.js';
import type { CommandLine } from '../command-line.js';
import { repr } from '../reply/quote.js';
import { numberOf, type ReplyNode, textOf } from '../reply/reply-node.js';
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';
import { databaseSize, KeyScan, ModeFailure, samplingPace } from './key-scan.js';
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

interface TypedKey {
  readonly name: Buffer;
  readonly type: TypeStatistics;
  /** null: the type has no size to ask for. */
  readonly sizeRequest: readonly Arg[] | null;
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
    const scan = new KeyScan(this.#session, this.#line, samplingPace(this.#line));
    let typed: TypedKey[] = [];
    let listed: Buffer[] | null = [];
    do {
      const sizeRequests = typed.map((key) => key.sizeRequest).filter((request) => request !== null);
      const typeRequests = (listed ?? []).map((name) => ['TYPE', name]);
      this.#session.sendAll([...sizeRequests, ...typeRequests, ...(await scan.nextRequest())]);
      this.#sample(typed, await this.#session.nextReplies(sizeRequests.length));
      typed = listed === null ? [] : this.#typed(listed, await this.#session.nextReplies(listed.length));
      listed = await scan.nextBatch();
    } while (!isStopped && (typed.length > 0 || listed !== null));
    stopListening();
    this.#summarise(isStopped);
    return 0;
  }

  /** @param sizes replies to the size requests of those keys that have one */
  #sample(keys: readonly TypedKey[], sizes: readonly ReplyNode[]): void {
    const progress = this.#progress();
    let answered = 0;
    for (const key of keys) {
      const { name, type } = key;
      const size = key.sizeRequest === null ? 0 : this.#sizeOf(key, sizes[answered++]!);
      type.keyCount++;
      type.totalSize += size;
      this.#keyBytes += name.length;
      this.#sampledKeys++;
      if (size > type.biggestSize) {
        type.biggestSize = size;
        type.biggestKey = repr(name);
        this.#terminal.write(
          `[${progress}] Biggest ${type.name.padEnd(6)} found so far '${type.biggestKey}' with ${size} ${type.unit}\n`,
        );
      }
      if (this.#sampledKeys % MILESTONE_KEYS === 0)
        this.#terminal.write(`[${progress}] Sampled ${this.#sampledKeys} keys so far\n`);
    }
  }

  /** Without the keys that are gone since SCAN saw them. */
  #typed(names: readonly Buffer[], replies: readonly ReplyNode[]): TypedKey[] {
    const keys: TypedKey[] = [];
    for (const [at, name] of names.entries()) {
      const reply = replies[at]!;
      const text = textOf(reply);
      if (reply.kind !== 'status') throw new ModeFailure(`TYPE returned an error: ${text}`);
      if (text === 'none') continue;
      const type = this.#types.get(text) ?? this.#addType(text, null, '?');
      keys.push({ name, type, sizeRequest: this.#sizeRequest(name, type) });
    }
    return keys;
  }

  #sizeOf({ name, type }: TypedKey, reply: ReplyNode): number {
    if (reply.kind === 'integer') return numberOf(reply);
    // A key that is gone meanwhile, or has another type, is no reason to stop.
    const command = this.#measuresMemory ? 'MEMORY USAGE' : type.sizeCommand;
    this.#terminal.writeError(`Warning:  ${command} on '${name}' failed (may have changed type)\n`);
    return 0;
  }

  #sizeRequest(name: Buffer, { sizeCommand }: TypeStatistics): Arg[] | null {
    if (!this.#measuresMemory) return sizeCommand === null ? null : [sizeCommand, name];
    const samples = this.#line.memorySamples;
    return ['MEMORY', 'USAGE', name, ...(samples === null || samples === 0 ? [] : ['SAMPLES', samples])];
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
