/** Sets of integers, of texts and of both, around their limits. Their order is free: the real server of 7.0 has no packed sets of texts. */
import { fc } from '../support/property.js';
import { exact, sorted } from './comparisons.js';
import { type ComparisonOf, staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const member = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -12, max: 12 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('32768', '-32769', '2147483648', '9223372036854775807', '-9223372036854775808'),
  },
  { weight: 1, arbitrary: fc.constantFrom('x', 'y', '007', '', '-0', '9223372036854775808', '\x00\xff') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map((length) => 'w'.repeat(length)) },
);
const members = fc.oneof(
  { weight: 4, arbitrary: fc.array(member, { minLength: 1, maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map((count) => Array.from({ length: count }, (_, at) => `${at}`)),
  },
);
const keys = fc.array(key, { minLength: 1, maxLength: 3 });

const ordinary: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(key, members).map(([k, all]) => ['SADD', k, ...all]) },
  { weight: 2, arbitrary: fc.tuple(key, members).map(([k, all]) => ['SREM', k, ...all]) },
  fc.tuple(key, members).map(([k, all]) => ['SMISMEMBER', k, ...all]),
  fc.tuple(fc.constant('SISMEMBER'), key, member).map((args) => [...args]),
  fc.tuple(fc.constant('SMOVE'), key, key, member).map((args) => [...args]),
  fc.tuple(fc.constantFrom('SMEMBERS', 'SCARD'), key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('SINTER', 'SUNION', 'SDIFF'), keys).map(([name, all]) => [name, ...all]),
  fc
    .tuple(fc.constantFrom('SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'), key, keys)
    .map(([name, target, all]) => [name, target, ...all]),
  fc
    .tuple(keys, fc.constantFrom([], ['LIMIT', '2'], ['LIMIT', '0']))
    .map(([all, limit]) => ['SINTERCARD', String(all.length), ...all, ...limit]),
  fc.tuple(fc.constantFrom('SPOP', 'SRANDMEMBER'), key, fc.constantFrom('0', '1000')).map((args) => [...args]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('DEL', 'TYPE', 'GET'), key).map((args) => [...args]),
);

const command = fc.oneof(
  { weight: 100, arbitrary: ordinary },
  // Rare, as it takes as long as a thousand others.
  { weight: 1, arbitrary: fc.constant(['DEBUG', 'RELOAD']) },
);

const FREE_ORDER = new Set(['SMEMBERS', 'SINTER', 'SUNION', 'SDIFF', 'SPOP', 'SRANDMEMBER']);
const comparisonOf: ComparisonOf = ([name]) => (FREE_ORDER.has(name!) ? sorted : exact);

staysEqual('set', command, {}, comparisonOf);
staysEqual('set (intsets of eight)', command, { 'set-max-intset-entries': '8' }, comparisonOf);
