/**
 * Every command on data, with arguments at the edges: too few and too many, keys of the wrong type, numbers that are none, options twice and in odd
 * places. Both servers get the same requests over the same data, and every reply must be the same, errors to the byte.
 *
 * Requests come in batches, each from fresh data. What leaves the data to chance or to the clock ends its batch, so that nothing is compared that
 * depends on it; after any other batch DEBUG DIGEST must be equal, too. `SLOTMESH_FUZZ_ITERATIONS` sets the number of requests.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeCommands } from '../../src/client/encode-command.js';
import type { RespClient } from '../../src/client/resp-client.js';
import { fuzzIterations, fuzzSeed, Random } from '../support/fuzz.js';
import { type CommandDoc, RandomRequests, readCommandDocs, type Vocabulary } from '../support/random-requests.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { edges } from './cases/edges.js';
import {
  anything,
  type Comparison,
  decode,
  exact,
  lengthOnly,
  near,
  shape,
  sorted,
  sortedPairs,
} from './comparisons.js';
import { compareDigests, compareWithRealServer, useServers } from './harness.js';
import { words } from './steps.js';
import { timeless } from './timeless.js';

const BATCH = 40;
/** Differences shown: the first of each command. */
const SHOWN_MAX = Number(process.env['SLOTMESH_FUZZ_SHOWN'] ?? 25);

const GROUPS = new Set([
  'string',
  'bitmap',
  'hyperloglog',
  'list',
  'set',
  'sorted-set',
  'hash',
  'stream',
  'geo',
  'generic',
]);

/** Held up, sent elsewhere, or about the server rather than its data. */
const LEFT_OUT = new Set([
  'migrate',
  'wait',
  'waitaof',
  'pfselftest',
  'pfdebug',
  'object|help',
  'xinfo|help',
  'xgroup|help',
]);

const DATA = [
  `SET str ${'abc'.repeat(20)}`,
  // Not one of the small integers, which Redis shares, their idle times included.
  'SET int 12345',
  'SET float 3.5',
  'SET min -9223372036854775808',
  'PFADD hll a b c d',
  'RPUSH list a b c 1 2 a',
  `RPUSH biglist ${Array.from({ length: 40 }, (_, i) => `${i}${'x'.repeat(i * 9)}`).join(' ')}`,
  `SADD set a b c d ${'y'.repeat(70)}`,
  'SADD ints 1 2 3 300 -70000',
  'ZADD zset 1 a 2 b 2 c 3.5 d -inf e +inf f',
  `ZADD bigzset 0 a 0 b 0 c 0 ${'z'.repeat(70)}`,
  'HSET hash a 1 b two c 3.5 d 9223372036854775807',
  `HSET bighash a 1 b two c ${'w'.repeat(70)}`,
  ...Array.from({ length: 9 }, (_, i) => `XADD stream ${i + 1}-1 f ${i} g v`),
  'XDEL stream 3-1',
  'XGROUP CREATE stream g 0',
  'XGROUP CREATECONSUMER stream g c',
  'XGROUP CREATECONSUMER stream g d',
  'XREADGROUP GROUP g c COUNT 4 STREAMS stream >',
  'GEOADD geo 13.361389 38.115556 a 15.087269 37.502669 b -179.9 -85 c',
  'SET lasting 54321 PXAT 33177117420000',
].map(words);

const KEYS: Readonly<Record<string, readonly string[]>> = {
  string: ['str', 'int', 'float', 'min', 'lasting'],
  bitmap: ['str', 'int'],
  hyperloglog: ['hll', 'hll2', 'str'],
  list: ['list', 'biglist'],
  set: ['set', 'ints'],
  'sorted-set': ['zset', 'bigzset'],
  hash: ['hash', 'bighash'],
  stream: ['stream'],
  geo: ['geo'],
};
const ALL_KEYS = [...new Set(Object.values(KEYS).flat()), 'missing', ''];

const vocabulary: Vocabulary = {
  numbers: (
    '0 1 -1 2 3 7 10 100 1000 65536 2147483647 2147483648 -2147483648 -2147483649 4294967296 9007199254740993 9223372036854775807 ' +
    '-9223372036854775808 9223372036854775808 18446744073709551615 18446744073709551616 99999999999999999999 00 01 +1 -0 1. 1.0 1e0 0x10 --1 1a'
  )
    .split(' ')
    .concat(' 1', '1 ', '1\x00', '1\n'),
  floats:
    '0.5 -1.5 1e3 1e400 -1e400 nan -nan NaN inf -inf +inf Infinity infinit 0x1p3 0x 1e-400 .5 5. . (1 (1.5 ((1 (inf -0 -0.0 1e5e5 1e 1e308 -1e308 179.9 -85.06 17976931348623157e292 4.9e-324 1_0'
      .split(' ')
      .concat(' 1.5', '1.5 ', '1.5\x00', '(', '( 1'),
  patterns: ['*', 's*', '[a-', '\\', '?', '[^a]*', 'x'.repeat(100), ''],
  words: (
    '* ? - + # ~ = $ > ( [ (a [a [ nx XX gt LT CH incr MATCH COUNT TYPE LIMIT STORE WITHSCORES withscore WEIGHTS AGGREGATE SUM MIN MAX REV ' +
    'BYSCORE BYLEX GET BY ASC DESC ALPHA EX PX EXAT PXAT KEEPTTL PERSIST ABSTTL REPLACE IDLETIME FREQ DB LEFT RIGHT BEFORE AFTER RANK MAXLEN MINID ' +
    'NOMKSTREAM STREAMS GROUP NOACK BLOCK FORCE JUSTID IDLE TIME RETRYCOUNT LASTID MKSTREAM ENTRIESREAD ENTRIESADDED MAXDELETEDID FULL ' +
    'WITHVALUES WITHCOORD WITHDIST WITHHASH STOREDIST ANY FROMMEMBER FROMLONLAT BYRADIUS BYBOX m km MI ft BIT BYTE AND NOT XOR OVERFLOW WRAP SAT ' +
    'FAIL SET INCRBY u8 i64 u64 i0 u63 #1 # LEN IDX MINMATCHLEN WITHMATCHLEN STRING set none 0-0 1-1 5-1 9-1 9-* 0-1 5 5-* 1-1-1 (5-1 -1-1 ' +
    '18446744073709551615-18446744073709551615 *-1'
  ).split(' '),
  items: ['a', 'b', 'c', 'd', 'f', 'g', '1', '2', '300', 'zz'],
  key: (random, group) => random.pick(random.oneIn(4) ? ALL_KEYS : (KEYS[group] ?? ALL_KEYS)),
  text: (random) =>
    random.pick([
      '\x00',
      'a\x00b',
      'é',
      '\r\n',
      '%s',
      'x'.repeat(64),
      'x'.repeat(65),
      'x'.repeat(4097),
      'abcabc',
      'a',
      'f',
    ]),
};

/** What is compared of the replies, where it is not all bytes; errors always are. */
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  smembers: sorted,
  sinter: sorted,
  sunion: sorted,
  sdiff: sorted,
  hgetall: sortedPairs,
  hkeys: sorted,
  hvals: sorted,
  keys: sorted,
  spop: shape,
  srandmember: shape,
  hrandfield: shape,
  zrandmember: anything,
  randomkey: shape,
  // What a cursor means is the server's own.
  scan: anything,
  sscan: anything,
  hscan: anything,
  zscan: anything,
  dump: shape,
  sort: (oracle, subject) => unsorted(oracle, subject),
  sort_ro: (oracle, subject) => unsorted(oracle, subject),
  'object encoding': shape,
  'object idletime': near(5),
  'object freq': shape,
  ttl: near(5),
  pttl: near(5000),
  expiretime: near(5),
  pexpiretime: near(5000),
  xadd: shape,
  xpending: timeless,
  'xinfo stream': timeless,
  'xinfo groups': timeless,
  'xinfo consumers': timeless,
};

/** Commands that would wait. In a transaction they do not. */
const BLOCKING = /^(bl|br|bz)|^xread/;
/** What they leave depends on chance or on the clock. */
const UNSTEADY = /^(spop|expire|pexpire|setex|psetex|restore|xadd|xclaim|xautoclaim|xreadgroup|xgroup)$/;
const TIME_OPTION = /^(ex|px)$/i;
/** A reply with so many elements as a count says, repeated: nobody wants to wait for it. */
const REPEATING = /^(srandmember|hrandfield|zrandmember)$/;

/** Whether the data after the request are the same on both servers, and stay so. */
function isSteadyAfter(request: readonly string[]): boolean {
  // SORT by weights that are equal, or missing, leaves the order to the algorithm.
  if (request[0] === 'sort' && request.some((word) => word.toUpperCase() === 'BY')) return false;
  return !UNSTEADY.test(request[0]!) && !request.some((word) => TIME_OPTION.test(word));
}

/** Redis takes 2^53 + 1 for 1 where it looks for keys, and finds none in PFMERGE without sources. */
function hasPlainKeys(request: readonly string[]): boolean {
  return !request.includes('9007199254740993') && (request[0] !== 'pfmerge' || request.length > 2);
}

function isSendable(request: readonly string[]): boolean {
  return !REPEATING.test(request[0]!) || !request.some((word) => Number(word) < -10_000);
}

/** 7.2 writes doubles with the shortest digits, 7.0 with seventeen. The last bit of a distance is the sine's of the platform. */
const sameNumbers: Comparison = (oracle, subject) => {
  if (oracle.equals(subject)) return null;
  const [left, right] = [oracle, subject].map((raw) => JSON.stringify(decode(raw), asNumber));
  return left === right && oracle[0] === subject[0] ? null : exact(oracle, subject);
};

function asNumber(_: string, value: unknown): unknown {
  if (typeof value !== 'string' || value === '' || !Number.isFinite(Number(value))) return value;
  const number = Number(value);
  return Number.isInteger(number) ? number : Number(number.toPrecision(15));
}

/** The elements of a set that SORT leaves in their order come in any. */
const unsorted: Comparison = (oracle, subject) =>
  sorted(oracle, subject) === null ? null : lengthOnly(oracle, subject);

/** Errors of 7.0.15 that are others in 7.2: where both match, they are as they should be. */
const ERRORS_SINCE_72: readonly (readonly [in70: RegExp, in72: RegExp])[] = [
  [/^./, /^-ERR timeout is out of range/],
  // LPOS … RANK
  [/^./, /^-ERR value is out of range, value must between -9223372036854775807 and/],
  [/^-ERR Unbalanced XREAD list/, /^-ERR Unbalanced 'xread(group)?' list/],
  // What an earlier SORT has left in errno.
  [/^-ERR One or more scores can't be converted into double/, /^[*:]/],
  // ZRANK and ZREVRANK have an option WITHSCORE.
  [/^-ERR wrong number of arguments for 'z(rev)?rank'/, /^./],
  [/^-ERR Invalid number of arguments specified for command/, /^[*$]/],
];

const sameError: Comparison = (oracle, subject) => {
  const texts = [oracle, subject].map((raw) => raw.toString('latin1').replace(/^\*1\r\n/, ''));
  const isNew = ERRORS_SINCE_72.some(([in70, in72]) => in70.test(texts[0]!) && in72.test(texts[1]!));
  return isNew ? null : exact(oracle, subject);
};

const isError = (raw: Buffer): boolean => /^(\*1\r\n)?-/.test(raw.toString('latin1', 0, 5));

function comparisonOf(request: readonly string[]): Comparison {
  const [name] = request;
  const standard = /^(z|bz|geo)/.test(name!) ? sameNumbers : exact;
  const comparison = COMPARISONS[name!] ?? COMPARISONS[request.slice(0, 2).join(' ').toLowerCase()] ?? standard;
  return (oracle, subject) =>
    isError(oracle) || isError(subject) ? sameError(oracle, subject) : comparison(oracle, subject);
}

class Differences {
  private readonly found = new Map<string, string>();
  count = 0;

  add(request: readonly string[], wrong: string): void {
    this.count++;
    const name = request[0] === 'command' ? `keys of ${request[2]}` : request[0]!;
    if (!this.found.has(name)) this.found.set(name, `${JSON.stringify(request)}: ${wrong}`);
  }

  get text(): string {
    return [...this.found.values()].slice(0, SHOWN_MAX).join('\n');
  }
}

/** Sends one batch to both servers and compares. */
async function runBatch(
  clients: readonly [oracle: RespClient, subject: RespClient],
  requests: readonly (readonly string[])[],
  isSteady: boolean,
  differences: Differences,
): Promise<void> {
  const batch = [
    [Buffer.from('FLUSHALL')],
    ...DATA,
    ...requests.flatMap((request) => {
      const bytes = request.map((word) => Buffer.from(word, 'latin1'));
      return BLOCKING.test(request[0]!) ? [[Buffer.from('MULTI')], bytes, [Buffer.from('EXEC')]] : [bytes];
    }),
  ];
  const bytes = encodeCommands(batch);
  const [oracle, subject] = (await Promise.all(clients.map((client) => client.exchange(bytes, batch.length)))) as [
    Buffer[],
    Buffer[],
  ];
  let at = 1 + DATA.length;
  for (const request of requests) {
    const replyCount = BLOCKING.test(request[0]!) ? 3 : 1;
    for (let i = 0; i < replyCount; i++, at++) {
      const wrong = comparisonOf(request)(oracle[at]!, subject[at]!);
      if (wrong !== null) {
        differences.add(request, wrong);
        // What follows may differ for the same reason.
        return;
      }
    }
  }
  if (!isSteady || (await compareDigests(...clients)) === null) return;
  const keys = await differingKeys(clients);
  if (keys.length === 0) return;
  const about = requests.filter((request) => request.some((word) => keys.includes(word)));
  differences.add(['DEBUG DIGEST'], `keys ${JSON.stringify(keys)} after ${JSON.stringify(about)}`);
}

/** @returns the keys whose values differ */
async function differingKeys(clients: readonly RespClient[]): Promise<string[]> {
  const [oracle] = clients;
  const keys = decode((await oracle!.call('KEYS', '*')) as Buffer) as string[];
  const bytes = keys.map((key) => Buffer.from(key, 'latin1'));
  const [left, right] = await Promise.all(
    clients.map(async (client) => decode((await client.call('DEBUG', 'DIGEST-VALUE', ...bytes)) as Buffer) as string[]),
  );
  const differing = keys.filter((_, at) => left![at] !== right![at]);
  const areWrong = await Promise.all(differing.map((key) => isWrong(clients, key)));
  return differing.filter((_, at) => areWrong[at]);
}

/** The digest of a sorted set is made of the texts of its scores, which 7.2 writes otherwise. */
async function isWrong(clients: readonly RespClient[], key: string): Promise<boolean> {
  const range = ['ZRANGE', Buffer.from(key, 'latin1'), '0', '-1', 'WITHSCORES'];
  const [oracle, subject] = (await Promise.all(clients.map((client) => client.request(range)))) as Buffer[];
  return isError(oracle!) || sameNumbers(oracle!, subject!) !== null;
}

for (const kind of serversUnderTest()) {
  describe(`${kind} and redis-server`, { skip: needsServers('redis', kind) }, () => {
    const servers = useServers(kind, { 'proto-max-bulk-len': '1mb', databases: 4 });
    for (const protocol of [2, 3] as const) {
      test(`answer alike to arguments at the edges, RESP${protocol}`, async (context) => {
        const seed = fuzzSeed();
        const random = new Random(seed + protocol);
        const docs = await docsOf(await servers().oracle.connect({ protocol: 3 }));
        const requests = new RandomRequests(random, docs, vocabulary);
        const [oracle, subject] = await Promise.all(
          [servers().oracle, servers().subject].map((server) => server.connect({ protocol, replies: 'raw' })),
        );
        for (const client of [oracle!, subject!]) await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
        const differences = new Differences();
        const wanted = fuzzIterations(4000);
        for (let sent = 0; sent < wanted; ) {
          const batch: string[][] = [];
          let isSteady = true;
          while (isSteady && batch.length < BATCH) {
            const request = requests.next();
            if (!isSendable(request)) continue;
            // Which keys it has is known by its words alone.
            if (random.oneIn(10) && hasPlainKeys(request))
              request.unshift('command', random.pick(['getkeys', 'getkeysandflags']));
            batch.push(request);
            isSteady = isSteadyAfter(request);
          }
          await runBatch([oracle!, subject!], batch, isSteady, differences);
          sent += batch.length;
        }
        for (const client of [oracle!, subject!]) client.close();
        context.diagnostic(`${wanted} requests, seed ${seed}`);
        assert.equal(differences.count, 0, `${differences.count} replies differ (seed ${seed}):\n${differences.text}`);
      });
    }
  });
}

async function docsOf(client: RespClient): Promise<CommandDoc[]> {
  const docs = await readCommandDocs(client);
  client.close();
  return docs.filter(({ words: name, group }) => GROUPS.has(group) && !LEFT_OUT.has(name.join('|')));
}

compareWithRealServer([edges]);
