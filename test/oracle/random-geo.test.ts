/** Places all over the map, packed and as trees, and searches of all sizes among them, unsorted ones too: their order tells which cells were searched. */
import { fc } from '../support/property.js';
import { staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b');
const nameOf = (n: number) => (n % 3 === 0 ? String(n) : `m${n}`);
const member = fc.integer({ min: 0, max: 60 }).map(nameOf);
const coordinate = (limit: number) =>
  fc.oneof(
    fc.integer({ min: -1e9, max: 1e9 }).map((n) => (n / 1e9) * limit),
    // Close together, so that small areas have something in them.
    fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 2e9),
  );
const place = fc.tuple(coordinate(179).map(String), coordinate(85.05).map(String)).map((args) => [...args]);
/** Some two cells to the east for each number: members in one place are equally far from everywhere, and come in any order. */
const APART = 1.3e-5;
const places = fc.array(
  fc
    .tuple(coordinate(179), coordinate(85.05), fc.integer({ min: 0, max: 60 }))
    .map(([longitude, latitude, n]) => [String(longitude + n * APART), String(latitude), nameOf(n)]),
  { minLength: 1, maxLength: 6 },
);
const unit = fc.constantFrom('m', 'km', 'ft', 'mi');
const size = fc.oneof(
  fc.integer({ min: 0, max: 100 }).map(String),
  fc.integer({ min: 100, max: 20000 }).map(String),
  fc.double({ min: 0, max: 1e8, noNaN: true }).map(String),
);
const option = fc.constantFrom(
  ['WITHDIST'],
  ['WITHCOORD'],
  ['WITHHASH'],
  ['ASC'],
  ['DESC'],
  ['COUNT', '3'],
  ['COUNT', '2', 'ANY'],
);
const options = fc.array(option, { maxLength: 3 }).map((all) => all.flat());
const centre = fc.oneof(
  member.map((m) => ['FROMMEMBER', m]),
  place.map((at) => ['FROMLONLAT', ...at]),
);
const area = fc.oneof(
  fc.tuple(size, unit).map((args) => ['BYRADIUS', ...args]),
  fc.tuple(size, size, unit).map((args) => ['BYBOX', ...args]),
);

const command: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(key, places).map(([k, all]) => ['GEOADD', k, ...all.flat()]) },
  fc.tuple(key, fc.constantFrom('NX', 'XX', 'CH'), places).map(([k, flag, all]) => ['GEOADD', k, flag, ...all.flat()]),
  fc.tuple(fc.constantFrom('GEOPOS', 'GEOHASH'), key, member, member).map((args) => [...args]),
  fc.tuple(fc.constant('GEODIST'), key, member, member, unit).map((args) => [...args]),
  {
    weight: 8,
    arbitrary: fc.tuple(key, centre, area, options).map(([k, ...args]) => ['GEOSEARCH', k, ...args.flat()]),
  },
  fc.tuple(key, place, size, unit, options).map(([k, at, r, u, all]) => ['GEORADIUS', k, ...at, r, u, ...all]),
  fc.tuple(key, member, size, unit, options).map(([k, m, r, u, all]) => ['GEORADIUSBYMEMBER_RO', k, m, r, u, ...all]),
  fc.tuple(key, key, centre, area).map(([d, k, ...args]) => ['GEOSEARCHSTORE', d, k, ...args.flat()]),
  fc.tuple(key, member).map(([k, m]) => ['ZREM', k, m]),
  fc.tuple(fc.constantFrom('DEL', 'ZCARD'), key).map((args) => [...args]),
);

staysEqual('geo', command);
staysEqual('geo (eight members packed)', command, { 'zset-max-listpack-entries': '8' });
