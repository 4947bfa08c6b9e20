/**
 * Times of hash fields away from the server that knows them first: at a replica of ours, at one of Redis 8, at a real Redis 7.0 replica, which knows no
 * such times but must hold the same fields; and at ours of a Redis 8 primary. The seed is printed; SLOTMESH_FUZZ_SEED replays the workload.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const KEYS = 12;
const FIELDS = 30;
const LONG = 'L'.repeat(80);

const digest = (server: ServerProcess): Promise<string> => server.text('DEBUG', 'DIGEST');

async function follow(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  assert.equal(await replica.call('REPLICAOF', '127.0.0.1', primary.port), 'OK');
  await caughtUp(replica, primary);
}

async function caughtUp(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  await waitFor(
    async () => {
      const [mine, theirs] = await Promise.all([replica.info('replication'), primary.info('replication')]);
      return mine['master_link_status'] === 'up' && mine['slave_repl_offset'] === theirs['master_repl_offset'];
    },
    { what: `${replica.kind} ${replica.port} to have everything`, detail: () => replica.output },
  );
}

/** Random commands on hashes. No transactions: a real 7.0 replica drops those that have a command which it does not know. */
function workload(random: Random, count: number, lifeMs: () => number): Arg[][] {
  const key = (): string => `h${random.below(KEYS)}`;
  const field = (): string => `f${random.below(FIELDS)}`;
  const value = (): Arg => (random.oneIn(40) ? LONG : random.below(1000));
  const kinds: (() => Arg[])[] = [
    () => ['HSET', key(), field(), value(), field(), value()],
    () => ['HSET', key(), 'n', random.below(1000)],
    () => ['HPEXPIRE', key(), lifeMs(), 'FIELDS', 3, field(), field(), field()],
    () => ['HPEXPIRE', key(), lifeMs(), random.pick(['NX', 'XX', 'GT', 'LT']), 'FIELDS', 2, field(), 'n'],
    () => ['HSETEX', key(), 'PX', lifeMs(), 'FIELDS', 2, field(), value(), field(), value()],
    () => ['HSETEX', key(), 'KEEPTTL', 'FIELDS', 1, field(), value()],
    () => ['HSETEX', key(), 'PXAT', 1, 'FIELDS', 1, field(), value()],
    () => ['HGETEX', key(), 'PX', lifeMs(), 'FIELDS', 2, field(), field()],
    () => ['HGETEX', key(), 'PERSIST', 'FIELDS', 2, field(), field()],
    () => ['HPERSIST', key(), 'FIELDS', 2, field(), field()],
    () => ['HGETDEL', key(), 'FIELDS', 2, field(), field()],
    () => ['HINCRBY', key(), 'n', random.below(10)],
    () => ['HINCRBYFLOAT', key(), 'n', random.below(10) / 4],
    () => ['HDEL', key(), field(), field()],
    () => ['HGET', key(), field()],
    () => ['HMGET', key(), field(), field()],
    () => ['COPY', key(), key(), 'REPLACE'],
    () => ['RENAME', key(), key()],
    () => ['DEL', key()],
  ];
  return Array.from({ length: count }, () => random.pick(kinds)());
}

async function run(server: ServerProcess, commands: readonly Arg[][]): Promise<void> {
  const client = await server.connect();
  for (let start = 0; start < commands.length; start += 50) await client.pipeline(commands.slice(start, start + 50));
  client.close();
}

/** Waits until no hash of the server has a field with a time. */
async function ended(server: ServerProcess): Promise<void> {
  await waitFor(async () => !JSON.stringify(await server.info('keyspace')).includes('subexpiry'), {
    what: 'all times to be over',
    detail: async () => JSON.stringify(await server.info('keyspace')),
  });
}

/** All fields with their times, as the server shows them. */
async function times(server: ServerProcess): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (let i = 0; i < KEYS; i++) {
    const fields = ((await server.call('HKEYS', `h${i}`)) as string[]).sort();
    if (fields.length === 0) continue;
    const values = (await server.call('HPEXPIRETIME', `h${i}`, 'FIELDS', fields.length, ...fields)) as number[];
    found[`h${i}`] = fields.map((field, at) => [field, values[at]]);
  }
  return found;
}

test('replicas, also of Redis 7.0, hold the same fields when times are over, and ours the same times before', {
  skip: needsServers('slotmesh', 'redis'),
}, async () => {
  const seed = fuzzSeed();
  console.log(`  replay with SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const options = [{ kind: 'slotmesh' }, { kind: 'slotmesh' }, { kind: 'redis' }] as const;
  await withServers(options, async ([primary, ours, real]) => {
    await follow(ours!, primary!);
    await follow(real!, primary!);
    for (let round = 0; round < 4; round++) {
      await run(
        primary!,
        workload(random, 400, () => random.below(60)),
      );
      await ended(primary!);
      for (const replica of [ours!, real!]) await caughtUp(replica, primary!);
      assert.equal(await digest(ours!), await digest(primary!));
      assert.equal(await digest(real!), await digest(primary!));
    }
    await run(
      primary!,
      workload(random, 400, () => 10_000_000 + random.below(1000)),
    );
    await caughtUp(ours!, primary!);
    assert.equal(await digest(ours!), await digest(primary!));
    assert.deepEqual(await times(ours!), await times(primary!));
    assert.match(JSON.stringify(await ours!.info('keyspace')), /subexpiry/);
  });
});

for (const [primaryKind, replicaKind] of [
  ['slotmesh', 'redis-8'],
  ['redis-8', 'slotmesh'],
] as const) {
  test(`a ${replicaKind} replica of a ${primaryKind} primary holds the same fields and times`, {
    skip: needsServers(primaryKind, replicaKind),
  }, async () => {
    const random = new Random(fuzzSeed());
    const lasting = (): number => 10_000_000 + random.below(1000);
    // Redis 8.0's own replicas, too, forget the time of a field that HINCRBYFLOAT changes.
    const known = (commands: Arg[][]): Arg[][] => commands.filter(([name]) => name !== 'HINCRBYFLOAT');
    await withServers([{ kind: primaryKind }, { kind: replicaKind }], async ([primary, replica]) => {
      // Redis 8 passes over the times in an image of ours.
      if (primaryKind === 'redis-8') await run(primary!, known(workload(random, 400, lasting)));
      await follow(replica!, primary!);
      // Redis 8 as a replica does not take a field's time away any more when that is over by its own clock, as on a busy machine it may be.
      const mixed = (): number => (primaryKind === 'slotmesh' || random.oneIn(2) ? lasting() : random.below(60));
      await run(primary!, known(workload(random, 800, mixed)));
      // The clocks of both pass the short times; both hide such fields before the primary's cycle has removed them, and a digest has them until then.
      await waitFor(
        async () => {
          await caughtUp(replica!, primary!);
          return (
            JSON.stringify(await times(primary!)) === JSON.stringify(await times(replica!)) &&
            (await digest(primary!)) === (await digest(replica!))
          );
        },
        {
          what: 'the same times and digest on both',
          detail: async () => JSON.stringify([await times(primary!), await times(replica!)]),
        },
      );
      assert.match(JSON.stringify(await times(replica!)), /\d{13}/);
    });
  });
}

test('a replica hides a field whose time is over until its primary removes it', {
  skip: needsServers('slotmesh'),
}, async () => {
  await withServers([{ kind: 'slotmesh' }, { kind: 'slotmesh' }], async ([primary, replica]) => {
    await follow(replica!, primary!);
    await primary!.call('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
    await primary!.call('HSET', 'h', 'a', 1, 'b', 2);
    await primary!.call('HPEXPIRE', 'h', 1, 'FIELDS', 1, 'a');
    await caughtUp(replica!, primary!);
    await waitFor(async () => (await replica!.call('HGET', 'h', 'a')) === null, { what: 'the field to be hidden' });
    assert.deepEqual(await replica!.call('HGETALL', 'h'), ['b', '2']);
    assert.equal(await replica!.call('HLEN', 'h'), 2, 'it is still there');
    assert.equal(await primary!.call('HGET', 'h', 'a'), null);
    await waitFor(async () => (await replica!.call('HLEN', 'h')) === 1, { what: 'the field to be removed' });
  });
});
test('an image for a replica has the times in a form that Redis 7.0 passes over and ours understands', {
  skip: needsServers('slotmesh', 'redis'),
}, async () => {
  const random = new Random(fuzzSeed());
  for (const diskless of ['yes', 'no']) {
    const ours = {
      kind: 'slotmesh',
      config: { 'repl-diskless-load': diskless === 'yes' ? 'swapdb' : 'disabled' },
    } as const;
    const options = [
      { kind: 'slotmesh', config: { 'repl-diskless-sync': diskless } },
      ours,
      { kind: 'redis' },
    ] as const;
    await withServers(options, async ([primary, replica, real]) => {
      await run(
        primary!,
        workload(random, 400, () => 10_000_000 + random.below(1000)),
      );
      // Large enough to come in parts.
      const large = Array.from({ length: 3000 }, (_, i) => [`f${i}`, i]).flat();
      await primary!.call('HSETEX', 'large', 'PX', 10_000_000, 'FIELDS', 3000, ...large);
      await primary!.call('HPERSIST', 'large', 'FIELDS', 1, 'f7');
      await primary!.call('HSET', 'long', 'a', LONG, 'b', 1);
      await primary!.call('HPEXPIREAT', 'long', 2000000000000, 'FIELDS', 1, 'a');
      for (const each of [replica!, real!]) await follow(each, primary!);
      assert.equal(await digest(replica!), await digest(primary!));
      assert.deepEqual(await times(replica!), await times(primary!));
      assert.deepEqual(await replica!.call('HPEXPIRETIME', 'long', 'FIELDS', 2, 'a', 'b'), [2000000000000, -1]);
      assert.deepEqual(
        await replica!.call('HPEXPIRETIME', 'large', 'FIELDS', 2, 'f7', 'f2999'),
        await primary!.call('HPEXPIRETIME', 'large', 'FIELDS', 2, 'f7', 'f2999'),
      );
      // Without its times the data set is the real replica's.
      const keys = (await primary!.call('KEYS', '*')) as string[];
      for (const key of keys) {
        const fields = (await primary!.call('HKEYS', key)) as string[];
        await primary!.call('HPERSIST', key, 'FIELDS', fields.length, ...fields);
      }
      for (const each of [replica!, real!]) await caughtUp(each, primary!);
      assert.equal(await digest(real!), await digest(primary!));
      assert.equal(await digest(replica!), await digest(primary!));
    });
  }
});

test('DUMP keeps times; RESTORE is propagated in a form that Redis 7.0 takes', {
  skip: needsServers('slotmesh', 'redis'),
}, async () => {
  const options = [{ kind: 'slotmesh' }, { kind: 'slotmesh' }, { kind: 'redis' }] as const;
  await withServers(options, async ([primary, replica, real]) => {
    for (const each of [replica!, real!]) await follow(each, primary!);
    const client = await primary!.connect({ replies: 'bytes' });
    for (const [key, value] of [
      ['packed', 'v'],
      ['table', LONG],
    ] as const) {
      await primary!.call('HSET', key, 'a', 1, 'b', value, 'c', 3);
      await primary!.call('HPEXPIREAT', key, 2000000000000, 'FIELDS', 2, 'a', 'b');
      await primary!.call('HPEXPIREAT', key, 1900000000000, 'FIELDS', 1, 'b');
      const payload = (await client.call('DUMP', key)) as Buffer;
      assert.equal(payload.readUInt16LE(payload.length - 10), 12);
      await primary!.call('RESTORE', `${key}:again`, 100_000, payload);
      const expected = [2000000000000, 1900000000000, -1];
      for (const each of [primary!, replica!]) {
        await caughtUp(replica!, primary!);
        assert.deepEqual(await each.call('HPEXPIRETIME', `${key}:again`, 'FIELDS', 3, 'a', 'b', 'c'), expected);
      }
      await caughtUp(real!, primary!);
      assert.deepEqual(await real!.call('HMGET', `${key}:again`, 'a', 'b', 'c'), ['1', value, '3']);
      await assert.rejects(real!.call('RESTORE', 'x', 0, payload), /READONLY|version or checksum/);
    }
    client.close();
  });
});

for (const preamble of ['yes', 'no']) {
  test(`times of fields are in the append-only file, rewritten (preamble ${preamble}) or not`, {
    skip: needsServers('slotmesh'),
  }, async () => {
    const random = new Random(fuzzSeed());
    const config = { appendonly: 'yes', 'aof-use-rdb-preamble': preamble };
    await withServers([{ kind: 'slotmesh', config }], async ([server]) => {
      const write = (): Promise<void> =>
        run(
          server!,
          workload(random, 300, () => (random.oneIn(4) ? random.below(50) : 10_000_000)),
        );
      await write();
      await server!.call('BGREWRITEAOF');
      await waitFor(async () => (await server!.info('persistence'))['aof_rewrite_in_progress'] === '0', {
        what: 'the rewrite',
      });
      for (let i = 0; i < 2; i++) {
        await waitFor(async () => Object.values(await times(server!)).every((fields) => areSettled(fields)), {
          what: 'the short lives to end',
        });
        const before = await times(server!);
        await server!.stop();
        await server!.restart();
        assert.deepEqual(await times(server!), before);
        await write();
      }
    });
  });
}

/** Whether no time will be over soon. */
function areSettled(fields: unknown): boolean {
  return (fields as [string, number][]).every(([, timeMs]) => timeMs === -1 || timeMs > Date.now() + 1_000_000);
}
