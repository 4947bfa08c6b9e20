/** SCAN: cursors and order are the server's own affair; what a whole iteration returns is not. */
import { type CaseGroup, scanned, setUp, shape } from '../steps.js';

const many = (count: number) => `MSET ${Array.from({ length: count }, (_, at) => `key:${at} ${at}`).join(' ')}`;

export const scan: readonly CaseGroup[] = [
  {
    name: 'SCAN',
    cases: {
      'an empty database': ['SCAN 0', 'SCAN 0 COUNT 100', 'SCAN 0 MATCH *', 'SCAN 0 TYPE string'],
      'a database of one key': ['SET k v', scanned('SCAN'), scanned('SCAN', 'COUNT 1')],
      'every key is returned': [
        many(500),
        scanned('SCAN'),
        scanned('SCAN', 'COUNT 1'),
        scanned('SCAN', 'COUNT 7'),
        scanned('SCAN', 'COUNT 100000'),
      ],
      'keys of several databases': [
        many(20),
        'SELECT 3',
        'MSET x 1 y 2',
        scanned('SCAN'),
        'SELECT 0',
        scanned('SCAN', 'COUNT 3'),
      ],
      'MATCH filters': [
        many(300),
        'MSET a 1 b 2 abc 3',
        ...['*', 'key:1*', 'key:?', '[ab]', 'none', '*5', '"\\x00"', 'key:[0-4][^1]'].map((pattern) =>
          scanned('SCAN', `MATCH ${pattern} COUNT 10`),
        ),
      ],
      'TYPE filters': [
        many(30),
        scanned('SCAN', 'TYPE string'),
        scanned('SCAN', 'TYPE STRING'),
        scanned('SCAN', 'TYPE list'),
        scanned('SCAN', 'TYPE zset MATCH *'),
        scanned('SCAN', 'TYPE string MATCH key:2*'),
      ],
      'keys whose time has come are not returned': [
        'DEBUG SET-ACTIVE-EXPIRE 0',
        many(50),
        'SET gone v PX 1',
        'SET stay v PX 100000',
        setUp('DEBUG SLEEP 0.005'),
        scanned('SCAN'),
        'DEBUG SET-ACTIVE-EXPIRE 1',
      ],
      'cursors that are none': [
        'SCAN a',
        'SCAN -1',
        'SCAN 1.5',
        'SCAN ""',
        'SCAN 18446744073709551616',
        'SCAN 99999999999999999999999',
        'SCAN " 0"',
        'SCAN 0x',
      ],
      'cursors out of nowhere give some position': [many(10), shape('SCAN 18446744073709551615 COUNT 1000 MATCH none')],
      'what is wrong': [
        'SCAN',
        'SCAN 0 COUNT',
        'SCAN 0 COUNT 0',
        'SCAN 0 COUNT -1',
        'SCAN 0 COUNT a',
        'SCAN 0 COUNT 9223372036854775808',
        'SCAN 0 MATCH',
        'SCAN 0 TYPE',
        'SCAN 0 FOO',
        'SCAN 0 FOO bar',
        'SCAN 0 COUNT 1 FOO',
        'SCAN 0 1',
      ],
      'options in any order and repeated': [
        many(20),
        scanned('SCAN', 'TYPE string COUNT 5 MATCH *1*'),
        scanned('SCAN', 'MATCH a* MATCH *1* COUNT 1 COUNT 50'),
      ],
    },
  },
];
