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
  test(`a large ${type} with one member twice is refused, wherever the two are`, () => {
    for (const [first, second] of [
      [0, 1],
      [0, 899],
      [500, 501],
      [200, 700],
      [898, 899],
    ] as const) {
      const restorer = new Restorer();
      const body = restorer.bodyOf(FILLINGS[type]!);
      // Those of one length.
      const names = [...body.toString('latin1').matchAll(/(?:member|field):\d{3}(?!\d)/g)];
      body.write(names[first]![0], names[second]!.index, 'latin1');
      assert.equal(restorer.restore(body), '-ERR Bad data format\r\n');
      assert.equal(restorer.server.run('EXISTS target'), ':0\r\n');
      restorer.checkBlocks();
    }
  });
}

/** @returns a string as RDB has it, its length in one of the forms that can hold it, not only the shortest */
function rdbString(text: string, form: number): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const { length } = bytes;
  const heads = [
    Buffer.from([0x81, 0, 0, 0, 0, 0, 0, length >> 8, length & 255]),
    Buffer.from([0x80, 0, 0, length >> 8, length & 255]),
    Buffer.from([0x40 | (length >> 8), length & 255]),
    Buffer.from([length]),
  ];
  return Buffer.concat([heads[form % (length < 64 ? 4 : 3)]!, bytes]);
}

test('texts of all lengths are restored, whatever the form of their length', () => {
  const texts = Array.from({ length: 600 }, (_, i) => `${i}:`.padEnd(3 + (i % 300), 'x'));
  const count = Buffer.from([0x40 | (texts.length >> 8), texts.length & 255]);
  const score = Buffer.alloc(8);
  for (const shift of [0, 1, 2, 3]) {
    const restorer = new Restorer();
    const values = texts.map((_, i) => 'v'.repeat((i * 7) % 270));
    const scores = texts.map((_, i) => i * 0.25 - 50);
    const bodies = [
      [2, ...texts.map((text, i) => rdbString(text, i + shift))],
      [4, ...texts.map((text, i) => Buffer.concat([rdbString(text, i + shift), rdbString(values[i]!, i)]))],
      [
        5,
        ...texts.map((text, i) => {
          score.writeDoubleLE(scores[i]!);
          return Buffer.concat([rdbString(text, i + shift), score]);
        }),
      ],
    ] as const;
    restorer.server.runWords(['SADD', 'value', ...texts]);
    restorer.server.runWords(['HSET', 'value2', ...texts.flatMap((text, i) => [text, values[i]!])]);
    restorer.server.runWords(['ZADD', 'value3', ...texts.flatMap((text, i) => [String(scores[i]), text])]);
    for (const [i, [type, ...parts]] of bodies.entries()) {
      const body = Buffer.concat([Buffer.from([type]), count, ...(parts as Buffer[])]);
      assert.equal(restorer.restore(body), '+OK\r\n');
      const digests = restorer.server.run(`DEBUG DIGEST-VALUE value${i === 0 ? '' : i + 1} target`);
      const [value, target] = digests.split('\r\n').slice(1);
      assert.equal(value, target);
      restorer.server.run('DEL target');
    }
    restorer.server.run('DEL value2 value3');
    restorer.checkBlocks();
  }
});

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
