/**
 * Times of hash fields beside Redis 8: what commands reply, also to what is wrong in them, and in RESP3 what they publish. Times are absolute, far away or
 * over, so that both servers hold the same.
 */
import { fc } from '../support/property.js';
import { type Comparison, exact, sorted, sortedPairs } from './comparisons.js';
import { type ComparisonOf, staysEqual } from './random-sequences.js';

const FAR_SECONDS = [4102444800, 4102444810, 4102444820];

/** Most of the time the first, now and then one of the others. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...rare: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: fc.constantFrom(...rare) });

const key = mostly<string>(fc.constantFrom('a', 'b', 'c'), 'string', 'none');
const field = fc.constantFrom('f', 'g', 'h', '1', '300', '');
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('1', '2.5', 'text', '') },
  { weight: 1, arbitrary: fc.constant('v'.repeat(70)) },
);
const WRONG_TIMES = ['-1', 'x', '', '1.5', '+5', '9223372036854775807', '9223372036854775808', '281474976710656'];
const seconds = mostly(fc.constantFrom(...FAR_SECONDS).map(String), '1', '0', ...WRONG_TIMES);
const milliseconds = mostly(
  fc.constantFrom(...FAR_SECONDS.flatMap((each) => [each * 1000, each * 1000 + 1])).map(String),
  '1',
  '1000',
  '70368744177663',
  '70368744177664',
  ...WRONG_TIMES,
);
const WRONG_COUNTS = [
  '0',
  '-1',
  'x',
  '',
  '7',
  '2147483648',
  '4294967297',
  '9223372036854775807',
  '9223372036854775808',
];

/** `FIELDS numfields` and the groups of words. */
const fieldsOf = (group: fc.Arbitrary<string[]>): fc.Arbitrary<string[]> =>
  fc
    .tuple(
      mostly<string | null>(fc.constant(null), ...WRONG_COUNTS),
      fc.array(group, { minLength: 1, maxLength: 4 }),
      mostly<string>(fc.constant('FIELDS'), 'fields', 'FIELD'),
      mostly<string[]>(fc.constant([]), ['f'], ['EX']),
    )
    .map(([count, groups, word, rest]) => [word, count ?? String(groups.length), ...groups.flat(), ...rest]);
const fields = fieldsOf(field.map((each) => [each]));
const pairs = fieldsOf(fc.tuple(field, value).map((each) => [...each]));

/** A time at which fields end; relative ones are over, or wrong. */
const timeOption = fc.oneof(
  seconds.map((time) => ['EXAT', time]),
  milliseconds.map((time) => ['PXAT', time]),
  fc.constantFrom('0', '-1', 'x', '9223372036854775807').map((time) => ['EX', time]),
  fc.constantFrom('0', '-1', 'x', '9223372036854775807').map((time) => ['px', time]),
);
const getOption = mostly(
  fc.oneof(timeOption, fc.constant(['PERSIST']), fc.constant([])),
  ['EX'],
  ['KEEPTTL'],
  ['PERSIST', 'EXAT', '1'],
);
const setOption = fc.oneof(
  timeOption,
  fc.constantFrom<string[]>(['KEEPTTL'], ['FNX'], ['FXX'], ['fxx'], ['PERSIST'], ['PX']),
);
const condition = mostly(fc.constantFrom<string[]>([], ['NX'], ['XX'], ['GT'], ['lt']), ['NX', 'XX'], ['KEEPTTL']);

const timed: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.tuple(key, seconds, condition, fields).map(([k, time, when, rest]) => ['HEXPIREAT', k, time, ...when, ...rest]),
  fc
    .tuple(key, milliseconds, condition, fields)
    .map(([k, time, when, rest]) => ['HPEXPIREAT', k, time, ...when, ...rest]),
  fc
    .tuple(
      fc.constantFrom('HEXPIRE', 'HPEXPIRE'),
      key,
      fc.constantFrom('0', ...WRONG_TIMES.slice(0, 7)),
      condition,
      fields,
    )
    .map(([name, k, time, when, rest]) => [name, k, time, ...when, ...rest]),
  fc
    .tuple(fc.constantFrom('HEXPIRETIME', 'HPEXPIRETIME', 'HPERSIST', 'HGETDEL'), key, fields)
    .map(([name, k, rest]) => [name, k, ...rest]),
  fc.tuple(key, getOption, fields).map(([k, option, rest]) => ['HGETEX', k, ...option, ...rest]),
  fc
    .tuple(key, fc.array(setOption, { maxLength: 2 }), pairs)
    .map(([k, options, rest]) => ['HSETEX', k, ...options.flat(), ...rest]),
);

const ordinary: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(key, field, value, field, value).map((args) => ['HSET', ...args]) },
  fc.tuple(fc.constantFrom('HMGET', 'HDEL'), key, field, field).map((args) => [...args]),
  fc.tuple(fc.constantFrom('HGET', 'HEXISTS', 'HSTRLEN'), key, field).map((args) => [...args]),
  fc.tuple(fc.constant('HSETNX'), key, field, value).map((args) => [...args]),
  fc.tuple(fc.constantFrom('HINCRBY', 'HINCRBYFLOAT'), key, field, fc.constant('3')).map((args) => [...args]),
  fc.tuple(fc.constantFrom('HGETALL', 'HKEYS', 'HVALS', 'HLEN', 'TYPE', 'EXISTS'), key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, fc.constantFrom('a', 'b', 'c')).map((args) => [...args]),
  key.map((k) => ['DEL', k]),
  fc.constant(['SET', 'string', 'x']),
);

const command = fc.oneof(
  { weight: 60, arbitrary: timed },
  { weight: 40, arbitrary: ordinary },
  { weight: 1, arbitrary: fc.constant(['DEBUG', 'RELOAD']) },
);

const comparisonOf: ComparisonOf = ([name]): Comparison => {
  if (name === 'HGETALL') return sortedPairs;
  return name === 'HKEYS' || name === 'HVALS' ? sorted : exact;
};

staysEqual('hash time', command, {}, comparisonOf, 'redis-8');
staysEqual('hash time (three fields packed)', command, { 'hash-max-listpack-entries': '3' }, comparisonOf, 'redis-8');
