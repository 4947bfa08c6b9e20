/** Serialised values of spec/persistence.md section 2: type id, bytes after the key, and what they hold. */
import { hex } from '../support.js';

const aa8 = '12 97 fb f8 a1 01 00 00';

export interface ValueExample {
  what: string;
  type: number;
  bytes: Uint8Array;
}

export const VALUE_EXAMPLES: readonly ValueExample[] = [
  { what: 'string', type: 0, bytes: hex("05 'hello'") },
  { what: 'linked list', type: 1, bytes: hex('02 01 61 c0 05') },
  { what: 'set of three', type: 2, bytes: hex('03 01 62 01 61 c0 01') },
  { what: 'zset with text scores', type: 3, bytes: hex('04 01 61 03 31 2e 35 01 62 fe 01 63 ff 01 64 01 33') },
  { what: 'hash', type: 4, bytes: hex('01 01 66 01 76') },
  {
    what: 'zset with binary scores',
    type: 5,
    bytes: hex('03 01 62 00 00 00 00 00 00 04 40 01 61 00 00 00 00 00 00 f0 3f 01 63 00 00 00 00 00 00 f0 ff'),
  },
  {
    what: 'module value',
    type: 7,
    bytes: hex('81 12 12 12 12 12 12 12 12 01 05 02 06 03 00000000 04 0000000000000000 05 03616263 00'),
  },
  { what: 'zipmap', type: 9, bytes: hex('11 02 03 66 6f 6f 03 00 62 61 72 01 6e 02 00 31 30 ff') },
  {
    what: 'ziplist of integers of every size',
    type: 10,
    bytes: hex(
      '2e 2e 00 00 00 23 00 00 00 08 00 00 f1 02 fd 02 fe 0d 03 fe ff 03 c0 2c 01 04 f0 70 11 01 05 d0 c0 ab 76 ff 06 e0 00 f2 05 2a 01 00 00 00 ff',
    ),
  },
  { what: 'intset of 16 bits', type: 11, bytes: hex('0e 02 00 00 00 03 00 00 00 01 00 02 00 03 00') },
  { what: 'intset of 32 bits', type: 11, bytes: hex('14 04 00 00 00 03 00 00 00 ff ff ff ff 05 00 00 00 40 9c 00 00') },
  {
    what: 'intset of 64 bits',
    type: 11,
    bytes: hex('18 08 00 00 00 02 00 00 00 05 00 00 00 00 00 00 00 00 f2 05 2a 01 00 00 00'),
  },
  {
    what: 'zset ziplist',
    type: 12,
    bytes: hex('18 18 00 00 00 12 00 00 00 04 00 00 01 61 03 f2 02 01 62 03 03 32 2e 35 ff'),
  },
  {
    what: 'hash ziplist',
    type: 13,
    bytes: hex('18 18 00 00 00 12 00 00 00 04 00 00 01 61 03 f2 02 01 62 03 03 32 2e 35 ff'),
  },
  { what: 'quicklist of ziplists', type: 14, bytes: hex('01 0e 0e 00 00 00 0a 00 00 00 01 00 00 01 61 ff') },
  { what: 'hash listpack', type: 16, bytes: hex('12 12 00 00 00 04 00 81 66 02 81 76 02 81 6e 02 0a 01 ff') },
  {
    what: 'zset listpack',
    type: 17,
    bytes: hex('21 21 00 00 00 08 00 81 63 02 84 2d 69 6e 66 05 81 61 02 01 01 81 62 02 83 32 2e 35 04 07 01 03 01 ff'),
  },
  {
    what: 'quicklist with a plain node',
    type: 18,
    bytes: hex(
      "03 02 0e 0e 00 00 00 01 00 85 73 68 6f 72 74 06 ff 01 14 'this is a longer one' 02 0a 0a 00 00 00 01 00 81 7a 02 ff",
    ),
  },
  {
    what: 'listpack with integers of every size',
    type: 18,
    bytes: hex(
      '01 02 28 28 00 00 00 08 00 81 61 02 81 62 02 01 01 df ff 02 c0 80 02 f1 88 13 03 f2 a0 86 01 04 f4 ff e3 0b 54 02 00 00 00 09 ff',
    ),
  },
  { what: 'set listpack', type: 20, bytes: hex('0f 0f 00 00 00 03 00 81 61 02 81 62 02 01 01 ff') },
  {
    what: 'stream with tombstone, group and consumers',
    type: 19,
    bytes: hex(
      `01 10 00 00 00 00 00 00 03 e8 00 00 00 00 00 00 00 05 40 4a 4a 00 00 00 19 00 02 01 01 01 02 01
       84 74 65 6d 70 05 84 75 6e 69 74 05 00 01 03 01 00 01 00 01 14 01 81 43 02 05 01
       02 01 01 01 df fb 02 15 01 81 43 02 05 01 00 01 01 01 df fc 02 01 01 83 65 72 72 04 82 45 37 03 06 01 ff
       02 43 e9 01 43 e9 00 43 e8 05 03 01 01 67 43 e9 00 02
       01 00 00 00 00 00 00 03 e9 00 00 00 00 00 00 00 00 ${aa8} 01
       02 05 61 6c 69 63 65 ${aa8} 01 00 00 00 00 00 00 03 e9 00 00 00 00 00 00 00 00 03 62 6f 62 ${aa8} 00`,
    ),
  },
  {
    what: 'empty stream with a group',
    type: 19,
    bytes: hex('00 00 00 00 00 00 00 00 00 01 01 67 00 00 81 ff ff ff ff ff ff ff ff 00 00'),
  },
  {
    what: 'stream of the first form',
    type: 15,
    bytes: hex(
      '01 10 0000000000000001 0000000000000001 1c 1c0000000a00010100010101816102000102010001000101010401ff 01 01 01 00',
    ),
  },
  {
    what: 'stream of the third form',
    type: 21,
    bytes: hex(
      `01 10 0000000000000001 0000000000000001 1c 1c0000000a00010100010101816102000102010001000101010401ff 01 01 01 01 01 00 00 01
       01 01 67 01 01 01 01 0000000000000001 0000000000000001 ${aa8} 01
       02 05 61 6c 69 63 65 ${aa8} ${aa8} 01 0000000000000001 0000000000000001 03 62 6f 62 ${aa8} ff ff ff ff ff ff ff ff 00`,
    ),
  },
  {
    what: 'hash with field times',
    type: 24,
    bytes: hex("00 20 4a a9 d1 01 00 00 03 01 01 61 01 31 00 01 62 05 'plain' 43 e9 01 63 c0 07"),
  },
  {
    what: 'hash listpack with field times',
    type: 25,
    bytes: hex(
      '00 20 4a a9 d1 01 00 00 1e 1e 00 00 00 06 00 81 61 02 01 01 f4 00 20 4a a9 d1 01 00 00 09 81 62 02 81 78 02 00 01 ff',
    ),
  },
];
