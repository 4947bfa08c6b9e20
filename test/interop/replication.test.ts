/**
 * Replication between the real redis-server and ours, both ways: a random workload runs on the primary while links are cut, replicas are killed and
 * started again, and roles change; in the end both hold the same data by DEBUG DIGEST. The seed is printed; SLOTMESH_FUZZ_SEED replays the workload.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerOptions, type ServerProcess, withServers } from '../support/server-process.js';
import { longRun, needsServers, type ServerKind, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = longRun ? 300 : 25;
const COMMANDS_PER_ROUND = 400;
const KEYS = 300;

const server = (kind: ServerKind, config: ServerOptions['config'] = {}): ServerOptions => ({
  kind,
  config: { 'repl-backlog-size': '64kb', 'repl-ping-replica-period': 1, 'repl-timeout': 10, ...config },
});

for (const kind of serversUnderTest()) {
  const mixed: [primary: ServerKind, replica: ServerKind][] = [
    ['redis', kind],
    [kind, 'redis'],
    [kind, kind],
  ];
  const pairs = kind === 'redis' ? mixed.slice(0, 1) : mixed;
  for (const [primaryKind, replicaKind] of pairs) {
    const skip = needsServers(primaryKind, replicaKind);
    test(`a ${replicaKind} replica of a ${primaryKind} primary stays equal through cut links, restarts and lost backlogs`, {
      skip,
    }, async () => {
      await withServers([server(primaryKind), server(replicaKind, { appendonly: 'yes' })], async ([primary, replica]) =>
        stayEqual(primary!, replica!),
      );
    });
    test(`a ${replicaKind} replica of a ${primaryKind} primary takes the image in every form`, { skip }, async () => {
      for (const diskless of ['yes', 'no']) {
        for (const load of ['disabled', 'swapdb']) {
          const options = [
            server(primaryKind, { 'repl-diskless-sync': diskless }),
            server(replicaKind, { 'repl-diskless-load': load }),
          ];
          await withServers(options, async ([primary, replica]) => takeImage(primary!, replica!));
        }
      }
    });
    test(`${primaryKind} → ${replicaKind} → ${primaryKind}: a chain stays equal, and goes on when its head changes`, {
      skip,
    }, async () => {
      await withServers(
        [server(primaryKind), server(replicaKind), server(primaryKind)],
        async ([head, middle, tail]) => {
          await follow(middle!, head!);
          await follow(tail!, middle!);
          const random = new Random(seed());
          await workload(head!, random);
          await equal(head!, middle!, tail!);
          await middle!.call('REPLICAOF', 'NO', 'ONE');
          await workload(middle!, random);
          await equal(middle!, tail!);
          assert.equal((await middle!.info('stats'))['sync_full'], '1', 'the tail went on with what it had');
          await follow(head!, middle!);
          await workload(middle!, random);
          await equal(middle!, tail!, head!);
        },
      );
    });
    test(`FAILOVER from ${primaryKind} to ${replicaKind} changes the roles without loss and without a full sync`, {
      skip,
    }, async () => {
      await withServers([server(primaryKind), server(replicaKind)], async ([primary, replica]) => {
        await follow(replica!, primary!);
        await workload(primary!, new Random(seed()));
        await equal(primary!, replica!);
        assert.equal(await primary!.call('FAILOVER', 'TO', '127.0.0.1', replica!.port), 'OK');
        await waitFor(
          async () => (await replica!.info('replication'))['role'] === 'master' && (await isLinked(primary!)),
          { what: 'the roles to change' },
        );
        assert.equal((await replica!.info('stats'))['sync_full'], '0');
        await workload(replica!, new Random(seed()));
        await equal(replica!, primary!);
      });
    });
    test(`WAIT counts a ${replicaKind} replica of a ${primaryKind} primary when it has acknowledged`, {
      skip,
    }, async () => {
      await withServers([server(primaryKind), server(replicaKind)], async ([primary, replica]) => {
        await follow(replica!, primary!);
        await primary!.call('SET', 'k', 'v');
        assert.equal(await primary!.call('WAIT', 1, 30_000), 1);
        assert.equal(await replica!.call('GET', 'k'), 'v');
        replica!.signal('SIGSTOP');
        await primary!.call('SET', 'k', 'w');
        assert.equal(await primary!.call('WAIT', 1, 50), 0);
        replica!.signal('SIGCONT');
        assert.equal(await primary!.call('WAIT', 1, 30_000), 1);
        await assert.rejects(replica!.call('SET', 'k', 'x'), /READONLY/);
      });
    });
  }
}

function seed(): number {
  const chosen = fuzzSeed();
  console.log(`  replay with SLOTMESH_FUZZ_SEED=${chosen}`);
  return chosen;
}

async function stayEqual(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  const random = new Random(seed());
  await workload(primary, random);
  await follow(replica, primary);
  for (let round = 0; round < ROUNDS; round++) {
    const trouble = random.pick(['cut', 'cut', 'restart', 'overflow', 'new-id', 'none']);
    if (trouble === 'cut') await primary.call('CLIENT', 'KILL', 'TYPE', 'replica');
    if (trouble === 'restart') await replica.kill();
    if (trouble === 'overflow') await overflowBacklog(primary, replica);
    if (trouble === 'new-id') await primary.call('DEBUG', 'CHANGE-REPL-ID');
    await workload(primary, random);
    if (trouble === 'restart') {
      await replica.restart();
      await follow(replica, primary);
    }
    if (random.below(3) === 0) await equal(primary, replica);
  }
  await equal(primary, replica);
  const stats = await primary.info('stats');
  assert.ok(Number(stats['sync_full']) >= 1);
}

/** Cuts the link and writes more than the backlog holds before the replica is back, so that only a full sync helps. */
async function overflowBacklog(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  replica.signal('SIGSTOP');
  await primary.call('CLIENT', 'KILL', 'TYPE', 'replica');
  for (let at = 0; at < 20; at++) await primary.call('SET', `overflow:${at}`, 'x'.repeat(10000));
  replica.signal('SIGCONT');
}

async function takeImage(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  await primary.call('DEBUG', 'POPULATE', 5000, 'image', 100);
  await workload(primary, new Random(seed()));
  await replica.call('SET', 'old', 'data of the replica go away');
  await follow(replica, primary);
  await equal(primary, replica);
  assert.equal(await replica.call('EXISTS', 'old'), 0);
}

async function follow(replica: ServerProcess, primary: ServerProcess): Promise<void> {
  assert.equal(await replica.call('REPLICAOF', '127.0.0.1', primary.port), 'OK');
  await waitFor(() => isLinked(replica), {
    what: `${replica.kind} ${replica.port} to follow ${primary.kind} ${primary.port}`,
    detail: () => `${replica.output}\n${primary.output}`,
  });
}

async function isLinked(replica: ServerProcess): Promise<boolean> {
  const replication = await replica.info('replication');
  return replication['role'] === 'slave' && replication['master_link_status'] === 'up';
}

/** Waits until the replicas have every byte of the stream, then compares data and, as far as the reply goes, offsets. */
async function equal(primary: ServerProcess, ...replicas: ServerProcess[]): Promise<void> {
  // Keys whose time has come are deleted by the primary alone; both sides must have seen those deletions.
  await primary.call('DEBUG', 'SET-ACTIVE-EXPIRE', 1);
  for (const replica of replicas) {
    await waitFor(
      async () => {
        const offset = (await primary.info('replication'))['master_repl_offset'];
        return (
          (await isLinked(replica)) &&
          (await replica.info('replication'))['slave_repl_offset'] === offset &&
          (await digest(primary)) === (await digest(replica))
        );
      },
      {
        what: `${replica.kind} ${replica.port} to be equal to ${primary.kind} ${primary.port}`,
        detail: async () =>
          `${JSON.stringify(await primary.info('replication'))}\n${JSON.stringify(await replica.info('replication'))}\n${await difference(primary, replica)}`,
      },
    );
  }
}

function digest(node: ServerProcess): Promise<string> {
  return node.text('DEBUG', 'DIGEST');
}

/** The first keys that differ, for the failure message. */
async function difference(primary: ServerProcess, replica: ServerProcess): Promise<string> {
  const keys = [
    ...new Set([
      ...((await primary.call('KEYS', '*')) as string[]),
      ...((await replica.call('KEYS', '*')) as string[]),
    ]),
  ];
  const differing: string[] = [];
  for (const key of keys) {
    const [left, right] = await Promise.all(
      [primary, replica].map(async (node) => `${await node.call('GET', key)} (${await node.call('PEXPIRETIME', key)})`),
    );
    if (left !== right) differing.push(`${key}: ${left?.slice(0, 80)} here, ${right?.slice(0, 80)} there`);
  }
  return differing.slice(0, 10).join('\n');
}

/** Random writes of every kind that there is for strings and keys, over two databases. */
async function workload(primary: ServerProcess, random: Random): Promise<void> {
  const client = await primary.connect();
  const key = () => `key:${random.below(KEYS)}`;
  const kinds: (() => Arg[])[] = [
    () => ['SET', key(), random.text(50)],
    () => ['SET', key(), random.below(1000), 'PX', 1 + random.below(3000)],
    () => ['SET', key(), random.text(10), 'EX', 1000, 'NX'],
    () => ['SETRANGE', key(), random.below(100), random.text(20)],
    () => ['APPEND', key(), random.text(20)],
    () => ['INCRBYFLOAT', `float:${random.below(20)}`, random.below(1000) / 100],
    () => ['INCRBY', `number:${random.below(20)}`, random.below(1000)],
    () => ['MSET', key(), random.text(5), key(), random.text(2000)],
    () => ['MSETNX', key(), 1, `new:${random.below(100000)}`, 2],
    () => ['DEL', key(), key()],
    () => ['UNLINK', key()],
    () => ['PEXPIRE', key(), random.below(2000)],
    () => ['EXPIREAT', key(), 33177117420],
    () => ['PERSIST', key()],
    () => ['RENAME', key(), key()],
    () => ['COPY', key(), key(), 'REPLACE'],
    () => ['GETDEL', key()],
    () => ['GETEX', key(), 'PX', 1 + random.below(1000)],
    () => ['MOVE', key(), 1],
    () => ['SWAPDB', 0, 1],
    () => ['GET', key()],
  ];
  const commands: Arg[][] = [];
  while (commands.length < COMMANDS_PER_ROUND) {
    if (random.below(20) === 0) commands.push(['MULTI'], random.pick(kinds)(), random.pick(kinds)(), ['EXEC']);
    else if (random.below(400) === 0) commands.push(['FLUSHDB']);
    else commands.push(random.pick(kinds)());
  }
  for (let start = 0; start < commands.length; start += 50) await client.pipeline(commands.slice(start, start + 50));
  client.close();
}
