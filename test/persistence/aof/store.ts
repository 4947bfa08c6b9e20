/**
 * The smallest data set that a log can be about: strings with SET, DEL and INCR in 16 databases, snapshots of it, and the replay of commands into it.
 */
import { Aof, type AofSettings } from '../../../src/persistence/aof/aof.js';
import type { AofAppender } from '../../../src/persistence/aof/aof-appender.js';
import type { AofPaths } from '../../../src/persistence/aof/aof-directory.js';
import type { AofExecutor } from '../../../src/persistence/aof/aof-loader.js';
import { argumentText, type RecordArguments } from '../../../src/persistence/aof/record-parser.js';
import type { FileSystem } from '../../../src/persistence/file-system.js';
import type { PutResult, RdbTarget } from '../../../src/persistence/rdb/rdb-loader.js';
import type { RdbRecord } from '../../../src/persistence/rdb/rdb-reader.js';
import { type ChunkSink, RdbWriter } from '../../../src/persistence/rdb/rdb-writer.js';
import type { SnapshotForm, SnapshotProducer, SnapshotSource } from '../../../src/persistence/snapshot-file.js';
import { RecordBuffer } from '../../../src/resp/record-buffer.js';
import { ascii } from '../support.js';

export class Store implements AofExecutor, RdbTarget, SnapshotSource {
  readonly data = new Map<string, string>();
  executed = 0;
  #db = 0;

  beginFile(): void {
    this.#db = 0;
  }

  execute(command: RecordArguments): boolean {
    return this.run(Array.from({ length: command.argumentCount }, (_, i) => argumentText(command, i)));
  }

  run(args: readonly string[]): boolean {
    this.executed++;
    const key = `${this.#db}/${args[1]}`;
    switch (args[0]!.toUpperCase()) {
      case 'SELECT':
        this.#db = Number(args[1]);
        return true;
      case 'SET':
        this.data.set(key, args[2]!);
        return true;
      case 'DEL':
        this.data.delete(key);
        return true;
      case 'INCR':
        this.data.set(key, String(Number(this.data.get(key) ?? 0) + 1));
        return true;
      default:
        return false;
    }
  }

  selectDb(db: number): void {
    this.#db = db;
  }

  reserve(): void {}

  put(record: RdbRecord): PutResult {
    if (record.type !== 0) return 'unsupported';
    const key = `${record.db}/${record.key}`;
    if (this.data.has(key)) return 'duplicate';
    this.data.set(key, String(record.value));
    return 'stored';
  }

  expired(): void {}

  functionLibrary(): null {
    return null;
  }

  /** Everything in it, as one line. */
  toString(): string {
    return [...this.data]
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(' ');
  }

  begin(form: SnapshotForm, sink: ChunkSink): SnapshotProducer {
    const keys = [...this.data].map(
      ([key, value]) => [Number(key.split('/')[0]), key.slice(key.indexOf('/') + 1), value] as const,
    );
    keys.sort((a, b) => a[0] - b[0]);
    return form === 'aof-base-commands' ? commandProducer(keys, sink) : rdbProducer(keys, form, sink);
  }
}

type Key = readonly [db: number, name: string, value: string];

function rdbProducer(keys: Key[], form: SnapshotForm, sink: ChunkSink): SnapshotProducer {
  const writer = new RdbWriter(sink, { chunkBytes: 64 });
  let isCancelled = false;
  let db = -1;
  writer.begin();
  writer.aux('aof-base', form === 'rdb' ? '0' : '1');
  return {
    step() {
      if (isCancelled) return false;
      const next = keys.shift();
      if (next === undefined) {
        writer.end();
        return true;
      }
      if (next[0] !== db) writer.selectDb((db = next[0]));
      writer.key(0, ascii(next[1]), 0, next[1].length);
      writer.stringOfText(next[2]);
      return false;
    },
    cancel() {
      isCancelled = true;
    },
    recycle: (chunk) => writer.recycle(chunk),
  };
}

function commandProducer(keys: Key[], sink: ChunkSink): SnapshotProducer {
  let isCancelled = false;
  return {
    step() {
      if (isCancelled) return false;
      const buffer = new RecordBuffer();
      for (const [db, name, value] of keys.splice(0, 3))
        buffer.ascii(record('SELECT', String(db)) + record('SET', name, value));
      if (buffer.length > 0) sink(buffer.bytes, buffer.length);
      return keys.length === 0;
    },
    cancel() {
      isCancelled = true;
    },
    recycle: () => {},
  };
}

/** Adds a record to the log as a server does: annotation, SELECT where needed, the command. */
export function appendRecord(appender: AofAppender, db: number, nowMs: number, args: readonly string[]): void {
  appender.annotate(Math.floor(nowMs / 1000));
  if (appender.selectedDb !== db) appender.buffer.ascii(record('SELECT', String(db)));
  appender.selectedDb = db;
  appender.buffer.ascii(record(...args));
  appender.mark++;
}

/** A command as the log holds it. */
export function record(...args: string[]): string {
  return `*${args.length}\r\n${args.map((each) => `$${each.length}\r\n${each}\r\n`).join('')}`;
}

export const paths = { dir: '/data', appenddirname: 'appendonlydir', appendfilename: 'appendonly.aof' };
export const aofPath = (name: string) => `/data/appendonlydir/${name}`;

export const defaultSettings: AofSettings = {
  appendfsync: 'always',
  noAppendfsyncOnRewrite: false,
  aofTimestampEnabled: false,
  aofLoadTruncated: true,
  aofUseRdbPreamble: true,
  aofRewriteIncrementalFsync: true,
  aofDisableAutoGc: false,
  autoAofRewritePercentage: 100,
  autoAofRewriteMinSize: 64 << 20,
  databases: 16,
  rdbchecksum: true,
};

/** A store with its log, as a server would hold them. */
export class LoggedStore {
  readonly store = new Store();
  readonly aof: Aof;
  readonly settings: { -readonly [name in keyof AofSettings]: AofSettings[name] };
  readonly logLines: string[] = [];
  nowMs = 1_700_000_000_000;
  hasFailed = false;
  isEnabledForGood = false;

  constructor(
    readonly fileSystem: FileSystem & { isCrashed?: boolean },
    settings: Partial<AofSettings> = {},
    where: AofPaths = paths,
  ) {
    this.settings = { ...defaultSettings, ...settings };
    this.aof = new Aof(fileSystem, this.store, where, this.settings, {
      log: (level, line) => level !== 'debug' && this.logLines.push(line),
      unixMs: () => this.nowMs,
      isSnapshotRunning: () => this.aof.isRewriting,
      onFatal: () => {
        this.hasFailed = true;
      },
      onDurable: () => {},
      onEnabled: () => {
        this.isEnabledForGood = true;
      },
    });
  }

  load() {
    return this.aof.load(this.store, this.store, () => {});
  }

  /** Loads and opens, as at start. */
  async start(): Promise<boolean> {
    return (await this.load()) !== 'failed' && (await this.aof.open());
  }

  /** Executes one command of database `db` and records it; `flush` is left to the caller. */
  write(db: number, ...args: string[]): void {
    this.store.selectDb(db);
    this.store.run(args);
    if (!this.aof.isRecording) return;
    appendRecord(this.aof.appender, db, this.nowMs, args);
  }

  /** Waits until the rewrite under way has ended, or the machine has crashed. */
  async rewriteEnd(): Promise<void> {
    while (this.aof.isRewriting && !this.fileSystem.isCrashed) await new Promise((resolve) => setImmediate(resolve));
  }
}
