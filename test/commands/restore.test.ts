/** RESTORE of values that are built while they are being checked: what is refused, or over already, leaves nothing behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DUMP_FOOTER_BYTES } from '../../src/persistence/dump-payload.js';
import { InProcess } from './in-process.js';
import { dumped, sealed } from './restore-payloads.js';

const COUNT = 1000;
const numbers = Array.from({ length: COUNT }, (_, i) => i);

/** Commands that fill `value`, large enough for the form of large values. */
const FILLINGS: Readonly<Record<string, readonly string[]>> = {
  list: [`RPUSH value ${numbers.map((i) => `element:${i}:${'x'.repeat(i % 50)}`).join(' ')}`],
  set: [`SADD value ${numbers.map((i) => `member:${i}`).join(' ')}`],
  hash: [`HSET value ${numbers.map((i) => `field:${i} ${i}`).join(' ')}`],
  'sorted set': [`ZADD value ${numbers.map((i) => `${i % 77} member:${i}`).join(' ')}`],
  stream: [
    ...numbers.map((i) => `XADD value ${i + 1}-1 field ${i}`),
    'XGROUP CREATE value g 0',
    'XREADGROUP GROUP g c COUNT 5 STREAMS value >',
  ],
};

class Restorer {
  readonly server = new InProcess();
  private readonly blocksBefore: number;

  constructor() {
    this.server.isActive = false;
    this.blocksBefore = this.server.server.keyspace.arena.blockCount;
  }

  /** @returns the body of the payload of what the commands make */
  bodyOf(commands: readonly string[]): Buffer {
    for (const command of commands) this.server.run(command);
    return Buffer.from(dumped(this.server, 'value')!, 'latin1').subarray(0, -DUMP_FOOTER_BYTES);
  }

  restore(body: Uint8Array, ...options: string[]): string {
    return this.server.runWords(['RESTORE', 'target', options.length > 0 ? '1' : '0', sealed(body), ...options]);
  }

  checkBlocks(): void {
    this.server.run('DEL value target');
    while (this.server.server.keyspace.reaper.step(10));
    assert.equal(this.server.server.keyspace.arena.blockCount, this.blocksBefore, 'no block is lost');
  }
}

for (const [type, filling] of Object.entries(FILLINGS)) {
  test(`a large ${type} is restored as it was`, () => {
    const restorer = new Restorer();
    assert.equal(restorer.restore(restorer.bodyOf(filling)), '+OK\r\n');
    const [value, target] = restorer.server.run('DEBUG DIGEST-VALUE value target').split('\r\n').slice(1);
    assert.equal(value, target);
    restorer.checkBlocks();
  });

  test(`a large ${type} that is damaged near its end is refused, and the old value stays`, () => {
    const restorer = new Restorer();
    const body = restorer.bodyOf(filling);
    restorer.server.run('SET target old');
    assert.equal(restorer.restore(body.subarray(0, -1), 'REPLACE'), '-ERR Bad data format\r\n');
    assert.equal(restorer.server.run('GET target'), '$3\r\nold\r\n');
    restorer.checkBlocks();
  });

  test(`a large ${type} whose time is over is not stored`, () => {
    const restorer = new Restorer();
    assert.equal(restorer.restore(restorer.bodyOf(filling), 'ABSTTL'), '+OK\r\n');
    assert.equal(restorer.server.run('EXISTS target'), ':0\r\n');
    restorer.checkBlocks();
  });
}

for (const type of ['set', 'hash', 'sorted set']) {
  test(`a large ${type} with one member twice is refused`, () => {
    const restorer = new Restorer();
    const body = restorer.bodyOf(FILLINGS[type]!);
    const member = /\w+:500/.exec(body.toString('latin1'))!;
    const other = /\w+:501/.exec(body.toString('latin1'))!;
    body.write(member[0], other.index, 'latin1');
    assert.equal(restorer.restore(body), '-ERR Bad data format\r\n');
    assert.equal(restorer.server.run('EXISTS target'), ':0\r\n');
    restorer.checkBlocks();
  });
}

test('a payload that states far more members than it has bytes is refused without room being made for them', () => {
  const restorer = new Restorer();
  const { arena } = restorer.server.server.keyspace;
  const before = arena.reservedBytes;
  for (const type of [2, 4, 5]) {
    const body = Buffer.from([type, 0x80, 0x7f, 0xff, 0xff, 0xff, 1, 0x61]);
    assert.equal(restorer.restore(body), '-ERR Bad data format\r\n');
  }
  assert.equal(arena.reservedBytes, before);
  restorer.checkBlocks();
});
