/**
 * nodes.conf on disk, and the journal beside it that makes a save durable by one write.
 *
 *   <file>            the text, with ` saved <sequence>` at the end of its last line; replaced as a whole, so that a crash leaves the old file or the new one
 *   <file>.journal    two areas of 256 KiB, written in turn and in place:
 *                     | "SLOTNODE" | sequence: f64 LE | text bytes: u32 LE | CRC-64 of what is before it, and of the text: 8 bytes | text |
 *
 * To replace a file durably costs two commits of the file system's own journal (its bytes, then its name); to overwrite what is allocated costs one write:
 * 4 ms against 0.5 ms on a cloud disk. A move of slots needs a durable save per slot, an election one per vote.
 *
 * Invariants: (1) what counts is the version with the highest sequence, be it in the file or in an area that is whole; (2) the newest durable version is never
 * overwritten: an area is written while the other one or the file holds it; (3) a journal is of the node and of the lineage of its file: who deletes
 * nodes.conf gets a new node, who puts that of another node or one that Redis wrote (it has no sequence) in its place gets that.
 * What is in the text: `nodes-conf.ts`. Source: spec/cluster.md 10.2, 10.4.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Crc64 } from '../persistence/rdb/crc64.js';

const AREA_BYTES = 256 * 1024;
const MAGIC = 'SLOTNODE';
const SEQUENCE_AT = 8;
const LENGTH_AT = 16;
const CRC_AT = 20;
const TEXT_AT = 28;
/** In the file's last line; Redis skips variables that it does not know. */
const SAVED = / saved (\d{1,15})\n$/;

interface Version {
  readonly sequence: number;
  readonly text: string;
}

export class NodesFile {
  readonly path: string;
  readonly #journalPath: string;
  #sequence = 0;
  /** Descriptor of the journal, which is made at the first `commit`. */
  #journal = -1;
  /** The area to be written next. */
  #area = 0;

  constructor(path: string) {
    this.path = path;
    this.#journalPath = `${path}.journal`;
  }

  /**
   * The newest version that is there, which is in the file afterwards, durably.
   * @returns the text (one character per byte), '' if there is no file or nothing in it; and whether a journal was newer than the file
   * @throws Error of the file system
   */
  load(): { text: string; isRecovered: boolean } {
    const text = readIfThere(this.path)?.toString('latin1');
    const journal = readIfThere(this.#journalPath);
    const saved = text === undefined ? null : SAVED.exec(text);
    this.#sequence = saved === null ? 0 : Number(saved[1]);
    if (journal === null) return { text: text ?? '', isRecovered: false };
    const newest = newestIn(journal);
    // Of an unsynced file a crash may have left nothing at all.
    const isNewer = text === '' || (saved !== null && this.#sequence < (newest?.sequence ?? 0));
    const isRecovered = newest !== null && isNewer && (text === '' || ownId(text!) === ownId(newest.text));
    if (isRecovered) {
      this.#sequence = newest.sequence;
      this.replace(newest.text, true);
    } else if (text !== undefined) {
      syncPath(this.path);
      syncPath(dirname(this.path));
    }
    rmSync(this.#journalPath);
    return { text: isRecovered ? newest.text : (text ?? ''), isRecovered };
  }

  /**
   * Replaces the file. On return with `fsync` text and name are durable; on failure the old file is untouched.
   * @throws Error of the file system
   */
  replace(text: string, fsync: boolean): void {
    this.#sequence += 1;
    const temporary = `${this.path}.tmp-${process.pid}-${Date.now()}`;
    try {
      const fd = openSync(temporary, 'w', 0o644);
      try {
        writeFully(fd, Buffer.from(`${text.slice(0, -1)} saved ${this.#sequence}\n`, 'latin1'), 0);
        if (fsync) fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    if (fsync) syncPath(dirname(this.path));
  }

  /**
   * Makes the text durable without touching the file, to which `replace` is to bring it when there is time.
   * @throws Error of the file system
   */
  commit(text: string): void {
    const record = encodeRecord(this.#sequence + 1, text);
    if (record.length > AREA_BYTES) return this.replace(text, true);
    if (this.#journal < 0) this.#journal = makeJournal(this.#journalPath);
    writeFully(this.#journal, record, this.#area * AREA_BYTES);
    this.#sequence += 1;
    this.#area ^= 1;
  }

  /** Replaces the file for the last time; nothing else is left behind. */
  close(text: string): void {
    this.replace(text, true);
    if (this.#journal < 0) return;
    closeSync(this.#journal);
    this.#journal = -1;
    rmSync(this.#journalPath, { force: true });
  }
}

function encodeRecord(sequence: number, text: string): Uint8Array {
  const record = Buffer.alloc(TEXT_AT + text.length);
  record.write(MAGIC, 0, 'latin1');
  record.writeDoubleLE(sequence, SEQUENCE_AT);
  record.writeUInt32LE(text.length, LENGTH_AT);
  record.write(text, TEXT_AT, 'latin1');
  checksum(record).store(record, CRC_AT);
  return record;
}

/** @returns null for an area that was never written, or not to its end */
function decodeRecord(area: Buffer): Version | null {
  if (area.length < TEXT_AT || area.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  const end = TEXT_AT + area.readUInt32LE(LENGTH_AT);
  if (end > area.length) return null;
  const record = area.subarray(0, end);
  if (!checksum(record).matches(record, CRC_AT)) return null;
  return { sequence: record.readDoubleLE(SEQUENCE_AT), text: record.toString('latin1', TEXT_AT) };
}

function checksum(record: Uint8Array): Crc64 {
  const crc = new Crc64();
  crc.update(record, 0, CRC_AT);
  crc.update(record, TEXT_AT, record.length);
  return crc;
}

function newestIn(journal: Buffer): Version | null {
  const first = decodeRecord(journal.subarray(0, AREA_BYTES));
  const second = decodeRecord(journal.subarray(AREA_BYTES));
  if (first === null || second === null) return first ?? second;
  return first.sequence > second.sequence ? first : second;
}

/** A journal whose blocks are allocated, so that later writes change no metadata; what is written is durable when the write returns. */
function makeJournal(path: string): number {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC, 0o644);
  try {
    writeFully(fd, Buffer.alloc(2 * AREA_BYTES), 0);
    fsyncSync(fd);
    syncPath(dirname(path));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** The id of the node whose file this is. */
function ownId(text: string): string {
  return /^(\S+) .*\bmyself\b/m.exec(text)?.[1] ?? '';
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
