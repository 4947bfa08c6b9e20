/**
 * What makes clients wait: how long while one large value ends in one of the many ways in which values end, and how long one command on a large value holds
 * the server up.
 *
 * The first is the longest wait of a probe that sends a SET each millisecond, less the time in which the machine ran something else (see LatencyProbe).
 * That is hardly ever so where server and probe may be given real-time priority. The second is CPU time, which other processes leave alone.
 */
import { execFileSync } from 'node:child_process';
import { RespClient } from '../../src/client/resp-client.js';
import { sleep } from '../../src/launcher/wait.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { loadKeys } from '../key-loader.js';
import { LatencyProbe } from '../latency-probe.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest, withServer } from '../server-under-test.js';
import { median, type Pair } from '../statistics.js';
import { type Filling, fill, fillStream, HASH, LIST, SET, ZSET } from './collections.js';
import { SHAPES, type Shape } from './large-values.js';

const PROBED_KEYS = 1000;
const SETTLE_MS = 500;
/** The probe's own code is compiled by then. */
const BEFORE_MS = 200;
/** The probe goes on for so long at least, and until the value's memory has been given back. */
const AFTER_MS = 500;
const FREED_LIMIT_MS = 60_000;
/** Each ending is measured so many times in one server; the median counts. */
const ROUNDS = 3;
/** Real-time priority of all threads of server and probe: with less for its workers, a server that waits for one can keep it from running. */
const PRIORITY = '10';
/** A server that has nothing to do has gone to sleep after so long, and its clock stands right. */
const IDLE_MS = 20;
const MILLION = 1_000_000;
const READ_PER_CALL = 1000;

const ENDING_SHAPES: readonly Shape[] = [
  ...SHAPES.filter(({ id }) => id !== 'hashes'),
  { id: 'stream-group', title: 'stream with 1 M pending entries, all', goal: 1, fill: fillStreamAndGroup },
];

async function fillStreamAndGroup(server: ServerUnderTest, key: string, count: number): Promise<void> {
  await fillStream(server, key, count);
  await server.call('XGROUP', 'CREATE', key, 'group', '0');
  for (let read = 0; read < Math.min(count, MILLION); read += READ_PER_CALL)
    await server.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', String(READ_PER_CALL), 'STREAMS', key, '>');
}

/** How the value of `copy` ends, by the name of its measure. `rest` and `BGSAVE` end nothing. */
const DEEDS: Record<string, (server: ServerUnderTest) => Promise<void>> = {
  'at rest': async () => {},
  BGSAVE: async (server) => {
    await server.call('BGSAVE');
    await server.until('BGSAVE', async () => (await server.info('persistence', 'rdb_bgsave_in_progress')) === '0', 20);
  },
  UNLINK: async (server) => {
    await server.call('UNLINK', 'copy');
  },
  DEL: async (server) => {
    await server.call('DEL', 'copy');
  },
  'active expiry': async (server) => {
    await server.call('PEXPIRE', 'copy', '1');
  },
  'expiry by an access': async (server) => {
    await server.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await server.call('PEXPIRE', 'copy', '1');
    await sleep(10);
    await server.call('TYPE', 'copy');
    await server.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
  },
  'SET over it': async (server) => {
    await server.call('SET', 'copy', 'short');
  },
  'RENAME over it': async (server) => {
    await server.call('SET', 'other', 'short');
    await server.call('RENAME', 'other', 'copy');
  },
  'RESTORE over it': async (server) => {
    const client = await RespClient.connect({ port: server.port, replies: 'bytes' });
    await client.call('SET', 'other', 'short');
    const payload = (await client.call('DUMP', 'other')) as Buffer;
    await client.call('RESTORE', 'copy', '0', payload, 'REPLACE');
    client.close();
  },
  eviction: async (server) => {
    // The copy alone may go.
    await server.call('EXPIRE', 'copy', '100000');
    const used = Number(await server.info('memory', 'used_memory'));
    await server.call('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru', 'maxmemory', String(used - (1 << 20)));
    await server.until('eviction', async () => (await server.call('EXISTS', 'copy')) === '0');
    await server.call('CONFIG', 'SET', 'maxmemory', '0');
  },
  'FLUSHALL ASYNC': async (server) => {
    await server.call('FLUSHALL', 'ASYNC');
  },
};

/** Of values that take so many elements to fill, and seconds to copy, these are enough. */
const LARGE = 5 * MILLION;
const DEEDS_ON_LARGE = ['at rest', 'BGSAVE', 'UNLINK', 'active expiry', 'eviction'];

const deedsFor = (count: number): string[] => (count < LARGE ? Object.keys(DEEDS) : DEEDS_ON_LARGE);

/** What frees a large value in the background only if it is told to; ours always does. */
const LAZY_DIRECTIVES = [
  'lazyfree-lazy-expire',
  'lazyfree-lazy-eviction',
  'lazyfree-lazy-server-del',
  'lazyfree-lazy-user-flush',
] as const;

export const stallsByValues: GroupRunner = {
  rowIds: ENDING_SHAPES.map(({ id }) => `stall-${id}`),
  run: async (context) => {
    const rows: Row[] = [];
    for (const shape of ENDING_SHAPES) {
      const id = `stall-${shape.id}`;
      if (context.wants(id)) rows.push(...(await context.attempt(id, () => measureEndings(context, id, shape))));
    }
    return {
      title: `Stalls by one value of ${context.options.keys.toLocaleString('en')} elements`,
      method:
        'Longest time that a SET of another key, sent each millisecond, waited for its reply while the value ended in the way named, ' +
        `less the time in which the machine ran something else; the median of ${ROUNDS} rounds in one server. Both ran with real-time priority where allowed. ` +
        'redis-server with all lazyfree directives on (except for DEL).',
      rows,
    };
  },
};

async function measureEndings(context: BenchContext, id: string, shape: Shape): Promise<Row> {
  const pairs = await runPairs(context.options.pairs, context.candidate, context.baseline, (contender) =>
    stallsOf(contender, shape, context.options.keys),
  );
  return {
    id,
    title: shape.title.replace(/, .*/, ''),
    measures: deedsFor(context.options.keys).map((name) =>
      summarize({ name, unit: 'ms', better: 'lower', isCharted: false }, pairs[name]!),
    ),
  };
}

function stallsOf(contender: Contender, shape: Shape, count: number): Promise<Record<string, number>> {
  const directives = [
    ...LAZY_DIRECTIVES.map((name) => [name, 'yes'] as const),
    ['enable-debug-command', 'yes'] as const,
  ];
  return withServer(
    () => ServerUnderTest.start(contender, { directives }),
    async (server) => {
      const stalls: Record<string, number> = {};
      await shape.fill(server, 'value', count);
      for (const name of deedsFor(count)) {
        const waits: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          await server.call('COPY', 'value', 'copy', 'REPLACE');
          await freed(server);
          await sleep(SETTLE_MS);
          waits.push(await longestWait(server, () => DEEDS[name]!(server)));
          if (name === 'FLUSHALL ASYNC' && round + 1 < ROUNDS) await shape.fill(server, 'value', count);
        }
        stalls[name] = median(waits);
      }
      return stalls;
    },
  );
}

async function longestWait(server: ServerUnderTest, deed: () => Promise<void>): Promise<number> {
  prefer(server, true);
  try {
    const probe = await LatencyProbe.start({
      port: server.port,
      pid: server.pid,
      keys: PROBED_KEYS,
      backgroundPerMs: 2,
    });
    await sleep(BEFORE_MS);
    probe.reset();
    await deed();
    await sleep(AFTER_MS);
    await freed(server);
    return (await probe.stop()).maxServedMs;
  } finally {
    prefer(server, false);
  }
}

/** Resolves when nothing waits to be freed. */
async function freed(server: ServerUnderTest): Promise<void> {
  const endsAtMs = performance.now() + FREED_LIMIT_MS;
  while ((await server.info('memory', 'lazyfree_pending_objects')) !== '0') {
    if (performance.now() > endsAtMs) throw new Error(`${server.contender.name} does not come to an end of freeing`);
    await sleep(20);
  }
}

/** Gives server and probe real-time priority, if we may, or takes it from them. What they fork has none. */
function prefer(server: ServerUnderTest, isPreferred: boolean): void {
  const chrt = (...args: string[]) => execFileSync('chrt', args, { stdio: 'ignore' });
  try {
    for (const pid of [`${server.pid}`, `${process.pid}`]) {
      if (isPreferred) {
        chrt('--all-tasks', '--reset-on-fork', '--rr', '--pid', PRIORITY, pid);
      } else {
        chrt('--all-tasks', '--other', '--pid', '0', pid);
      }
    }
  } catch {
    // Only the superuser may; the figures are noisier then.
  }
}

/** Commands on values of a million elements, `value` and `value2`, which share half of them. */
interface Workload {
  /** Of a shape; `keys` are a million small strings. */
  id: string;
  title: string;
  filling?: Filling;
  commands: readonly string[];
}

const WORKLOADS: readonly Workload[] = [
  {
    id: 'list',
    title: 'list',
    filling: LIST,
    commands: [
      'LRANGE value 0 -1',
      'SORT value ALPHA LIMIT 0 10',
      'SORT value BY nosort STORE target',
      'LREM value 0 none',
      'LPOS value member:000000999999',
      'SORT value ALPHA STORE target',
    ],
  },
  {
    id: 'hash',
    title: 'hash',
    filling: HASH,
    commands: ['HGETALL value', 'HVALS value', 'HRANDFIELD value 100000', 'HSCAN value 0 COUNT 1000000'],
  },
  {
    id: 'set',
    title: 'set',
    filling: SET,
    commands: [
      'SMEMBERS value',
      'SUNIONSTORE target value value2',
      'SINTERSTORE target value value2',
      'SDIFFSTORE target value value2',
      'SORT value ALPHA LIMIT 0 10',
      'SRANDMEMBER value 100000',
      'SSCAN value 0 COUNT 1000000',
      'SPOP value2 900000',
    ],
  },
  {
    id: 'integers',
    title: 'set of integers',
    filling: [['SADD'], (i) => [String(i * 7)]],
    commands: ['SMEMBERS value', 'SUNIONSTORE target value value2', 'SORT value LIMIT 0 10', 'SORT value STORE target'],
  },
  {
    id: 'zset',
    title: 'sorted set',
    filling: ZSET,
    commands: [
      'ZRANGE value 0 -1 WITHSCORES',
      'ZUNIONSTORE target 2 value value2',
      'ZINTERSTORE target 2 value value2',
      'ZDIFFSTORE target 2 value value2',
      'ZRANGESTORE target value 0 -1',
      'ZSCAN value 0 COUNT 1000000',
      'ZREMRANGEBYRANK value2 0 499999',
    ],
  },
  { id: 'stream', title: 'stream', commands: ['XRANGE value - +', 'XREVRANGE value + -', 'XTRIM value2 MAXLEN 10'] },
  { id: 'keys', title: 'a million keys', commands: ['KEYS *', 'KEYS none*', 'DEBUG DIGEST', 'SAVE', 'FLUSHALL SYNC'] },
];
/** Of all but `keys`. */
const ON_EVERY_VALUE = ['COPY value target', 'DUMP value', 'DEBUG DIGEST-VALUE value', 'RESTORE target', 'DEL target'];

const commandsOf = ({ id, commands }: Workload): readonly string[] =>
  id === 'keys' ? commands : [...commands, ...ON_EVERY_VALUE];
const rowIdOf = ({ id }: Workload, command: string): string =>
  `hold-${id}-${command
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
    .replace(/-$/, '')}`;

export const commandsOnValues: GroupRunner = {
  rowIds: WORKLOADS.flatMap((workload) => commandsOf(workload).map((command) => rowIdOf(workload, command))),
  run: async (context) => {
    const rows: Row[] = [];
    for (const workload of WORKLOADS) {
      const wanted = commandsOf(workload).filter((command) => context.wants(rowIdOf(workload, command)));
      if (wanted.length === 0) continue;
      const pairs = runPairs(context.options.pairs, context.candidate, context.baseline, (contender) =>
        measureCommands(contender, workload, wanted),
      );
      for (const command of wanted) {
        const id = rowIdOf(workload, command);
        rows.push(...(await context.attempt(id, async () => rowOf(id, workload, command, (await pairs)[command]!))));
      }
    }
    return {
      title: 'One command on a million elements',
      method: "CPU time of the server's main thread: for so long no other client is served.",
      rows,
    };
  },
};

function rowOf(id: string, { title }: Workload, command: string, pairs: Pair[]): Row {
  const spec = { name: 'holds the server', unit: 'ms', better: 'lower', goal: 1, isCharted: false } as const;
  return { id, title: `${title}: ${command}`, measures: [summarize(spec, pairs)] };
}

function measureCommands(
  contender: Contender,
  workload: Workload,
  commands: readonly string[],
): Promise<Record<string, number>> {
  return withServer(
    () => ServerUnderTest.start(contender, { directives: [['enable-debug-command', 'yes']] }),
    async (server) => {
      const client = await RespClient.connect({ port: server.port, replies: 'bytes' });
      try {
        await prepare(server, workload);
        const payload = workload.id === 'keys' ? '' : ((await client.call('DUMP', 'value')) as Buffer);
        const held: Record<string, number> = {};
        for (const command of commands) {
          const name = command.split(' ')[0];
          if (name === 'COPY' || name === 'RESTORE') await client.call('UNLINK', 'target');
          await freed(server);
          const args = name === 'RESTORE' ? ['RESTORE', 'target', '0', payload] : command.split(' ');
          held[command] = await mainThreadTime(server, () => client.call(...args));
        }
        return held;
      } finally {
        client.close();
      }
    },
  );
}

async function prepare(server: ServerUnderTest, { id, filling }: Workload): Promise<void> {
  if (filling !== undefined) {
    await fill(server, 'value', filling, 0, MILLION);
    await fill(server, 'value2', filling, MILLION / 2, MILLION);
  } else if (id === 'stream') {
    await fillStream(server, 'value', MILLION);
    await server.call('COPY', 'value', 'value2');
  } else {
    await loadKeys({ port: server.port, keys: MILLION, valueBytes: 16 });
  }
}

/** @returns CPU time, ms, that the server's main thread takes for it */
async function mainThreadTime(server: ServerUnderTest, command: () => Promise<unknown>): Promise<number> {
  await sleep(IDLE_MS);
  const before = server.mainThreadMs();
  await command();
  await sleep(IDLE_MS);
  return server.mainThreadMs() - before;
}
