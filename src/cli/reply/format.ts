/**
 * Replies to text, one function for each form. Pure: reply in, byte text out (see quote.ts), with nothing after the reply's own last line end. The forms
 * are redis-cli's to the byte, with its oddities: an error is `error:"…"` in JSON, and a raw error carries a line end of its own. Big numbers, on which
 * redis-cli gives up, have a form here. Source: spec/cli.md sections 1.10 and 1.11.
 */
import type { OutputMode } from '../command-line.js';
import { jsonString, quotedJsonString, repr } from './quote.js';
import type { ReplyNode } from './reply-node.js';

export interface FormatOptions {
  readonly mode: OutputMode;
  /** Between the elements of an aggregate, in raw mode. */
  readonly elementDelimiter: string;
  /** After the reply, in raw mode. */
  readonly replyDelimiter: string;
}

/** The whole output for one reply. */
export function formatReply(reply: ReplyNode, { mode, elementDelimiter, replyDelimiter }: FormatOptions): string {
  switch (mode) {
    case 'standard':
      return formatStandard(reply, '');
    case 'raw':
      return formatRaw(reply, byteText(elementDelimiter)) + byteText(replyDelimiter);
    case 'csv':
      return `${formatCsv(reply)}\n`;
    case 'json':
      return `${formatJson(reply, jsonString)}\n`;
    case 'quoted-json':
      return `${formatJson(reply, quotedJsonString)}\n`;
  }
}

/** One character per byte of the text's UTF-8 form. */
export function byteText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const EMPTY: Readonly<Record<string, string>> = {
  array: '(empty array)\n',
  set: '(empty set)\n',
  map: '(empty hash)\n',
  push: '(empty push)\n',
};
const INDEX_MARKS: Readonly<Record<string, string>> = { array: ')', push: ')', set: '~', map: '#' };
/** Room of the index's mark and the blank after it. */
const MARK_WIDTH = 2;

/**
 * The form for people. Ends with a line end.
 * @param prefix indentation of every line but the first, which stands where the parent has put it
 */
export function formatStandard(reply: ReplyNode, prefix: string): string {
  const { kind, items } = reply;
  const mark = INDEX_MARKS[kind];
  if (mark === undefined) return `${standardScalar(reply)}\n`;
  if (items.length === 0) return EMPTY[kind]!;
  const step = kind === 'map' ? 2 : 1;
  const width = String(items.length / step).length;
  const childPrefix = prefix + ' '.repeat(width + MARK_WIDTH);
  const lines: string[] = [];
  for (let at = 0; at < items.length; at += step) {
    const index = String(at / step + 1).padStart(width);
    const head = `${at === 0 ? '' : prefix}${index}${mark} `;
    const body =
      kind === 'map' ? standardPair(items[at]!, items[at + 1]!, childPrefix) : formatStandard(items[at]!, childPrefix);
    lines.push(head + body);
  }
  return lines.join('');
}

function standardPair(key: ReplyNode, value: ReplyNode, prefix: string): string {
  const keyText = formatStandard(key, prefix).slice(0, -1);
  const gap = spansLines(value) ? `\n${prefix}` : '';
  return `${keyText} => ${gap}${formatStandard(value, prefix)}`;
}

/** Whether the standard form takes more than one line, so that it does not fit behind a map's key. */
function spansLines({ kind, items }: ReplyNode): boolean {
  const count = kind === 'map' ? items.length / 2 : items.length;
  return count > 1 || (count === 1 && spansLines(items.at(-1)!));
}

function standardScalar({ kind, bytes }: ReplyNode): string {
  const text = bytes.toString('latin1');
  switch (kind) {
    case 'error':
      return `(error) ${text}`;
    case 'integer':
      return `(integer) ${text}`;
    case 'double':
      return `(double) ${text}`;
    case 'big-number':
      return `(big number) ${text}`;
    case 'boolean':
      return booleanText(text);
    case 'nil':
      return '(nil)';
    case 'bulk':
      return repr(bytes);
    default:
      return text;
  }
}

function booleanText(text: string): string {
  return text === 't' ? '(true)' : '(false)';
}

/** Bytes as they are. */
export function formatRaw(reply: ReplyNode, delimiter: string): string {
  const { kind, bytes, items } = reply;
  switch (kind) {
    case 'array':
    case 'set':
    case 'push':
      return items.map((item) => formatRaw(item, delimiter)).join(delimiter);
    case 'map':
      return pairsOf(items)
        .map(([key, value]) => `${formatRaw(key, delimiter)} ${formatRaw(value, delimiter)}`)
        .join(delimiter);
    case 'error':
      return `${bytes.toString('latin1')}\n`;
    case 'boolean':
      return booleanText(bytes.toString('latin1'));
    default:
      return bytes.toString('latin1');
  }
}

/** Comma-separated values; what is nested is flattened. */
export function formatCsv(reply: ReplyNode): string {
  const { kind, bytes, items } = reply;
  switch (kind) {
    case 'array':
    case 'set':
    case 'push':
    case 'map':
      return items.map(formatCsv).join(',');
    case 'error':
      return `ERROR,${repr(bytes)}`;
    case 'nil':
      return 'NULL';
    default:
      return formatScalar(reply, repr);
  }
}

function formatJson(reply: ReplyNode, quote: (bytes: Buffer) => string): string {
  const { kind, bytes, items } = reply;
  switch (kind) {
    case 'array':
    case 'set':
    case 'push':
      return `[${items.map((item) => formatJson(item, quote)).join(',')}]`;
    case 'map':
      return `{${pairsOf(items)
        .map(([key, value]) => `${jsonKey(key, quote)}:${formatJson(value, quote)}`)
        .join(',')}}`;
    case 'error':
      return `error:${quote(bytes)}`;
    case 'nil':
      return 'null';
    default:
      return formatScalar(reply, quote);
  }
}

/** Strings are quoted, numbers are as they are. */
function formatScalar({ kind, bytes }: ReplyNode, quote: (bytes: Buffer) => string): string {
  switch (kind) {
    case 'boolean':
      return bytes.toString('latin1') === 't' ? 'true' : 'false';
    case 'status':
    case 'bulk':
    case 'verbatim':
      return quote(bytes);
    default:
      return bytes.toString('latin1');
  }
}

/** A key that is no string gets quotes around what it would be as a value. */
function jsonKey(key: ReplyNode, quote: (bytes: Buffer) => string): string {
  const text = formatJson(key, quote);
  return key.kind === 'status' || key.kind === 'bulk' || key.kind === 'verbatim' ? text : `"${text}"`;
}

function pairsOf(items: readonly ReplyNode[]): [key: ReplyNode, value: ReplyNode][] {
  const pairs: [ReplyNode, ReplyNode][] = [];
  for (let at = 0; at < items.length; at += 2) pairs.push([items[at]!, items[at + 1]!]);
  return pairs;
}
