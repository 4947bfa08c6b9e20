/** Transactions that have ended serve again, as new. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandTable } from '../../src/commands/command-table.js';
import { allCommands } from '../../src/commands/index.js';
import { requestOf, TransactionPool } from '../../src/server/transaction.js';

const words = (...texts: string[]) => requestOf(texts.map((text) => Buffer.from(text)));
const { byName } = new CommandTable(allCommands);
const [get, set] = [byName.get('get')!, byName.get('set')!];

for (const [size, count, length] of [
  ['short', 2, 3],
  ['of many words', 1000, 1],
  ['of many bytes', 3, 10_000],
] as const)
  test(`a transaction given back, ${size}, knows nothing of what was queued, and queues as a new one does`, () => {
    const pool = new TransactionPool();
    const transaction = pool.take();
    for (let i = 0; i < count; i++) transaction.queue(set, words('SET', `key:${i}`, 'v'.repeat(length)));
    transaction.hasFailed = true;
    pool.giveBack(transaction);
    const next = pool.take();
    assert.equal(next, transaction);
    assert.deepEqual([next.count, next.argumentBytes, next.hasFailed, next.anyFlags], [0, 0, false, 0]);
    for (let i = 0; i < count; i++) next.queue(get, words('GET', `other:${i}`));
    for (let i = 0; i < count; i++) {
      assert.equal(next.command(i), get);
      assert.deepEqual([next.request(i).argc, next.request(i).text(1)], [2, `other:${i}`]);
    }
  });
