/**
 * Bodies of DUMP payloads (type id and value, no footer) of every type id that can be loaded: the specification's examples, what the server itself
 * dumps in each encoding, and the forms that only older or newer servers write, encoded here.
 */
import { createDumpWriter, DUMP_FOOTER_BYTES, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { RdbType } from '../../src/persistence/rdb/opcodes.js';
import { VALUE_EXAMPLES } from '../persistence/rdb/examples.js';
import type { InProcess } from './in-process.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const LONG = 'L'.repeat(65);
const LONGER = 'abcdefghij'.repeat(60);
/** Texts at the limits of each length form of ziplists, zipmaps and listpacks, and integers of each width. */
const ELEMENTS = [
  'a',
  '',
  LONG,
  'x'.repeat(253),
  'y'.repeat(254),
  LONGER,
  '0',
  '12',
  '13',
  '-128',
  '300',
  '-70000',
  '5000000000',
  '007',
];

/** What makes one key of each encoding in which the server dumps values. */
const RECIPES: Readonly<Record<string, readonly string[]>> = {
  number: ['SET number -12345'],
  text: [`SET text ${LONGER}`],
  sparse: ['PFADD sparse a b c d e f g'],
  dense: ['PFADD dense a b c', 'PFDEBUG TODENSE dense'],
  packedHash: ['HSET packedHash a 1 b two 300 -5 c 70000 d 5000000000'],
  tableHash: [`HSET tableHash a 1 b ${LONG} c 3`],
  timedPackedHash: [
    'HSET timedPackedHash a 1 b two 300 -5 c 70000 d 5000000000',
    'HPEXPIREAT timedPackedHash 2000000000000 FIELDS 2 b d',
    'HPEXPIREAT timedPackedHash 1900000000000 FIELDS 1 300',
  ],
  timedTableHash: [
    `HSET timedTableHash a 1 b ${LONG} c 3 300 4`,
    'HPEXPIREAT timedTableHash 2000000000000 FIELDS 2 b 300',
    'HPEXPIREAT timedTableHash 1900000000000 FIELDS 1 a',
  ],
  integers16: ['SADD integers16 1 2 300 -7'],
  integers32: ['SADD integers32 1 2 70000'],
  integers64: ['SADD integers64 1 5000000000'],
  tableSet: [`SADD tableSet a b 12 ${LONG}`],
  packedZset: ['ZADD packedZset 1 a 2.5 b -inf c 3 12 1e300 d'],
  treeZset: [`ZADD treeZset 1 a 1 b 2.5 ${LONG} inf z -0.1 12`],
  geo: ['GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania'],
  packedList: ['RPUSH packedList a 1 300 -70000 5000000000 bb'],
  chunkedList: ['CONFIG SET list-max-listpack-size 3', `RPUSH chunkedList a b c d e f ${LONGER} 1 2 3`],
  stream: [
    'CONFIG SET stream-node-max-entries 4',
    ...Array.from({ length: 11 }, (_, i) => `XADD stream ${i + 1}-1 f ${i * 1000} g${i % 3} v`),
    'XDEL stream 2-1 9-1',
    'XGROUP CREATE stream g 0',
    'XGROUP CREATE stream h 3',
    'XREADGROUP GROUP g alice COUNT 4 STREAMS stream >',
    'XREADGROUP GROUP g bob COUNT 4 STREAMS stream >',
    'XDEL stream 4-1',
  ],
};

/** @returns bodies by type id; the server is empty before and after, and has its usual settings */
export function payloadBodies(server: InProcess): Map<number, Uint8Array[]> {
  const bodies = new Map<number, Uint8Array[]>();
  const add = (body: Uint8Array): void => {
    bodies.set(body[0]!, [...(bodies.get(body[0]!) ?? []), body]);
  };
  for (const { type, bytes } of VALUE_EXAMPLES) add(Buffer.concat([Buffer.of(type), bytes]));
  for (const body of dumpedBodies(server)) add(body);
  for (const body of foreignBodies()) add(body);
  return bodies;
}

/** @returns the payload with this body */
export function sealed(body: Uint8Array): string {
  const writer = createDumpWriter(false);
  writer.bytesRange(body, 0, body.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1');
}

/** @returns the payload that DUMP answers, or null without the key */
export function dumped(server: InProcess, key: string): string | null {
  const reply = server.run(`DUMP ${key}`);
  return /^\$\d/.test(reply) ? reply.slice(reply.indexOf('\n') + 1, -2) : null;
}

function dumpedBodies(server: InProcess): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (const [key, lines] of Object.entries(RECIPES)) {
    for (const line of lines) server.run(line);
    for (const compression of ['yes', 'no']) {
      server.run(`CONFIG SET rdbcompression ${compression}`);
      bodies.push(latin1(dumped(server, key)!).subarray(0, -DUMP_FOOTER_BYTES));
    }
    server.run(`DEL ${key}`);
    server.run('CONFIG SET list-max-listpack-size -2 stream-node-max-entries 100');
  }
  return bodies;
}

/** Forms that the server reads and does not write. */
function foreignBodies(): Uint8Array[] {
  const unique = ELEMENTS;
  const scores = ['1', '2.5', '-70000', '1e10', 'inf', '0', '12'];
  const scored = scores.flatMap((score, i) => [unique[i]!, score]);
  const ziplist = ziplistOf(unique);
  return [
    bodyOf(RdbType.LIST, length(unique.length), ...unique.map(text)),
    bodyOf(RdbType.SET, length(unique.length), ...unique.map(text)),
    bodyOf(RdbType.HASH, length(unique.length / 2), ...unique.map(text)),
    bodyOf(RdbType.ZSET, length(2), text('a'), Buffer.of(255), text('b'), text('17.5')),
    bodyOf(RdbType.HASH_ZIPMAP, text(zipmapOf(unique.filter((each) => each.length < 254)))),
    bodyOf(RdbType.HASH_ZIPMAP, text(zipmapOf(unique))),
    bodyOf(RdbType.LIST_ZIPLIST, text(ziplist)),
    bodyOf(RdbType.HASH_ZIPLIST, text(ziplist)),
    bodyOf(RdbType.ZSET_ZIPLIST, text(ziplistOf(scored))),
    bodyOf(RdbType.LIST_QUICKLIST, length(2), text(ziplist), text(ziplistOf(scored))),
    bodyOf(RdbType.SET_LISTPACK, text(listpackOf(['a', 'b', LONG, LONGER, 'zz']))),
    bodyOf(RdbType.HASH_VOLATILE_ITEMS, length(3), ...VOLATILE_ITEMS.flatMap(volatileItem)),
    bodyOf(RdbType.HASH_VOLATILE_ITEMS, length(1), ...volatileItem(['a', LONGER, 4e12])),
    bodyOf(RdbType.LIST_QUICKLIST_2, length(2), length(2), text(listpackOf(unique)), length(1), text(LONGER)),
  ];
}

/** Field, value and time. */
type VolatileItem = readonly [string, string, number];
const VOLATILE_ITEMS: readonly VolatileItem[] = [
  ['a', '1', 4e12],
  ['b', 'two', -1],
  ['300', LONG, 5000],
];

function volatileItem([field, value, timeMs]: VolatileItem): Buffer[] {
  const time = Buffer.alloc(8);
  time.writeBigInt64LE(BigInt(timeMs));
  return [text(field), text(value), time];
}

function bodyOf(type: number, ...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.of(type), ...parts]);
}

/** A length or count below 16384. */
function length(value: number): Buffer {
  return value < 64 ? Buffer.of(value) : Buffer.of(0x40 | (value >> 8), value & 255);
}

function text(value: string): Buffer {
  return Buffer.concat([length(value.length), latin1(value)]);
}

/** Small integers as such, all else as strings. */
function ziplistOf(elements: readonly string[]): string {
  const entries: Buffer[] = [];
  let previousBytes = 0;
  let lastAt = 0;
  let at = 10;
  for (const element of elements) {
    const previous =
      previousBytes < 254 ? Buffer.of(previousBytes) : Buffer.concat([Buffer.of(254), uint32(previousBytes)]);
    const isSmall = /^(\d|1[012])$/.test(element);
    const size = element.length;
    const head = isSmall
      ? Buffer.of(0xf1 + Number(element))
      : size < 64
        ? Buffer.of(size)
        : Buffer.of(0x40 | (size >> 8), size & 255);
    const entry = Buffer.concat([previous, head, isSmall ? Buffer.alloc(0) : latin1(element)]);
    entries.push(entry);
    previousBytes = entry.length;
    lastAt = at;
    at += entry.length;
  }
  const count = Buffer.of(elements.length, 0);
  return Buffer.concat([uint32(at + 1), uint32(lastAt), count, ...entries, Buffer.of(255)]).toString('latin1');
}

/** Each value has one free byte behind it. */
function zipmapOf(pairs: readonly string[]): string {
  const size = (value: string): Buffer =>
    value.length < 254 ? Buffer.of(value.length) : Buffer.concat([Buffer.of(254), uint32(value.length)]);
  const parts = pairs.flatMap((value, i) =>
    i % 2 === 0 ? [size(value), latin1(value)] : [size(value), Buffer.of(1), latin1(value), Buffer.of(0)],
  );
  const whole = pairs.length % 2 === 0 ? parts : parts.slice(0, -2);
  return Buffer.concat([Buffer.of(pairs.length >> 1), ...whole, Buffer.of(255)]).toString('latin1');
}

/** All as strings. */
function listpackOf(elements: readonly string[]): string {
  const entries = elements.map((element) => {
    const size = element.length;
    const head = size < 64 ? Buffer.of(0x80 | size) : Buffer.of(0xe0 | (size >> 8), size & 255);
    const whole = head.length + size;
    const back = whole <= 127 ? Buffer.of(whole) : Buffer.of(whole >> 7, 0x80 | (whole & 0x7f));
    return Buffer.concat([head, latin1(element), back]);
  });
  const body = Buffer.concat(entries);
  return Buffer.concat([uint32(body.length + 7), Buffer.of(elements.length, 0), body, Buffer.of(255)]).toString(
    'latin1',
  );
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
