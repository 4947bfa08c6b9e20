/** Bits, HyperLogLogs, places and what SORT stores, between the real redis-server and ours. */
import type { Arg } from '../../src/client/encode-command.js';
import type { Random } from '../support/fuzz.js';
import { exchangesData } from './exchange.js';

const COMMANDS = 4000;

function workload(random: Random): Arg[][] {
  const below = (bound: number): number => random.below(bound);
  const bits = (): string => `bits:${below(8)}`;
  const hll = (): string => `hll:${below(8)}`;
  const geo = (): string => `geo:${below(4)}`;
  const list = (): string => `list:${below(4)}`;
  const elements = (count: number): string[] => Array.from({ length: 1 + below(count) }, () => `e${below(20000)}`);
  const place = (): Arg[] => [below(3600000) / 10000 - 180, below(1700000) / 10000 - 85];
  // Not FAIL: a string that only grew is kept from replicas by Redis.
  const overflow = (): string => (below(2) === 0 ? 'WRAP' : 'SAT');
  const makers: (() => Arg[])[] = [
    () => ['SETBIT', bits(), below(5000), below(2)],
    () => ['BITOP', ['AND', 'OR', 'XOR'][below(3)]!, bits(), bits(), bits()],
    () => ['BITOP', 'NOT', bits(), bits()],
    () => ['BITFIELD', bits(), 'OVERFLOW', overflow(), 'SET', `u${1 + below(63)}`, below(900), below(1e9)],
    () => ['BITFIELD', bits(), 'OVERFLOW', overflow(), 'INCRBY', `i${1 + below(64)}`, `#${below(9)}`, below(1e9) - 5e8],
    () => ['APPEND', bits(), 'x'.repeat(below(9))],
    () => ['PFADD', hll(), ...elements(60)],
    () => ['PFCOUNT', hll()],
    () => ['PFMERGE', hll(), hll(), hll()],
    () => ['PFDEBUG', 'TODENSE', hll()],
    () => ['GEOADD', geo(), ...place(), `m${below(300)}`, ...place(), `m${below(300)}`],
    () => ['GEOADD', geo(), ['NX', 'XX', 'CH'][below(3)]!, ...place(), `m${below(300)}`],
    () => ['GEOSEARCHSTORE', geo(), geo(), 'FROMLONLAT', ...place(), 'BYRADIUS', below(9000), 'km'],
    () => ['GEORADIUS', geo(), ...place(), below(9000), 'km', 'STORE', geo()],
    () => ['RPUSH', list(), ...Array.from({ length: 1 + below(9) }, () => below(2000))],
    () => ['SORT', list(), 'LIMIT', 0, below(50), 'STORE', list()],
    () => ['SORT', geo(), 'ALPHA', 'STORE', list()],
    () => ['PEXPIREAT', below(2) === 0 ? bits() : geo(), 33177117420000 + below(1000)],
    () => [['DEL', 'UNLINK', 'PERSIST'][below(3)]!, [bits, hll, geo, list][below(4)]!()],
  ];
  return Array.from({ length: COMMANDS }, () => makers[below(makers.length)]!());
}

exchangesData(workload);
