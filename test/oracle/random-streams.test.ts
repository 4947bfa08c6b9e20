/**
 * Streams, with nodes of the usual size and with small ones. Consumers are there before they read: 7.2 makes them when they try, 7.0 when they get something.
 * The streams `p` and `q` have no groups, so that their DUMP payloads tell no times and must be the same bytes.
 */
import { fc } from '../support/property.js';
import { exact } from './comparisons.js';
import { type Line, staysEqual } from './random-sequences.js';
import { timeless } from './timeless.js';

const key = fc.constantFrom('a', 'b');
const anyKey = fc.constantFrom('a', 'a', 'b', 'p', 'p', 'q');
const group = fc.constantFrom('g', 'g', 'h');
const consumer = fc.constantFrom('x', 'y');
const number = (min: number, max: number) => fc.integer({ min, max }).map(String);
/** Those that are there are 0-1, 0-2 …, 3-0, 3-1 … */
const id = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(0, 0, 0, 3), fc.integer({ min: 0, max: 40 })).map((n) => n.join('-')),
  },
  { weight: 1, arbitrary: fc.constantFrom('0', '3', '2', '5-5', '18446744073709551615') },
);
const bound = fc.oneof(
  { weight: 3, arbitrary: id },
  id.map((text) => `(${text}`),
  fc.constantFrom('-', '+'),
);
const newId = fc.oneof(
  { weight: 12, arbitrary: fc.constant('0-*') },
  { weight: 1, arbitrary: fc.constantFrom('3-*', '0-30', '5-5') },
);
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('f', 'g', 'v', '1', '-5', '70000', '007', '') },
  { weight: 1, arbitrary: fc.constantFrom('L'.repeat(63), 'L'.repeat(64), 'M'.repeat(700), '9223372036854775807') },
);
const pairs = fc.oneof(
  { weight: 4, arbitrary: text.map((value) => ['f', value]) },
  { weight: 1, arbitrary: fc.tuple(text, text, text, text).map((some) => [...some]) },
  { weight: 1, arbitrary: fc.tuple(text, text).map((some) => [...some]) },
);
const trimmed = fc.oneof(
  fc.tuple(fc.constantFrom(['MAXLEN'], ['MAXLEN', '='], ['MAXLEN', '~']), number(0, 30)).map(([a, n]) => [...a, n]),
  fc.tuple(fc.constantFrom(['MINID'], ['MINID', '='], ['MINID', '~']), id).map(([a, at]) => [...a, at]),
  fc.tuple(number(0, 12), number(0, 9)).map(([n, limit]) => ['MAXLEN', '~', n, 'LIMIT', limit]),
  fc.tuple(id, number(0, 9)).map(([at, limit]) => ['MINID', '~', at, 'LIMIT', limit]),
);
const count = fc.oneof(
  fc.constant<string[]>([]),
  number(-1, 8).map((n) => ['COUNT', n]),
);
const claimOptions = fc.constantFrom(
  [],
  [],
  ['JUSTID'],
  ['FORCE'],
  ['FORCE', 'JUSTID'],
  ['RETRYCOUNT', '4'],
  ['LASTID', '0-9'],
  ['IDLE', '1000'],
);
const ids = fc.array(id, { minLength: 1, maxLength: 4 });

const command: fc.Arbitrary<Line> = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(anyKey, newId, pairs).map(([k, at, some]) => ['XADD', k, at, ...some]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyKey, fc.constantFrom([], ['NOMKSTREAM']), trimmed, newId, pairs)
      .map(([k, make, trim, at, some]) => ['XADD', k, ...make, ...trim, at, ...some]),
  },
  { weight: 2, arbitrary: fc.tuple(anyKey, ids).map(([k, some]) => ['XDEL', k, ...some]) },
  fc.tuple(anyKey, trimmed).map(([k, trim]) => ['XTRIM', k, ...trim]),
  fc.tuple(anyKey, bound, bound, count).map(([k, from, to, n]) => ['XRANGE', k, from, to, ...n]),
  fc.tuple(anyKey, bound, bound, count).map(([k, from, to, n]) => ['XREVRANGE', k, to, from, ...n]),
  fc
    .tuple(anyKey, id, fc.constantFrom([], ['ENTRIESADDED', '50'], ['MAXDELETEDID', '0-3']))
    .map(([k, at, options]) => ['XSETID', k, at, ...options]),
  fc
    .tuple(count, anyKey, anyKey, id, id)
    .map(([n, a, b, from, other]) => ['XREAD', ...n, 'STREAMS', a, b, from, other]),
  fc
    .constantFrom('XLEN', 'XINFO')
    .chain((name) => anyKey.map((k) => (name === 'XLEN' ? [name, k] : [name, 'STREAM', k]))),
  fc.constantFrom('p', 'q').map((k) => ['DUMP', k]),
  fc.constantFrom(['DEL', 'a'], ['DEL', 'p'], ['COPY', 'a', 'b'], ['COPY', 'p', 'q', 'REPLACE'], ['RENAME', 'b', 'a']),
  fc.constant(['DEBUG', 'RELOAD']),
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, group, fc.oneof(id, fc.constant('$')), fc.constantFrom([], ['MKSTREAM'], ['ENTRIESREAD', '7']))
      .map(([k, g, at, options]) => [
        ['XGROUP', 'CREATE', k, g, at, ...options],
        ['XGROUP', 'CREATECONSUMER', k, g, 'x'],
        ['XGROUP', 'CREATECONSUMER', k, g, 'y'],
      ]),
  },
  fc.tuple(key, group, fc.oneof(id, fc.constant('$'))).map(([k, g, at]) => ['XGROUP', 'SETID', k, g, at]),
  fc.tuple(key, group, consumer).map(([k, g, c]) => [
    ['XGROUP', 'DELCONSUMER', k, g, c],
    ['XGROUP', 'CREATECONSUMER', k, g, c],
  ]),
  fc.constantFrom('a', 'b').map((k) => ['XGROUP', 'DESTROY', k, 'h']),
  {
    weight: 4,
    arbitrary: fc
      .tuple(group, consumer, count, fc.constantFrom([], [], [], ['NOACK']), key)
      .map(([g, c, n, options, k]) => ['XREADGROUP', 'GROUP', g, c, ...n, ...options, 'STREAMS', k, '>']),
  },
  fc
    .tuple(group, consumer, count, id)
    .map(([g, c, n, from]) => ['XREADGROUP', 'GROUP', g, c, ...n, 'STREAMS', 'a', 'b', from, '>']),
  { weight: 2, arbitrary: fc.tuple(key, group, ids).map(([k, g, some]) => ['XACK', k, g, ...some]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, group, consumer, fc.constantFrom('0', '0', '100000'), ids, claimOptions)
      .map(([k, g, c, idle, some, options]) => ['XCLAIM', k, g, c, idle, ...some, ...options]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        key,
        group,
        consumer,
        fc.constantFrom('0', '0', '100000'),
        bound,
        number(1, 6),
        fc.constantFrom([], ['JUSTID']),
      )
      .map(([k, g, c, idle, from, n, options]) => ['XAUTOCLAIM', k, g, c, idle, from, 'COUNT', n, ...options]),
  },
  fc.tuple(key, group).map(([k, g]) => ['XPENDING', k, g]),
  fc
    .tuple(key, group, bound, bound, number(0, 9), fc.constantFrom([], ['x'], ['y'], ['z']))
    .map(([k, g, from, to, n, c]) => ['XPENDING', k, g, from, to, n, ...c]),
  { weight: 2, arbitrary: key.map((k) => ['XINFO', 'STREAM', k, 'FULL', 'COUNT', '0']) },
  key.map((k) => ['XINFO', 'GROUPS', k]),
);

const comparisonOf = ([name]: readonly string[]) => (name === 'XPENDING' || name === 'XINFO' ? timeless : exact);
const config = { rdbcompression: 'no' };

staysEqual('stream', command, config, comparisonOf);
staysEqual('stream (4 entries a node)', command, { ...config, 'stream-node-max-entries': '4' }, comparisonOf);
