/** Lists of a few and of many nodes: small node limits make chunks split, merge and go all the time. */
import { fc } from '../support/property.js';
import { staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c');
const element = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('x', 'y', '1', '2', '-3', '007', '') },
  { weight: 2, arbitrary: fc.integer().map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', 'z'.repeat(64)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9000 }).map((length) => 'w'.repeat(length)) },
);
const elements = fc.array(element, { minLength: 1, maxLength: 12 });
const index = fc.integer({ min: -25, max: 25 }).map(String);
const end = fc.constantFrom('LEFT', 'RIGHT');

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom('LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX'), key, elements)
      .map(([name, k, values]) => [name, k, ...values]),
  },
  fc.tuple(fc.constantFrom('LPOP', 'RPOP', 'LLEN'), key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('LPOP', 'RPOP'), key, fc.integer({ min: -1, max: 30 }).map(String)).map((args) => [...args]),
  fc.tuple(fc.constant('LINDEX'), key, index).map((args) => [...args]),
  fc.tuple(fc.constant('LSET'), key, index, element).map((args) => [...args]),
  fc.tuple(fc.constant('LRANGE'), key, index, index).map((args) => [...args]),
  fc.tuple(key, fc.integer({ min: -25, max: 4 }), index).map(([k, from, to]) => ['LTRIM', k, String(from), to]),
  fc.tuple(fc.constant('LREM'), key, fc.integer({ min: -3, max: 3 }).map(String), element).map((args) => [...args]),
  fc.tuple(fc.constant('LINSERT'), key, fc.constantFrom('BEFORE', 'after'), element, element).map((args) => [...args]),
  fc
    .tuple(
      key,
      element,
      fc.constantFrom([], ['RANK', '2'], ['RANK', '-1'], ['RANK', '-3']),
      fc.constantFrom([], ['COUNT', '0'], ['COUNT', '2']),
      fc.constantFrom([], ['MAXLEN', '3'], ['MAXLEN', '0'], ['MAXLEN', '50']),
    )
    .map(([k, value, ...options]) => ['LPOS', k, value, ...options.flat()]),
  fc.tuple(fc.constant('LMOVE'), key, key, end, end).map((args) => [...args]),
  fc.tuple(fc.constant('RPOPLPUSH'), key, key).map((args) => [...args]),
  fc
    .tuple(key, key, end, fc.constantFrom([], ['COUNT', '3']))
    .map(([a, b, side, count]) => ['LMPOP', '2', a, b, side, ...count]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  fc
    .tuple(fc.constantFrom('DEL', 'TYPE', 'DUMP'), key)
    .map(([name, k]) => (name === 'DUMP' ? ['EXISTS', k] : [name, k])),
  fc.constant(['DEBUG', 'RELOAD']),
);

staysEqual('list', command);
staysEqual('list (nodes of three elements)', command, { 'list-max-listpack-size': '3' });
