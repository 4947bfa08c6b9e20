/**
 * Hashes and sets between the real redis-server and ours: files both ways, an append-only file of commands, the replication stream, and the forms that
 * old versions wrote. In the end both hold the same data by DEBUG DIGEST. The seed is printed; SLOTMESH_FUZZ_SEED replays the workload.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import type { Random } from '../support/fuzz.js';
import { withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { exchangesData } from './exchange.js';

const COMMANDS = 6000;
const skip = needsServers('redis', 'slotmesh');

/** Some of everything: small and large, packed and not, integers and texts, picks that only the primary knows. */
function workload(random: Random): Arg[][] {
  const below = (bound: number): number => random.below(bound);
  const hash = (): string => `hash:${below(12)}`;
  const set = (): string => `set:${below(12)}`;
  const text = (): string => {
    if (below(3) === 0) return String(below(2000000) - 1000000);
    return below(20) === 0 ? 'x'.repeat(below(400)) : `text:${below(900)}`;
  };
  const texts = (count: number): string[] => Array.from({ length: 1 + below(count) }, text);
  const makers: (() => Arg[])[] = [
    () => ['HSET', hash(), ...texts(20).flatMap((field) => [field, text()])],
    () => ['HDEL', hash(), ...texts(6)],
    () => ['HINCRBY', hash(), `n${below(9)}`, below(1000)],
    () => ['HINCRBYFLOAT', hash(), `n${below(9)}`, `0.${below(1000)}`],
    () => ['HSETNX', hash(), text(), text()],
    () => ['SADD', set(), ...texts(20)],
    () => ['SADD', set(), ...Array.from({ length: 30 }, () => below(3000))],
    () => ['SREM', set(), ...texts(8)],
    () => ['SPOP', set()],
    () => ['SPOP', set(), below(8)],
    () => ['SPOP', set(), 10000],
    () => ['SMOVE', set(), set(), text()],
    () => [['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'][below(3)]!, set(), set(), set()],
    () => ['COPY', set(), set(), 'REPLACE'],
    () => ['COPY', hash(), hash(), 'REPLACE'],
    () => ['PEXPIREAT', below(2) === 0 ? hash() : set(), 33177117420000 + below(1000)],
    () => [['DEL', 'UNLINK', 'PERSIST'][below(3)]!, below(2) === 0 ? hash() : set()],
  ];
  return Array.from({ length: COMMANDS }, () => makers[below(makers.length)]!());
}

exchangesData(workload);

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A DUMP payload of one string that holds a packed value. */
function payload(type: number, blob: Buffer): Buffer {
  const writer = createDumpWriter(false);
  writer.byte(type);
  writer.string(blob, 0, blob.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** One ziplist of integers in every form and of texts in every form. */
const ZIPLIST_ENTRIES = [
  '00 f1',
  '02 fd',
  '02 fe0d',
  '03 fe85',
  '03 c02c01',
  '04 f0701101',
  '05 d0c0ab76ff',
  '06 e000f2052a01000000',
  `0a 03 612062`,
  `05 4040 ${'79'.repeat(64)}`,
];

function ziplist(entries: readonly string[]): Buffer {
  const body = entries.map(bytes);
  const length = 11 + body.reduce((sum, each) => sum + each.length, 0);
  const blob = Buffer.concat([Buffer.alloc(10), ...body, Buffer.from([0xff])]);
  blob.writeUInt32LE(length, 0);
  blob.writeUInt32LE(length - 1 - body.at(-1)!.length, 4);
  blob.writeUInt16LE(entries.length, 8);
  return blob;
}

const OLD_FORMS: Record<string, Buffer> = {
  zipmap: payload(9, bytes('02 03 666f6f 03 00 626172 01 6e 02 03 3130 000000 ff')),
  ziplist: payload(13, ziplist(ZIPLIST_ENTRIES)),
  listpack: payload(16, bytes('12000000 0400 816102 817602 816e02 0a01 ff')),
  intset16: payload(11, bytes('02000000 03000000 0100 0200 0300')),
  intset32: payload(11, bytes('04000000 03000000 ffffffff 05000000 409c0000')),
  intset64: payload(11, bytes('08000000 02000000 0500000000000000 00f2052a01000000')),
};

test('RESTORE reads every form that versions before wrote', { skip }, async () => {
  await withServers([{ kind: 'redis' }, { kind: 'slotmesh' }], async (servers) => {
    for (const [name, form] of Object.entries(OLD_FORMS)) {
      const digests: string[] = [];
      for (const server of servers) {
        assert.equal(await server.call('RESTORE', name, 0, form), 'OK', `${name} in ${server.kind}`);
        digests.push(String(await server.call('DEBUG', 'DIGEST-VALUE', name)));
      }
      assert.equal(digests[1], digests[0], name);
      const encodings = await Promise.all(servers.map((server) => server.text('OBJECT', 'ENCODING', name)));
      assert.equal(encodings[1], encodings[0], name);
    }
    const [, subject] = servers;
    const packed = payload(20, bytes('0f000000 0300 816102 816202 0101 ff'));
    assert.equal(await subject!.call('RESTORE', 'packed', 0, packed), 'OK');
    assert.deepEqual(await subject!.call('SMEMBERS', 'packed'), ['a', 'b', '1']);
    assert.equal(await subject!.text('OBJECT', 'ENCODING', 'packed'), 'listpack');
    await subject!.call('CONFIG', 'SET', 'set-max-listpack-entries', 2, 'hash-max-listpack-entries', 1);
    await subject!.call('CONFIG', 'SET', 'set-max-intset-entries', 2);
    for (const [name, form] of [['packed', packed], ...Object.entries(OLD_FORMS)] as [string, Buffer][]) {
      const before = String(await subject!.call('DEBUG', 'DIGEST-VALUE', name));
      await subject!.call('RESTORE', name, 0, form, 'REPLACE');
      assert.equal(String(await subject!.call('DEBUG', 'DIGEST-VALUE', name)), before);
      if (name !== 'intset64') assert.equal(await subject!.text('OBJECT', 'ENCODING', name), 'hashtable', name);
    }
  });
});
