/** Sorting lists, sets and sorted sets by themselves, by keys and by fields, while all of these change. */
import { fc } from '../support/property.js';
import { staysEqual } from './random-sequences.js';

const key = fc.constantFrom('l', 'm', 's', 'z', 'd');
const element = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -20, max: 20 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('1.5', '-0.25', '1e2', '0x1f', 'inf', '') },
);
const word = fc.oneof(
  { weight: 12, arbitrary: element },
  { weight: 1, arbitrary: fc.constantFrom('x', 'ab', 'B', '\xff', 'a b') },
);
const elements = fc.array(element, { minLength: 1, maxLength: 8 });
const option = fc.oneof(
  fc.constantFrom(
    ['ASC'],
    ['DESC'],
    ['ALPHA'],
    ['GET', '#'],
    ['GET', 'w_*'],
    ['GET', 'h_*->f'],
    ['BY', 'w_*'],
    ['BY', 'h_*->f'],
  ),
  fc
    .tuple(fc.integer({ min: -3, max: 12 }), fc.integer({ min: -2, max: 12 }))
    .map(([offset, count]) => ['LIMIT', String(offset), String(count)]),
);
/** With BY only lists: of the others Redis looks up the weights in the order of a table, which shows in the events of keys that are missing. */
const sortable = fc.constantFrom('l', 'm', 's', 'z', 'd');
const isAllowed = ([k, all]: readonly [string, readonly string[], ...unknown[]]) =>
  !'sz'.includes(k) || !all.includes('BY');
const ordered = fc.constantFrom('l', 'm', 'z', 'd');
const options = fc
  .array(option, { maxLength: 4 })
  .map((all) => all.flat())
  // BY and ALPHA together leave those without a text in any order.
  .filter((all) => !(all.includes('ALPHA') && all.includes('BY')));

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('l', 'm'), elements).map(([k, all]) => ['RPUSH', k, ...all]) },
  { weight: 3, arbitrary: elements.map((all) => ['SADD', 's', ...all]) },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.tuple(fc.integer({ min: -9, max: 9 }), element), { minLength: 1, maxLength: 5 })
      .map((all) => ['ZADD', 'z', ...all.flatMap(([score, member]) => [String(score), member])]),
  },
  fc.tuple(fc.constantFrom('l', 'm'), word).map(([k, w]) => ['RPUSH', k, w]),
  fc.tuple(element, word).map(([e, w]) => ['SET', `w_${e}`, w]),
  fc.tuple(element, word).map(([e, w]) => ['HSET', `h_${e}`, 'f', w]),
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('SORT', 'SORT_RO'), sortable, options)
      .filter(([, k, all]) => isAllowed([k, all]))
      .map(([name, k, all]) => [name, k, ...all]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(sortable, options, key)
      .filter(isAllowed)
      .map(([k, all, d]) => ['SORT', k, ...all, 'STORE', d]),
  },
  fc.tuple(ordered, options).map(([k, all]) => ['SORT', k, ...all, 'BY', 'nosort']),
  fc.tuple(sortable, options, key).map(([k, all, d]) => ['SORT', k, ...all, 'BY', 'nosort', 'STORE', d]),
  fc.tuple(fc.constantFrom('DEL', 'TYPE', 'LLEN'), key).map((args) => [...args]),
  fc.tuple(fc.constantFrom('DEL'), element).map(([name, e]) => [name, `w_${e}`, `h_${e}`]),
);

staysEqual('SORT', command);
