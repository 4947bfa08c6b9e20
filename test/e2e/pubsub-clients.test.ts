/** Real clients (ioredis, node-redis) that subscribe in a cluster: channels, patterns, shard channels, and shard channels whose slot moves away. */
import { after, before, describe, test } from 'node:test';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { keySlot } from '../../src/keyspace/key-slot.js';
import { clusterNode, clusterNodes, joinCluster, moveEmptySlot, slotOwners } from '../support/cluster.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

for (const kind of serversUnderTest()) {
  describe(`real clients subscribe in a ${kind} cluster`, { skip: needsServers(kind) }, () => {
    const nodes: ServerProcess[] = [];
    before(async () => {
      for (let i = 0; i < 3; i++)
        nodes.push(await ServerProcess.start(clusterNode(kind, { nodeTimeoutMs: 5000, config: { appendonly: 'no' } })));
      await joinCluster(nodes, 3);
    });
    after(() => Promise.all(nodes.map((node) => node.dispose())));

    /** Publishes until the subscriber has heard: the subscription of a client may still be on its way. */
    async function untilHeard(heard: string[], publish: () => Promise<unknown>, expected: string): Promise<void> {
      heard.length = 0;
      await waitFor(
        async () => {
          await publish();
          return heard.includes(expected);
        },
        { what: `${expected} to be heard`, detail: () => heard.join('; ') },
      );
    }

    /** Gives a slot to another node. */
    async function moveSlot(slot: number): Promise<void> {
      const ids = await Promise.all(nodes.map((node) => node.text('CLUSTER', 'MYID')));
      const owner = ids.indexOf(slotOwners(await clusterNodes(nodes[0]!))[slot]!);
      const target = (owner + 1) % nodes.length;
      await moveEmptySlot(slot, nodes[owner]!, nodes[target]!);
      await waitFor(
        async () =>
          (await Promise.all(nodes.map(clusterNodes))).every((views) => slotOwners(views)[slot] === ids[target]),
        { what: 'all nodes to know the new owner' },
      );
    }

    test('node-redis: channels, patterns, and shard channels that follow their slot', async () => {
      const rootNodes = nodes.map((node) => ({ url: `redis://127.0.0.1:${node.port}` }));
      const cluster = createCluster({ rootNodes });
      cluster.on('error', () => {});
      await cluster.connect();
      try {
        const heard: string[] = [];
        const hear = (message: string | Buffer, channel: string | Buffer): void => {
          heard.push(`${channel} ${message}`);
        };
        await cluster.subscribe('news', hear);
        await untilHeard(heard, () => cluster.publish('news', 'one'), 'news one');
        await cluster.unsubscribe('news', hear);
        await cluster.pSubscribe('n*s', hear);
        await untilHeard(heard, () => cluster.publish('news', 'two'), 'news two');
        await cluster.pUnsubscribe('n*s', hear);
        await cluster.sSubscribe('shard', hear);
        await untilHeard(heard, () => cluster.sPublish('shard', 'three'), 'shard three');
        await moveSlot(keySlot('shard'));
        await untilHeard(heard, () => cluster.sPublish('shard', 'four'), 'shard four');
        await cluster.sUnsubscribe('shard', hear);
      } finally {
        cluster.destroy();
      }
    });

    test('ioredis: channels and patterns on every node, and shard channels', async () => {
      const endpoints = nodes.map((node) => ({ host: '127.0.0.1', port: node.port }));
      const cluster = new Cluster(endpoints, { lazyConnect: true, shardedSubscribers: true });
      const publisher = new Cluster(endpoints, { lazyConnect: true });
      for (const each of [cluster, publisher]) {
        each.on('error', () => {});
        await each.connect();
      }
      try {
        const heard: string[] = [];
        cluster.on('message', (channel, message) => heard.push(`${channel} ${message}`));
        cluster.on('pmessage', (pattern, channel, message) => heard.push(`${pattern} ${channel} ${message}`));
        cluster.on('smessage', (channel, message) => heard.push(`${channel} ${message}`));
        await cluster.subscribe('news');
        await cluster.psubscribe('n*');
        for (const expected of ['news one', 'n* news one'])
          await untilHeard(heard, () => publisher.publish('news', 'one'), expected);
        await cluster.ssubscribe('shard');
        await untilHeard(heard, () => publisher.spublish('shard', 'two'), 'shard two');
        await cluster.sunsubscribe('shard');
        await cluster.unsubscribe('news');
      } finally {
        cluster.disconnect();
        publisher.disconnect();
      }
    });
  });
}
