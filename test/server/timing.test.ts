/** Short commands are timed by the run; those that large values make slow are seen nevertheless. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useServer } from '../support/use-server.js';

/** To get them takes 0.3 ms if the system gives pages that need no filling, else some 10 ms; a sixth of the former is slow. */
const LARGE_BYTES = 32 * 1024 * 1024;

const server = useServer({ kind: 'slotmesh', config: { 'slowlog-log-slower-than': '50' } });

test('a large value among short commands of its kind is in the slow log, and all are counted', async () => {
  const connection = await server.connect();
  const offset = String(LARGE_BYTES);
  connection.send('SETRANGE small 3 x\r\n'.repeat(20));
  connection.send(`SETRANGE large ${offset} x\r\n`);
  connection.send('SETRANGE small 3 x\r\n'.repeat(20));
  await connection.until(/(:\d+\r\n){41}/);
  const log = (await server.process.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
  assert.ok(
    log.some(([, , , words]) => words.join(' ') === `SETRANGE large ${offset} x`),
    JSON.stringify(log),
  );
  assert.match(String(await server.process.call('INFO', 'commandstats')), /cmdstat_setrange:calls=41,/);
});
