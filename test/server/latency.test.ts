/** Durations: the histogram's cells, and what LATENCY GRAPH and DOCTOR make of samples. Graphs were recorded from the real server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from '../../src/server/config/config.js';
import { LatencyHistogram, LatencyMonitor } from '../../src/server/latency.js';
import { drawLatencyGraph, latencyReport } from '../../src/server/latency-report.js';

test('a histogram tells durations to two significant digits, as HdrHistogram does', () => {
  const histogram = new LatencyHistogram();
  assert.deepEqual(histogram.percentiles([50]), [0]);
  for (const [microseconds, highest] of [
    [0.001, 0.001],
    [0.255, 0.255],
    [0.256, 0.257],
    [1, 1.003],
    [2, 2.007],
    [45, 45.055],
    [1000, 1003.519],
    [30_000, 30_015.487],
  ] as const) {
    histogram.clear();
    histogram.add(microseconds, 1);
    assert.deepEqual(histogram.percentiles([50]), [highest], `${microseconds} µs`);
  }
});

test('durations beyond a second count as one, none counts as a nanosecond', () => {
  const histogram = new LatencyHistogram();
  histogram.add(5e9, 1);
  histogram.add(0, 1);
  assert.deepEqual(histogram.percentiles([0, 100]), [0.001, 1_002_438.655]);
});

test('percentiles count from below', () => {
  const histogram = new LatencyHistogram();
  histogram.add(1, 90);
  histogram.add(10, 9);
  histogram.add(100, 1);
  assert.deepEqual(
    histogram.percentiles([50, 90, 91, 99, 99.9, 100]),
    [1.003, 1.003, 10.047, 10.047, 100.351, 100.351],
  );
  assert.deepEqual(histogram.percentiles([99, 50, 100, 90]), [10.047, 1.003, 100.351, 1.003]);
});

test('LATENCY HISTOGRAM reports powers of two of nanoseconds as whole microseconds', () => {
  const histogram = new LatencyHistogram();
  for (const microseconds of [0.5, 1, 1.5, 3, 30, 20_000, 50_000, 900_000]) histogram.add(microseconds, 1);
  assert.deepEqual(histogram.octaves(), [
    [1, 2],
    [2, 3],
    [4, 4],
    [33, 5],
    [33816, 6],
    [67633, 7],
    [1082130, 8],
  ]);
});

/** One sample per second; the last one is a second old. */
const RECORDED = [
  ...[
    13, 11, 13, 13, 14, 15, 16, 17, 18, 19, 20, 24, 22, 11, 11, 13, 13, 14, 16, 16, 17, 18, 19, 26, 21, 32, 10, 11, 12,
    13,
  ],
  ...[
    14, 15, 16, 18, 18, 19, 20, 21, 22, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22, 21, 22, 10, 11, 12, 13, 14, 15, 16,
    17,
  ],
  ...[18, 19, 20, 21, 22, 10, 11, 15, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 10, 11],
  ...[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 10, 11, 12, 13, 14, 15, 16, 17, 18],
];

test('a graph of a hundred samples takes two rows of bars, with ages below', () => {
  const nowSeconds = 1_000_000;
  const samples = RECORDED.map((ms, at) => ({ unixSeconds: nowSeconds - RECORDED.length + at, ms }));
  assert.equal(
    drawLatencyGraph('command', { samples, maxMs: 32 }, nowSeconds),
    `command - high 32 ms, low 10 ms (all time high 32 ms)
--------------------------------------------------------------------------------
                         #                                                      
           o_          #_|           __          ___           __           __  
      __oo#||     ___oo|||      _ooo#||      __oo|||      __oo#||      __oo#||  
o_oo##|||||||__oo#||||||||__oo##|||||||__oo##|||||||__oo##|||||||__#o##|||||||__
                                                                                
11111111111111111111111111111111111111111555555555544444444443333333333222222222
mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm987654321098765432109876543210987654321
                                         sssssssssssssssssssssssssssssssssssssss

                    
         __         
    __oo#||      __o
oo##|||||||__oo##|||
                    
21111111111987654321
09876543210sssssssss
sssssssssss         
`,
  );
});

test('equal samples are the lowest bars; ages are told in minutes, hours and days', () => {
  const samples = [200_000, 7200, 120, 5].map((age) => ({ unixSeconds: 1_000_000 - age, ms: 50 }));
  const graph = drawLatencyGraph('fork', { samples, maxMs: 80 }, 1_000_000);
  assert.equal(
    graph.split('\n').slice(2).join('\n'),
    ['    ', '    ', '    ', '____', '    ', '2225', 'dhms', ''].join('\n'),
  );
  assert.match(graph, /^fork - high 50 ms, low 50 ms \(all time high 80 ms\)\n/);
});

test('the report has a line per event, and advice for what is there', () => {
  const latency = new LatencyMonitor();
  const config = new Config({});
  latency.thresholdMs = 5;
  latency.note('command', 806);
  latency.note('expire-cycle', 20);
  latency.note('fast-command', 4);
  const nowSeconds = Math.floor(Date.now() / 1000) + 10;
  const report = latencyReport(latency, config, nowSeconds);
  assert.match(
    report,
    /^Dave, I have observed latency spikes .*\n\n1\. command: 1 latency spikes \(average 806ms, mean deviation 0ms, period 1\d\.00 sec\)\. Worst all time event 806ms\.\n2\. expire-cycle: 1 latency spikes/,
  );
  assert.match(report, /I have a few advices for you:\n\n- .*CONFIG SET slowlog-log-slower-than 5000/);
  assert.match(report, /CONFIG SET hz 100/);
  assert.doesNotMatch(report, /append only file|microseconds took milliseconds/);
});
