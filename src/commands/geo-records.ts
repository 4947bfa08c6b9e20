/** Records of the geo commands. Handlers: geo.ts, geo-search.ts. */
import { choice, KEY, option } from './argument-docs.js';
import {
  type ArgumentDoc,
  type CommandRecord,
  DENYOOM,
  type KeySpec,
  keyRange,
  MOVABLE_KEYS,
  READ_KEY,
  READONLY,
  WRITE,
} from './command.js';
import { geoAdd, geoDist, geoHash, geoPos } from './geo.js';
import {
  geoRadius,
  geoRadiusByMember,
  geoRadiusByMemberRo,
  geoRadiusRo,
  geoSearch,
  geoSearchStore,
} from './geo-search.js';

const CIRCLE_COMPLEXITY =
  'O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.';
const AREA_COMPLEXITY =
  'O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape';
const UPPERCASE_UNITS = ['7.0.0', 'Added support for uppercase unit names.'] as const;

const UNIT: ArgumentDoc = choice('unit', ['M', 'KM', 'FT', 'MI']);
const WITH: readonly ArgumentDoc[] = [option('WITHCOORD'), option('WITHDIST'), option('WITHHASH')];
const COUNT: ArgumentDoc = {
  name: 'count',
  type: 'block',
  flags: ['optional'],
  arguments: [{ name: 'count', type: 'integer', token: 'COUNT' }, option('ANY')],
};
/** The same, with the version in which ANY came. */
const COUNT_SINCE_62: ArgumentDoc = {
  name: 'count',
  type: 'block',
  flags: ['optional'],
  arguments: [
    { name: 'count', type: 'integer', token: 'COUNT' },
    { name: 'any', type: 'pure-token', token: 'ANY', since: '6.2.0', flags: ['optional'] },
  ],
};
const ORDER: ArgumentDoc = choice('order', ['ASC', 'DESC'], { flags: ['optional'] });
const STORE: readonly ArgumentDoc[] = [
  { name: 'key', type: 'key', token: 'STORE', keySpec: 1, flags: ['optional'] },
  { name: 'key', type: 'key', token: 'STOREDIST', keySpec: 2, flags: ['optional'] },
];
const AREA: readonly ArgumentDoc[] = [
  {
    name: 'from',
    type: 'oneof',
    arguments: [
      { name: 'member', type: 'string', token: 'FROMMEMBER' },
      {
        name: 'longitude_latitude',
        type: 'block',
        token: 'FROMLONLAT',
        arguments: [
          { name: 'longitude', type: 'double' },
          { name: 'latitude', type: 'double' },
        ],
      },
    ],
  },
  {
    name: 'by',
    type: 'oneof',
    arguments: [
      { name: 'circle', type: 'block', arguments: [{ name: 'radius', type: 'double', token: 'BYRADIUS' }, UNIT] },
      {
        name: 'box',
        type: 'block',
        arguments: [{ name: 'width', type: 'double', token: 'BYBOX' }, { name: 'height', type: 'double' }, UNIT],
      },
    ],
  },
];

/** The keys of the options STORE and STOREDIST, which may come from argument `startFrom` on. */
function storeKeys(startFrom: number): KeySpec[] {
  return ['STORE', 'STOREDIST'].map((keyword) => ({
    flags: ['OW', 'update'],
    begin: { keyword, startFrom },
    find: { lastKey: 0, step: 1, limit: 0 },
  }));
}

export const geoCommands: readonly CommandRecord[] = [
  {
    name: 'geoadd',
    arity: -5,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['RW', 'update'], 1, 1)],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary: "Adds one or more members to a geospatial index. The key is created if it doesn't exist.",
    complexity: 'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
    history: [['6.2.0', 'Added the `CH`, `NX` and `XX` options.']],
    arguments: [
      KEY,
      choice('condition', ['NX', 'XX'], { since: '6.2.0', flags: ['optional'] }),
      { name: 'change', type: 'pure-token', token: 'CH', since: '6.2.0', flags: ['optional'] },
      {
        name: 'longitude_latitude_member',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'longitude', type: 'double' },
          { name: 'latitude', type: 'double' },
          { name: 'member', type: 'string' },
        ],
      },
    ],
    handler: geoAdd,
  },
  {
    name: 'geodist',
    arity: -4,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the distance between two members of a geospatial index.',
    complexity: 'O(log(N))',
    arguments: [
      KEY,
      { name: 'member1', type: 'string' },
      { name: 'member2', type: 'string' },
      { ...UNIT, flags: ['optional'] },
    ],
    handler: geoDist,
  },
  {
    name: 'geohash',
    arity: -2,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns members from a geospatial index as geohash strings.',
    complexity: 'O(log(N)) for each member requested, where N is the number of elements in the sorted set.',
    arguments: [KEY, { name: 'member', type: 'string', flags: ['multiple'] }],
    handler: geoHash,
  },
  {
    name: 'geopos',
    arity: -2,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the longitude and latitude of members from a geospatial index.',
    complexity: 'O(N) where N is the number of members requested.',
    arguments: [KEY, { name: 'member', type: 'string', flags: ['multiple'] }],
    handler: geoPos,
  },
  {
    name: 'georadius',
    arity: -6,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [READ_KEY, ...storeKeys(6)],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary:
      'Queries a geospatial index for members within a distance from a coordinate, optionally stores the result.',
    complexity: CIRCLE_COMPLEXITY,
    history: [['6.2.0', 'Added the `ANY` option for `COUNT`.'], UPPERCASE_UNITS],
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument',
    arguments: [
      KEY,
      { name: 'longitude', type: 'double' },
      { name: 'latitude', type: 'double' },
      { name: 'radius', type: 'double' },
      UNIT,
      ...WITH,
      COUNT_SINCE_62,
      ORDER,
      ...STORE,
    ],
    handler: geoRadius,
  },
  {
    name: 'georadius_ro',
    arity: -6,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.10',
    summary: 'Returns members from a geospatial index that are within a distance from a coordinate.',
    complexity: CIRCLE_COMPLEXITY,
    history: [['6.2.0', 'Added the `ANY` option for `COUNT`.']],
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`GEOSEARCH` with the `BYRADIUS` argument',
    arguments: [
      KEY,
      { name: 'longitude', type: 'double' },
      { name: 'latitude', type: 'double' },
      { name: 'radius', type: 'double' },
      UNIT,
      ...WITH,
      COUNT_SINCE_62,
      ORDER,
    ],
    handler: geoRadiusRo,
  },
  {
    name: 'georadiusbymember',
    arity: -5,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [READ_KEY, ...storeKeys(5)],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.0',
    summary: 'Queries a geospatial index for members within a distance from a member, optionally stores the result.',
    complexity: CIRCLE_COMPLEXITY,
    history: [UPPERCASE_UNITS],
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments',
    arguments: [
      KEY,
      { name: 'member', type: 'string' },
      { name: 'radius', type: 'double' },
      UNIT,
      ...WITH,
      COUNT,
      ORDER,
      ...STORE,
    ],
    handler: geoRadiusByMember,
  },
  {
    name: 'georadiusbymember_ro',
    arity: -5,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '3.2.10',
    summary: 'Returns members from a geospatial index that are within a distance from a member.',
    complexity: CIRCLE_COMPLEXITY,
    docFlags: ['deprecated'],
    deprecatedSince: '6.2.0',
    replacedBy: '`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments',
    arguments: [
      KEY,
      { name: 'member', type: 'string' },
      { name: 'radius', type: 'double' },
      UNIT,
      ...WITH,
      COUNT,
      ORDER,
    ],
    handler: geoRadiusByMemberRo,
  },
  {
    name: 'geosearch',
    arity: -7,
    flags: READONLY,
    keys: [READ_KEY],
    acl: ['geo'],
    group: 'geo',
    since: '6.2.0',
    summary: 'Queries a geospatial index for members inside an area of a box or a circle.',
    complexity: AREA_COMPLEXITY,
    history: [UPPERCASE_UNITS],
    arguments: [KEY, ...AREA, ORDER, COUNT, ...WITH],
    handler: geoSearch,
  },
  {
    name: 'geosearchstore',
    arity: -8,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['OW', 'update'], 1, 1), keyRange(['RO', 'access'], 2, 2)],
    acl: ['geo'],
    group: 'geo',
    since: '6.2.0',
    summary:
      'Queries a geospatial index for members inside an area of a box or a circle, optionally stores the result.',
    complexity: AREA_COMPLEXITY,
    history: [UPPERCASE_UNITS],
    arguments: [
      { name: 'destination', type: 'key', keySpec: 0 },
      { name: 'source', type: 'key', keySpec: 1 },
      ...AREA,
      ORDER,
      COUNT,
      option('STOREDIST'),
    ],
    handler: geoSearchStore,
  },
];
