/**
 * Damaged logs: whatever the bytes of the manifest, the base and the incr files, a load ends with a verdict, takes no memory on trust, and leaves a log
 * that loads again to the same data. `SLOTMESH_FUZZ_ITERATIONS=1000000` is the long form (five minutes).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { MemoryFileSystem } from '../memory-file-system.js';
import { mutate } from '../mutate.js';
import { ascii, hex, keyRecord, rdbFile } from '../support.js';
import { aofPath, LoggedStore, record } from './store.js';

const MEMORY_MAX = 256 << 20;

const BASE = 'appendonly.aof.1.base.rdb';
const INCR1 = 'appendonly.aof.1.incr.aof';
const INCR2 = 'appendonly.aof.2.incr.aof';
const MANIFEST = 'appendonly.aof.manifest';

const base = rdbFile(hex('fe 00'), keyRecord(0, 'n', hex('c0 05')), keyRecord(0, 'b', hex("01 'x'")));
const UNITS = [
  record('SELECT', '1'),
  '#TS:1700000000\r\n',
  record('MULTI') + record('INCR', 'n') + record('SET', 'm', 'x') + record('EXEC'),
  record('MULTI') + record('DISCARD'),
  record('SET', 'k', 'v\r\n*1\r\n'),
  record('DEL', 'k', 'b'),
  record('INCR', 'n'),
];
/** Lengths that must not be believed. */
const LIES = ['*2147483647\r\n', '*1048576\r\n$3\r\nSET\r\n', '*2\r\n$536870912\r\nx', '$-1\r\n', '*-1\r\n', '*0\r\n'];

/** A sound log with one to three files, of which one is then damaged. */
function damagedLog(random: Random): MemoryFileSystem {
  const incr = () => ascii(Array.from({ length: random.below(6) }, () => UNITS[random.below(UNITS.length)]).join(''));
  const files = new Map<string, Uint8Array>([[INCR1, incr()]]);
  let manifest = `file ${INCR1} seq 1 type i\n`;
  if (random.below(2) === 0) {
    // A base may be an RDB, an RDB with records behind it, or records alone.
    const form = random.below(3);
    files.set(BASE, form === 0 ? base : form === 1 ? Buffer.concat([base, incr()]) : incr());
    manifest = `file ${BASE} seq 1 type b\n${manifest}`;
  }
  if (random.below(3) === 0) {
    files.set(INCR2, incr());
    manifest += `file ${INCR2} seq 2 type i\n`;
  }
  files.set(MANIFEST, ascii(manifest));
  const names = [...files.keys()];
  // The manifest has a fuzz test of its own; here it counts one time in twenty.
  const name = random.below(20) === 0 ? MANIFEST : names[random.below(names.length - 1)]!;
  files.set(name, damaged(files.get(name)!, random));
  const fileSystem = new MemoryFileSystem();
  for (const [each, bytes] of files) fileSystem.put(aofPath(each), bytes);
  return fileSystem;
}

function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const lie = ascii(LIES[random.below(LIES.length)]!);
  if (bytes.length === 0) return lie;
  if (random.below(8) > 0) return mutate(bytes, random);
  const at = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(0, at), lie, bytes.subarray(at + random.below(lie.length))]);
}

async function load(fileSystem: MemoryFileSystem, aofLoadTruncated: boolean) {
  const server = new LoggedStore(fileSystem, { aofLoadTruncated });
  const outcome = await server.load();
  return { outcome, data: server.store.toString() };
}

test('damaged logs load or are refused; what loaded, with its tail cut, loads again to the same data', async () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const before = process.memoryUsage().arrayBuffers;
  const verdicts = { loaded: 0, empty: 0, failed: 0 };
  for (let i = 0; i < fuzzIterations(3000); i++) {
    const fileSystem = damagedLog(random);
    const first = await load(fileSystem, random.below(4) > 0);
    verdicts[first.outcome]++;
    if (i % 1000 === 0) assert.ok(process.memoryUsage().arrayBuffers - before < MEMORY_MAX, 'memory stays bounded');
    if (first.outcome === 'failed') continue;
    const second = await load(fileSystem.afterKill(), false);
    assert.notEqual(second.outcome, 'failed', `iteration ${i}`);
    assert.equal(second.data, first.data, `iteration ${i}`);
  }
  assert.ok(verdicts.loaded > 0 && verdicts.failed > 0, JSON.stringify(verdicts));
});
