/**
 * The AOF manifest: the list of files that make up the log, and the only authority on it (spec/persistence.md 7.3).
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b          b base (at most one), h history (to be deleted), i incr (ascending)
 *
 * This file turns text into a manifest and back, and says what a manifest becomes when files are added or retired. Manifests are values: never changed
 * once made, so that a failed write leaves the old one as it was.
 */
import { quote, splitWords } from '../../resp/quoted-words.js';

export type AofFileType = 'b' | 'h' | 'i';

export interface AofFile {
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

export interface AofManifest {
  readonly base: AofFile | null;
  readonly history: readonly AofFile[];
  /** Ascending by seq. */
  readonly incr: readonly AofFile[];
}

export const EMPTY_MANIFEST: AofManifest = { base: null, history: [], incr: [] };

export type ManifestParse = { ok: true; manifest: AofManifest } | { ok: false; logLines: string[] };

/** A line of a manifest, its newline included, is no longer. */
const LINE_BYTES_MAX = 1024;

export function baseName(prefix: string, seq: number, suffix: 'rdb' | 'aof'): string {
  return `${prefix}.${seq}.base.${suffix}`;
}

export function incrName(prefix: string, seq: number): string {
  return `${prefix}.${seq}.incr.aof`;
}

/** @returns the seq in the name of a base or incr file of this prefix, or 0 for any other name */
export function seqOfName(prefix: string, name: string): number {
  if (!name.startsWith(`${prefix}.`)) return 0;
  return Number(/^(\d{1,15})\.(?:base\.(?:rdb|aof)|incr\.aof)$/.exec(name.slice(prefix.length + 1))?.[1] ?? 0);
}

export function isEmptyManifest(manifest: AofManifest): boolean {
  return manifest.base === null && manifest.incr.length === 0;
}

/** The files that hold data, in the order in which they are loaded. */
export function liveFiles(manifest: AofManifest): AofFile[] {
  return manifest.base === null ? [...manifest.incr] : [manifest.base, ...manifest.incr];
}

export function withIncr(manifest: AofManifest, name: string, seq: number): AofManifest {
  return { ...manifest, incr: [...manifest.incr, { name, seq, type: 'i' }] };
}

export function withBase(manifest: AofManifest, name: string, seq: number): AofManifest {
  return { ...manifest, base: { name, seq, type: 'b' } };
}

/** After a rewrite: the new base stands for the old base and all incr files but those in `kept`. */
export function rewritten(manifest: AofManifest, base: AofFile, kept: readonly AofFile[]): AofManifest {
  const keptNames = new Set(kept.map(({ name }) => name));
  const retired = manifest.incr.filter(({ name }) => !keptNames.has(name));
  if (manifest.base !== null) retired.push(manifest.base);
  return {
    base,
    history: [...retired.map((file) => ({ ...file, type: 'h' as const })), ...manifest.history],
    incr: kept,
  };
}

export function encodeManifest(manifest: AofManifest): Uint8Array {
  const files = [...(manifest.base === null ? [] : [manifest.base]), ...manifest.history, ...manifest.incr];
  return Buffer.from(
    files.map(({ name, seq, type }) => `file ${quoted(name)} seq ${seq} type ${type}\n`).join(''),
    'latin1',
  );
}

/** A name as one word of the manifest: its bytes as they are, or in double quotes with escapes. */
function quoted(name: string): string {
  const bytes = Buffer.from(name).toString('latin1');
  return /^[!#-[\]-~]+$/.test(bytes) ? bytes : quote(bytes);
}

export function parseManifest(bytes: Uint8Array): ManifestParse {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (text === '') return fatal('Found an empty AOF manifest');
  const history: AofFile[] = [];
  const incr: AofFile[] = [];
  let base: AofFile | null = null;
  let lineNumber = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at) + 1;
    if (end === 0 || end - at > LINE_BYTES_MAX) return fatal('The AOF manifest file contains too long line');
    const raw = text.slice(at, end);
    at = end;
    lineNumber++;
    if (raw.startsWith('#')) continue;
    const line = raw.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    const reject = (reason: string) =>
      fatal(reason, `Reading the manifest file, at line ${lineNumber}`, `>>> '${line}'`);
    const file = parseLine(line);
    if (typeof file === 'string') return reject(file);
    if (file.type === 'b') {
      if (base !== null) return reject('Found duplicate base file information');
      base = file;
    } else if (file.type === 'h') {
      history.push(file);
    } else {
      if (file.seq <= (incr.at(-1)?.seq ?? 0)) return reject('Found a non-monotonic sequence number');
      incr.push(file);
    }
  }
  return { ok: true, manifest: { base, history, incr } };
}

function fatal(reason: string, ...where: string[]): ManifestParse {
  // Redis ends each of these log messages with a newline of its own, and begins the first with one.
  const lines = ['\n*** FATAL AOF MANIFEST FILE ERROR ***', ...where, reason];
  return { ok: false, logLines: lines.map((line) => `${line}\n`) };
}

/** @returns the file that a line names, or what is wrong with the line */
function parseLine(line: string): AofFile | string {
  const format = 'Invalid AOF manifest file format';
  const words = splitWords(line);
  if (words === null || words.length < 6 || words.length % 2 !== 0) return format;
  let name = '';
  let seq = 0;
  let type = '';
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1]!;
    switch (words[i]!.toLowerCase()) {
      case 'file':
        name = Buffer.from(value, 'latin1').toString();
        if (/[/\\]/.test(name)) return "File can't be a path, just a filename";
        break;
      case 'seq':
        seq = Number(/^\s*[+-]?\d+/.exec(value)?.[0] ?? 0);
        break;
      case 'type':
        type = value.charAt(0);
        break;
    }
  }
  if (name === '' || seq === 0 || type === '') return format;
  if (type !== 'b' && type !== 'h' && type !== 'i') return 'Unknown AOF file type';
  return { name, seq, type };
}
