/** Bits of a few short strings, between other writes of them. */
import { fc } from '../support/property.js';
import { staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c');
const offset = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 200 }).map(String) },
  fc.constantFrom('-1', 'x', '4294967296', '9000'),
);
const place = fc.integer({ min: -60, max: 60 }).map(String);
const range = fc.oneof(
  fc.constant([]),
  fc.tuple(place, place).map((args) => [...args]),
  fc.tuple(place, place, fc.constantFrom('BIT', 'BYTE')).map((args) => [...args]),
);
const type = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 63 }).map((width) => `u${width}`) },
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 64 }).map((width) => `i${width}`) },
  { weight: 1, arbitrary: fc.constantFrom('u64', 'i0') },
);
const fieldOffset = fc.oneof(
  fc.integer({ min: 0, max: 200 }).map(String),
  fc.integer({ min: 0, max: 9 }).map((index) => `#${index}`),
);
const number = fc.oneof(
  fc.integer({ min: -300, max: 300 }).map(String),
  fc.maxSafeInteger().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const operation = fc.oneof(
  fc.tuple(fc.constantFrom('SET', 'INCRBY'), type, fieldOffset, number).map((args) => [...args]),
  fc.tuple(fc.constant('GET'), type, fieldOffset).map((args) => [...args]),
  fc.tuple(fc.constant('OVERFLOW'), fc.constantFrom('WRAP', 'SAT', 'FAIL')).map((args) => [...args]),
);

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.tuple(fc.constant('SETBIT'), key, offset, fc.constantFrom('0', '1')).map((args) => [...args]),
  fc.tuple(fc.constant('GETBIT'), key, offset).map((args) => [...args]),
  fc.tuple(key, range).map(([k, args]) => ['BITCOUNT', k, ...args]),
  fc.tuple(key, fc.constantFrom('0', '1'), range).map(([k, bit, args]) => ['BITPOS', k, bit, ...args]),
  fc.tuple(key, fc.constantFrom('0', '1'), place).map(([k, bit, from]) => ['BITPOS', k, bit, from]),
  fc
    .tuple(fc.constantFrom('AND', 'OR', 'XOR'), fc.array(key, { minLength: 2, maxLength: 5 }))
    .map(([word, keys]) => ['BITOP', word, ...keys]),
  fc.tuple(key, key).map(([a, b]) => ['BITOP', 'NOT', a, b]),
  {
    weight: 4,
    arbitrary: fc
      .tuple(key, fc.array(operation, { maxLength: 8 }))
      .map(([k, operations]) => ['BITFIELD', k, ...operations.flat()]),
  },
  fc.tuple(key, type, fieldOffset).map(([k, ...get]) => ['BITFIELD_RO', k, 'GET', ...get]),
  fc.tuple(fc.constantFrom('SET', 'APPEND'), key, fc.string({ maxLength: 30 })).map((args) => [...args]),
  fc
    .tuple(fc.constant('SETRANGE'), key, fc.integer({ min: 0, max: 40 }).map(String), fc.string({ maxLength: 9 }))
    .map((args) => [...args]),
  fc.tuple(fc.constant('SET'), key, number).map((args) => [...args]),
  fc.tuple(fc.constantFrom('GET', 'DEL', 'STRLEN', 'INCR'), key).map((args) => [...args]),
  key.map((k) => ['OBJECT', 'ENCODING', k]),
  key.map((k) => ['HSET', k, 'f', 'v']),
);

staysEqual('bitmap', command);
