/** What the commands of bitmaps and HyperLogLogs send to replicas and the append-only file. */
import { test } from 'node:test';
import { propagates } from './in-process.js';

test('a write of bits is propagated as it was received', () => {
  for (const command of ['SETBIT k 7 0', 'setbit k 7 1', 'BITFIELD k GET u8 0 SET u8 #1 3', 'BITFIELD k incrby u8 0 0'])
    propagates([], command, [command]);
  propagates(['SET a x'], 'BITOP NOT d a', ['BITOP NOT d a']);
  propagates(['SET d x'], 'BITOP OR d none', ['BITOP OR d none']);
});

test('bits that are as they were propagate nothing', () => {
  for (const command of ['GETBIT k 1', 'BITCOUNT k', 'BITPOS k 0', 'BITFIELD k GET u8 0', 'BITFIELD k', 'BITOP OR d k'])
    propagates([], command, []);
  propagates(['SETBIT k 7 1'], 'SETBIT k 7 1', []);
  propagates(['SETBIT k 7 1'], 'BITFIELD k SET u8 0 1', []);
  propagates(['SETBIT k 7 1'], 'BITFIELD k OVERFLOW FAIL INCRBY u1 7 1', []);
});

test('a string that only grew, as the fields did not fit, is propagated: replicas must have it, too', () => {
  const command = 'BITFIELD k OVERFLOW FAIL SET u8 0 300';
  propagates([], command, [command]);
});

test('HyperLogLogs: what changed is propagated as it was received, the stored number too', () => {
  for (const command of ['PFADD k', 'pfadd k a b', 'PFMERGE d', 'PFMERGE d none']) propagates([], command, [command]);
  const one = ['PFADD k a'];
  propagates(one, 'PFCOUNT k', ['PFCOUNT k']);
  propagates(one, 'PFDEBUG TODENSE k', ['PFDEBUG TODENSE k']);
  propagates(one, 'PFDEBUG GETREG k', ['PFDEBUG GETREG k']);
});

test('HyperLogLogs: what changed nothing propagates nothing', () => {
  const one = ['PFADD k a'];
  propagates(one, 'PFADD k', []);
  propagates(one, 'PFADD k a', []);
  propagates(one, 'PFCOUNT k k', []);
  propagates(one, 'PFDEBUG DECODE k', []);
  propagates([...one, 'PFCOUNT k'], 'PFCOUNT k', []);
  propagates([], 'PFCOUNT k', []);
  propagates([...one, 'PFDEBUG TODENSE k'], 'PFDEBUG TODENSE k', []);
});

const PLACES = ['GEOADD g 13.3 38.1 Palermo 15.1 37.5 Catania'];

test('GEOADD is propagated as ZADD of the scores', () => {
  propagates([], 'GEOADD g 13.3 38.1 Palermo', ['zadd g 3479076843417631 Palermo']);
  propagates(PLACES, 'geoadd g xx CH 15.1 37.5 Palermo 1 1 none', [
    'zadd g xx CH 3479447216794612 Palermo 3377822707026402 none',
  ]);
  // The corner of the map, whose score a double does not hold.
  propagates([], 'GEOADD g 180 85.05112877 a', ['zadd g 10508399130531157 a']);
  propagates(PLACES, 'GEOADD g NX 1 1 Palermo', []);
  propagates(PLACES, 'GEOADD g 13.3 38.1 Palermo', []);
  propagates([], 'GEOADD g XX 1 1 a', []);
});

test('a search that stores is propagated as it was received, if it stored or removed something', () => {
  for (const command of [
    'GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 500 km STOREDIST',
    'GEORADIUS g 15 37 500 km STORE d',
    'georadiusbymember g Palermo 500 km STOREDIST d',
  ])
    propagates(PLACES, command, [command]);
  const nothing = 'GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 m';
  propagates(PLACES, nothing, []);
  propagates([...PLACES, 'SET d x'], nothing, [nothing]);
  for (const command of ['GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m', 'GEORADIUS g 15 37 500 km', 'GEOPOS g Palermo'])
    propagates(PLACES, command, []);
});

test('SORT that stores is propagated as it was received, if it stored or removed something', () => {
  const list = ['RPUSH l 3 1 2'];
  for (const command of ['SORT l STORE d', 'sort l by nosort limit 0 1 store l']) propagates(list, command, [command]);
  propagates([...list, 'SET d x'], 'SORT none STORE d', ['SORT none STORE d']);
  for (const command of ['SORT none STORE d', 'SORT l', 'SORT_RO l']) propagates(list, command, []);
});
