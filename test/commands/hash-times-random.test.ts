/**
 * Random commands on hashes whose fields have times beside a model of them, with a clock that the test moves: every reply is the model's, also of fields
 * that have ended and are still stored; and a replica that is given what was propagated, and never ends a field by itself, holds the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldExpireCycle } from '../../src/keyspace/field-expire-cycle.js';
import { EXPIRY_IGNORE } from '../../src/keyspace/keyspace.js';
import { type Reply, ReplyReader } from '../../src/resp/reply-reader.js';
import { hashesOf } from '../../src/types/hash.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

interface Field {
  value: string;
  timeMs: number;
}
type Hash = Map<string, Field>;

const KEYS = ['a', 'b'];
const LONG = 'L'.repeat(70);

/** What hashes are after each command, and what it replies. */
class Model {
  readonly hashes = new Map<string, Hash>(KEYS.map((key) => [key, new Map()]));

  constructor(readonly now: () => number) {}

  isOver({ timeMs }: Field): boolean {
    return timeMs !== 0 && timeMs < this.now();
  }

  /** The hash, without those of the named fields that have ended: commands that name fields remove them. */
  touch(key: string, fields: readonly string[]): Hash {
    const hash = this.hashes.get(key)!;
    for (const field of fields) {
      const of = hash.get(field);
      if (of !== undefined && this.isOver(of)) hash.delete(field);
    }
    return hash;
  }

  live(key: string): [string, Field][] {
    return [...this.hashes.get(key)!].filter(([, of]) => !this.isOver(of));
  }

  removeEnded(): void {
    for (const hash of this.hashes.values()) for (const [name, of] of hash) if (this.isOver(of)) hash.delete(name);
  }

  set(key: string, field: string, value: string, timeMs: number): number {
    const hash = this.touch(key, [field]);
    const isNew = !hash.has(field);
    hash.set(field, { value, timeMs });
    return isNew ? 1 : 0;
  }

  /** Gives fields a time, 0 = none. @returns a reply for each */
  expire(key: string, fields: readonly string[], timeMs: number, condition: string): number[] {
    const hash = this.touch(key, fields);
    return fields.map((field) => {
      const of = hash.get(field);
      if (of === undefined) return -2;
      const isWanted =
        condition === '' ||
        (condition === 'NX' && of.timeMs === 0) ||
        (condition === 'XX' && of.timeMs !== 0) ||
        (condition === 'GT' && of.timeMs !== 0 && timeMs > of.timeMs) ||
        (condition === 'LT' && (of.timeMs === 0 || timeMs < of.timeMs));
      if (!isWanted) return 0;
      of.timeMs = timeMs;
      if (timeMs > this.now()) return 1;
      hash.delete(field);
      return 2;
    });
  }
}

/** A command with what it must reply. */
type Step = readonly [words: string[], expected: unknown];

function step(model: Model, random: Random): Step {
  const key = random.pick(KEYS);
  const hash = model.hashes.get(key)!;
  const field = (): string => (random.oneIn(3) ? String(random.below(6)) : `f${random.below(14)}`);
  const value = (): string => (random.oneIn(key === 'a' ? 1000 : 30) ? LONG : String(random.below(500)));
  const names = Array.from({ length: 1 + random.below(3) }, field);
  const fields = ['FIELDS', String(names.length), ...names];
  const lifeMs = random.oneIn(8) ? 0 : 1 + random.below(60);
  const timeMs = model.now() + lifeMs;
  const valuesOf = (): (string | null)[] => names.map((name) => model.touch(key, names).get(name)?.value ?? null);
  switch (random.below(20)) {
    case 0: {
      const [name, text] = [field(), value()];
      return [['HSET', key, name, text], model.set(key, name, text, 0)];
    }
    case 1: {
      const [name, text] = [field(), value()];
      if (model.touch(key, [name]).has(name)) return [['HSETNX', key, name, text], 0];
      return [['HSETNX', key, name, text], model.set(key, name, text, 0)];
    }
    case 2:
    case 3:
    case 4: {
      const condition = random.pick(['', '', 'NX', 'XX', 'GT', 'LT']);
      const words = ['HPEXPIREAT', key, String(timeMs), ...(condition === '' ? [] : [condition]), ...fields];
      return [words, model.expire(key, names, timeMs, condition)];
    }
    case 5: {
      const inOrder = model.touch(key, names);
      const expected = names.map((name) => {
        const of = inOrder.get(name);
        if (of === undefined) return -2;
        if (of.timeMs === 0) return -1;
        of.timeMs = 0;
        return 1;
      });
      return [['HPERSIST', key, ...fields], expected];
    }
    case 6: {
      const expected = names.map((name) => {
        const of = hash.get(name);
        if (of === undefined || model.isOver(of)) return -2;
        return of.timeMs === 0 ? -1 : of.timeMs - model.now();
      });
      return [['HPTTL', key, ...fields], expected];
    }
    case 7: {
      const expected = valuesOf();
      if (random.oneIn(3)) return [['HGETEX', key, ...fields], expected];
      if (random.oneIn(3)) {
        for (const name of names) if (hash.has(name)) hash.get(name)!.timeMs = 0;
        return [['HGETEX', key, 'PERSIST', ...fields], expected];
      }
      // A field whose new time is over is gone when it is named again.
      const repliedIfOver = expected.map((text, i) => (names.indexOf(names[i]!) < i ? null : text));
      const isOver = timeMs <= model.now();
      model.expire(key, names, timeMs, '');
      return [['HGETEX', key, 'PX', String(lifeMs), ...fields], isOver ? repliedIfOver : expected];
    }
    case 8: {
      model.touch(key, names);
      const condition = random.pick(['', '', 'FNX', 'FXX']);
      const isKept = random.oneIn(3);
      const pairs = names.flatMap((name) => [name, value()]);
      const words = [
        'HSETEX',
        key,
        ...(condition === '' ? [] : [condition]),
        ...(isKept ? ['KEEPTTL'] : ['PXAT', String(timeMs)]),
        'FIELDS',
        String(names.length),
        ...pairs,
      ];
      if (condition !== '' && names.some((name) => hash.has(name) !== (condition === 'FXX'))) return [words, 0];
      names.forEach((name, i) => {
        model.set(key, name, pairs[i * 2 + 1]!, isKept ? (hash.get(name)?.timeMs ?? 0) : timeMs);
      });
      if (!isKept && lifeMs === 0) for (const name of names) hash.delete(name);
      return [words, 1];
    }
    case 9: {
      model.touch(key, names);
      const expected = names.map((name) => {
        const of = hash.get(name);
        hash.delete(name);
        return of?.value ?? null;
      });
      return [['HGETDEL', key, ...fields], expected];
    }
    case 10: {
      const of = model.touch(key, ['n']).get('n') ?? { value: '0', timeMs: 0 };
      of.value = String(Number(of.value) + 7);
      hash.set('n', of);
      return [['HINCRBY', key, 'n', '7'], Number(of.value)];
    }
    case 11: {
      const of = model.touch(key, ['n']).get('n') ?? { value: '0', timeMs: 0 };
      of.value = String(Number(of.value) + 3);
      hash.set('n', of);
      return [['HINCRBYFLOAT', key, 'n', '3'], of.value];
    }
    case 12:
      model.touch(key, names);
      return [['HDEL', key, ...names], names.filter((name) => hash.delete(name)).length];
    case 13:
      return [['HMGET', key, ...names], valuesOf()];
    case 14:
      return [['HLEN', key], hash.size];
    case 15:
      return [['HEXISTS', key, names[0]!], model.touch(key, [names[0]!]).has(names[0]!) ? 1 : 0];
    case 16:
      return [['HSTRLEN', key, names[0]!], model.touch(key, [names[0]!]).get(names[0]!)?.value.length ?? 0];
    case 17:
      return [['HPEXPIRE', key, '40', 'FIELDS', '1', 'n'], model.expire(key, ['n'], model.now() + 40, '')];
    case 18: {
      const names = random.pick(['HKEYS', 'HGETALL', 'HRANDFIELD']);
      const expected = model.live(key).flatMap(([name, of]) => (names === 'HGETALL' ? [name, of.value] : [name]));
      return [names === 'HRANDFIELD' ? [names, key, '1000'] : [names, key], new Set(expected)];
    }
    default: {
      const expected = model.live(key).flatMap(([name, of]) => [name, of.value]);
      return [
        ['HSCAN', key, '0', 'COUNT', '1000'],
        ['0', new Set(expected)],
      ];
    }
  }
}

function answer(server: InProcess, words: readonly string[]): Reply {
  const reader = new ReplyReader();
  reader.feed(Buffer.from(server.runWords(words), 'latin1'));
  const result = reader.next();
  assert.ok(result?.kind === 'reply', words.join(' '));
  return result.value;
}

/** Where the model has a set, order does not matter. */
function comparable(reply: unknown, expected: unknown): unknown {
  if (expected instanceof Set) return new Set(reply as unknown[]);
  if (Array.isArray(expected) && Array.isArray(reply) && reply.length === expected.length)
    return reply.map((each, i) => comparable(each, expected[i]));
  return reply;
}

test('commands on fields with times reply as the model does, and what they propagate makes an equal replica', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    const replica = new InProcess();
    const { keyspace } = server.server;
    replica.isActive = false;
    replica.server.keyspace.expiryMode = EXPIRY_IGNORE;
    keyspace.packing.hashListpackEntries = 12;
    const cycle = new FieldExpireCycle(keyspace);
    const model = new Model(() => keyspace.nowMs);
    for (let round = 0; round < fuzzIterations(5000); round++) {
      if (random.oneIn(6)) server.advance(random.below(12));
      if (random.oneIn(50)) {
        for (let i = 0; i < 2; i++) cycle.run(1000);
        model.removeEnded();
      }
      if (random.oneIn(400))
        for (const key of KEYS) if (server.run(`DEL ${key}`) !== '') model.hashes.set(key, new Map());
      const [words, expected] = step(model, random);
      const reply = answer(server, words);
      assert.deepEqual(comparable(reply, expected), expected, words.join(' '));
      replica.server.keyspace.setNow(keyspace.nowMs);
      for (const line of server.takePropagated()) {
        if (line === 'MULTI' || line === 'EXEC') continue;
        assert.doesNotMatch(replica.run(line), /^-/, line);
      }
      if (round % 20 === 0) {
        assert.equal(replica.run('DEBUG DIGEST'), server.run('DEBUG DIGEST'));
        assert.deepEqual(storedIn(replica), storedIn(server));
      }
    }
  });
});

/** Times by field, of what is stored. */
function storedIn({ server }: InProcess): string[] {
  const { keyspace } = server;
  const { cursor } = hashesOf(keyspace);
  const found: string[] = [];
  for (const key of KEYS) {
    const ref = keyspace.databases[0].find(Buffer.from(key), 0, key.length);
    if (ref === 0) continue;
    cursor.begin(ref);
    while (cursor.next()) {
      const field = Buffer.from(cursor.bytes.subarray(cursor.start, cursor.start + cursor.length)).toString('latin1');
      found.push(`${key} ${field} ${cursor.timeMs}`);
    }
  }
  return found.sort();
}
