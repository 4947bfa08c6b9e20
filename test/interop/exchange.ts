/**
 * Data between the real redis-server and ours: files both ways, replication both ways, and an append-only file of commands. In the end both hold the same
 * by DEBUG DIGEST. The seed is printed; SLOTMESH_FUZZ_SEED replays the workload.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerConfig, type ServerProcess, withServers } from '../support/server-process.js';
import { needs, needsServers, type ServerKind } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

/** Makes the commands of one run. */
export type Workload = (random: Random) => Arg[][];

/** Tells what a digest does not tell: texts that must be equal. */
export type Description = (server: ServerProcess) => Promise<readonly string[]>;

/** Declares the tests that data of this workload come over whole. */
export function exchangesData(workload: Workload, describe: Description = async () => []): void {
  const skip = needsServers('redis', 'slotmesh');
  for (const [writer, reader] of [
    ['redis', 'slotmesh'],
    ['slotmesh', 'redis'],
  ] as [ServerKind, ServerKind][]) {
    test(`a file saved by ${writer} loads in ${reader}`, {
      skip: skip || needs('redis-check-rdb'),
    }, async (context) => {
      const random = seed(context);
      await withServers([{ kind: writer }, { kind: reader }], async ([from, to]) => {
        await fill(from!, workload(random));
        await from!.call('SAVE');
        assertSound(join(from!.folder, 'dump.rdb'));
        await to!.kill();
        copyFileSync(join(from!.folder, 'dump.rdb'), join(to!.folder, 'dump.rdb'));
        await to!.restart();
        assert.equal(await digest(to!), await digest(from!));
        assert.deepEqual(await describe(to!), await describe(from!));
      });
    });

    test(`a ${reader} replica of ${writer} stays equal`, { skip }, async (context) => {
      const random = seed(context);
      await withServers([{ kind: writer }, { kind: reader }], async ([primary, replica]) => {
        await fill(primary!, workload(random));
        await replica!.call('REPLICAOF', '127.0.0.1', primary!.port);
        await waitFor(async () => (await replica!.info('replication'))['master_link_status'] === 'up', {
          what: 'the replica to be in step',
        });
        await fill(primary!, workload(random));
        await waitFor(async () => (await digest(replica!)) === (await digest(primary!)), {
          what: 'primary and replica to hold the same data',
        });
        const expected = await describe(primary!);
        const isEqual = async () => JSON.stringify(await describe(replica!)) === JSON.stringify(expected);
        // What the digest leaves out may come after the last that it tells.
        await waitFor(isEqual, { what: 'the replica to have the rest' });
      });
    });
  }

  test('an append-only file of commands, base and what follows, loads in redis-server', { skip }, async (context) => {
    const random = seed(context);
    const config: ServerConfig = { appendonly: 'yes', 'aof-use-rdb-preamble': 'no' };
    const servers = [
      { kind: 'slotmesh' as const, config },
      { kind: 'redis' as const, config },
    ];
    await withServers(servers, async ([from, to]) => {
      await fill(from!, workload(random));
      await from!.call('BGREWRITEAOF');
      await waitFor(() => isRewritten(from!), { what: 'the rewrite to end' });
      await fill(from!, workload(random));
      const expected = await digest(from!);
      const description = await describe(from!);
      await from!.stop();
      await to!.kill();
      cpSync(join(from!.folder, 'appendonlydir'), join(to!.folder, 'appendonlydir'), { recursive: true });
      await to!.restart();
      await from!.restart();
      for (const server of [to!, from!]) {
        assert.equal(await digest(server), expected);
        assert.deepEqual(await describe(server), description);
      }
    });
  });
}

function seed(context: { diagnostic(message: string): void }): Random {
  const chosen = fuzzSeed();
  context.diagnostic(`SLOTMESH_FUZZ_SEED=${chosen}`);
  return new Random(chosen);
}

async function fill(server: ServerProcess, commands: Arg[][]): Promise<void> {
  const client = await server.connect();
  await client.pipeline(commands);
  client.close();
}

async function isRewritten(server: ServerProcess): Promise<boolean> {
  const persistence = await server.info('persistence');
  return persistence['aof_rewrite_in_progress'] === '0' && persistence['aof_rewrite_scheduled'] === '0';
}

function digest(server: ServerProcess): Promise<string> {
  return server.text('DEBUG', 'DIGEST');
}

function assertSound(file: string): void {
  const checked = spawnSync('redis-check-rdb', [file], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout);
}
