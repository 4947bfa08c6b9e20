/** The parts of the cluster manager that need no cluster. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchSize } from '../../../src/cli/cluster/batch-size.js';
import { parseAddress } from '../../../src/cli/cluster/context.js';
import { dictionaryOrder } from '../../../src/cli/cluster/dictionary-order.js';
import { chooseRepair } from '../../../src/cli/cluster/fix-open-slot.js';
import { OrderedOutput } from '../../../src/cli/cluster/ordered-output.js';
import { ProgressBar } from '../../../src/cli/cluster/progress-bar.js';
import { planRebalance } from '../../../src/cli/cluster/rebalance-plan.js';
import { planReshard } from '../../../src/cli/cluster/reshard-plan.js';
import { formatRanges, SlotSet } from '../../../src/cli/cluster/slot-set.js';
import { applyConfig, ConfigError, defaultSettings } from '../../../src/cli/create-cluster/settings.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import { fc } from '../../support/property.js';

function owner(first: number, last: number): { slots: SlotSet } {
  return { slots: SlotSet.ofRanges([{ first, last }]) };
}

test('addresses are cut at the last @ and the last colon', () => {
  assert.deepEqual(parseAddress('127.0.0.1:7000@17000'), { host: '127.0.0.1', port: 7000 });
  assert.deepEqual(parseAddress('::1:7000'), { host: '::1', port: 7000 });
  assert.deepEqual(parseAddress('[::1]:7000'), { host: '::1', port: 7000 });
  assert.equal(parseAddress('127.0.0.1'), null);
  assert.equal(parseAddress('127.0.0.1:0'), null);
});

test('neighbouring slots are shown as ranges', () => {
  assert.equal(formatRanges([0, 1, 2, 7, 9, 10]), '[0-2],[7],[9-10]');
});

test('open slots are walked in the order of redis-cli, as recorded from it', () => {
  // Each is open on both sides, and so put in twice.
  const slots = '5,7,17,100,300,4000'.split(',');
  assert.equal(dictionaryOrder([...slots, ...slots]).join(), '7,5,100,17,300,4000');
  assert.equal(dictionaryOrder(['7000', '7001', '7000']).join(), '7001,7000');
});

describe('plans', () => {
  test('a reshard plan can be shorter than asked for, as recorded from redis-cli', () => {
    const sources = [owner(0, 5460), owner(5461, 10922), owner(10923, 16383)];
    const counts = [1, 2, 4, 5, 10, 11].map((count) => planReshard(sources, count).length);
    assert.deepEqual(counts, [1, 1, 4, 4, 10, 10]);
    assert.deepEqual(planReshard(sources, -5), []);
    assert.equal(planReshard(sources, 20_000).length, 16_384);
  });

  test('weights 3, 1, 1 and 0 with an empty node: the balances and transfers recorded from redis-cli', () => {
    const nodes = [
      { node: 'a', slotCount: 5461, weight: 3 },
      { node: 'b', slotCount: 5462, weight: 1 },
      { node: 'c', slotCount: 5461, weight: 1 },
      { node: 'd', slotCount: 0, weight: 0 },
    ];
    const { shares, transfers } = planRebalance(nodes, 2);
    assert.deepEqual(
      shares.map(({ balance }) => balance),
      [-4370, -1, 2185, 2186],
    );
    assert.deepEqual(
      transfers.map(({ count }) => count),
      [2186, 2184, 1],
    );
  });

  test('any weights: every slot that one node gives another one takes, and the shares come out right', () => {
    const weight = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.array(weight, { minLength: 2, maxLength: 12 }), (weights) => {
        const each = Math.floor(16_384 / weights.length);
        const nodes = weights.map((value, node) => ({
          node,
          weight: value,
          slotCount: node === 0 ? 16_384 - each * (weights.length - 1) : each,
        }));
        const { isNeeded, transfers, totalWeight } = planRebalance(nodes, 1);
        if (!isNeeded) return;
        const counts = nodes.map(({ slotCount }) => slotCount);
        for (const { source, target, count } of transfers) {
          counts[source]! -= count;
          counts[target]! += count;
        }
        for (const { node, weight: value } of nodes)
          assert.ok(Math.abs(counts[node]! - (16_384 * value) / totalWeight) <= weights.length, `${counts}`);
      }),
    );
  });

  test('equal nodes need no rebalancing, and a threshold of 0 allows anything', () => {
    const nodes = [5461, 5462, 5461].map((slotCount, node) => ({ node, slotCount, weight: 1 }));
    assert.equal(planRebalance(nodes, 2).isNeeded, false);
    assert.equal(
      planRebalance(
        [
          { node: 0, slotCount: 16_384, weight: 1 },
          { node: 1, slotCount: 0, weight: 1 },
        ],
        0,
      ).isNeeded,
      false,
    );
  });
});

test('what is done about an open slot, by who has it open and who holds keys', () => {
  const facts = (migrating: string[], importing: string[], holders: string[], destination: string | null = null) =>
    chooseRepair({ owner: 'o', migrating, importing, destination, hasKeys: (node) => holders.includes(node) }).kind;
  assert.equal(facts(['o'], ['t'], ['o', 't']), 'finish-move');
  assert.equal(facts([], ['t', 'u'], ['t']), 'gather-at-owner');
  assert.equal(facts(['o'], ['t', 'u'], ['o'], 't'), 'finish-move-and-close');
  assert.equal(facts(['o'], ['t', 'u'], ['o']), 'close-everywhere');
  assert.equal(facts(['o'], ['t', 'u'], ['u'], 't'), 'none');
  assert.equal(facts(['o'], [], ['o']), 'close');
  assert.equal(facts(['x'], [], ['x']), 'none');
  assert.equal(facts(['x'], [], []), 'close');
  assert.equal(facts(['o', 'x'], ['t'], []), 'none');
});

describe('batches of MIGRATE', () => {
  test('large values go few at a time, and one that is larger than any batch goes alone', () => {
    const size = new BatchSize();
    assert.equal(size.next([50_000_000, 100, 100], 0), 1);
    assert.ok(size.next(new Array<number>(100).fill(40_000), 0) <= 4);
    assert.ok(size.next(new Array<number>(1000).fill(100), 0) >= 50);
  });

  test('slow batches make the next ones smaller, quick ones larger, within bounds', () => {
    const size = new BatchSize();
    const small = new Array<number>(5000).fill(100);
    for (let turn = 0; turn < 50; turn++) size.learn(1, 100);
    assert.equal(size.next(small, 0), 1000);
    for (let turn = 0; turn < 50; turn++) size.learn(100, 100);
    assert.equal(size.next(small, 0), 10);
    size.learn(100, 1);
    assert.equal(size.next(small, 4995), 5);
  });
});

test('outputs side by side are told one after the other', () => {
  let told = '';
  const ordered = new OrderedOutput((data) => {
    told += String(data);
  });
  const [first, second, third] = [ordered.open(), ordered.open(), ordered.open()];
  second.write('2a ');
  third.write('3 ');
  first.write('1 ');
  third.end();
  assert.equal(told, '1 ');
  first.end();
  second.write('2b ');
  second.end();
  assert.equal(told, '1 2a 2b 3 ');
});

test('the progress bar shows slots, keys, rate and time left, and ends with what was done', () => {
  let shown = '';
  let nowMs = 0;
  const terminal = {
    columns: 120,
    write: (data: string) => {
      shown = data;
    },
  } as unknown as Terminal;
  const bar = new ProgressBar(terminal, { slots: 100, keys: 8000 }, () => nowMs);
  nowMs = 2000;
  bar.add({ slots: 25, keys: 2000 });
  bar.show();
  assert.equal(
    shown,
    `\r\x1b[K${'█'.repeat(8)}${'░'.repeat(24)}   25%  25/100 slots  2000/8000 keys  1000 keys/s  0:06 left`,
  );
  nowMs = 8000;
  bar.add({ slots: 75, keys: 6100 });
  bar.end();
  assert.equal(shown, '100 slots, 8100 keys moved in 8.0 s\n');
});

test('create-cluster reads config.sh as assignments', () => {
  const settings = defaultSettings();
  applyConfig(
    settings,
    '# a comment\n\nPORT=7000\nexport NODES="3" # three\nADDITIONAL_OPTIONS=\'--save ""\'\nOTHER=1\n',
  );
  assert.deepEqual([settings.port, settings.nodes, settings.additionalOptions], [7000, 3, ['--save', '""']]);
  assert.throws(() => applyConfig(settings, 'PORT=seven'), ConfigError);
  assert.throws(() => applyConfig(settings, 'rm -rf x'), ConfigError);
});
