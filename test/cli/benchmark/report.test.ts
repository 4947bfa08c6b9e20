/** What is drawn and printed from given latencies, to the letter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyHistogram } from '../../../src/cli/benchmark/histogram.js';
import { drawLatencyChart } from '../../../src/cli/benchmark/latency-chart.js';
import { ProgressLine, report, reportCsv, reportLine } from '../../../src/cli/benchmark/report.js';
import { LatencyTimeline } from '../../../src/cli/benchmark/timeline.js';
import type { Terminal } from '../../../src/cli/terminal.js';

function latencies(...us: number[]): LatencyHistogram {
  const histogram = new LatencyHistogram(3);
  for (const each of us) histogram.record(each, 1);
  return histogram;
}

const result = { elapsedMs: 8, finishedCount: 3, latencies: latencies(2639, 2640, 2700) };

test('a report has the form of redis-benchmark', () => {
  const context = {
    connectionCount: 1,
    payloadBytes: 3,
    keepAlive: true,
    threadCount: 0,
    hosts: [{ save: '3600 1', appendonly: 'no' }],
    isCluster: false,
  };
  assert.equal(
    report('SET', result, context),
    `====== SET ======
  3 requests completed in 0.01 seconds
  1 parallel clients
  3 bytes payload
  keep alive: 1
  host configuration "save": 3600 1
  host configuration "appendonly": no
  multi-thread: no

Latency by percentile distribution:
0.000% <= 2.639 milliseconds (cumulative count 1)
50.000% <= 2.647 milliseconds (cumulative count 2)
75.000% <= 2.703 milliseconds (cumulative count 3)
100.000% <= 2.703 milliseconds (cumulative count 3)

Cumulative distribution of latencies:
0.000% <= 0.103 milliseconds (cumulative count 0)
100.000% <= 3.103 milliseconds (cumulative count 3)

Summary:
  throughput summary: 375.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        2.660     2.632     2.647     2.703     2.703     2.703
`,
  );
});

test('the short forms, also of a test that took no time or had no replies', () => {
  assert.equal(reportLine('SET', result), 'SET: 375.00 requests per second, p50=2.647 msec\n');
  assert.equal(reportCsv('SET', result), '"SET","375.00","2.660","2.632","2.647","2.703","2.703","2.703"\n');
  assert.equal(reportLine('SET', { ...result, elapsedMs: 0 }), 'SET: inf requests per second, p50=2.647 msec\n');
  const nothing = { elapsedMs: 0, finishedCount: 0, latencies: latencies() };
  assert.equal(reportCsv('SET', nothing), '"SET","-nan","-nan","0.000","0.000","0.000","0.000","0.000"\n');
});

test('progress erases what it wrote before, and tells the last stretch beside the whole', () => {
  let written = '';
  const progress = new ProgressLine({ write: (text: string) => (written += text) } as unknown as Terminal, 'SET');
  progress.show(0, 0, latencies());
  const first = 'SET: rps=-nan (overall: -nan) avg_msec=-nan (overall: -nan)\r';
  assert.equal(written, ` \r${first}`);
  written = '';
  progress.show(2, 250, latencies(1000, 1000));
  progress.show(3, 500, latencies(1000, 1000, 4000));
  const second = 'SET: rps=8.0 (overall: 8.0) avg_msec=1.004 (overall: 1.004)\r';
  const third = 'SET: rps=4.0 (overall: 6.0) avg_msec=4.004 (overall: 2.004)\r';
  assert.equal(written, `${' '.repeat(first.length)}\r${second}${' '.repeat(second.length)}\r${third}`);
});

test('a timeline loses no reply and never has more than its stretches, however long a test takes', () => {
  const timeline = new LatencyTimeline(50);
  const all = new LatencyHistogram(3);
  for (let tick = 1; tick <= 1200; tick++) {
    all.record(100 + (tick % 7) * 1000, 3);
    const copy = new LatencyHistogram(3);
    copy.add(all);
    timeline.sample(copy, tick * 51);
  }
  timeline.end(all, 1200 * 51 + 10);
  const { stretches } = timeline;
  assert.ok(stretches.length <= 400 && stretches.length > 100);
  assert.equal(
    stretches.reduce((sum, { latencies: each }) => sum + each.total, 0),
    3600,
  );
  stretches.forEach(({ startMs }, index) => {
    assert.equal(startMs, index === 0 ? 0 : stretches[index - 1]!.endMs);
  });
});

test('a chart is well-formed for tests of any length, without replies too; titles are escaped', () => {
  const timeline = new LatencyTimeline(50);
  timeline.sample(latencies(120, 900, 30000), 60);
  timeline.sample(latencies(120, 900, 30000), 120);
  timeline.end(latencies(120, 900, 30000, 50), 130);
  const silent = new LatencyTimeline(50);
  silent.end(latencies(), 0);
  const svg = drawLatencyChart([
    { title: 'a <b> & "c"', stretches: timeline.stretches },
    { title: 'silent', stretches: silent.stretches },
  ]);
  assert.match(svg, /a &#60;b&#62; &#38; &#34;c&#34;/);
  assert.match(svg, /no replies/);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  const opened = [...svg.matchAll(/<(\w+)(?: [^>]*[^/])?>/g)].map(([, name]) => name);
  const closed = [...svg.matchAll(/<\/(\w+)>/g)].map(([, name]) => name);
  assert.deepEqual(opened.sort(), closed.sort());
});
