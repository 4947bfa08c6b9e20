/**
 * What the first call of a command costs a server that has just started: its code is not compiled yet, unless `jit-warmup` has seen to that.
 *
 * Every server of every pair is a new one; each gets all commands once, in the order of the table. CPU time of the main thread, as in holds.ts.
 */
import type { Arg } from '../../src/client/encode-command.js';
import { RespClient } from '../../src/client/resp-client.js';
import type { GroupRunner } from '../context.js';
import { rowIdOf, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest, withServer } from '../server-under-test.js';
import { HASH, member, ZSET } from './collections.js';

interface FirstCall {
  readonly title: string;
  /** Not timed. */
  readonly before?: () => Arg[][];
  readonly requests: () => Arg[][];
  /** Each request waits for the reply to the one before; else they are one pipeline. */
  readonly isOneByOne?: true;
}

const MANY = 100_000;
const QUEUED = 10_000;
const ENTRIES = 10_000;
const SINGLE_CALLS = 1000;
/** A prime: its multiples name all elements, in no order. */
const STRIDE = 7919;

const keyName = (index: number): string => `key:${index}`;
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const words = (text: string): Arg[][] => [text.split(' ')];
/** One command that names MANY elements. */
const many = (start: string, element: (index: number) => readonly Arg[]) => (): Arg[][] => [
  [...start.split(' '), ...times(MANY, (i) => element((i * STRIDE) % MANY)).flat()],
];
const ofMany = (start: string, element?: (index: number) => readonly Arg[]): FirstCall => ({
  title: `${start.split(' ')[0]} of 100,000`,
  requests: many(start, element ?? ((i) => [member(i)])),
});
const plain = (text: string): FirstCall => ({ title: text, requests: () => words(text) });
const queued = (title: string, command: (index: number) => Arg[]): FirstCall => ({
  title: `EXEC of 10,000 ${title}`,
  before: () => [['MULTI'], ...times(QUEUED, command)],
  requests: () => [['EXEC']],
});

const CALLS: readonly FirstCall[] = [
  { title: '1,000 × SET', requests: () => times(SINGLE_CALLS, (i) => ['SET', keyName(i), 'value']), isOneByOne: true },
  { title: '1,000 × GET', requests: () => times(SINGLE_CALLS, (i) => ['GET', keyName(i)]), isOneByOne: true },
  queued('GET', (i) => ['GET', keyName(i)]),
  queued('SET', (i) => ['SET', keyName(i), 'value']),
  queued('INCR', () => ['INCR', 'counter']),
  ofMany('RPUSH list'),
  ofMany('LPUSH list2'),
  plain('LRANGE list 0 -1'),
  plain('SORT list ALPHA LIMIT 0 10'),
  plain('DUMP list'),
  ofMany('HSET hash', HASH[1]),
  plain('HGETALL hash'),
  ofMany('HDEL hash'),
  ofMany('SADD set'),
  ofMany('SMISMEMBER set'),
  plain('SUNIONSTORE set2 set set'),
  ofMany('SREM set2'),
  ofMany('ZADD zset', ZSET[1]),
  plain('ZRANGE zset 0 -1 WITHSCORES'),
  ofMany('ZREM zset'),
  ofMany('PFADD sketch'),
  { title: 'MSET of 100,000', requests: many('MSET', (i) => [member(i), 'value']) },
  { title: 'MGET of 100,000', requests: many('MGET', (i) => [member(i)]) },
  { title: 'DEL of 100,000', requests: many('DEL', (i) => [member(i)]) },
  { title: '10,000 × XADD, pipeline', requests: () => times(ENTRIES, (i) => ['XADD', 'stream', '*', 'field', `${i}`]) },
  plain('XRANGE stream - +'),
  plain(`XTRIM stream MAXLEN ${ENTRIES / 2 + 50}`),
  plain('INFO all'),
];

const idOf = ({ title }: FirstCall): string => rowIdOf('first-calls', title);

export const firstCalls: GroupRunner = {
  rowIds: CALLS.map(idOf),
  run: async (context) => {
    const { candidate, baseline, options } = context;
    // All commands are called, whichever rows are wanted: what one has done is what the next one works on.
    const pairsOf = (settings: readonly (readonly [string, string])[]) =>
      runPairs(options.pairs, { contender: candidate, settings }, { contender: baseline, settings: [] }, callAll);
    const asStarted = await pairsOf([]);
    const practised = await pairsOf([['jit-warmup', 'yes']]);
    const spec = { unit: 'ms', better: 'lower', isCharted: false } as const;
    const rowOf = (id: string, title: string) => ({
      id,
      title,
      measures: [
        summarize({ ...spec, name: 'with jit-warmup', goal: 1 }, practised[title]!),
        summarize({ ...spec, name: 'as started' }, asStarted[title]!),
      ],
    });
    const wanted = CALLS.map((call) => [idOf(call), call.title] as const).filter(([id]) => context.wants(id));
    const rows = await Promise.all(wanted.map(([id, title]) => context.attempt(id, async () => rowOf(id, title))));
    return {
      title: 'First calls after a start',
      method:
        "CPU time of the server's main thread for the first call of a command; each server is new and gets the commands in this order.",
      rows: rows.flat(),
    };
  },
};

interface Side {
  readonly contender: Contender;
  readonly settings: readonly (readonly [string, string])[];
}

/** @returns CPU time of each call, ms, by its title */
function callAll({ contender, settings }: Side): Promise<Record<string, number>> {
  return withServer(
    () => ServerUnderTest.start(contender, { directives: settings }),
    async (server) => {
      const client = await RespClient.connect({ port: server.port, replies: 'raw' });
      const cost: Record<string, number> = {};
      try {
        for (const { title, before, requests, isOneByOne } of CALLS) {
          await client.pipeline(before?.() ?? []);
          const commands = requests();
          cost[title] = await server.mainThreadMsOf(async () => {
            if (isOneByOne) for (const command of commands) await client.request(command);
            else await client.pipeline(commands);
          });
        }
      } finally {
        client.close();
      }
      return cost;
    },
  );
}
