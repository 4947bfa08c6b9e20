/** What the launcher concludes from the nodes' own words: the health of a cluster and its table of nodes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseClusterNodes } from '../../src/client/cluster-nodes.js';
import { formatNodeTable } from '../../src/launcher/node-table.js';
import {
  changesBetween,
  formatProblem,
  type LiveView,
  type NodeView,
  problemsOf,
} from '../../src/launcher/node-view.js';

const ID_OF = new Map([7000, 7001, 7003].map((port) => [port, String(port).repeat(10)]));

/** CLUSTER NODES of a two-primary cluster (7000, 7001) with 7003 replicating 7000, as seen by `observer`; `overrides` replace a node's fields. */
function clusterNodes(observer: number, overrides: Record<number, string> = {}): string {
  const lines: Record<number, string> = {
    7000: `master - 0 1 1 connected 0-8191`,
    7001: `master - 0 1 2 connected 8192-16383`,
    7003: `slave ${ID_OF.get(7000)} 0 1 1 connected`,
    ...overrides,
  };
  return Object.entries(lines)
    .map(
      ([port, rest]) =>
        `${ID_OF.get(Number(port))} 127.0.0.1:${port}@1${port} ${Number(port) === observer ? 'myself,' : ''}${rest}\n`,
    )
    .join('');
}

function live(port: number, fields: Partial<LiveView> = {}, overrides: Record<number, string> = {}): LiveView {
  const nodes = parseClusterNodes(clusterNodes(port, overrides));
  return {
    isUp: true,
    address: { host: '127.0.0.1', port },
    pid: port * 10,
    confFile: '',
    isLoading: false,
    isClusterOk: true,
    keys: 5,
    isReplicationUp: port === 7003,
    self: nodes.find((node) => node.isMyself)!,
    nodes,
    ...fields,
  };
}

function dead(port: number): NodeView {
  return { isUp: false, address: { host: '127.0.0.1', port }, reason: 'connection refused' };
}

const healthy = [live(7000), live(7001), live(7003)];
const afterFailover = {
  7000: 'master,fail - 0 1 1 disconnected',
  7003: 'master - 0 1 3 connected 0-8191',
};
const failedOver = [dead(7000), live(7001, {}, afterFailover), live(7003, {}, afterFailover)];

describe('health', () => {
  const problems = (views: NodeView[]): string[] => problemsOf(views).map(formatProblem);

  test('a cluster whose nodes know each other, serve all slots and replicate has no problem', () => {
    assert.deepEqual(problems(healthy), []);
  });

  test('a dead node is one problem, not one per observer', () => {
    assert.deepEqual(problems(failedOver), ['7000 does not answer (connection refused)']);
  });

  test('loading, cluster_state fail, a missing replication link and strangers are told per node', () => {
    assert.deepEqual(
      problems([
        live(7000, { isLoading: true }),
        live(7001, { isClusterOk: false }),
        live(7003, { isReplicationUp: false }),
      ]),
      ['7000 is loading its data', '7001 reports cluster_state fail', '7003 has no replication link to 7000 yet'],
    );
    const alone = live(7001);
    alone.nodes = [alone.self];
    assert.match(problems([live(7000), alone, live(7003)]).join(), /7001 does not know 7000, 7003 yet/);
  });

  test('a node that answers clients but not its peers is told with its observers', () => {
    const cut = { 7001: 'master,fail? - 0 1 2 connected 8192-16383' };
    assert.deepEqual(problems([live(7000, {}, cut), live(7001), live(7003, {}, cut)]), [
      '7001 is not reached over the cluster bus by 7000, 7003',
    ]);
  });
});

describe('changes', () => {
  const texts = (before: NodeView[], after: NodeView[]): string[] =>
    changesBetween(before, after).map((change) => change.text);

  test('nothing happens, nothing is told', () => {
    assert.deepEqual(texts(healthy, healthy), []);
  });

  test('a failover tells the end of the primary and who serves its slots now', () => {
    assert.deepEqual(texts(healthy, failedOver), [
      '7000 does not answer any more',
      '7003 is a primary now, slots 0-8191',
    ]);
  });

  test('a primary that comes back as a replica is told as such', () => {
    const rejoined = { 7000: `slave ${ID_OF.get(7003)} 0 1 3 connected`, 7003: afterFailover[7003] };
    const after = [live(7000, { isReplicationUp: true }, rejoined), live(7001, {}, rejoined), live(7003, {}, rejoined)];
    assert.deepEqual(texts(failedOver, after), ['7000 is back (pid 70000)', '7000 is a replica of 7003 now']);
  });

  test('losing and regaining slots is told once each', () => {
    const failing = healthy.map((view) => ({ ...view, isClusterOk: false }));
    assert.deepEqual(texts(healthy, failing), ['cluster_state is fail: some slots are not served']);
    assert.deepEqual(texts(failing, healthy), ['cluster_state is ok: all slots are served']);
  });
});

test('the table has primaries in slot order, each with its replicas below it, and dead nodes last', () => {
  const lines = formatNodeTable([dead(7009), ...[...healthy].reverse()]).split('\n');
  assert.deepEqual(
    lines.map((line) => line.trim().split(/ {2,}/).slice(0, 5)),
    [
      ['node', 'role', 'slots', 'keys', 'state'],
      ['127.0.0.1:7000', 'primary', '0-8191', '5', 'ok'],
      ['127.0.0.1:7003', '└ replica', 'of 7000', '5', 'ok'],
      ['127.0.0.1:7001', 'primary', '8192-16383', '5', 'ok'],
      ['127.0.0.1:7009', '–', '–', '–', 'down: connection refused'],
    ],
  );
});
