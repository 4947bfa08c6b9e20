/** Clusters at run time, in this process: real sockets and files, and a server around them that only takes notes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Cluster, NodesConfError } from '../../src/cluster/cluster.js';
import { type ClusterOptions, DEFAULT_OPTIONS, NEVER } from '../../src/cluster/core/types.js';
import type { ClusterHost } from '../../src/cluster/host.js';
import { freePort } from '../support/ports.js';
import { temporaryFolder } from '../support/server-process.js';
import { waitFor } from '../support/wait-for.js';

class Exit extends Error {}

class Notes implements ClusterHost {
  readonly lines: string[] = [];
  readonly calls: string[] = [];
  readonly keys = new Map<number, number>();
  readonly keyspace = {
    keysInSlot: (slot: number) => this.keys.get(slot) ?? 0,
    keyCount: () => [...this.keys.values()].reduce((sum, count) => sum + count, 0),
  };
  readonly replication = { offset: () => 7, primaryLink: () => ({ state: 'none' as const, sinceMs: NEVER }) };

  log(_level: string, text: string): void {
    this.lines.push(text);
  }
  exit(code: number): never {
    throw new Exit(`exit ${code}`);
  }
  deleteKeys(slots: readonly number[]): void {
    this.calls.push(`delete ${slots}`);
  }
  discardDataset(): void {
    this.calls.push('discard');
  }
  becomePrimary(): void {
    this.calls.push('become primary');
  }
  replicate(_ip: string, port: number): void {
    this.calls.push(`replicate ${port}`);
  }
  pauseWrites(): void {
    this.calls.push('pause');
  }
  resumeWrites(): void {
    this.calls.push('resume');
  }
  publish(channel: Uint8Array, payload: Uint8Array, sharded: boolean): void {
    this.calls.push(`publish ${Buffer.from(channel)} ${Buffer.from(payload)} ${sharded}`);
  }
  dropShardSubscriptions(slots: readonly number[]): void {
    this.calls.push(`drop ${slots.length}`);
  }
  slotsChanged(): void {}
}

const clusters: Cluster[] = [];
after(() => {
  for (const cluster of clusters) cluster.stop();
});

async function startNode(): Promise<{ cluster: Cluster; host: Notes; file: string; options: ClusterOptions }> {
  const port = await freePort();
  const options = { ...DEFAULT_OPTIONS, port, nodeTimeoutMs: 10_000 };
  const file = join(temporaryFolder('cluster'), 'nodes.conf');
  const host = new Notes();
  const cluster = Cluster.load(file, options, host);
  clusters.push(cluster);
  await cluster.bus.listen([{ host: '127.0.0.1', isOptional: false }], port + 10000);
  cluster.start();
  return { cluster, host, file, options };
}

test('two nodes meet, agree about slots, and pass messages on', async () => {
  const [one, two] = [await startNode(), await startNode()];
  assert.deepEqual(one.cluster.admin(['meet', '127.0.0.1', String(two.options.port)]), { ok: true, text: 'OK' });
  one.cluster.admin(['addslotsrange', '0', '9999']);
  two.cluster.admin(['addslotsrange', '10000', '16383']);
  const agree = () => [one, two].every(({ cluster }) => cluster.state.slotOwners.every((owner) => owner !== null));
  await waitFor(agree, { what: 'both to know all owners' });
  await waitFor(() => one.cluster.state.status === 'ok' && two.cluster.state.status === 'ok', {
    what: 'both to be ok',
  });
  assert.equal(one.cluster.served.bytes[9999], 1);
  assert.equal(two.cluster.served.bytes[9999], 0);
  one.cluster.publish(Buffer.from('news'), Buffer.from('hello'), false);
  await waitFor(() => two.host.calls.includes('publish news hello false'), { what: 'the message' });
});

test('what an admin request changed is in nodes.conf when it is answered', async () => {
  const { cluster, file } = await startNode();
  cluster.admin(['addslots', '5']);
  assert.match(readFileSync(file, 'latin1'), new RegExp(`^${cluster.state.myId} .* connected 5\\n`));
  cluster.admin(['bumpepoch']);
  assert.match(readFileSync(file, 'latin1'), /vars currentEpoch 1 lastVoteEpoch 0 saved \d+\n$/);
});

test('a node that cannot save nodes.conf ends; SAVECONFIG only tells', async () => {
  const { cluster, host, file } = await startNode();
  clusters.splice(clusters.indexOf(cluster), 1);
  // A folder in the place of the file: renaming over it fails, for root, too.
  rmSync(file);
  mkdirSync(file);
  assert.match(cluster.save()!, /EISDIR|ENOTEMPTY|EEXIST/);
  assert.throws(() => cluster.admin(['bumpepoch']), Exit);
  assert.equal(host.lines.at(-1), "Fatal: can't update cluster config file.");
  rmdirSync(file);
  cluster.stop();
});

test('a node comes back as who it was', async () => {
  const { cluster, host, file, options } = await startNode();
  assert.deepEqual(host.lines, [`No cluster configuration found, I'm ${cluster.state.myId}`]);
  cluster.admin(['addslots', '1', '2', '3']);
  const again = Cluster.load(file, options, host);
  assert.equal(again.state.myId, cluster.state.myId);
  assert.equal(again.state.slotOwners[2], cluster.state.myId);
  assert.equal(host.lines.at(-1), `Node configuration loaded, I'm ${cluster.state.myId}`);
});

test('a damaged nodes.conf is refused with the number and the text of the line, and left as it is', async () => {
  const { file, options, host } = await startNode();
  const text = readFileSync(file, 'latin1').replace('vars', 'garbage line\nvars');
  writeFileSync(file, text);
  assert.throws(
    () => Cluster.load(file, options, host),
    (error: unknown) => {
      assert.ok(error instanceof NodesConfError);
      assert.match(error.lines[0]!, /nodes\.conf, line 2: /);
      assert.equal(error.lines[1], 'Unrecoverable error: corrupted cluster config file "garbage line".');
      return true;
    },
  );
  assert.equal(readFileSync(file, 'latin1'), text);
});

test('an empty nodes.conf is a new node, an unreadable one an error', async () => {
  const folder = temporaryFolder('cluster');
  writeFileSync(join(folder, 'empty.conf'), '');
  const options = { ...DEFAULT_OPTIONS, port: 7000 };
  const cluster = Cluster.load(join(folder, 'empty.conf'), options, new Notes());
  assert.ok(existsSync(join(folder, 'empty.conf')));
  assert.equal(cluster.state.nodes.size, 1);
  assert.throws(() => Cluster.load(folder, options, new Notes()), /Loading the cluster node config from/);
});

test('keys in slots of nobody are claimed at the start', async () => {
  const options = { ...DEFAULT_OPTIONS, port: await freePort() };
  const host = new Notes();
  host.keys.set(77, 3);
  const cluster = Cluster.load(join(temporaryFolder('cluster'), 'nodes.conf'), options, host);
  clusters.push(cluster);
  cluster.start();
  assert.equal(cluster.state.slotOwners[77], cluster.state.myId);
  assert.ok(host.lines.includes('I have keys for unassigned slot 77. Taking responsibility for it.'));
});
