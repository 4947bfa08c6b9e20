/**
 * Pub/sub across the bus of one cluster of real redis-server nodes and of ours: a real primary with our replica, and our primary with a real one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { keySlot } from '../../src/keyspace/key-slot.js';
import { clusterNode, clusterStory, joinCluster, moveEmptySlot } from '../support/cluster.js';
import { Listener } from '../support/listener.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

/** A name of a shard channel whose slot is in the first or in the second half. */
function channelOf(isSecondHalf: boolean, suffix = ''): string {
  for (let i = 0; ; i++) {
    const name = `shard:${i}${suffix}`;
    if (keySlot(name) >= 8192 === isSecondHalf) return name;
  }
}

for (const kind of serversUnderTest()) {
  describe(`pub/sub in a cluster of redis and ${kind} nodes`, { skip: needsServers('redis', kind) }, () => {
    const nodes: ServerProcess[] = [];
    const listeners: Listener[] = [];
    const kinds = ['redis', kind, kind, 'redis'] as const;
    before(async () => {
      for (const each of kinds)
        nodes.push(
          await ServerProcess.start(
            clusterNode(each, { nodeTimeoutMs: 5000, config: { 'cluster-require-full-coverage': 'no' } }),
          ),
        );
      await joinCluster(nodes, 2);
    });
    after(async () => {
      for (const listener of listeners) listener.close();
      await Promise.all(nodes.map((node) => node.dispose()));
    });

    async function listen(node: ServerProcess, ...commands: string[]): Promise<Listener> {
      const listener = await Listener.start(node, ...commands);
      listeners.push(listener);
      return listener;
    }

    function closeAll(): void {
      for (const listener of listeners.splice(0)) listener.close();
    }

    test('PUBLISH on any node reaches the subscribers of all; its reply counts those of the node', async () => {
      const all = await Promise.all(nodes.map((node) => listen(node, 'SUBSCRIBE news', 'PSUBSCRIBE n?ws')));
      for (const [at, node] of nodes.entries()) {
        const text = `from ${at} \r\n\0`;
        assert.equal(await node.call('PUBLISH', 'news', text), 2);
        for (const listener of all)
          assert.deepEqual(await listener.hear(2), [`message news ${text}`, `pmessage n?ws news ${text}`]);
      }
      // Larger than what a bus link reads at once.
      const large = 'x'.repeat(300_000);
      for (const node of nodes) {
        await node.call('PUBLISH', 'news', large);
        for (const listener of all) assert.deepEqual((await listener.hear(2))[0], `message news ${large}`);
      }
      closeAll();
    });

    test('in a transaction and as a keyspace event', async () => {
      // At all nodes, so that nothing is on its way still when the next test listens.
      const all = await Promise.all(nodes.map((node) => listen(node, 'PSUBSCRIBE *')));
      const [, ours] = nodes;
      await ours!.call('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
      const key = channelOf(true);
      await ours!.call('MULTI');
      await ours!.call('PUBLISH', 'a', '1');
      await ours!.call('SET', key, 'v');
      await ours!.call('PUBLISH', 'b', '2');
      await ours!.call('EXEC');
      await ours!.call('DEL', key);
      // Keyspace events stay on their node.
      for (const listener of all.filter((_, at) => at !== 1))
        assert.deepEqual(await listener.hear(2), ['pmessage * a 1', 'pmessage * b 2']);
      await ours!.call('CONFIG', 'SET', 'notify-keyspace-events', '');
      closeAll();
    });

    test('SPUBLISH reaches the shard, whichever of its nodes it is sent to, and nobody else', async () => {
      for (const isSecondHalf of [false, true]) {
        const [primary, replica] = isSecondHalf ? [nodes[1]!, nodes[3]!] : [nodes[0]!, nodes[2]!];
        const channel = channelOf(isSecondHalf);
        const shard = await Promise.all([primary, replica].map((node) => listen(node, `SSUBSCRIBE ${channel}`)));
        const bystanders = await Promise.all(nodes.map((node) => listen(node, 'PSUBSCRIBE *')));
        for (const node of [primary, replica]) {
          assert.equal(await node.call('SPUBLISH', channel, `by ${node.port}`), 1);
          for (const listener of shard)
            assert.deepEqual(await listener.hear(1), [`smessage ${channel} by ${node.port}`]);
        }
        await nodes[0]!.call('PUBLISH', 'end', '');
        for (const listener of bystanders) assert.deepEqual(await listener.hear(1), ['pmessage * end ']);
        closeAll();
      }
    });

    test('shard commands are redirected as keys are', async () => {
      const [first, second] = [channelOf(false), channelOf(true)];
      const commands = [
        ['SSUBSCRIBE', first],
        ['SSUBSCRIBE', second],
        ['SSUBSCRIBE', first, second],
        ['SUNSUBSCRIBE', first],
        ['SUNSUBSCRIBE', second],
        ['SPUBLISH', first, 'x'],
        ['SPUBLISH', second, 'x'],
      ] as const;
      const ask = async (node: ServerProcess) => {
        const replies: unknown[] = [];
        for (const command of commands) {
          const client = await node.connect({ protocol: 2 });
          replies.push(await client.call(...command).catch((error) => String(error.message)));
          client.close();
          await waitFor(async () => (await node.text('CLIENT', 'LIST', 'TYPE', 'pubsub')) === '', { what: 'it to go' });
        }
        return replies;
      };
      // The two of a shard answer alike, but for who is who.
      const [p1, p2, r1, r2] = await Promise.all(nodes.map(ask));
      assert.deepEqual(r1, p1);
      assert.deepEqual(r2, p2);
      const moved = (slotName: string, node: ServerProcess) => `MOVED ${keySlot(slotName)} 127.0.0.1:${node.port}`;
      const crossSlot = "CROSSSLOT Keys in request don't hash to the same slot";
      const served = (type: string, name: string, count: number) => [type, name, count];
      assert.deepEqual(p1, [
        served('ssubscribe', first, 1),
        moved(second, nodes[1]!),
        crossSlot,
        served('sunsubscribe', first, 0),
        moved(second, nodes[1]!),
        0,
        moved(second, nodes[1]!),
      ]);
      assert.deepEqual(p2, [
        moved(first, nodes[0]!),
        served('ssubscribe', second, 1),
        crossSlot,
        moved(first, nodes[0]!),
        served('sunsubscribe', second, 0),
        moved(first, nodes[0]!),
        0,
      ]);
    });

    test('SSUBSCRIBE is no command for a transaction', async () => {
      for (const node of nodes.slice(0, 2)) {
        const client = await node.connect();
        await client.call('MULTI');
        await client.call('SSUBSCRIBE', channelOf(node === nodes[1]));
        const [reply] = (await client.call('EXEC')) as unknown as Error[];
        assert.equal(reply?.message, "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
        client.close();
      }
    });

    test('when a slot moves away its subscribers are told and let go', async () => {
      for (const [from, to] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const [channel, sibling] = [channelOf(from === 1), `{${channelOf(from === 1)}}2`];
        const stays = channelOf(from === 1, 'stays');
        const listener = await listen(nodes[from]!, `SSUBSCRIBE ${channel} ${sibling}`, `SSUBSCRIBE ${stays}`);
        const slot = keySlot(channel);
        await moveEmptySlot(slot, nodes[from]!, nodes[to]!);
        const told = await listener.hear(2);
        assert.deepEqual(
          told.map((line) => line.replace(/ \d$/, '')).sort(),
          [`sunsubscribe ${channel}`, `sunsubscribe ${sibling}`].sort(),
        );
        assert.deepEqual(
          told.map((line) => Number(line.slice(-1))),
          [2, 1],
        );
        assert.equal(await nodes[from]!.call('SPUBLISH', stays, 'x'), 1);
        assert.deepEqual(await listener.hear(1), [`smessage ${stays} x`]);
        await moveEmptySlot(slot, nodes[to]!, nodes[from]!);
        await waitFor(async () => (await nodes[from]!.call('SPUBLISH', channel, 'x').catch(() => -1)) === 0, {
          what: 'the slot to come back',
          detail: () => clusterStory(nodes),
        });
        closeAll();
      }
    });
  });
}
