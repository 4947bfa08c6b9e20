/**
 * How long clients wait while one large value ends in one of the many ways in which values end: the longest wait of a probe that sends a SET each
 * millisecond, less the time in which the machine ran something else (see LatencyProbe). That is hardly ever so where server and probe may be given
 * real-time priority.
 */
import { execFileSync } from 'node:child_process';
import { RespClient } from '../../src/client/resp-client.js';
import { sleep } from '../../src/launcher/wait.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { LatencyProbe } from '../latency-probe.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest, withServer } from '../server-under-test.js';
import { median } from '../statistics.js';
import { fillStream } from './collections.js';
import { SHAPES, type Shape } from './large-values.js';

const PROBED_KEYS = 1000;
const SETTLE_MS = 500;
/** The probe's own code is compiled by then. */
const BEFORE_MS = 200;
/** The probe goes on for so long at least, and until the value's memory has been given back. */
const AFTER_MS = 500;
/** Each ending is measured so many times in one server; the median counts. */
const ROUNDS = 3;
/** Real-time priority of all threads of server and probe: with less for its workers, a server that waits for one can keep it from running. */
const PRIORITY = '10';
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
          await server.freed();
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
    await server.freed();
    return (await probe.stop()).maxServedMs;
  } finally {
    prefer(server, false);
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
