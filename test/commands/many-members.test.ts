/** Commands that name many members at once: the value is the same as if they had come one by one, also when most of them are there already. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { InProcess } from './in-process.js';

const DIFFERENT = 300;
const NAMED = 8000;

const COMMANDS: Record<string, (index: number) => string[]> = {
  SADD: (index) => [`member:${index}`],
  HSET: (index) => [`field:${index}`, `value:${index}`],
  ZADD: (index) => [`${index % 7}`, `member:${index}`],
};

test('members named again and again in one command take no more room', { skip: needsServers('slotmesh') }, async () => {
  await withServers([{ kind: 'slotmesh' }], async ([server]) => {
    for (const [command, words] of Object.entries(COMMANDS)) {
      const named = Array.from({ length: NAMED }, (_, i) => words(i % DIFFERENT));
      for (let i = 0; i < DIFFERENT; i++) await server!.call(command, `${command}:one`, ...words(i));
      assert.equal(await server!.call(command, `${command}:many`, ...named.flat()), DIFFERENT);
      // On a value that is packed, and becomes a table meanwhile.
      await server!.call(command, `${command}:grown`, ...words(0));
      assert.equal(await server!.call(command, `${command}:grown`, ...named.flat()), DIFFERENT - 1);
      const [one, many, grown] = await Promise.all(
        ['one', 'many', 'grown'].map(async (name) => {
          const key = `${command}:${name}`;
          return {
            digest: await server!.call('DEBUG', 'DIGEST-VALUE', key),
            encoding: await server!.call('OBJECT', 'ENCODING', key),
            bytes: Number(await server!.call('MEMORY', 'USAGE', key)),
          };
        }),
      );
      for (const other of [many!, grown!]) {
        assert.deepEqual([other.digest, other.encoding], [one!.digest, one!.encoding], command);
        // Up to LOAD_MAX / LOAD_MIN times the buckets.
        assert.ok(other.bytes < one!.bytes * 2, `${command}: ${other.bytes} bytes, ${one!.bytes} one by one`);
      }
    }
  });
});

/** Members of a sorted set, most of them named by one command, some more than once. */
function membersOf(random: Random, limit: number): string[] {
  const count = 1 + random.below(limit);
  return Array.from({ length: count }, () => `member:${random.below(limit)}`);
}

test('many members of a sorted set, set or removed at once, are as if one by one', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    server.isActive = false;
    const ranks = (key: string): string[] => [
      server.run(`ZRANGE ${key} 0 -1 WITHSCORES`),
      server.run(`ZRANGEBYSCORE ${key} 3 (20`),
      server.run(`ZREVRANK ${key} member:7`),
      server.run(`ZCARD ${key}`),
      server.run(`DEBUG DIGEST-VALUE ${key}`),
    ];
    const blocksBefore = server.server.keyspace.arena.blockCount;
    for (let round = 0; round < fuzzIterations(60); round++) {
      const limit = random.pick([150, 400, 2000]);
      const score = random.pick([() => random.below(4), () => random.below(1000) - 500, () => random.below(99) / 8]);
      for (let step = 0; step < 4; step++) {
        const named = membersOf(random, limit);
        const options = random.pick(['', '', 'XX', 'NX', 'GT', 'LT', 'GT CH', 'XX CH']).split(' ').filter(Boolean);
        const isRemoval = random.oneIn(3);
        const pairs = named.map((member) => (isRemoval ? [member] : [String(score()), member]));
        const head = (key: string): string[] => (isRemoval ? ['ZREM', key] : ['ZADD', key, ...options]);
        const reply = server.runWords([...head('many'), ...pairs.flat()]);
        let sum = 0;
        for (const pair of pairs) sum += Number(server.runWords([...head('single'), ...pair]).slice(1));
        assert.equal(Number(reply.slice(1)), sum);
        assert.deepEqual(ranks('many'), ranks('single'));
      }
      if (random.oneIn(3)) server.run('DEL many single');
    }
    server.run('DEL many single');
    while (server.server.keyspace.reaper.step(1));
    assert.equal(server.server.keyspace.arena.blockCount, blocksBefore, 'every block was given back');
  });
});

test('many places at once are as if one by one', () => {
  const server = new InProcess();
  server.isActive = false;
  const random = new Random(fuzzSeed());
  for (let round = 0; round < 4; round++) {
    const places = membersOf(random, 600).map((name) => [
      `${random.below(360) - 180}`,
      `${random.below(160) - 80}`,
      name,
    ]);
    server.runWords(['GEOADD', 'many', ...places.flat()]);
    for (const place of places) server.runWords(['GEOADD', 'single', ...place]);
    assert.equal(server.run('ZRANGE many 0 -1 WITHSCORES'), server.run('ZRANGE single 0 -1 WITHSCORES'));
  }
});

test('a result has room for as many members as might come, but gives back what is not needed', () => {
  const server = new InProcess();
  server.isActive = false;
  const namesFrom = (from: number): string[] => Array.from({ length: 20_000 }, (_, i) => `member:${from + i}`);
  const scored = (from: number): string[] => namesFrom(from).flatMap((name) => ['1', name]);
  server.runWords(['SADD', 'set', ...namesFrom(0)]);
  server.runWords(['SADD', 'set2', ...namesFrom(19_000)]);
  server.runWords(['SADD', 'set3', ...namesFrom(1000)]);
  server.runWords(['ZADD', 'zset', ...scored(0)]);
  server.runWords(['ZADD', 'zset2', ...scored(19_000)]);
  server.runWords(['ZADD', 'zset3', ...scored(1000)]);
  const bytes = (key: string): number => Number(server.run(`MEMORY USAGE ${key} SAMPLES 0`).slice(1));
  const results = [
    'SINTERSTORE result set set2',
    'SDIFFSTORE result set set3',
    'ZINTERSTORE result 2 zset zset2 AGGREGATE MIN',
    'ZDIFFSTORE result 2 zset zset3',
  ];
  for (const command of results) {
    assert.equal(server.run(command), ':1000\r\n');
    const reply = server.run(command.startsWith('S') ? 'SMEMBERS result' : 'ZRANGE result 0 -1');
    const names = reply.split('\r\n').filter((word) => word.startsWith('member:'));
    server.run('DEL single');
    for (const name of names) server.run(command.startsWith('S') ? `SADD single ${name}` : `ZADD single 1 ${name}`);
    assert.equal(server.run('DEBUG DIGEST-VALUE result'), server.run('DEBUG DIGEST-VALUE single'));
    // Up to LOAD_MAX / LOAD_FITTED times the buckets.
    assert.ok(bytes('result') < bytes('single') * 1.5, `${command}: ${bytes('result')}, not ${bytes('single')} bytes`);
  }
});

test('members removed by one command leave as many buckets as if one by one, and none if no member is left', () => {
  const server = new InProcess();
  server.isActive = false;
  const { arena, reaper } = server.server.keyspace;
  const blocksBefore = arena.blockCount;
  const bytes = (key: string): number => Number(server.run(`MEMORY USAGE ${key} SAMPLES 0`).slice(1));
  const names = Array.from({ length: 9000 }, (_, i) => `member:${i}`);
  for (const [add, remove] of Object.entries({ SADD: 'SREM', HSET: 'HDEL', ZADD: 'ZREM' })) {
    const words = names.flatMap((name) => (add === 'HSET' ? [name, 'v'] : add === 'ZADD' ? ['1', name] : [name]));
    for (const key of ['once', 'single']) server.runWords([add, key, ...words]);
    for (const left of [5000, 600, 200]) {
      const gone = names.slice(left);
      server.runWords([remove, 'once', ...gone, 'none']);
      for (const name of gone) server.runWords([remove, 'single', name]);
      assert.equal(server.run('DEBUG DIGEST-VALUE once'), server.run('DEBUG DIGEST-VALUE single'));
      assert.equal(bytes('once'), bytes('single'), `${remove}, ${left} left`);
    }
    server.runWords([add, 'once', ...words]);
    assert.equal(server.runWords([remove, 'once', ...names, 'none']), ':9000\r\n');
    assert.equal(server.run('EXISTS once'), ':0\r\n');
    // What was held back does not reach the next table, which may have the same block.
    server.runWords([add, 'once', ...words]);
    for (const name of names) server.runWords([remove, 'once', name]);
    server.run('DEL single');
  }
  while (reaper.step(1));
  assert.equal(arena.blockCount, blocksBefore, 'every block was given back');
});

test('200,000 keys in one command are combined', () => {
  const server = new InProcess();
  server.isActive = false;
  const keys = Array.from({ length: 200_000 }, (_, i) => `key:${i % 7}`);
  server.run('ZADD key:3 1 member');
  for (const [command, count] of Object.entries({ ZUNIONSTORE: 1, ZINTERSTORE: 0, ZDIFFSTORE: 0 }))
    assert.equal(server.runWords([command, 'result', `${keys.length}`, ...keys]), `:${count}\r\n`);
  server.run('DEL key:3');
  server.run('SADD key:3 member');
  for (const [command, count] of Object.entries({ SUNIONSTORE: 1, SINTERSTORE: 0, SDIFFSTORE: 0 }))
    assert.equal(server.runWords([command, 'result', ...keys]), `:${count}\r\n`);
});
