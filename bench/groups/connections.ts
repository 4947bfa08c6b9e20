/** What new connections take: many at once while the server is busy, and connections for one request each. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { sleep } from '../../src/launcher/wait.js';
import { CLIENTS, measureRow } from '../benchmark-row.js';
import { killAtExit } from '../clean-up.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { benchmarkArguments } from '../redis-benchmark.js';
import { ServerUnderTest, withBoth } from '../server-under-test.js';

const AT_ONCE = 'connect-at-once';
const SHORT = 'connect-short';
const NEWCOMERS = 300;
/** Of what keeps the server busy; ended before. */
const ENDLESS = 1e9;
/** Until it is in full swing. */
const SWING_MS = 500;
const ROUNDS = 3;

const LOAD = { what: 'set', pipeline: 16, valueBytes: 16, clients: CLIENTS, keyspace: 100_000 };
const SHORT_LOAD = { ...LOAD, pipeline: 1, connectsEachTime: true };

export const connections: GroupRunner = {
  rowIds: [AT_ONCE, SHORT],
  run: async (context) => {
    const rows: Row[] = [];
    await withBoth(ServerUnderTest.start, context, async (ours, theirs) => {
      if (context.wants(AT_ONCE))
        rows.push(...(await context.attempt(AT_ONCE, () => measureAtOnce(context, ours, theirs))));
      if (context.wants(SHORT)) rows.push(...(await context.attempt(SHORT, () => measureShort(context, ours, theirs))));
    });
    return {
      title: 'Connections',
      method:
        `At once: ${NEWCOMERS} clients connect together while ${CLIENTS} others pipeline SET, and send a PING each; when half of them have been answered, and all. ` +
        `Short: ${CLIENTS} clients that connect anew for each SET.`,
      rows,
    };
  },
};

function measureShort(context: BenchContext, ours: ServerUnderTest, theirs: ServerUnderTest): Promise<Row> {
  const row = {
    id: SHORT,
    title: 'a connection per SET',
    load: SHORT_LOAD,
    isCharted: false,
    calibrationRequests: 20_000,
  };
  return measureRow(context, row, ours, theirs);
}

async function measureAtOnce(context: BenchContext, ours: ServerUnderTest, theirs: ServerUnderTest): Promise<Row> {
  // Both are warmed up.
  for (const server of [ours, theirs]) await connectManyBesideLoad(server);
  const pairs = await runPairs(context.options.pairs, ours, theirs, connectManyBesideLoad);
  const spec = { unit: 'ms', better: 'lower', isCharted: false } as const;
  return {
    id: AT_ONCE,
    title: `${NEWCOMERS} clients at once`,
    measures: [
      summarize({ ...spec, name: 'half answered' }, pairs.half),
      summarize({ ...spec, name: 'all answered', goal: 1 }, pairs.all),
    ],
  };
}

/** @returns after how many ms half of the newcomers, and all, had their answer: the means of some rounds */
async function connectManyBesideLoad(server: ServerUnderTest): Promise<{ half: number; all: number }> {
  const load = spawn('redis-benchmark', benchmarkArguments({ ...LOAD, port: server.port, requests: ENDLESS }), {
    stdio: 'ignore',
  });
  const release = killAtExit(load);
  try {
    await sleep(SWING_MS);
    const sum = { half: 0, all: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const times = await connectMany(server.port);
      sum.half += times[times.length >> 1]!;
      sum.all += times.at(-1)!;
    }
    return { half: sum.half / ROUNDS, all: sum.all / ROUNDS };
  } finally {
    load.kill('SIGKILL');
    release();
  }
}

/** @returns after how many ms each of them had its answer, in ascending order */
async function connectMany(port: number): Promise<number[]> {
  const startMs = performance.now();
  const answered = Array.from({ length: NEWCOMERS }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    return new Promise<number>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('data', () => {
        resolve(performance.now() - startMs);
        socket.destroy();
      });
    });
  });
  return (await Promise.all(answered)).sort((a, b) => a - b);
}
