/**
 * Replicas spread over several hosts, and over IPv6: what `create` plans, beside redis-cli. All nodes listen on every loopback address, so that a case
 * gives each node a host as it likes. Both tools plan for the same nodes; neither plan is accepted.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { affinityScore } from '../../../src/cluster/allocation.js';
import { clusterNode } from '../../support/cluster.js';
import { ourCli, realCli, runTool, type Tool, type ToolResult } from '../../support/run-tool.js';
import { ServerProcess } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';

const PERFECT = '[OK] Perfect anti-affinity obtained!';
const BESIDE_PRIMARY = '[WARNING] Some slaves are in the same host as their master';
const SAME_HOST = '[WARNING] Some slaves of the same master are in the same host';

/** The last part of 127.0.0.x for each node. */
type Hosts = readonly number[];

const CASES: readonly (readonly [replicas: number, hosts: Hosts, verdict: string | null])[] = [
  [1, [1, 1, 2, 2, 3, 3], null],
  [1, [1, 2, 3, 1, 2, 3], null],
  [1, [3, 2, 1, 1, 1, 1, 2, 2, 2], null],
  [1, [1, 2, 3, 1, 2, 3, 1], PERFECT],
  [1, [1, 1, 1, 1, 2, 2], BESIDE_PRIMARY],
  [1, [1, 1, 1, 1, 1, 2], BESIDE_PRIMARY],
  [2, [1, 2, 3, 1, 2, 3, 1, 2, 3], null],
  [2, [1, 1, 1, 1, 1, 2, 2, 2, 2], BESIDE_PRIMARY],
  [2, [1, 1, 1, 1, 2, 2, 2, 2, 2], SAME_HOST],
];

suite('create over several hosts, beside redis-cli', { skip: needs('redis-server', 'redis-cli') }, () => {
  let nodes: ServerProcess[] = [];

  before(async () => {
    const options = clusterNode('redis', { nodeTimeoutMs: 5000, config: { appendonly: 'no', bind: '0.0.0.0 ::1' } });
    nodes = await Promise.all(Array.from({ length: 9 }, () => ServerProcess.start(options)));
  });

  after(() => Promise.all(nodes.map((node) => node.dispose())));

  const addressesOf = (hosts: Hosts): string[] => hosts.map((host, at) => `127.0.0.${host}:${nodes[at]!.port}`);

  const plan = (tool: Tool, addresses: readonly string[], replicas: number): Promise<ToolResult> =>
    runTool(tool, ['--cluster', 'create', ...addresses, '--cluster-replicas', replicas], { input: 'no\n' });

  for (const [replicas, hosts, verdict] of CASES) {
    test(`${replicas} replicas, hosts ${hosts.join(' ')}: ${verdict ?? 'no replica beside its primary'}`, async () => {
      const addresses = addressesOf(hosts);
      const [theirs, ours] = await Promise.all([plan(realCli, addresses, replicas), plan(ourCli, addresses, replicas)]);
      assert.deepEqual(withoutIds(ours), withoutIds(theirs));
      assert.equal(/^\[(?:OK|WARNING)\] .*$/m.exec(ours.stdout)?.[0] ?? null, verdict);
      // Which of equally good placements is taken is chance in redis-cli.
      assert.ok(scoreOf(ours.stdout) <= scoreOf(theirs.stdout), `${ours.stdout}\n--- redis-cli:\n${theirs.stdout}`);
    });
  }

  test('IPv6 addresses, which we also take in brackets', async () => {
    const ports = nodes.slice(0, 6).map((node) => node.port);
    const bare = ports.map((port) => `::1:${port}`);
    const [theirs, ours, bracketed] = await Promise.all([
      plan(realCli, bare, 1),
      plan(ourCli, bare, 1),
      plan(
        ourCli,
        ports.map((port) => `[::1]:${port}`),
        1,
      ),
    ]);
    assert.deepEqual(withoutIds(ours), withoutIds(theirs));
    assert.deepEqual(bracketed, ours);
  });
});

function withoutIds({ code, stdout, stderr }: ToolResult): unknown {
  return { code, stdout: stdout.replaceAll(/[0-9a-f]{40}/g, '<id>').split('\n'), stderr };
}

/** How far the planned placement is from a perfect one. */
function scoreOf(output: string): number {
  const planned = [...output.matchAll(/^[MS]: ([0-9a-f]{40}) (.+):\d+\n {3}(?:replicates ([0-9a-f]{40}))?/gm)];
  const nodes = planned.map(([, id, host, primaryId]) => ({ id: id!, host: host!, port: 0, primaryId }));
  const primaries = nodes.flatMap(({ id, primaryId }, node) =>
    primaryId === undefined
      ? [
          {
            node,
            slots: { first: 0, last: 0 },
            replicas: nodes.flatMap((each, at) => (each.primaryId === id ? [at] : [])),
          },
        ]
      : [],
  );
  return affinityScore(nodes, primaries);
}
