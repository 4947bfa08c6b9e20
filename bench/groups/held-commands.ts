/** The large commands whose holding of the server is measured (holds.ts), with what they work on. */

import type { Arg } from '../../src/client/encode-command.js';
import { RespClient } from '../../src/client/resp-client.js';
import { loadKeys } from '../key-loader.js';
import type { ServerUnderTest } from '../server-under-test.js';
import { type Filling, fill, HASH, LIST, member, SET, ZSET } from './collections.js';

export interface HeldCommand {
  /** The command's words, unless `request` gives others. */
  title: string;
  /** @param payload DUMP of `value` */
  request?: (payload: Buffer) => Arg[];
  /** Makes what the command works on or uses up; not timed. */
  before?: () => readonly (readonly Arg[])[];
}

export interface Workload {
  id: string;
  title: string;
  prepare(server: ServerUnderTest): Promise<unknown>;
  /** @returns connections that are to be there while the server is measured */
  connect?: (server: ServerUnderTest) => Promise<RespClient[]>;
  commands: readonly HeldCommand[];
}

const MILLION = 1_000_000;
/** Elements named in one command. */
const MANY = 100_000;
/** Coprime to a million: its multiples, modulo that, are all different and in no order. */
const STRIDE = 7919;
const LARGE_STRING_BYTES = 64 << 20;
const LARGE_BITMAP_LAST = (LARGE_STRING_BYTES - 1) * 8;
const QUEUED = 10_000;
const TEXT_BYTES = 5000;
const CLIENTS = 5000;
const CLIENTS_AT_ONCE = 100;
const SKETCHES = 1000;

const words = (...commands: string[]) => commands.map((command) => command.split(' '));
const plain = (...titles: string[]): HeldCommand[] => titles.map((title) => ({ title }));

/** A command on a copy of `value`, of which it takes something. */
const onCopy = (title: string, request?: () => Arg[]): HeldCommand => ({
  title,
  ...(request === undefined ? {} : { request }),
  before: () => words('UNLINK copy', 'COPY value copy'),
});

/** A command that makes the key `target`. */
const makesTarget = (title: string, request?: (payload: Buffer) => Arg[]): HeldCommand => ({
  title,
  ...(request === undefined ? {} : { request }),
  before: () => words('UNLINK target'),
});

/** What is done with every value. */
const WHOLE: readonly HeldCommand[] = [
  makesTarget('COPY value target'),
  ...plain('DUMP value'),
  makesTarget('RESTORE target', (payload) => ['RESTORE', 'target', 0, payload]),
  ...plain('DEBUG DIGEST-VALUE value'),
];

const twice = (filling: Filling) => async (server: ServerUnderTest) => {
  await fill(server, 'value', filling, 0, MILLION);
  await fill(server, 'value2', filling, MILLION / 2, MILLION);
};

/** The words of MANY random elements of the million. */
const elements = (element: (index: number) => readonly Arg[]): Arg[] =>
  Array.from({ length: MANY }, (_, i) => element((i * STRIDE) % MILLION)).flat();
const many = (command: string, key: string, element: (index: number) => readonly Arg[]): Arg[] => [
  command,
  key,
  ...elements(element),
];

const LISTS: readonly HeldCommand[] = [
  ...plain('LRANGE value 0 -1', 'SORT value ALPHA LIMIT 0 10'),
  makesTarget('SORT value BY nosort STORE target'),
  makesTarget('SORT value ALPHA STORE target'),
  ...plain('SORT value BY nosort DESC', 'LREM value 0 none', `LPOS value ${member(MILLION - 1)}`),
  ...plain(`LSET value ${MILLION / 2} ${member(MILLION / 2)}`),
  onCopy('LINSERT in the middle', () => ['LINSERT', 'copy', 'BEFORE', member(MILLION / 2), 'new']),
  onCopy(`LTRIM copy 0 ${MILLION / 2}`),
  onCopy(`LPOP copy ${MILLION / 2}`),
  onCopy(`RPOP copy ${MILLION / 2}`),
  makesTarget('RPUSH of 100,000', () => many('RPUSH', 'target', (i) => [member(i)])),
  makesTarget('LPUSH of 100,000', () => many('LPUSH', 'target', (i) => [member(i)])),
];

const HASHES: readonly HeldCommand[] = [
  ...plain('HGETALL value', 'HVALS value', 'HRANDFIELD value 100000', 'HSCAN value 0 COUNT 1000000'),
  { title: 'HMGET of 100,000', request: () => many('HMGET', 'value', (i) => [member(i)]) },
  makesTarget('HSET of 100,000', () => many('HSET', 'target', (i) => [member(i), 'value'])),
  onCopy('HDEL of 100,000', () => many('HDEL', 'copy', (i) => [member(i)])),
];

const SETS: readonly HeldCommand[] = [
  ...plain('SMEMBERS value', 'SINTER value value2', 'SDIFF value value2', 'SUNION value value2'),
  makesTarget('SUNIONSTORE target value value2'),
  makesTarget('SINTERSTORE target value value2'),
  makesTarget('SDIFFSTORE target value value2'),
  ...plain('SORT value ALPHA LIMIT 0 10', 'SRANDMEMBER value 100000', 'SSCAN value 0 COUNT 1000000'),
  { title: 'SMISMEMBER of 100,000', request: () => many('SMISMEMBER', 'value', (i) => [member(i)]) },
  makesTarget('SADD of 100,000', () => many('SADD', 'target', (i) => [member(i)])),
  onCopy('SREM of 100,000', () => many('SREM', 'copy', (i) => [member(i)])),
  onCopy('SPOP copy 900000'),
];

const INTEGERS: readonly HeldCommand[] = [
  ...plain('SMEMBERS value', 'SORT value LIMIT 0 10'),
  makesTarget('SUNIONSTORE target value value2'),
  makesTarget('SORT value STORE target'),
];

const ZSETS: readonly HeldCommand[] = [
  ...plain(
    'ZRANGE value 0 -1',
    'ZRANGE value 0 -1 WITHSCORES',
    'ZSCAN value 0 COUNT 1000000',
    'ZCOUNT value 10 900000',
  ),
  makesTarget('ZUNIONSTORE target 2 value value2'),
  makesTarget('ZINTERSTORE target 2 value value2'),
  makesTarget('ZDIFFSTORE target 2 value value2'),
  makesTarget('ZRANGESTORE target value 0 -1'),
  { title: 'ZMSCORE of 100,000', request: () => many('ZMSCORE', 'value', (i) => [member(i)]) },
  makesTarget('ZADD of 100,000', () => many('ZADD', 'target', (i) => [i, member(i)])),
  onCopy('ZREM of 100,000', () => many('ZREM', 'copy', (i) => [member(i)])),
  onCopy('ZREMRANGEBYRANK copy 0 499999'),
  onCopy('ZREMRANGEBYSCORE copy 0 499999'),
  onCopy('ZPOPMIN copy 500000'),
];

const GEO: readonly HeldCommand[] = [
  ...plain('GEOSEARCH value FROMLONLAT 0 0 BYRADIUS 20000 km COUNT 10'),
  ...plain('GEOSEARCH value FROMLONLAT 0 0 BYRADIUS 20000 km WITHCOORD WITHDIST'),
  makesTarget('GEOSEARCHSTORE target value FROMLONLAT 0 0 BYRADIUS 20000 km'),
];
/** Spread over the map. */
const PLACES: Filling = [
  ['GEOADD'],
  (i) => [String(((i * STRIDE) % 360_000) / 1000 - 180), String((i % 160_000) / 1000 - 80), member(i)],
];

/** Reads all of `value` in a group, whose consumer has it pending then. */
const pending = () => [
  ...words('UNLINK copy', 'COPY value copy', 'XGROUP CREATE copy group 0'),
  ...words(`XREADGROUP GROUP group consumer COUNT ${MANY} STREAMS copy >`),
];
const STREAMS: readonly HeldCommand[] = [
  ...plain('XRANGE value - +', 'XREVRANGE value + -', 'XREAD STREAMS value 0', 'XINFO STREAM value FULL COUNT 0'),
  onCopy('XTRIM copy MAXLEN 10'),
  onCopy('XTRIM to the middle of a node', () => ['XTRIM', 'copy', 'MAXLEN', MILLION / 2 + 50]),
  onCopy('XDEL of 100,000', () => streamIds('XDEL', 'copy')),
  { title: 'XACK of 100,000', before: pending, request: () => streamIds('XACK', 'copy', 'group') },
  { title: `XPENDING copy group - + ${MANY} consumer`, before: pending },
  { title: `XAUTOCLAIM copy group other 0 0 COUNT ${MANY} JUSTID`, before: pending },
  { title: 'XGROUP DELCONSUMER copy group consumer', before: pending },
  { title: 'XGROUP DESTROY copy group', before: pending },
];
/** Entry `i` of the stream that commands work on has the ID `1-(i + 1)`. */
async function fillNumberedStream(server: ServerUnderTest): Promise<void> {
  const client = await RespClient.connect({ port: server.port });
  for (let first = 1; first <= MILLION; first += QUEUED)
    await client.pipeline(
      Array.from({ length: QUEUED }, (_, i) => ['XADD', 'value', `1-${first + i}`, 'field', 'value']),
    );
  client.close();
}
function streamIds(...command: string[]): Arg[] {
  return [...command, ...Array.from({ length: MANY }, (_, i) => `1-${((i * STRIDE) % MANY) + 1}`)];
}

const largeString = Buffer.alloc(LARGE_STRING_BYTES, 0xff);
const onCopyOfString = (title: string): HeldCommand => ({
  title,
  before: () => words('UNLINK copy', 'COPY value copy'),
});
const STRINGS: readonly HeldCommand[] = [
  { title: 'SET of 64 MB', request: () => ['SET', 'target', largeString] },
  ...plain('GET value', 'GETRANGE value 0 -1', 'BITCOUNT value', 'BITPOS value 0'),
  ...plain('BITOP NOT target value', 'BITOP AND target value value2', 'BITOP XOR target value value2'),
  ...plain('BITOP OR target value value2', 'COPY value target REPLACE', 'DEBUG DIGEST-VALUE value'),
  onCopyOfString('GETDEL copy'),
  onCopyOfString('RENAME copy copy-with-a-longer-name'),
  onCopyOfString('EXPIRE copy 1000'),
  onCopyOfString(`SETRANGE copy ${LARGE_STRING_BYTES} 1`),
  onCopyOfString('APPEND copy 1'),
  makesTarget(`SETRANGE target ${LARGE_STRING_BYTES - 1} 1`),
  makesTarget(`SETBIT target ${LARGE_BITMAP_LAST} 1`),
];

const keyName = (index: number): string => `key:${String(index).padStart(12, '0')}`;
const manyKeys = (command: string): Arg[] => [command, ...elements((i) => [keyName(i)])];
const setManyKeys = (): Arg[] => ['MSET', ...elements((i) => [keyName(i), `value:${i}`])];
const KEYS: readonly HeldCommand[] = [
  ...plain('KEYS *', 'KEYS none*', 'SCAN 0 COUNT 1000000', 'DEBUG DIGEST', 'SAVE'),
  { title: 'MGET of 100,000', request: () => manyKeys('MGET') },
  { title: 'EXISTS of 100,000', request: () => manyKeys('EXISTS') },
  { title: 'TOUCH of 100,000', request: () => manyKeys('TOUCH') },
  { title: 'MSET of 100,000', request: setManyKeys },
  { title: 'DEL of 100,000', before: () => [setManyKeys()], request: () => manyKeys('DEL') },
  { title: 'UNLINK of 100,000', before: () => [setManyKeys()], request: () => manyKeys('UNLINK') },
  ...plain('FLUSHALL SYNC'),
];

const queued = (command: (index: number) => Arg[]) => () => [
  ['MULTI'],
  ...Array.from({ length: QUEUED }, (_, i) => command(i)),
];
/** Two texts of the same letters in different order. */
const setTexts = (): Arg[][] => [
  ['SET', 'text', textOf(1)],
  ['SET', 'text2', textOf(2)],
];
const OTHERS: readonly HeldCommand[] = [
  ...plain('PING', 'COMMAND', 'COMMAND DOCS', 'CONFIG GET *', 'INFO all', 'CLIENT LIST', 'PUBLISH channel message'),
  { title: 'EXEC of GET', before: queued((i) => ['GET', keyName(i)]), request: () => ['EXEC'] },
  { title: 'EXEC of SET', before: queued((i) => ['SET', keyName(i), 'value']), request: () => ['EXEC'] },
  { title: 'EXEC of INCR', before: queued(() => ['INCR', 'counter']), request: () => ['EXEC'] },
  makesTarget('PFADD of 100,000', () => many('PFADD', 'target', (i) => [member(i)])),
  makesTarget('PFMERGE of 1,000', () => ['PFMERGE', 'target', ...sketchNames()]),
  { title: 'PFCOUNT of 1,000', request: () => ['PFCOUNT', ...sketchNames()] },
  { title: 'LCS text text2', before: setTexts },
  { title: 'LCS text text2 LEN', before: setTexts },
];
function textOf(seed: number): string {
  let state = seed;
  return String.fromCharCode(
    ...Array.from({ length: TEXT_BYTES }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return 97 + ((state >>> 16) % 26);
    }),
  );
}
const sketchNames = (): string[] => Array.from({ length: SKETCHES }, (_, i) => `sketch:${i}`);

/** HyperLogLogs in the dense form. */
async function fillSketches(server: ServerUnderTest): Promise<void> {
  for (const [i, name] of sketchNames().entries())
    await server.call('PFADD', name, ...Array.from({ length: 3000 }, (_, element) => member(i * 1000 + element)));
}

async function subscribeMany(server: ServerUnderTest): Promise<RespClient[]> {
  const clients: RespClient[] = [];
  while (clients.length < CLIENTS) {
    const connecting = Array.from({ length: CLIENTS_AT_ONCE }, () => RespClient.connect({ port: server.port }));
    clients.push(...(await Promise.all(connecting)));
  }
  for (const client of clients) await client.call('SUBSCRIBE', 'channel');
  return clients;
}

export const WORKLOADS: readonly Workload[] = [
  { id: 'list', title: 'list', prepare: twice(LIST), commands: [...LISTS, ...WHOLE] },
  { id: 'hash', title: 'hash', prepare: twice(HASH), commands: [...HASHES, ...WHOLE] },
  { id: 'set', title: 'set', prepare: twice(SET), commands: [...SETS, ...WHOLE] },
  {
    id: 'integers',
    title: 'set of integers',
    prepare: twice([['SADD'], (i) => [String(i * 7)]]),
    commands: [...INTEGERS, ...WHOLE],
  },
  { id: 'zset', title: 'sorted set', prepare: twice(ZSET), commands: [...ZSETS, ...WHOLE] },
  { id: 'geo', title: 'places', prepare: (server) => fill(server, 'value', PLACES, 0, MILLION), commands: GEO },
  { id: 'stream', title: 'stream', prepare: fillNumberedStream, commands: [...STREAMS, ...WHOLE] },
  { id: 'string', title: 'string of 64 MB', prepare: prepareStrings, commands: STRINGS },
  {
    id: 'keys',
    title: 'a million keys',
    prepare: (server) => loadKeys({ port: server.port, keys: MILLION, valueBytes: 16 }),
    commands: KEYS,
  },
  { id: 'other', title: '5,000 clients', prepare: fillSketches, connect: subscribeMany, commands: OTHERS },
];

async function prepareStrings(server: ServerUnderTest): Promise<void> {
  const client = await RespClient.connect({ port: server.port });
  for (const key of ['value', 'value2']) await client.call('SET', key, largeString);
  client.close();
}
