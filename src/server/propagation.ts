/**
 * The one point that learns what each write did, in its deterministic form, and feeds the append-only file and the replication backlog.
 *
 * Records are collected per execution unit (a command, a transaction, a script, one expired key) in one buffer, already encoded. When the unit
 * ends, each sink gets them: two records or more between MULTI and EXEC, one bare; SELECT is put in front of the first record, inside the MULTI,
 * whenever the sink's database differs. Source: spec persistence.md section 8.1, replication.md section 12.
 *
 * Invariants: (1) sinks see whole units only; (2) nothing is collected while no sink is active; (3) units do not nest: inner `enter` calls join.
 */
import { RecordBuffer } from '../resp/record-buffer.js';
import type { Request } from '../resp/request.js';

export const TO_AOF = 1;
export const TO_REPLICAS = 2;
export const TO_ALL = TO_AOF | TO_REPLICAS;

/** A record that concerns no database (PUBLISH, FUNCTION LOAD): causes no SELECT. */
export const NO_DATABASE = -1;

export interface PropagationSink {
  /** TO_AOF or TO_REPLICAS */
  readonly target: number;
  readonly isActive: boolean;
  /** Database of the last SELECT it was given; −1 = unknown, so that the next record brings a SELECT. */
  selectedDb: number;
  /** Appends encoded commands. The bytes are the caller's again after the return. */
  append(bytes: Uint8Array, start: number, end: number): void;
}

const encoder = new TextEncoder();
const MULTI = encoder.encode('*1\r\n$5\r\nMULTI\r\n');
const EXEC = encoder.encode('*1\r\n$4\r\nEXEC\r\n');
const KEEP_RECORDS_MAX = 1024;

export class Propagation {
  /** Whether any sink wants records: tested before anything is encoded. */
  isActive = false;
  /** Commands given to the sinks, wrapping included; for WAITAOF's bookkeeping and tests. */
  private readonly sinks: PropagationSink[] = [];
  private readonly records = new RecordBuffer();
  /** Records of the unit. The arrays keep their length: shrunk after each unit they would be allocated anew for the next (400 bytes a command). */
  private count = 0;
  /** Per record: end in `records`, database, targets. */
  private readonly ends: number[] = [];
  private readonly databases: number[] = [];
  private readonly targets: number[] = [];
  private depth = 0;
  private isWrapped = true;

  addSink(sink: PropagationSink): void {
    this.sinks.push(sink);
    this.refresh();
  }

  /** To be called when a sink became active or inactive. */
  refresh(): void {
    this.isActive = this.sinks.some((sink) => sink.isActive);
  }

  /** Begins a unit, or joins the one that is open. */
  enter(): void {
    this.depth++;
  }

  /** Ends the unit that `enter` began; the outermost one is handed to the sinks. */
  leave(): void {
    if (--this.depth === 0 && this.count > 0) this.flush();
  }

  /** The records of this unit stand each for itself: no MULTI around them. */
  doNotWrap(): void {
    this.isWrapped = false;
  }

  /** Records a request as it was received. */
  request(db: number, request: Request, targets = TO_ALL): void {
    if (!this.isActive) return;
    const { argc, starts, lengths, bytes } = request;
    const { records } = this;
    records.begin(argc);
    for (let i = 0; i < argc; i++) records.word(bytes, starts[i], lengths[i]);
    this.end(db, targets);
  }

  /** Records a command given by its words. */
  command(db: number, words: readonly (string | Uint8Array)[], targets = TO_ALL): void {
    if (!this.isActive) return;
    this.begin(words.length);
    for (const word of words) {
      const bytes = typeof word === 'string' ? encoder.encode(word) : word;
      this.word(bytes, 0, bytes.length);
    }
    this.end(db, targets);
  }

  /** Records a command of one fixed word and one key that lies in `bytes`: the deletion of an expired key. */
  deletion(db: number, name: 'DEL' | 'UNLINK', bytes: Uint8Array, start: number, length: number): void {
    if (!this.isActive) return;
    this.begin(2);
    const word = name === 'DEL' ? DEL_WORD : UNLINK_WORD;
    this.word(word, 0, word.length);
    this.word(bytes, start, length);
    this.end(db);
  }

  /** Begins a record of `wordCount` words, which follow one by one, then `end`; only while active. So rewritten forms need no array of words. */
  begin(wordCount: number): void {
    this.records.begin(wordCount);
  }

  word(bytes: Uint8Array, start: number, length: number): void {
    this.records.word(bytes, start, length);
  }

  /** A word that is the decimal text of a safe integer. */
  integerWord(value: number): void {
    this.records.integer(value);
  }

  end(db: number, targets = TO_ALL): void {
    this.ends[this.count] = this.records.length;
    this.databases[this.count] = db;
    this.targets[this.count++] = targets;
    if (this.depth === 0) this.flush();
  }

  private flush(): void {
    for (const sink of this.sinks) if (sink.isActive) this.feed(sink);
    this.records.clear();
    if (this.count > KEEP_RECORDS_MAX) this.forgetRecords();
    this.count = 0;
    this.isWrapped = true;
  }

  private forgetRecords(): void {
    this.ends.length = 0;
    this.databases.length = 0;
    this.targets.length = 0;
  }

  private feed(sink: PropagationSink): void {
    const isWrapped = this.isWrapped && this.count > 1;
    let isOpen = false;
    let start = 0;
    for (let i = 0; i < this.count; i++) {
      const end = this.ends[i];
      if ((this.targets[i] & sink.target) !== 0) {
        if (isWrapped && !isOpen) {
          sink.append(MULTI, 0, MULTI.length);
          isOpen = true;
        }
        const db = this.databases[i];
        if (db !== NO_DATABASE && db !== sink.selectedDb) {
          const select = encoder.encode(`*2\r\n$6\r\nSELECT\r\n$${String(db).length}\r\n${db}\r\n`);
          sink.append(select, 0, select.length);
          sink.selectedDb = db;
        }
        sink.append(this.records.bytes, start, end);
      }
      start = end;
    }
    if (isOpen) sink.append(EXEC, 0, EXEC.length);
  }
}

const DEL_WORD = encoder.encode('DEL');
const UNLINK_WORD = encoder.encode('UNLINK');
