/** Slots and replicas given to nodes as `--cluster create` of redis-cli gives them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeAddress } from '../../src/client/cluster-client.js';
import { AllocationError, affinityScore, allocate, splitSlots } from '../../src/cluster/allocation.js';
import { fc } from '../support/property.js';

function onOneHost(count: number): NodeAddress[] {
  return Array.from({ length: count }, (_, index) => ({ host: '127.0.0.1', port: 7000 + index }));
}

function onHosts(counts: readonly number[]): NodeAddress[] {
  let port = 21421;
  return counts.flatMap((count, index) =>
    Array.from({ length: count }, () => ({ host: `127.0.0.${index + 1}`, port: port++ })),
  );
}

/** `replica port > primary port`, in the order of assignment. */
function pairing(nodes: NodeAddress[], replicas: number): string[] {
  return allocate(nodes, replicas).primaries.flatMap((primary) =>
    primary.replicas.map((replica) => `${nodes[replica]!.port} > ${nodes[primary.node]!.port}`),
  );
}

test('slots are cut at the borders that redis-cli uses', () => {
  const ends: Record<number, number[]> = {
    3: [5460, 10922, 16383],
    5: [3276, 6553, 9829, 13106, 16383],
    7: [2340, 4680, 7021, 9361, 11702, 14042, 16383],
    12: [1364, 2730, 4095, 5460, 6826, 8191, 9556, 10922, 12287, 13652, 15018, 16383],
  };
  for (const [count, expected] of Object.entries(ends)) {
    assert.deepEqual(
      splitSlots(Number(count)).map((range) => range.last),
      expected,
    );
  }
});

test('any number of ranges covers every slot once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), (count) => {
      let next = 0;
      for (const { first, last } of splitSlots(count)) {
        assert.equal(first, next);
        assert.ok(last >= first);
        next = last + 1;
      }
      assert.equal(next, 16384);
    }),
  );
});

test('six nodes on one host: the first three are primaries, the replicas follow rotated by one', () => {
  assert.deepEqual(pairing(onOneHost(6), 1), ['7004 > 7000', '7005 > 7001', '7003 > 7002']);
});

test('three hosts: replicas are placed as redis-cli places them, the extra one too', () => {
  assert.deepEqual(pairing(onHosts([2, 2, 3]), 1), [
    '21424 > 21421',
    '21427 > 21421',
    '21426 > 21423',
    '21422 > 21425',
  ]);
});

test('fewer than three primaries are refused with the number of nodes needed', () => {
  assert.throws(
    () => allocate(onOneHost(5), 1),
    (error) => error instanceof AllocationError && /At least 6 nodes are required/.test(error.message),
  );
});

test('every node gets exactly one role, and equal hosts leave no replica beside its primary', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 2 }),
      (hosts, each, replicas) => {
        const nodes = onHosts(Array.from({ length: hosts }, () => each));
        fc.pre(Math.floor(nodes.length / (replicas + 1)) >= 3);
        const { primaries: plan } = allocate(nodes, replicas);
        const used = plan.flatMap((primary) => [primary.node, ...primary.replicas]).sort((a, b) => a - b);
        assert.deepEqual(
          used,
          nodes.map((_, index) => index),
        );
        assert.ok(affinityScore(nodes, plan) < 10_000 || hosts < replicas + 1);
      },
    ),
  );
});
