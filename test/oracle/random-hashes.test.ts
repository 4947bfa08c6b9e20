/** Hashes around their limits: small ones make them tables soon. Tables come in any order. */
import { fc } from '../support/property.js';
import { exact, sorted, sortedPairs } from './comparisons.js';
import { type ComparisonOf, staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c');
const integer = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom('9007199254740992', '9223372036854775807', '-9223372036854775808', '4294967296'),
);
const float = fc.oneof(
  integer,
  fc.constantFrom('0.1', '-2.5', '3.0e3', '1e20', '5e-17', '1e-18', 'x', '1e5000', 'inf'),
);
const field = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('f', 'g', 'h', '1', '2', '-3', '007', '', '\x00\xff') },
  { weight: 1, arbitrary: fc.integer({ min: -5000, max: 5000 }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 70 }).map((length) => 'w'.repeat(length)) },
);
const value = fc.oneof(
  { weight: 4, arbitrary: float },
  { weight: 2, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60, max: 300 }).map((length) => 'v'.repeat(length)) },
);
const fields = fc.array(field, { minLength: 1, maxLength: 5 });
const pairs = fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 4 });

const ordinary: fc.Arbitrary<readonly string[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constantFrom('HSET', 'HMSET'), key, pairs).map(([name, k, all]) => [name, k, ...all.flat()]),
  },
  fc.tuple(fc.constantFrom('HMGET', 'HDEL'), key, fields).map(([name, k, all]) => [name, k, ...all]),
  fc.tuple(fc.constantFrom('HGET', 'HEXISTS', 'HSTRLEN'), key, field).map((args) => [...args]),
  fc.tuple(fc.constant('HSETNX'), key, field, value).map((args) => [...args]),
  fc.tuple(fc.constant('HINCRBY'), key, field, integer).map((args) => [...args]),
  fc.tuple(fc.constant('HINCRBYFLOAT'), key, field, float).map((args) => [...args]),
  fc.tuple(fc.constantFrom('HGETALL', 'HKEYS', 'HVALS', 'HLEN'), key).map((args) => [...args]),
  key.map((k) => ['HRANDFIELD', k, '1000', 'WITHVALUES']),
  key.map((k) => ['OBJECT', 'ENCODING', k]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('DEL', 'TYPE', 'GET'), key).map((args) => [...args]),
);

const command = fc.oneof(
  { weight: 100, arbitrary: ordinary },
  // Rare, as it takes as long as a thousand others.
  { weight: 1, arbitrary: fc.constant(['DEBUG', 'RELOAD']) },
);

const comparisonOf: ComparisonOf = ([name]) => {
  if (name === 'HGETALL' || name === 'HRANDFIELD') return sortedPairs;
  return name === 'HKEYS' || name === 'HVALS' ? sorted : exact;
};

staysEqual('hash', command, {}, comparisonOf);
staysEqual('hash (four fields packed)', command, { 'hash-max-listpack-entries': '4' }, comparisonOf);
