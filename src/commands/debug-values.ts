/**
 * DEBUG of what lies in memory: how a value, the nodes of a list, a hash table look inside. Source: spec server.md section 16.
 *
 * LISTPACK and QUICKLIST print to the server's standard output, as in Redis; the form of what they print is our own.
 */
import { lruClock, lruIdleSeconds } from '../keyspace/access-clock.js';
import { ENCODING_INT, TYPE_LIST, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { CELLS } from '../memory/bucket.js';
import { firstElement, isListpackEnd, ListpackElement, listpackBytes, listpackCount } from '../memory/listpack.js';
import { serializedBytes } from '../persistence/rdb/keyspace-rdb.js';
import { parseMemory } from '../server/config/numbers.js';
import type { Invocation } from '../server/invocation.js';
import { encodingName } from '../types/encoding-name.js';
import { listsOf } from '../types/list.js';
import { ListCursor } from '../types/list-reading.js';
import { replyNoSuchKey, replyNotAnInteger } from './replies.js';

/** Sizes from here on are refused. */
const PACKED_THRESHOLD_LIMIT = 4n << 30n;

/** @returns the entry of the key in argument 2, not touched; 0 after the reply that there is none */
function subject(call: Invocation): Ref {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.find(bytes, starts[2], lengths[2]);
  if (ref === 0) replyNoSuchKey(call);
  return ref;
}

/** DEBUG OBJECT key */
export function debugObject(call: Invocation): void {
  const ref = subject(call);
  if (ref === 0) return;
  const { entries, keyspace } = call;
  const clock = entries.clockAndMark(ref) & 0xffffff;
  const address = (ref >>> 0).toString(16).padStart(12, '0');
  call.reply.status(
    `Value at:0x${address} refcount:1 encoding:${encodingName(entries, ref)} serializedlength:${serializedBytes(keyspace, ref)} ` +
      `lru:${clock === 0 ? lruClock(keyspace.nowMs) : clock} lru_seconds_idle:${lruIdleSeconds(clock, keyspace.nowMs)}` +
      (encodingName(entries, ref) === 'quicklist' ? quicklistFacts(call, ref) : ''),
  );
}

function quicklistFacts(call: Invocation, ref: Ref): string {
  const lists = listsOf(call.keyspace);
  const { listMaxListpackSize, listCompressDepth } = call.server.config.values;
  const nodes = lists.chunkCount(ref);
  let bytes = 0;
  forEachNode(call, ref, (view, base) => {
    bytes += listpackBytes(view, base);
  });
  return (
    ` ql_nodes:${nodes} ql_avg_node:${(lists.length(ref) / nodes).toFixed(2)} ql_listpack_max:${listMaxListpackSize} ` +
    `ql_compressed:${listCompressDepth === 0 ? 0 : 1} ql_uncompressed_size:${bytes}`
  );
}

/** Visits the listpacks of a list, packed or not. */
function forEachNode(call: Invocation, ref: Ref, visit: (view: Uint8Array, base: number) => void): void {
  const lists = listsOf(call.keyspace);
  const cursor = new ListCursor();
  const nodes = lists.chunkCount(ref);
  for (cursor.chunk = 0; cursor.chunk < nodes; cursor.chunk++) {
    lists.load(ref, cursor);
    visit(cursor.bytes, cursor.base);
  }
}

/** DEBUG SDSLEN key */
export function debugSdslen(call: Invocation): void {
  const ref = subject(call);
  if (ref === 0) return;
  const { entries } = call;
  if (entries.type(ref) !== TYPE_STRING || entries.encoding(ref) === ENCODING_INT)
    return call.error('ERR Not an sds encoded string.');
  const keyLength = entries.keyLength(ref);
  const valueLength = entries.valueLength(ref);
  call.reply.status(
    `key_sds_len:${keyLength}, key_sds_avail:0, key_zmalloc: ${keyLength}, val_sds_len:${valueLength}, val_sds_avail:0, val_zmalloc: ${valueLength}`,
  );
}

/** DEBUG LISTPACK key */
export function debugListpack(call: Invocation): void {
  const ref = subject(call);
  if (ref === 0) return;
  const { entries } = call;
  if (!encodingName(entries, ref).startsWith('listpack')) return call.error('ERR Not a listpack encoded object.');
  process.stdout.write(describeListpack(entries.view(ref), entries.valueStart(ref), true));
  call.reply.status('Listpack structure printed on stdout');
}

/** DEBUG QUICKLIST key [0|1]: with 1 also the elements. */
export function debugQuicklist(call: Invocation): void {
  const ref = subject(call);
  if (ref === 0) return;
  if (call.entries.type(ref) !== TYPE_LIST) return call.error('ERR Not a quicklist encoded object.');
  const withElements = call.argc > 3 && call.integer(3) > 0;
  process.stdout.write(`{nodes ${listsOf(call.keyspace).chunkCount(ref)}}\n`);
  forEachNode(call, ref, (view, base) => process.stdout.write(describeListpack(view, base, withElements)));
  call.reply.status('Quicklist structure printed on stdout');
}

function describeListpack(view: Uint8Array, base: number, withElements: boolean): string {
  const lines = [`{bytes ${listpackBytes(view, base)}} {elements ${listpackCount(view, base)}}`];
  const element = new ListpackElement();
  for (let at = firstElement(base); withElements && !isListpackEnd(view, at); at = element.next) {
    element.read(view, at);
    const text = Buffer.from(element.bytes.subarray(element.start, element.start + element.length)).toString('latin1');
    lines.push(`  {offset ${at - base}, ${element.isInteger ? 'integer' : 'string'}} ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * DEBUG QUICKLIST-PACKED-THRESHOLD size: from which size on Redis gives an element a node of its own that is no listpack. Checked and accepted: here an
 * element that is too large for a shared node has one of its own, of the same form.
 */
export function debugPackedThreshold(call: Invocation): void {
  const bytes = parseMemory(call.request.latin1(2));
  if (bytes === null || bytes >= PACKED_THRESHOLD_LIMIT)
    return call.error('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
  call.reply.ok();
}

/** DEBUG HTSTATS dbid: the sum of the slots' tables. */
export function debugHtstats(call: Invocation): void {
  const index = call.integer(2);
  if (Number.isNaN(index)) return replyNotAnInteger(call);
  const db = call.keyspace.databases[index];
  if (db === undefined) return call.error('ERR Out of range database');
  let used = 0;
  let buckets = 0;
  let longest = 0;
  for (const table of db.slots) {
    if (table === 0) continue;
    used++;
    buckets += call.keyspace.table.bucketCount(table);
    longest = Math.max(longest, call.keyspace.table.count(table));
  }
  call.reply.verbatim(
    `[Dictionary HT]\n${tableText(buckets, db.keyCount)} slots in use: ${used}\n keys in the fullest slot: ${longest}\n` +
      `[Expires HT]\n number of elements: ${db.expiryCount}\n`,
  );
}

/** DEBUG HTSTATS-KEY key */
export function debugHtstatsKey(call: Invocation): void {
  const ref = subject(call);
  if (ref === 0) return;
  const { entries, keyspace } = call;
  if (encodingName(entries, ref) !== 'hashtable')
    return call.error('ERR The value stored at the specified key is not represented using an hash table');
  const table = entries.root(ref);
  call.reply.verbatim(tableText(keyspace.table.bucketCount(table), keyspace.table.count(table)));
}

function tableText(buckets: number, elements: number): string {
  return `Hash table 0 stats (main hash table):\n table size: ${buckets * CELLS}\n number of elements: ${elements}\n`;
}
