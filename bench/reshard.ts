/**
 * How long it takes to move 4,096 slots with a million keys between two nodes: redis-cli's reshard and ours, in turns on the same nodes and the same data
 * (each moves back what the other has moved), on redis-server nodes and on ours. While slots move, a client writes into them; afterwards no key may be
 * missing and none may be there twice.
 *
 *   node dist/bench/reshard.js [--keys 1000000] [--value 100] [--slots 4096] [--pairs 1] [--parallel 0,4] [--nodes redis,slotmesh]
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ClusterClient } from '../src/client/cluster-client.js';
import { RespClient } from '../src/client/resp-client.js';
import { keySlot, SLOT_COUNT } from '../src/keyspace/key-slot.js';
import { sleep } from '../src/launcher/wait.js';
import { rootPath } from './options.js';
import { type Contender, ServerUnderTest } from './server-under-test.js';
import { median } from './statistics.js';

interface Plan {
  keyCount: number;
  valueBytes: number;
  slotCount: number;
  pairs: number;
  /** Values of --cluster-parallel to try; 0 leaves it out. */
  parallel: readonly number[];
}

const CONTENDERS: Record<string, Contender> = {
  redis: { name: 'redis-server', command: ['redis-server'] },
  slotmesh: { name: 'slotmesh-server', command: [process.execPath, rootPath('bin/slotmesh-server.js')] },
};
const REDIS_CLI = ['redis-cli'];
const OUR_CLI = [process.execPath, rootPath('bin/slotmesh-cli.js')];
const SETS_PER_WRITE = 500;

/** Two nodes, each with half of the slots. */
class Pair {
  private constructor(readonly nodes: readonly [ServerUnderTest, ServerUnderTest]) {}

  static async start(contender: Contender): Promise<Pair> {
    const directives = [
      ['cluster-enabled', 'yes'],
      ['cluster-node-timeout', '15000'],
    ] as const;
    const first = await ServerUnderTest.start(contender, { directives });
    const second = await ServerUnderTest.start(contender, { directives });
    await first.call('CLUSTER', 'ADDSLOTSRANGE', '0', `${SLOT_COUNT / 2 - 1}`);
    await second.call('CLUSTER', 'ADDSLOTSRANGE', `${SLOT_COUNT / 2}`, `${SLOT_COUNT - 1}`);
    await first.call('CLUSTER', 'SET-CONFIG-EPOCH', '1');
    await second.call('CLUSTER', 'SET-CONFIG-EPOCH', '2');
    await first.call('CLUSTER', 'MEET', '127.0.0.1', `${second.port}`);
    for (const node of [first, second])
      await node.until('the cluster', async () => (await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    return new Pair([first, second]);
  }

  async keyCount(): Promise<number> {
    const sizes = await Promise.all(this.nodes.map(async (node) => Number(await node.call('DBSIZE'))));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/** Fills the first slots with keys. */
async function fill(node: ServerUnderTest, { keyCount, valueBytes, slotCount }: Plan): Promise<void> {
  const client = await RespClient.connect({ port: node.port });
  const value = 'x'.repeat(valueBytes);
  let batch: string[][] = [];
  for (let number = 0, loaded = 0; loaded < keyCount; number++) {
    const key = `key:${number}`;
    if (keySlot(key) >= slotCount) continue;
    batch.push(['SET', key, value]);
    loaded++;
    if (batch.length < SETS_PER_WRITE && loaded < keyCount) continue;
    await client.pipeline(batch);
    batch = [];
  }
  client.close();
}

/** Writes into the slots that move, one key after the other, until it is stopped. */
class Writer {
  readonly #client: ClusterClient;
  readonly #slotCount: number;
  readonly #acknowledged: string[] = [];
  readonly #loop: Promise<void>;
  #isRunning = true;

  static async start(pair: Pair, slotCount: number, prefix: string): Promise<Writer> {
    const seeds = pair.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    return new Writer(await ClusterClient.connect({ seeds, commandTimeoutMs: 30000 }), slotCount, prefix);
  }

  private constructor(client: ClusterClient, slotCount: number, prefix: string) {
    this.#client = client;
    this.#slotCount = slotCount;
    this.#loop = this.#run(prefix);
  }

  /** @returns how many keys were written; throws if one of them is not there any more */
  async stop(): Promise<number> {
    this.#isRunning = false;
    await this.#loop;
    for (let start = 0; start < this.#acknowledged.length; start += SETS_PER_WRITE) {
      const keys = this.#acknowledged.slice(start, start + SETS_PER_WRITE);
      const values = await this.#client.pipeline(keys.map((key) => ['GET', key]));
      for (const [at, key] of keys.entries()) if (values[at] !== key) throw new Error(`${key} is lost: ${values[at]}`);
    }
    this.#client.close();
    return this.#acknowledged.length;
  }

  async #run(prefix: string): Promise<void> {
    for (let number = 0; this.#isRunning; number++) {
      const key = `${prefix}:${number}`;
      if (keySlot(key) >= this.#slotCount) continue;
      await this.#client.call('SET', key, key);
      this.#acknowledged.push(key);
      await sleep(2);
    }
  }
}

interface Result {
  seconds: number;
  /** CPU time of both nodes. */
  nodeCpuSeconds: number;
  written: number;
}

async function reshard(pair: Pair, tool: readonly string[], from: number, plan: Plan, label: string): Promise<Result> {
  const source = pair.nodes[from]!;
  const target = pair.nodes[1 - from]!;
  const expectedKeys = await pair.keyCount();
  const writer = await Writer.start(pair, plan.slotCount, `w:${label}`);
  const [program = '', ...leading] = tool;
  const ids = await Promise.all([source, target].map((node) => node.call('CLUSTER', 'MYID')));
  const args = ['--cluster', 'reshard', `127.0.0.1:${source.port}`, '--cluster-yes'];
  args.push('--cluster-from', ids[0]!, '--cluster-to', ids[1]!, '--cluster-slots', `${plan.slotCount}`);
  const nodeCpuMs = (): number => source.cpuMs() + target.cpuMs();
  const cpuBeforeMs = nodeCpuMs();
  const beganAtMs = performance.now();
  const child = spawn(program, [...leading.slice(0, 1), ...args, ...leading.slice(1)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  const seconds = (performance.now() - beganAtMs) / 1000;
  const nodeCpuSeconds = (nodeCpuMs() - cpuBeforeMs) / 1000;
  if (code !== 0) throw new Error(`${program} reshard ended with code ${code}`);
  const written = await writer.stop();
  const found = await pair.keyCount();
  if (found !== expectedKeys + written)
    throw new Error(`${found} keys after the move, ${expectedKeys} before it and ${written} written meanwhile`);
  return { seconds, nodeCpuSeconds, written };
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { keys: text, value: text, slots: text, pairs: text, parallel: text, nodes: text },
  });
  const plan: Plan = {
    keyCount: Number(values.keys ?? 1_000_000),
    valueBytes: Number(values.value ?? 100),
    slotCount: Number(values.slots ?? 4096),
    pairs: Number(values.pairs ?? 1),
    parallel: (values.parallel ?? '0,4').split(',').map(Number),
  };
  for (const name of (values.nodes ?? 'redis,slotmesh').split(',')) await measure(CONTENDERS[name]!, plan);
}

async function measure(contender: Contender, plan: Plan): Promise<void> {
  const pair = await Pair.start(contender);
  try {
    await fill(pair.nodes[0], plan);
    console.log(`${contender.name}: ${await pair.keyCount()} keys of ${plan.valueBytes} B in ${plan.slotCount} slots`);
    const seconds = new Map<string, number[]>();
    let from = 0;
    let run = 0;
    const measureTool = async (name: string, tool: readonly string[]): Promise<void> => {
      const result = await reshard(pair, tool, from, plan, String(run++));
      from = 1 - from;
      seconds.set(name, [...(seconds.get(name) ?? []), result.seconds]);
      const { seconds: took, nodeCpuSeconds, written } = result;
      console.log(
        `  ${name.padEnd(24)} ${took.toFixed(2)} s, CPU of the nodes ${nodeCpuSeconds.toFixed(2)} s, ${written} keys written meanwhile`,
      );
    };
    for (let turn = 0; turn < plan.pairs; turn++) {
      await measureTool('redis-cli', REDIS_CLI);
      for (const parallel of plan.parallel) {
        const options = parallel === 0 ? [] : ['--cluster-parallel', `${parallel}`];
        await measureTool(parallel === 0 ? 'slotmesh-cli' : `slotmesh-cli, parallel ${parallel}`, [
          ...OUR_CLI,
          ...options,
        ]);
      }
    }
    const baseline = median(seconds.get('redis-cli')!);
    for (const [name, all] of seconds)
      console.log(`  ${name.padEnd(24)} median ${median(all).toFixed(2)} s, ${(baseline / median(all)).toFixed(2)} x`);
  } finally {
    await pair.stop();
  }
}

await main();
process.exit();
