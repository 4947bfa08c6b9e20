/** Sorted sets, packed and as trees: with a low limit for packing every sequence crosses it. Scores are numbers that 7.0 prints as 7.2 does. */
import { fc } from '../support/property.js';
import { staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c');
const member = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('x', 'y', 'z', 'xy', '', '1', '2', '-3', '007') },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => `m${n}`) },
  { weight: 1, arbitrary: fc.constantFrom('L'.repeat(64), 'L'.repeat(65), '9223372036854775807') },
);
const score = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -10, max: 10 }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: -4000, max: 4000 }).map((n) => String(n / 4)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('inf', '-inf', '1e3', '0x10', '.5', '4294967296', '-4294967297', '+5'),
  },
);
const bound = fc.oneof(
  score,
  score.map((text) => `(${text}`),
);
const lex = fc.oneof(
  fc.constantFrom('-', '+', '[', '('),
  member.map((text) => `[${text}`),
  member.map((text) => `(${text}`),
);
const index = fc.integer({ min: -40, max: 40 }).map(String);
const withScores = fc.constantFrom([], ['WITHSCORES']);
const limit = fc.oneof(
  fc.constant<string[]>([]),
  fc
    .tuple(fc.integer({ min: -1, max: 6 }), fc.integer({ min: -1, max: 6 }))
    .map(([from, n]) => ['LIMIT', `${from}`, `${n}`]),
);
const addOptions = fc.constantFrom(
  [],
  [],
  ['NX'],
  ['XX'],
  ['GT'],
  ['LT'],
  ['CH'],
  ['XX', 'CH'],
  ['GT', 'CH'],
  ['XX', 'LT'],
);
const pairs = fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 8 });
/** So many that a set of them has no room in a listpack, and that they are most of it; some come more than once. */
const manyMembers = fc
  .tuple(fc.integer({ min: 64, max: 150 }), fc.integer({ min: 1, max: 60 }))
  .map(([count, step]) => Array.from({ length: count }, (_, i) => (i * step) % 140));
const weights = fc.constantFrom([], ['WEIGHTS', '2', '-1'], ['WEIGHTS', '0', 'inf']);
const aggregate = fc.constantFrom([], ['AGGREGATE', 'MIN'], ['AGGREGATE', 'max'], ['AGGREGATE', 'SUM']);

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(key, addOptions, pairs).map(([k, options, some]) => ['ZADD', k, ...options, ...some.flat()]),
  },
  fc.tuple(key, addOptions, score, member).map(([k, options, s, m]) => ['ZADD', k, 'INCR', ...options, s, m]),
  fc.tuple(key, score, member).map((args) => ['ZINCRBY', ...args]),
  fc.tuple(fc.constantFrom('ZREM', 'ZMSCORE'), key, member, member).map((args) => [...args]),
  fc.tuple(fc.constantFrom('ZSCORE', 'ZRANK', 'ZREVRANK'), key, member).map((args) => [...args]),
  fc.tuple(fc.constantFrom('ZCOUNT', 'ZREMRANGEBYSCORE'), key, bound, bound).map((args) => [...args]),
  fc
    .tuple(fc.constantFrom('ZRANGE', 'ZREVRANGE'), key, index, index, withScores)
    .map(([name, k, a, b, w]) => [name, k, a, b, ...w]),
  fc
    .tuple(fc.constant('ZREMRANGEBYRANK'), key, index, fc.integer({ min: -40, max: 3 }).map(String))
    .map((args) => [...args]),
  fc
    .tuple(fc.constantFrom('ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'), key, bound, bound, withScores, limit)
    .map(([name, k, a, b, ...rest]) => [name, k, a, b, ...rest.flat()]),
  fc
    .tuple(
      fc.constantFrom(['ZRANGE'], ['ZRANGESTORE', 'c']),
      key,
      bound,
      bound,
      fc.constantFrom(['BYSCORE'], ['BYSCORE', 'REV']),
      limit,
    )
    .map(([name, k, a, b, ...rest]) => [...name, k, a, b, ...rest.flat()]),
  fc
    .tuple(fc.constantFrom([], ['REV']), key, index, index)
    .map(([rev, k, a, b]) => ['ZRANGESTORE', 'c', k, a, b, ...rev]),
  fc.tuple(fc.constantFrom('ZPOPMIN', 'ZPOPMAX', 'ZCARD', 'DEL'), key).map((args) => [...args]),
  fc
    .tuple(fc.constantFrom('ZPOPMIN', 'ZPOPMAX'), key, fc.integer({ min: -1, max: 9 }).map(String))
    .map((args) => [...args]),
  fc
    .tuple(key, key, fc.constantFrom(['MIN'], ['MAX', 'COUNT', '4']))
    .map(([a, b, rest]) => ['ZMPOP', '2', a, b, ...rest]),
  fc
    .tuple(fc.constantFrom('ZUNIONSTORE', 'ZINTERSTORE'), key, key, key, weights, aggregate)
    .map(([name, to, a, b, ...rest]) => [name, to, '2', a, b, ...rest.flat()]),
  fc
    .tuple(fc.constantFrom('ZUNION', 'ZINTER'), key, key, weights, aggregate, withScores)
    .map(([name, a, b, ...rest]) => [name, '2', a, b, ...rest.flat()]),
  fc.tuple(key, key, withScores).map(([a, b, w]) => ['ZDIFF', '2', a, b, ...w]),
  fc.tuple(fc.constantFrom('ZDIFFSTORE'), key, key, key).map(([name, to, a, b]) => [name, to, '2', a, b]),
  fc.tuple(key, key, fc.constantFrom([], ['LIMIT', '2'])).map(([a, b, rest]) => ['ZINTERCARD', '2', a, b, ...rest]),
  fc
    .tuple(key, addOptions, manyMembers, fc.integer({ min: 1, max: 9 }))
    .map(([k, options, some, step]) => [
      'ZADD',
      k,
      ...options,
      ...some.flatMap((n, i) => [`${(i * step) % 50}`, `m${n}`]),
    ]),
  fc.tuple(key, manyMembers).map(([k, some]) => ['ZREM', k, ...some.map((n) => `m${n}`)]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  fc.tuple(fc.constant('OBJECT'), fc.constant('ENCODING'), key).map((args) => [...args]),
  fc.constant(['DEBUG', 'RELOAD']),
  // Ranges of members have a meaning only where all scores are equal.
  fc.array(member, { minLength: 1, maxLength: 8 }).map((some) => ['ZADD', 'lex', ...some.flatMap((m) => ['0', m])]),
  fc.tuple(fc.constantFrom('ZLEXCOUNT', 'ZREMRANGEBYLEX'), lex, lex).map(([name, a, b]) => [name, 'lex', a, b]),
  fc
    .tuple(fc.constantFrom('ZRANGEBYLEX', 'ZREVRANGEBYLEX'), lex, lex, limit)
    .map(([name, a, b, rest]) => [name, 'lex', a, b, ...rest]),
  fc
    .tuple(lex, lex, fc.constantFrom([], ['REV']), limit)
    .map(([a, b, rev, rest]) => ['ZRANGE', 'lex', a, b, 'BYLEX', ...rev, ...rest]),
);

staysEqual('sorted set', command);
staysEqual('sorted set (packed up to 8 members)', command, { 'zset-max-listpack-entries': '8' });
