/**
 * A reshard as it is done by hand, on a terminal: questions and answers beside the real redis-cli on the same nodes, then one that is carried out, with its
 * progress bar.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { slotCount, viewOfMyself, waitUntilHealthy } from '../../support/cluster.js';
import { ourCli, realCli, type Tool } from '../../support/run-tool.js';
import { Screen, untilSame } from '../../support/screen.js';
import type { ServerProcess } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';
import { joinByPlace, setKeys, startNodes, type TestCluster } from './twin-clusters.js';

const HOW_MANY = /How many slots do you want to move \(from 1 to 16384\)\? ?$/;
const RECEIVER = /What is the receiving node ID\? ?$/;
const SOURCE = (number: number): RegExp => new RegExp(`Source node #${number}: ?$`);
const PROCEED = /Do you want to proceed with the proposed reshard plan \(yes\/no\)\? ?$/;
const ROWS = 80;

suite('reshard on a terminal', { skip: needs('redis-cli', 'slotmesh', 'tmux') }, () => {
  let nodes: ServerProcess[] = [];
  let cluster: TestCluster;
  const screens: Screen[] = [];

  before(async () => {
    nodes = await startNodes('slotmesh', 2);
    cluster = await joinByPlace(nodes, 2);
    await setKeys(
      cluster,
      Array.from({ length: 500 }, (_, at) => `key:${at}`),
    );
  });

  after(async () => {
    for (const screen of screens) screen.close();
    await Promise.all(nodes.map((node) => node.dispose()));
  });

  function open(tool: Tool): Screen {
    const screen = new Screen([...tool, '--cluster', 'reshard', cluster.address(0)], { columns: 100, rows: ROWS });
    screens.push(screen);
    return screen;
  }

  async function answer(screen: Screen, question: RegExp, text: string): Promise<void> {
    await screen.untilShown(question);
    screen.type(text);
    screen.press('Enter');
  }

  /** Answers all questions but the last. */
  async function plan(screen: Screen, count: number): Promise<void> {
    await answer(screen, HOW_MANY, String(count));
    await answer(screen, RECEIVER, cluster.id(1));
    await answer(screen, SOURCE(1), cluster.id(0));
    await answer(screen, SOURCE(2), 'done');
    await screen.untilShown(PROCEED);
  }

  test('the questions, the plan and a refusal look as they do in redis-cli', async () => {
    const [expected, actual] = [open(realCli), open(ourCli)] as const;
    for (const screen of [expected, actual]) await plan(screen, 5);
    await untilSame(actual, expected, 'before the last question');
    for (const screen of [expected, actual]) await answer(screen, PROCEED, 'no');
    await expected.untilShown(/\[ended with \d+\]/);
    await untilSame(actual, expected, 'after the refusal');
    assert.equal(slotCount(await viewOfMyself(cluster.nodes[0]!)), 8192);
  });

  test('what is carried out shows how far it is, and ends with a healthy cluster', async () => {
    const screen = open(ourCli);
    await plan(screen, 300);
    await answer(screen, PROCEED, 'yes');
    await screen.untilShown(/300 slots, \d+ keys moved in [\d.]+ s/);
    await screen.untilShown(/\[ended with 0\]/);
    assert.match(screen.text(), /Moving slot 299 from/);
    await waitUntilHealthy(cluster.nodes);
    assert.equal(slotCount(await viewOfMyself(cluster.nodes[0]!)), 8192 - 300);
    const sizes = await Promise.all(cluster.nodes.map((node) => node.call('DBSIZE')));
    assert.equal(Number(sizes[0]) + Number(sizes[1]), 500);
  });
});
