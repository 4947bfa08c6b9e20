/** Clients that wait for keys in a cluster: what happens to them when a slot moves away or a node changes its role, with the real server and with ours. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { keySlot } from '../../src/keyspace/key-slot.js';
import { clusterNode, failOver, joinCluster, moveEmptySlot, waitUntilHealthy } from '../support/cluster.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const SECOND_HALF = 8192;

function tagOf(isSecondHalf: boolean): string {
  for (let i = 0; ; i++) if (keySlot(`tag${i}`) >= SECOND_HALF === isSecondHalf) return `tag${i}`;
}

for (const kind of serversUnderTest()) {
  describe(`clients that wait in a cluster of redis and ${kind} nodes`, { skip: needsServers('redis', kind) }, () => {
    const nodes: ServerProcess[] = [];
    const clients: RespClient[] = [];
    before(async () => {
      // A real primary and ours, and a replica of each of its own kind.
      for (const each of ['redis', kind, 'redis', kind] as const)
        nodes.push(await ServerProcess.start(clusterNode(each, { nodeTimeoutMs: 5000 })));
      await joinCluster(nodes, 2);
    });
    after(async () => {
      for (const client of clients) client.close();
      await Promise.all(nodes.map((node) => node.dispose()));
    });

    async function client(node: ServerProcess): Promise<RespClient> {
      const made = await node.connect();
      clients.push(made);
      return made;
    }

    /** Sends commands that wait, one per connection. @returns their replies, or the texts of their errors */
    async function wait(node: ServerProcess, commands: readonly string[]): Promise<() => Promise<unknown[]>> {
      const replies: Promise<unknown>[] = [];
      for (const command of commands) {
        const [name, ...args] = command.split(' ');
        replies.push((await client(node)).call(name!, ...args).catch((error) => String(error.message)));
      }
      await waitFor(async () => (await node.info('clients'))['blocked_clients'] === String(commands.length), {
        what: 'the clients to wait',
      });
      return () => Promise.all(replies);
    }

    const waiting = (tag: string): string[] => [
      `BLPOP {${tag}}a {${tag}}b 0`,
      `BRPOPLPUSH {${tag}}a {${tag}}b 0`,
      `BLMPOP 0 2 {${tag}}a {${tag}}b LEFT`,
      `BZPOPMIN {${tag}}z 0`,
      `BZMPOP 0 1 {${tag}}z MAX`,
    ];

    test('a slot moves away: who waits for its keys is sent after it', async () => {
      for (const [from, to] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const tag = tagOf(from === 1);
        const slot = keySlot(tag);
        const [source, target] = [nodes[from]!, nodes[to]!];
        const answers = await wait(source, waiting(tag));
        const [sourceId, targetId] = await Promise.all([source, target].map((node) => node.text('CLUSTER', 'MYID')));
        // As long as it is on its way, they go on to wait.
        await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId!);
        await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId!);
        assert.equal((await source.info('clients'))['blocked_clients'], '5');
        await target.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId!);
        await source.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId!);
        assert.deepEqual(await answers(), Array(5).fill(`MOVED ${slot} 127.0.0.1:${target.port}`));
        await moveEmptySlot(slot, target, source);
        await waitUntilHealthy(nodes);
      }
    });

    test('a slot that comes is served where it comes to', async () => {
      const tag = tagOf(false);
      const slot = keySlot(tag);
      const [real, ours] = nodes as [ServerProcess, ServerProcess];
      const [realId, oursId] = await Promise.all([real, ours].map((node) => node.text('CLUSTER', 'MYID')));
      await ours.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', realId!);
      await real.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', oursId!);
      const waiter = await client(ours);
      await waiter.call('ASKING');
      const answer = waiter.call('BLPOP', `{${tag}}l`, 0);
      await waitFor(async () => (await ours.info('clients'))['blocked_clients'] === '1', { what: 'it to wait' });
      await ours.call('CLUSTER', 'SETSLOT', slot, 'NODE', oursId!);
      await real.call('CLUSTER', 'SETSLOT', slot, 'NODE', oursId!);
      await ours.call('RPUSH', `{${tag}}l`, 'x');
      assert.deepEqual(await answer, [`{${tag}}l`, 'x']);
      await moveEmptySlot(slot, ours, real);
      await waitUntilHealthy(nodes);
    });

    test('a primary becomes a replica: who waits is let go with an error, and hung up on', async () => {
      for (const [primary, replica, isSecondHalf] of [
        [nodes[0]!, nodes[2]!, false],
        [nodes[1]!, nodes[3]!, true],
      ] as const) {
        const tag = tagOf(isSecondHalf);
        const answers = await wait(primary, waiting(tag));
        const waiters = clients.slice(-5);
        await failOver(replica, nodes);
        const text = 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
        assert.deepEqual(await answers(), Array(5).fill(text));
        await waitFor(() => waiters.every((waiter) => waiter.isClosed), { what: 'the server to hang up' });
        await waitUntilHealthy(nodes);
        assert.match(await primary.call('BLPOP', `{${tag}}a`, 1).then(String, String), /MOVED/);
      }
    });
  });
}
