/** What the benchmarks read and write: reports of redis-benchmark, options, tables and charts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawChart, panelsOf } from '../../bench/chart.js';
import { isWanted } from '../../bench/context.js';
import { SetChunk } from '../../bench/key-loader.js';
import { type Group, type MeasureSpec, reachesGoal, summarize } from '../../bench/measurement.js';
import { readOptions, UsageError } from '../../bench/options.js';
import { BenchmarkFailed, parseReport } from '../../bench/redis-benchmark.js';
import { formatGroup, formatMeasure, formatValue } from '../../bench/report.js';

const speed: MeasureSpec = { name: 'throughput', unit: 'ops/s', better: 'higher', goal: 1.2 };
const cost: MeasureSpec = { name: 'CPU per command', unit: 'µs', better: 'lower', goal: 0.85 };

function group(): Group {
  return {
    title: 'Throughput',
    method: 'How.',
    rows: [
      {
        id: 'get-p16-16b',
        title: 'GET <16>',
        measures: [
          summarize(speed, [{ candidate: 1_210_000, baseline: 968_000 }]),
          summarize(cost, [{ candidate: 0.96, baseline: 1.18 }]),
        ],
      },
    ],
  };
}

describe('report', () => {
  test('values have three digits and a unit that fits', () => {
    const cases: [number, Parameters<typeof formatValue>[1], string][] = [
      [1_234_567, 'ops/s', '1.23M/s'],
      [131_234, 'ops/s', '131k/s'],
      [42, 'ops/s', '42.0/s'],
      [8.912, 'µs', '8.91 µs'],
      [340.2, 'MiB', '340 MiB'],
      [0.0812, 's', '0.0812 s'],
      [0, 'ms', '0 ms'],
      [Number.NaN, 'ms', '–'],
    ];
    for (const [value, unit, text] of cases) assert.equal(formatValue(value, unit), text);
  });

  test('a goal is reached from above or from below, according to what is better', () => {
    const pair = (candidate: number): { candidate: number; baseline: number }[] => [{ candidate, baseline: 1 }];
    assert.equal(reachesGoal(summarize(speed, pair(1.25))), true);
    assert.equal(reachesGoal(summarize(speed, pair(1.1))), false);
    assert.equal(reachesGoal(summarize(cost, pair(0.8))), true);
    assert.equal(reachesGoal(summarize(cost, pair(0.9))), false);
    assert.equal(reachesGoal(summarize({ name: 'memory', unit: 'MiB', better: 'lower' }, pair(0.9))), undefined);
  });

  test('a cell has the ratio, whether the goal is reached, and both figures', () => {
    assert.equal(formatMeasure(group().rows[0]!.measures[0]!), '**1.25×** ✓ (1.21M/s : 968k/s)');
  });

  test('rows with the same measures share a table, others are listed measure by measure', () => {
    assert.match(
      formatGroup(group()),
      /\| row \| throughput \(higher is better\) \| CPU per command \(lower is better\) \|\n\|---\|---\|---\|\n\| GET <16> \| /,
    );
    const mixed = group();
    mixed.rows.push({
      id: 'load',
      title: 'load',
      measures: [summarize({ name: 'duration', unit: 's', better: 'lower' }, [{ candidate: 1, baseline: 2 }])],
    });
    assert.match(
      formatGroup(mixed),
      /\| load \| duration \(lower is better\) \| \*\*0\.50×\*\* \(1\.00 s : 2\.00 s\) \|/,
    );
  });

  test('the chart has a panel per direction, escapes its texts and leaves out what is not charted', () => {
    const charted = group();
    charted.rows[0]!.measures.push(
      summarize({ name: 'p99.9', unit: 'ms', better: 'lower', isCharted: false }, [{ candidate: 1, baseline: 1 }]),
    );
    const panels = panelsOf([charted]);
    assert.deepEqual(
      panels.map((panel) => [panel.better, panel.bars.length]),
      [
        ['higher', 1],
        ['lower', 1],
      ],
    );
    const svg = drawChart(panels);
    assert.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
    assert.ok(svg.includes('GET &#60;16&#62;') && svg.includes('1.25×'));
  });
});

describe('redis-benchmark', () => {
  const report = `====== SET ======
  2000 requests completed in 0.06 seconds

Latency by percentile distribution:
0.000% <= 0.031 milliseconds (cumulative count 1)
50.000% <= 0.127 milliseconds (cumulative count 1041)
99.805% <= 3.975 milliseconds (cumulative count 1997)
99.902% <= 4.055 milliseconds (cumulative count 1999)
100.000% <= 4.255 milliseconds (cumulative count 2000)

Cumulative distribution of latencies:
99.950% <= 0.103 milliseconds (cumulative count 653)

Summary:
  throughput summary: 31250.00 requests per second
`;

  test('throughput, the 99.9 % row and the maximum are read from the long report', () => {
    assert.deepEqual(parseReport(report), { throughput: 31250, p999Ms: 4.055, maxMs: 4.255 });
  });

  test('a report that broke off is an error', () => {
    assert.throws(() => parseReport('Error from server: OOM'), BenchmarkFailed);
  });
});

test('the loader numbers its keys without gap, in the form that redis-benchmark asks for', () => {
  const chunk = new SetChunk(16);
  const first = chunk.fill(0, 2).toString('latin1');
  assert.equal(
    first,
    '*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$16\r\nval:000000000000\r\n*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$16\r\nval:000000000001\r\n',
  );
  assert.ok(chunk.fill(4_999_999, 1).includes('key:000004999999'));
  assert.equal(
    new SetChunk(1024).fill(1, 1).length,
    '*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$1024\r\n\r\n'.length + 1024,
  );
});

describe('options', () => {
  test('--quick changes the defaults, what is given explicitly wins', () => {
    assert.equal(readOptions([]).keys, 5_000_000);
    assert.deepEqual([readOptions(['--quick']).pairs, readOptions(['--quick', '--pairs', '7']).pairs], [3, 7]);
    assert.deepEqual(readOptions(['--server', 'node  x.js']).server, ['node', 'x.js']);
  });

  test('what cannot be meant is refused', () => {
    for (const argv of [['--pairs', '0'], ['--keys', '1.5'], ['--seconds', 'x'], ['--frobnicate']])
      assert.throws(() => readOptions(argv), UsageError);
  });

  test('rows are chosen by the beginning of their ids, with * for anything', () => {
    assert.ok(isWanted('get-p16-16b', []));
    assert.ok(isWanted('get-p16-16b', ['load', 'get-p16']));
    assert.ok(isWanted('get-p16-16b', ['*-p16']));
    assert.ok(!isWanted('get-p16-16b', ['p16']));
    assert.ok(!isWanted('mset-p16-16b', ['set', 'm.et']));
  });
});
