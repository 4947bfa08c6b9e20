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
  /** Calls of each command before those that count, so that its code is compiled: those of a million elements see to that by themselves. */
  warmUps: number;
  prepare(server: ServerUnderTest): Promise<unknown>;
  /** @returns connections that are to be there while the server is measured */
  connect?: (server: ServerUnderTest) => Promise<RespClient[]>;
  commands: readonly HeldCommand[];
}

/** How much data commands work on. */
interface Size {
  /** Of which the ids and titles of rows tell. */
  id: string;
  title: string;
  /** Of the collection `value`. */
  elements: number;
  /** Elements named in one command. */
  named: number;
  warmUps: number;
}
/** Lies in memory. */
const LARGE: Size = { id: '', title: '', elements: 1_000_000, named: 100_000, warmUps: 0 };
/** Lies mostly in the processor's caches: there what is slow is instructions. */
const SMALL: Size = { id: '20k-', title: '20,000: ', elements: 20_000, named: 10_000, warmUps: 40 };
/** Coprime to these: its multiples, modulo them, are all different and in no order. */
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

const twice = (size: Size, filling: Filling) => async (server: ServerUnderTest) => {
  await fill(server, 'value', filling, 0, size.elements);
  await fill(server, 'value2', filling, size.elements / 2, size.elements);
};

/** The words of so many random elements as one command names. */
const elementsOf = ({ elements, named }: Size, element: (index: number) => readonly Arg[]): Arg[] =>
  Array.from({ length: named }, (_, i) => element((i * STRIDE) % elements)).flat();
type Many = (command: string, key: string, element: (index: number) => readonly Arg[]) => Arg[];
const manyOf =
  (size: Size): Many =>
  (command, key, element) => [command, key, ...elementsOf(size, element)];
const ofNamed = (command: string, { named }: Size): string => `${command} of ${named.toLocaleString('en')}`;

const lists = (size: Size, many = manyOf(size)): readonly HeldCommand[] => [
  ...plain('LRANGE value 0 -1', 'SORT value ALPHA LIMIT 0 10'),
  makesTarget('SORT value BY nosort STORE target'),
  makesTarget('SORT value ALPHA STORE target'),
  ...plain('SORT value BY nosort DESC', 'LREM value 0 none', `LPOS value ${member(size.elements - 1)}`),
  ...plain(`LSET value ${size.elements / 2} ${member(size.elements / 2)}`),
  onCopy('LINSERT in the middle', () => ['LINSERT', 'copy', 'BEFORE', member(size.elements / 2), 'new']),
  onCopy(`LTRIM copy 0 ${size.elements / 2}`),
  onCopy(`LPOP copy ${size.elements / 2}`),
  onCopy(`RPOP copy ${size.elements / 2}`),
  makesTarget(ofNamed('RPUSH', size), () => many('RPUSH', 'target', (i) => [member(i)])),
  makesTarget(ofNamed('LPUSH', size), () => many('LPUSH', 'target', (i) => [member(i)])),
];

const hashes = (size: Size, many = manyOf(size)): readonly HeldCommand[] => [
  ...plain('HGETALL value', 'HVALS value', `HRANDFIELD value ${size.named}`, `HSCAN value 0 COUNT ${size.elements}`),
  { title: ofNamed('HMGET', size), request: () => many('HMGET', 'value', (i) => [member(i)]) },
  makesTarget(ofNamed('HSET', size), () => many('HSET', 'target', (i) => [member(i), 'value'])),
  onCopy(ofNamed('HDEL', size), () => many('HDEL', 'copy', (i) => [member(i)])),
];

const sets = (size: Size, many = manyOf(size)): readonly HeldCommand[] => [
  ...plain('SMEMBERS value', 'SINTER value value2', 'SDIFF value value2', 'SUNION value value2'),
  makesTarget('SUNIONSTORE target value value2'),
  makesTarget('SINTERSTORE target value value2'),
  makesTarget('SDIFFSTORE target value value2'),
  ...plain('SORT value ALPHA LIMIT 0 10', `SRANDMEMBER value ${size.named}`, `SSCAN value 0 COUNT ${size.elements}`),
  { title: ofNamed('SMISMEMBER', size), request: () => many('SMISMEMBER', 'value', (i) => [member(i)]) },
  makesTarget(ofNamed('SADD', size), () => many('SADD', 'target', (i) => [member(i)])),
  onCopy(ofNamed('SREM', size), () => many('SREM', 'copy', (i) => [member(i)])),
  onCopy(`SPOP copy ${size.elements * 0.9}`),
];

const INTEGERS: readonly HeldCommand[] = [
  ...plain('SMEMBERS value', 'SORT value LIMIT 0 10'),
  makesTarget('SUNIONSTORE target value value2'),
  makesTarget('SORT value STORE target'),
];

const zsets = (size: Size, many = manyOf(size)): readonly HeldCommand[] => [
  ...plain(
    'ZRANGE value 0 -1',
    'ZRANGE value 0 -1 WITHSCORES',
    `ZSCAN value 0 COUNT ${size.elements}`,
    `ZCOUNT value 10 ${size.elements * 0.9}`,
  ),
  makesTarget('ZUNIONSTORE target 2 value value2'),
  makesTarget('ZINTERSTORE target 2 value value2'),
  makesTarget('ZDIFFSTORE target 2 value value2'),
  makesTarget('ZRANGESTORE target value 0 -1'),
  { title: ofNamed('ZMSCORE', size), request: () => many('ZMSCORE', 'value', (i) => [member(i)]) },
  makesTarget(ofNamed('ZADD', size), () => many('ZADD', 'target', (i) => [i, member(i)])),
  onCopy(`${ofNamed('ZADD', size)} with other scores`, () =>
    many('ZADD', 'copy', (i) => [size.elements - i, member(i)]),
  ),
  onCopy(ofNamed('ZREM', size), () => many('ZREM', 'copy', (i) => [member(i)])),
  onCopy(`ZREMRANGEBYRANK copy 0 ${size.elements / 2 - 1}`),
  onCopy(`ZREMRANGEBYSCORE copy 0 ${size.elements / 2 - 1}`),
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
const pendingOf =
  ({ named }: Size) =>
  () => [
    ...words('UNLINK copy', 'COPY value copy', 'XGROUP CREATE copy group 0'),
    ...words(`XREADGROUP GROUP group consumer COUNT ${named} STREAMS copy >`),
  ];
const streams = (size: Size, pending = pendingOf(size)): readonly HeldCommand[] => [
  ...plain('XRANGE value - +', 'XREVRANGE value + -', 'XREAD STREAMS value 0', 'XINFO STREAM value FULL COUNT 0'),
  onCopy('XTRIM copy MAXLEN 10'),
  onCopy('XTRIM to the middle of a node', () => ['XTRIM', 'copy', 'MAXLEN', size.elements / 2 + 50]),
  onCopy(ofNamed('XDEL', size), () => streamIds(size, 'XDEL', 'copy')),
  { title: ofNamed('XACK', size), before: pending, request: () => streamIds(size, 'XACK', 'copy', 'group') },
  { title: `XPENDING copy group - + ${size.named} consumer`, before: pending },
  { title: `XAUTOCLAIM copy group other 0 0 COUNT ${size.named} JUSTID`, before: pending },
  { title: 'XGROUP DELCONSUMER copy group consumer', before: pending },
  { title: 'XGROUP DESTROY copy group', before: pending },
];
/** Entry `i` of the stream that commands work on has the ID `1-(i + 1)`. */
const numberedStream =
  ({ elements }: Size) =>
  async (server: ServerUnderTest): Promise<void> => {
    const client = await RespClient.connect({ port: server.port });
    for (let first = 1; first <= elements; first += QUEUED)
      await client.pipeline(
        Array.from({ length: QUEUED }, (_, i) => ['XADD', 'value', `1-${first + i}`, 'field', 'value']),
      );
    client.close();
  };
function streamIds({ named }: Size, ...command: string[]): Arg[] {
  return [...command, ...Array.from({ length: named }, (_, i) => `1-${((i * STRIDE) % named) + 1}`)];
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
const manyKeys = (size: Size, command: string): Arg[] => [command, ...elementsOf(size, (i) => [keyName(i)])];
const setManyKeys = (size: Size): Arg[] => ['MSET', ...elementsOf(size, (i) => [keyName(i), `value:${i}`])];
const keys = (size: Size): readonly HeldCommand[] => [
  ...plain('KEYS *', 'KEYS none*', `SCAN 0 COUNT ${size.elements}`, 'DEBUG DIGEST', 'SAVE'),
  { title: ofNamed('MGET', size), request: () => manyKeys(size, 'MGET') },
  { title: ofNamed('EXISTS', size), request: () => manyKeys(size, 'EXISTS') },
  { title: ofNamed('TOUCH', size), request: () => manyKeys(size, 'TOUCH') },
  { title: ofNamed('MSET', size), request: () => setManyKeys(size) },
  { title: ofNamed('DEL', size), before: () => [setManyKeys(size)], request: () => manyKeys(size, 'DEL') },
  { title: ofNamed('UNLINK', size), before: () => [setManyKeys(size)], request: () => manyKeys(size, 'UNLINK') },
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
  makesTarget(ofNamed('PFADD', LARGE), () => manyOf(LARGE)('PFADD', 'target', (i) => [member(i)])),
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

/** The workloads that there are of each size. */
function sized(size: Size): Workload[] {
  const { elements, warmUps } = size;
  const workload = (
    id: string,
    title: string,
    prepare: Workload['prepare'],
    ...commands: (readonly HeldCommand[])[]
  ): Workload => ({ id: size.id + id, title: size.title + title, warmUps, prepare, commands: commands.flat() });
  return [
    workload('list', 'list', twice(size, LIST), lists(size), WHOLE),
    workload('hash', 'hash', twice(size, HASH), hashes(size), WHOLE),
    workload('set', 'set', twice(size, SET), sets(size), WHOLE),
    workload('integers', 'set of integers', twice(size, [['SADD'], (i) => [String(i * 7)]]), INTEGERS, WHOLE),
    workload('zset', 'sorted set', twice(size, ZSET), zsets(size), WHOLE),
    workload('geo', 'places', (server) => fill(server, 'value', PLACES, 0, elements), GEO),
    workload('stream', 'stream', numberedStream(size), streams(size), WHOLE),
    workload('keys', 'keys', (server) => loadKeys({ port: server.port, keys: elements, valueBytes: 16 }), keys(size)),
  ];
}

export const WORKLOADS: readonly Workload[] = [
  ...sized(LARGE),
  ...sized(SMALL),
  { id: 'string', title: 'string of 64 MB', warmUps: 0, prepare: prepareStrings, commands: STRINGS },
  { id: 'other', title: '5,000 clients', warmUps: 0, prepare: fillSketches, connect: subscribeMany, commands: OTHERS },
];

async function prepareStrings(server: ServerUnderTest): Promise<void> {
  const client = await RespClient.connect({ port: server.port });
  for (const key of ['value', 'value2']) await client.call('SET', key, largeString);
  client.close();
}
