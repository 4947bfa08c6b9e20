/** nodes.conf and its journal: which version counts, whatever a crash has left of the two. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodesFile } from '../../src/cluster/nodes-file.js';
import { temporaryFolder } from '../support/server-process.js';

const ID = 'a'.repeat(40);
const OTHER_ID = 'b'.repeat(40);

/** A text of version `n`; only the shape of its lines matters here. */
const version = (n: number, id = ID) =>
  `${id} :0@0 myself,master - 0 0 ${n} connected\nvars currentEpoch ${n} lastVoteEpoch 0\n`;
const stored = (text: string, sequence: number) => text.replace(/\n$/, ` saved ${sequence}\n`);

function newPath(): string {
  return join(temporaryFolder('nodes'), 'nodes.conf');
}

function loaded(path: string): string {
  return new NodesFile(path).load().text.replace(/ saved \d+\n$/, '\n');
}

test('a file that is replaced carries the number of its version, and leaves nothing else behind', () => {
  const path = newPath();
  const file = new NodesFile(path);
  assert.deepEqual(file.load(), { text: '', isRecovered: false });
  file.replace(version(1), true);
  file.replace(version(2), false);
  assert.equal(readFileSync(path, 'latin1'), stored(version(2), 2));
  assert.equal(existsSync(`${path}.journal`), false);
  assert.deepEqual(new NodesFile(path).load(), { text: stored(version(2), 2), isRecovered: false });
});

test('what was committed counts although the file lags behind, and is in the file after the next start', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  for (let n = 2; n <= 6; n++) {
    file.commit(version(n));
    assert.equal(readFileSync(path, 'latin1'), stored(version(1), 1));
    const copy = newPath();
    copyFileSync(path, copy);
    copyFileSync(`${path}.journal`, `${copy}.journal`);
    assert.deepEqual(new NodesFile(copy).load(), { text: version(n), isRecovered: true });
    assert.equal(existsSync(`${copy}.journal`), false);
    assert.equal(loaded(copy), version(n));
  }
});

test('of a file and a journal the newer one counts, in any order of writing', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  file.commit(version(2));
  file.replace(version(3), false);
  const copy = newPath();
  copyFileSync(path, copy);
  copyFileSync(`${path}.journal`, `${copy}.journal`);
  assert.equal(loaded(copy), version(3));
  file.commit(version(4));
  assert.equal(loaded(path), version(4));
});

test('a commit that was cut off at any byte leaves the one before', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  file.commit(version(2));
  const before = readFileSync(`${path}.journal`);
  file.commit(version(3));
  const whole = readFileSync(`${path}.journal`);
  const first = whole.findIndex((byte, i) => byte !== before[i]);
  const last = whole.findLastIndex((byte, i) => byte !== before[i]);
  for (let end = first; end <= last; end++) {
    const torn = Buffer.concat([whole.subarray(0, end), before.subarray(end)]);
    const copy = newPath();
    copyFileSync(path, copy);
    writeFileSync(`${copy}.journal`, torn);
    assert.equal(loaded(copy), version(2), `cut off at byte ${end}`);
  }
});

test('a journal of nothing but zeros or that is too short is none', () => {
  const path = newPath();
  new NodesFile(path).replace(version(1), true);
  for (const bytes of [0, 7, 100, 256 * 1024, 300 * 1024, 512 * 1024]) {
    writeFileSync(`${path}.journal`, Buffer.alloc(bytes));
    assert.equal(loaded(path), version(1));
  }
});

test('an empty file, as a crash may leave it, is renewed from the journal', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  file.commit(version(2));
  truncateSync(path);
  assert.deepEqual(new NodesFile(path).load(), { text: version(2), isRecovered: true });
});

test('a journal does not count without its file, nor beside a file of another node or one that Redis wrote', () => {
  for (const change of [
    (path: string) => rmSync(path),
    (path: string) => writeFileSync(path, stored(version(1, OTHER_ID), 1)),
    (path: string) => writeFileSync(path, version(1)),
  ]) {
    const path = newPath();
    const file = new NodesFile(path);
    file.replace(version(1), true);
    file.commit(version(2));
    change(path);
    const expected = existsSync(path) ? readFileSync(path, 'latin1') : '';
    assert.deepEqual(new NodesFile(path).load(), { text: expected, isRecovered: false });
    assert.equal(existsSync(`${path}.journal`), false, 'and is gone for good');
  }
});

test('a text too long for the journal goes to the file', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  file.commit(version(2));
  const long = `${'#'.repeat(300_000)}\n${version(3)}`;
  file.commit(long);
  assert.equal(readFileSync(path, 'latin1'), stored(long, 3));
  file.commit(version(4));
  assert.equal(loaded(path), version(4));
});

test('a file that is closed is complete and alone', () => {
  const path = newPath();
  const file = new NodesFile(path);
  file.replace(version(1), true);
  file.commit(version(2));
  file.close(version(3));
  assert.equal(readFileSync(path, 'latin1'), stored(version(3), 3));
  assert.equal(existsSync(`${path}.journal`), false);
});
