/** What the commands of streams send to replicas and the append-only file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPIRY_IGNORE } from '../../src/keyspace/keyspace.js';
import { InProcess, NOW_MS, propagates } from './in-process.js';

/** As `propagates`; several commands come as a transaction. */
function sends(setUp: readonly string[], command: string, ...expected: readonly string[]): void {
  propagates(setUp, command, expected.length > 1 ? ['MULTI', ...expected, 'EXEC'] : expected);
}

const entries = (count: number): string[] => Array.from({ length: count }, (_, at) => `XADD s ${at + 1} f v`);
const GROUP = [...entries(5), 'XGROUP CREATE s g 0', 'XGROUP CREATECONSUMER s g c'];
const DELIVERED = [...GROUP, 'XREADGROUP GROUP g c COUNT 2 STREAMS s >'];
/** What tells a replica that an entry is pending for a consumer. */
const claimed = (consumer: string, id: string, count: number, lastId: string): string =>
  `XCLAIM s g ${consumer} 0 ${id} TIME ${NOW_MS} RETRYCOUNT ${count} FORCE JUSTID LASTID ${lastId}`;

test('an entry is added with the ID that it got, and trimmed to what is left', () => {
  sends([], 'XADD s 1 f v', 'XADD s 1 f v');
  sends([], 'XADD s * f v', `XADD s ${NOW_MS}-0 f v`);
  sends(['XADD s 5-1 f v'], 'xadd s 5-* f v', 'xadd s 5-2 f v');
  sends(entries(5), 'XADD s MAXLEN 3 9 f v', 'XADD s MAXLEN 3 9 f v');
  sends(entries(5), 'XADD s NOMKSTREAM MAXLEN = 3 * f v', `XADD s NOMKSTREAM MAXLEN = 3 ${NOW_MS}-0 f v`);
  sends(entries(5), 'XADD s MAXLEN ~ 3 9 f v', 'XADD s MAXLEN = 6 9 f v');
  sends(entries(5), 'XADD s MAXLEN ~ 3 LIMIT 7 9-* f v', 'XADD s MAXLEN = 6 LIMIT 7 9-0 f v');
  sends(entries(5), 'XADD s MINID ~ 3 9 f v', 'XADD s MINID = 1-0 9 f v');
  sends([], 'XADD s MINID ~ 20 9 f v', 'XADD s MINID = 18446744073709551615-18446744073709551615 9 f v');
});

test('what has taken something away is propagated as it was received', () => {
  for (const command of ['XDEL s 1 9', 'XTRIM s MAXLEN 2', 'XTRIM s MINID = 3', 'XSETID s 9', 'XGROUP CREATE s g $'])
    sends(entries(5), command, command);
  sends(entries(5), 'XTRIM s MAXLEN ~ 0', 'XTRIM s MAXLEN = 0');
  sends(entries(5), 'XTRIM s MINID ~ 9', 'XTRIM s MINID = 18446744073709551615-18446744073709551615');
  for (const command of ['XACK s g 1 9', 'XGROUP SETID s g 3', 'XGROUP DELCONSUMER s g c', 'XGROUP DESTROY s g'])
    sends(DELIVERED, command, command);
  sends([], 'XGROUP CREATE s g $ MKSTREAM', 'XGROUP CREATE s g $ MKSTREAM');
  sends(GROUP, 'XGROUP CREATECONSUMER s g d', 'XGROUP CREATECONSUMER s g d');
});

test('what a group has delivered is propagated entry by entry', () => {
  sends(GROUP, 'XREADGROUP GROUP g c COUNT 1 STREAMS s >', claimed('c', '1-0', 1, '1-0'));
  sends(
    GROUP,
    'XREADGROUP GROUP g c COUNT 2 STREAMS s >',
    claimed('c', '1-0', 1, '1-0'),
    claimed('c', '2-0', 1, '2-0'),
  );
  sends(GROUP, 'XREADGROUP GROUP g d COUNT 1 STREAMS s >', claimed('d', '1-0', 1, '1-0'));
  sends(GROUP, 'XREADGROUP GROUP g c NOACK STREAMS s >', 'XGROUP SETID s g 5-0 ENTRIESREAD 5');
  sends(
    GROUP,
    'XREADGROUP GROUP g d NOACK COUNT 1 STREAMS s >',
    'XGROUP CREATECONSUMER s g d',
    'XGROUP SETID s g 1-0 ENTRIESREAD 1',
  );
  sends([...GROUP, 'XGROUP SETID s g $'], 'XREADGROUP GROUP g d NOACK STREAMS s >', 'XGROUP CREATECONSUMER s g d');
  sends(DELIVERED, 'XREADGROUP GROUP g c STREAMS s 0');
});

test('claims are propagated with what they came to', () => {
  sends(DELIVERED, 'XCLAIM s g d 0 1 2', claimed('d', '1', 2, '2-0'), claimed('d', '2', 2, '2-0'));
  sends(DELIVERED, 'XCLAIM s g d 0 1 JUSTID LASTID 9', claimed('d', '1', 1, '9-0'));
  sends(
    DELIVERED,
    'XCLAIM s g d 0 4 FORCE IDLE 1000 RETRYCOUNT 7',
    `XCLAIM s g d 0 4 TIME ${NOW_MS - 1000} RETRYCOUNT 7 FORCE JUSTID LASTID 2-0`,
  );
  sends(DELIVERED, 'XCLAIM s g d 99 1 LASTID 9', 'XGROUP SETID s g 9-0 ENTRIESREAD 2');
  sends([...DELIVERED, 'XDEL s 2'], 'XCLAIM s g d 0 2', claimed('c', '2', 1, '2-0'));
  sends(
    [...DELIVERED, 'XDEL s 2'],
    'XAUTOCLAIM s g d 0 0',
    claimed('d', '1-0', 2, '2-0'),
    claimed('c', '2-0', 1, '2-0'),
  );
  sends(DELIVERED, 'XAUTOCLAIM s g d 0 0 COUNT 1 JUSTID', claimed('d', '1-0', 1, '2-0'));
});

test('what changed nothing propagates nothing', () => {
  for (const command of [
    'XADD none NOMKSTREAM 1 f v',
    'XDEL s 9',
    'XTRIM s MAXLEN 9',
    'XTRIM s MAXLEN ~ 3',
    'XACK s g 5',
    'XGROUP CREATECONSUMER s g c',
    'XGROUP DELCONSUMER s g none',
    'XGROUP DESTROY s none',
    'XCLAIM s g c 99 1',
    'XCLAIM s g c 0 5',
    'XAUTOCLAIM s g c 99 0',
    'XREAD STREAMS s 0',
    'XPENDING s g',
    'XINFO STREAM s',
  ])
    sends(DELIVERED, command);
});

test('a LIMIT without ~, as a primary sends it, is no error for a replica, and limits nothing', () => {
  const server = new InProcess();
  for (const line of entries(5)) server.run(line);
  assert.match(server.run('XADD s MAXLEN = 2 LIMIT 1 9 f v'), /^-ERR syntax error, LIMIT/);
  // As while the stream of a primary is applied.
  server.server.keyspace.expiryMode = EXPIRY_IGNORE;
  server.run('XADD s MAXLEN = 2 LIMIT 1 9 f v');
  assert.equal(server.run('XLEN s'), ':2\r\n');
});
