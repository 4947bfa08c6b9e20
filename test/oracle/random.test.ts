/**
 * Random sequences of commands over a handful of keys, with texts and numbers at the edges, sent as one pipeline to both servers: every reply must be the
 * same bytes, in RESP3 with the same keyspace events, and in the end both must hold the same data by DEBUG DIGEST. A failing sequence is shrunk to the commands that matter; the seed that
 * fast-check prints with it replays it.
 */
import { describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { fc } from '../support/property.js';
import { longRun, needsServers, serversUnderTest } from '../support/tools.js';
import { exact } from './comparisons.js';
import { Eavesdroppers } from './events.js';
import { useServers } from './harness.js';
import { runBoth } from './random-sequences.js';

const RUNS = longRun ? 50000 : 1000;
const COMMANDS_PER_RUN = 60;
/** The sequences have transactions, and change databases. */
const SESSION = { before: [['DISCARD'], ['UNWATCH'], ['SELECT', 0]], after: [['DISCARD']] };

const key = fc.constantFrom('a', 'b', 'c', '{t}d', '{t}e', '', '\x00\xff');
const integer = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom(
    '2147483647',
    '-2147483648',
    '9007199254740992',
    '9223372036854775807',
    '-9223372036854775808',
    '4294967296',
  ),
);
const float = fc.oneof(
  integer,
  fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(99999)).map(([whole, part]) => `${whole}.${part}`),
  fc.constantFrom('1e10', '1e-10', '0.1', '3.0e3', '-0', '.5'),
);
const value = fc.oneof(
  integer,
  float,
  fc.string({ maxLength: 30 }),
  fc.constantFrom('', 'x'.repeat(44), 'x'.repeat(45), 'y'.repeat(500), '\r\n\x00', '007'),
);
const offset = fc.integer({ min: -30, max: 60 }).map(String);
/** Far away, so that no run sees it come; in the past, so that the key goes at once. */
const unixSeconds = fc.constantFrom('33177117420', '33177117421', '33177117500', '1', '0', '-1');
const condition = fc.constantFrom([], ['NX'], ['XX'], ['GT'], ['LT'], ['XX', 'GT'], ['NX', 'LT']);
const expiryOption = fc.oneof(
  fc.constant<string[]>([]),
  unixSeconds.map((time) => ['EXAT', time]),
  unixSeconds.map((time) => ['PXAT', `${time}000`]),
  fc.constant(['KEEPTTL']),
);
const setOption = fc
  .tuple(fc.constantFrom([], ['NX'], ['XX']), fc.constantFrom([], ['GET']), expiryOption)
  .map((parts) => parts.flat());

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.tuple(key, value, setOption).map(([k, v, options]) => ['SET', k, v, ...options]),
  fc
    .tuple(
      fc.constantFrom(
        'GET',
        'STRLEN',
        'GETDEL',
        'DEL',
        'EXISTS',
        'TYPE',
        'INCR',
        'DECR',
        'PERSIST',
        'PEXPIRETIME',
        'UNLINK',
        'TOUCH',
      ),
      key,
    )
    .map(([name, k]) => [name, k]),
  fc.tuple(fc.constantFrom('SETNX', 'GETSET', 'APPEND'), key, value).map(([name, k, v]) => [name, k, v]),
  fc.tuple(fc.constantFrom('INCRBY', 'DECRBY'), key, integer).map(([name, k, v]) => [name, k, v]),
  fc.tuple(key, float).map(([k, v]) => ['INCRBYFLOAT', k, v]),
  fc.tuple(fc.constantFrom('GETRANGE', 'SUBSTR'), key, offset, offset).map((args) => [...args]),
  fc.tuple(key, offset, value).map(([k, at, v]) => ['SETRANGE', k, at, v]),
  fc.array(key, { minLength: 1, maxLength: 4 }).map((ks) => ['MGET', ...ks]),
  fc
    .tuple(fc.constantFrom('MSET', 'MSETNX'), fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }))
    .map(([name, pairs]) => [name, ...pairs.flat()]),
  fc.tuple(fc.constantFrom('RENAME', 'RENAMENX', 'COPY', 'LCS'), key, key).map(([name, from, to]) => [name, from, to]),
  fc.tuple(key, key).map(([from, to]) => ['COPY', from, to, 'REPLACE']),
  fc.tuple(key, unixSeconds, condition).map(([k, time, options]) => ['EXPIREAT', k, time, ...options]),
  fc.tuple(key, expiryOption).map(([k, options]) => ['GETEX', k, ...options]),
  fc.tuple(key, fc.constantFrom('0', '1', '2')).map(([k, database]) => ['MOVE', k, database]),
  fc.constantFrom(
    ['SELECT', '0'],
    ['SELECT', '1'],
    ['SWAPDB', '0', '1'],
    ['DBSIZE'],
    ['FLUSHDB'],
    ['MULTI'],
    ['EXEC'],
    ['DISCARD'],
  ),
  key.map((k) => ['WATCH', k]),
  key.map((k) => ['OBJECT', 'ENCODING', k]),
);

for (const kind of serversUnderTest()) {
  describe(`${kind} and redis-server stay equal`, { skip: needsServers('redis', kind) }, () => {
    const servers = useServers(kind);
    for (const protocol of [2, 3] as const) {
      test(`through random string and key commands, RESP${protocol}`, async () => {
        const clients: RespClient[] = [];
        for (const server of [servers().oracle, servers().subject])
          clients.push(await server.connect({ protocol, replies: 'raw' }));
        const [oracle, subject] = clients as [RespClient, RespClient];
        // A key that SET gave a time in the past stays until somebody meets it: not until one server's cycle happens to come by.
        for (const client of clients) await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
        const eavesdroppers = protocol === 3 ? await Eavesdroppers.attach(servers()) : null;
        try {
          await fc.assert(
            fc.asyncProperty(fc.array(command, { maxLength: COMMANDS_PER_RUN }), (commands) =>
              runBoth(oracle, subject, commands, () => exact, eavesdroppers, SESSION),
            ),
            { numRuns: RUNS },
          );
        } finally {
          eavesdroppers?.close();
          for (const client of clients) client.close();
        }
      });
    }
  });
}
