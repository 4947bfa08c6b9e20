/**
 * Four nodes whose roles change at random: chains, promotions, kills, restarts from RDB files, cut links, FAILOVER. Whatever happens, two nodes that claim
 * the same place in the same history have the same data; and in the end all are equal. The seed is printed; SLOTMESH_FUZZ_SEED replays the choices.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerOptions, type ServerProcess, withServers } from '../support/server-process.js';
import { longRun, needsServers } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = longRun ? 200 : 25;

const options = (kind: ServerOptions['kind'], config: ServerOptions['config'] = {}): ServerOptions => ({
  kind,
  config: { 'repl-ping-replica-period': 1, 'repl-timeout': 5, 'repl-backlog-size': 65536, ...config },
});

test('two nodes at the same place of the same history have the same data, however roles change', {
  skip: needsServers('redis'),
}, async () => {
  const chosen = fuzzSeed();
  console.log(`  replay with SLOTMESH_FUZZ_SEED=${chosen}`);
  const random = new Random(chosen);
  const kinds = [
    options('slotmesh'),
    options('slotmesh', { 'repl-diskless-load': 'swapdb' }),
    options('slotmesh', { 'repl-diskless-sync': 'no' }),
    options('redis'),
  ];
  await withServers(kinds, async (nodes) => {
    const history: string[] = [];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        history.push(await disturb(nodes, random));
        const primary = nodes.find((node) => node.isRunning)!;
        if (random.below(3) === 0) await primary.call('REPLICAOF', 'NO', 'ONE').catch(() => {});
        await writeSome(nodes, random);
        await compare(nodes);
      }
      for (const node of nodes) if (!node.isRunning) await node.restart();
      await nodes[0]!
        .call('REPLICAOF', 'NO', 'ONE')
        .catch(() => waitFor(() => nodes[0]!.call('REPLICAOF', 'NO', 'ONE'), { what: 'the promotion' }));
      for (const node of nodes.slice(1))
        await waitFor(() => node.call('REPLICAOF', '127.0.0.1', nodes[0]!.port), { what: 'the replica' });
      await waitFor(async () => (await equalGroups(nodes)) === nodes.length, {
        what: 'all nodes to be equal',
        detail: async () => JSON.stringify(await Promise.all(nodes.map(place))),
      });
      await compare(nodes);
    } catch (error) {
      (error as Error).message += `\n${history.join('\n')}`;
      throw error;
    }
  });
});

async function disturb(nodes: ServerProcess[], random: Random): Promise<string> {
  const node = random.pick(nodes);
  const other = random.pick(nodes.filter((each) => each !== node));
  const running = node.isRunning;
  const what = random.pick(['follow', 'follow', 'follow', 'promote', 'kill', 'save', 'cut', 'failover']);
  if (!running) {
    await node.restart();
    return `restart ${node.port}`;
  }
  switch (what) {
    case 'follow':
      await node.call('REPLICAOF', '127.0.0.1', other.port).catch(() => {});
      return `${node.port} follows ${other.port}`;
    case 'promote':
      await node.call('REPLICAOF', 'NO', 'ONE').catch(() => {});
      return `${node.port} follows nobody`;
    case 'kill':
      await node.call('SAVE').catch(() => {});
      if (nodes.filter((each) => each.isRunning).length > 2) await node.kill();
      return `${node.port} is saved and killed`;
    case 'save':
      await node.call('BGSAVE').catch(() => {});
      return `${node.port} saves`;
    case 'cut':
      await node.call('CLIENT', 'KILL', 'TYPE', random.pick(['replica', 'master']));
      return `${node.port} drops links`;
    default:
      await node.call('FAILOVER', 'TIMEOUT', 300).catch(() => {});
      return `${node.port} hands over`;
  }
}

/** Writes on every node that takes writes. */
async function writeSome(nodes: ServerProcess[], random: Random): Promise<void> {
  for (const node of nodes) {
    if (!node.isRunning) continue;
    const client = await node.connect();
    const commands = Array.from({ length: 60 }, () => {
      const key = `key:${random.below(200)}`;
      return random.pick([
        ['SET', key, random.text(100)],
        ['APPEND', key, random.text(20)],
        ['DEL', key],
        ['SET', key, '1', 'PX', '50'],
        ['SELECT', String(random.below(3))],
      ]);
    });
    // Refusals are part of the game: not every node is a primary, or has its data yet.
    await client.pipeline(commands).catch(() => {});
    client.close();
  }
}

interface Place {
  readonly id: string;
  readonly offset: string;
  readonly digest: string;
  readonly link: string;
}

async function place(node: ServerProcess): Promise<Place | null> {
  if (!node.isRunning) return null;
  try {
    // In one unit, so that nothing happens between.
    const client = await node.connect();
    const [, , , , replies] = (await client.pipeline([
      ['MULTI'],
      ['INFO', 'replication'],
      ['DEBUG', 'DIGEST'],
      ['INFO', 'persistence'],
      ['EXEC'],
    ])) as unknown as [string, string, string, string, [string, string, string]];
    client.close();
    const [info, digest, persistence] = replies;
    if (!/\bloading:0/.test(persistence) || !/async_loading:0/.test(persistence)) return null;
    const field = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1] ?? '';
    return {
      id: field('master_replid'),
      offset: field('master_repl_offset'),
      digest,
      link: field('master_link_status'),
    };
  } catch {
    return null;
  }
}

async function compare(nodes: ServerProcess[]): Promise<void> {
  const places = (await Promise.all(nodes.map(place))).filter((each) => each !== null);
  const digests = new Map<string, string>();
  for (const { id, offset, digest, link } of places) {
    // A replica that has not had its first image yet claims nothing.
    if (link === 'down') continue;
    const key = `${id}:${offset}`;
    assert.equal(digests.get(key) ?? digest, digest, `two nodes at ${key} differ`);
    digests.set(key, digest);
  }
}

/** @returns how many nodes are linked (or primary) at the same place */
async function equalGroups(nodes: ServerProcess[]): Promise<number> {
  const places = await Promise.all(nodes.map(place));
  const first = places[0];
  if (first === null || first === undefined) return 0;
  return places.filter(
    (each) => each !== null && each.id === first.id && each.offset === first.offset && each.link !== 'down',
  ).length;
}
