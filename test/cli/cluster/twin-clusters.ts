/**
 * Two equal clusters: what redis-cli does to the one, ours does to the other, and both must say the same.
 *
 * Equal means: same slots and roles by *place*. CLUSTER NODES lists nodes in an order that depends on ids and hash seeds; so the nodes are joined first,
 * and their places are those of the list that the entry node gives (place 0 is the entry node itself). Only then are slots and roles given, by place. In
 * what is compared addresses and ids stand as places: `<0>` is the address of the first node, `<id 0>` its id.
 */
import assert from 'node:assert/strict';
import { ClusterClient } from '../../../src/client/cluster-client.js';
import { Child } from '../../support/child-process.js';
import { clusterNode, clusterNodes, meet, waitUntilHealthy } from '../../support/cluster.js';
import { ourCli, realCli, type Tool } from '../../support/run-tool.js';
import { ServerProcess } from '../../support/server-process.js';
import type { ServerKind } from '../../support/tools.js';
import { waitFor } from '../../support/wait-for.js';

const NODE_TIMEOUT_MS = 5000;
const PROMPT_TIMEOUT_MS = 120_000;

/** An answer to a question: given when the output ends with the prompt. */
export type Answer = readonly [prompt: string, text: string];

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class TestCluster {
  /** Members by place; further nodes (spares, plain servers) behind them. */
  readonly nodes: ServerProcess[];
  /** Ids by place; empty for a plain server. */
  ids: string[] = [];

  constructor(nodes: readonly ServerProcess[]) {
    this.nodes = [...nodes];
  }

  address(place: number): string {
    return `127.0.0.1:${this.nodes[place]!.port}`;
  }

  id(place: number): string {
    return this.ids[place]!;
  }

  call(place: number, ...args: (string | number)[]): Promise<unknown> {
    return this.nodes[place]!.call(...args);
  }

  async add(node: ServerProcess, id = ''): Promise<void> {
    this.nodes.push(node);
    this.ids.push(id);
  }

  /** Ids and addresses as places. */
  normalise(text: string): string {
    let result = text;
    for (const [place, node] of this.nodes.entries()) {
      const id = this.ids[place] ?? '';
      if (id !== '')
        result = result.replaceAll(id, `<id ${place}>`).replaceAll(`${id.slice(0, 8)}...`, `<id ${place}>...`);
      result = result
        .replaceAll(`127.0.0.1:${node.port}`, `<${place}>`)
        .replaceAll(String(node.port), `<port ${place}>`);
    }
    return result;
  }
}

/** Joins fresh nodes; slots are given to the first `primaryCount` places, the others replicate them in turn. */
export async function joinByPlace(nodes: readonly ServerProcess[], primaryCount: number): Promise<TestCluster> {
  const entry = nodes[0]!;
  for (const [at, node] of nodes.entries()) await node.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
  await meet(nodes);
  const views = await clusterNodes(entry);
  const ordered = [
    ...views.filter((view) => view.flags.includes('myself')),
    ...views.filter((view) => !view.flags.includes('myself')),
  ];
  const cluster = new TestCluster(ordered.map((view) => nodes.find((node) => node.port === view.port)!));
  cluster.ids = ordered.map((view) => view.id);
  for (let place = 0; place < primaryCount; place++) {
    const [first, last] = [place, place + 1].map((at) => Math.floor((16384 * at) / primaryCount));
    await cluster.call(place, 'CLUSTER', 'ADDSLOTSRANGE', first!, last! - 1);
  }
  for (let place = primaryCount; place < nodes.length; place++)
    await cluster.call(place, 'CLUSTER', 'REPLICATE', cluster.id(place % primaryCount));
  await waitUntilHealthy(cluster.nodes);
  return cluster;
}

/** Starts nodes in cluster mode, not joined. */
export function startNodes(kind: ServerKind, count: number, password?: string): Promise<ServerProcess[]> {
  const options = clusterNode(kind, {
    nodeTimeoutMs: NODE_TIMEOUT_MS,
    // Where slots are uncovered, how soon a node calls the cluster down is chance.
    config: { appendonly: 'no', 'cluster-require-full-coverage': 'no' },
    ...(password === undefined ? {} : { password }),
  });
  return Promise.all(Array.from({ length: count }, () => ServerProcess.start(options)));
}

export async function setKeys(cluster: TestCluster, keys: readonly string[]): Promise<void> {
  const { port, password } = cluster.nodes[0]!;
  const client = await ClusterClient.connect({
    seeds: [{ host: '127.0.0.1', port }],
    ...(password === undefined ? {} : { password }),
  });
  const replies = await client.pipeline(keys.map((key) => ['SET', key, `value of ${key}`]));
  client.close();
  for (const reply of replies) assert.equal(reply, 'OK');
}

/** Runs a tool, answering its questions in order. `beforeAnswer` is called when the prompt with that index is there. */
export async function runInteractive(
  tool: Tool,
  args: readonly string[],
  answers: readonly Answer[],
  beforeAnswer: (index: number) => Promise<void> = async () => {},
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const [program, ...leading] = tool;
  const child = await Child.start(program, [...leading, ...args], { env: { TERM: 'dumb', ...env }, stdin: 'pipe' });
  try {
    let answeredAt = 0;
    for (const [index, [prompt, text]] of answers.entries()) {
      const isAsked = (): boolean => child.stdout.length > answeredAt && child.stdout.endsWith(prompt);
      await waitFor(() => isAsked() || child.exit !== null, {
        what: `the prompt "${prompt}" of ${program} ${args.join(' ')}`,
        timeoutMs: PROMPT_TIMEOUT_MS,
        detail: () => child.stdout.slice(-2000),
      });
      if (child.exit !== null) break;
      await beforeAnswer(index);
      answeredAt = child.stdout.length;
      child.writeInput(`${text}\n`);
    }
    child.endInput('');
    const { code } = await child.untilExit();
    return { code, stdout: child.stdout, stderr: child.stderr };
  } finally {
    await child.end();
  }
}

/** redis-cli's cluster and ours. */
export class Twins {
  constructor(
    readonly theirs: TestCluster,
    readonly ours: TestCluster,
  ) {}

  /** Does the same to both, from outside. */
  async both(action: (cluster: TestCluster) => Promise<unknown>): Promise<void> {
    await Promise.all([action(this.theirs), action(this.ours)]);
  }

  /**
   * Runs `--cluster words…` with both tools, each on its cluster, and compares what they print and how they end.
   * @param settle what may differ, made equal
   */
  async compare(
    words: (cluster: TestCluster) => string,
    options: {
      answers?: readonly Answer[] | ((cluster: TestCluster) => readonly Answer[]);
      beforeAnswer?: (cluster: TestCluster, index: number) => Promise<void>;
      settle?: (text: string) => string;
      /** Lines of our stderr that redis-cli has no equal of. */
      ownStderr?: RegExp;
      env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Outcome> {
    const { answers = [], beforeAnswer = async () => {}, settle = (text) => text, ownStderr, env } = options;
    const run = async (tool: Tool, cluster: TestCluster): Promise<Outcome> => {
      const args = words(cluster)
        .split(' ')
        .filter((word) => word !== '');
      const dialogue = typeof answers === 'function' ? answers(cluster) : answers;
      const outcome = await runInteractive(tool, args, dialogue, (index) => beforeAnswer(cluster, index), env);
      const tidy = (text: string): string => settle(sortNodes(cluster.normalise(text)));
      return { code: outcome.code, stdout: tidy(outcome.stdout), stderr: tidy(outcome.stderr) };
    };
    const [expected, actual] = await Promise.all([run(realCli, this.theirs), run(ourCli, this.ours)]);
    const told = { ...actual, stderr: ownStderr === undefined ? actual.stderr : actual.stderr.replace(ownStderr, '') };
    assert.deepEqual(linesOf(told), linesOf(expected), this.theirs.normalise(words(this.theirs)));
    return actual;
  }
}

function linesOf({ code, stdout, stderr }: Outcome): unknown {
  return { code, stdout: stdout.split('\n'), stderr: stderr.split('\n') };
}

/** Listings begin with the entry node; the order of the others is settled, for nodes that came later have no place. */
function sortNodes(text: string): string {
  const sortRest = (blocks: string, separator: RegExp): string => {
    const [first = '', ...rest] = blocks.split(separator);
    return [first, ...rest.sort()].join('');
  };
  return text
    .replaceAll(/(?:^[MS]: .*\n(?: {3}.*\n)+)+/gm, (blocks) => sortRest(blocks, /^(?=[MS]: )/m))
    .replaceAll(/(?:^<\d+> \(<id \d+>\.\.\.\) -> .*\n)+/gm, (lines) => sortRest(lines, /^(?=<)/m));
}
