/** HyperLogLogs of a few hundred elements, at the limit of the sparse form, merged and counted in any order. */
import { fc } from '../support/property.js';
import { type Line, staysEqual } from './random-sequences.js';

const key = fc.constantFrom('a', 'b', 'c');
const keys = fc.array(key, { minLength: 1, maxLength: 4 });
const range = fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 60 }));

const pfAdd = (k: string, from: number, count: number) => [
  'PFADD',
  k,
  ...Array.from({ length: count }, (_, i) => `${from + i}`),
];

/**
 * A sequence with any byte behind the header, so that opcodes get any form, which ends with the key. It is changed once: an opcode that is cut off at the
 * end of the string redis-server then puts behind the string, and at the next change reads what is there.
 */
const corrupted = (k: string, at: string, byte: string, element: string) => [
  ['SETRANGE', k, at, byte],
  ['PFCOUNT', k],
  ['PFMERGE', 'd', k],
  ['PFADD', k, element],
  ['GET', k],
  ['PFCOUNT', k, 'a'],
  ['DEL', k, 'd'],
];

const command: fc.Arbitrary<Line> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(key, range).map(([k, [from, count]]) => pfAdd(k, from, count)) },
  // So many that it is looked at whether they make it dense: alone they do not.
  fc.tuple(key, range).map(([k, [from, count]]) => pfAdd(k, from, 1000 + count)),
  fc.tuple(key, fc.string({ maxLength: 20 })).map(([k, element]) => ['PFADD', k, element]),
  keys.map((all) => ['PFCOUNT', ...all]),
  keys.map((all) => ['PFMERGE', ...all]),
  // Not DECODE: ours ends behind the last register, however many opcodes a corrupt one has.
  key.map((k) => ['PFDEBUG', 'ENCODING', k]),
  key.map((k) => ['GET', k]),
  key.map((k) => ['OBJECT', 'ENCODING', k]),
  fc.tuple(fc.constantFrom('COPY', 'RENAME'), key, key).map((args) => [...args]),
  key.map((k) => ['DEL', k]),
  fc
    .tuple(key, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 255 }), fc.string({ maxLength: 20 }))
    .map(([k, at, byte, element]) => corrupted(k, String(8 + at), String.fromCharCode(byte), element)),
);

staysEqual('HyperLogLog', command);
staysEqual('HyperLogLog (sparse up to 120 bytes)', command, { 'hll-sparse-max-bytes': '120' });
