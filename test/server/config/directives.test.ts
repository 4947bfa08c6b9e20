/** The table of directives: complete, consistent, and read back as it was written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from '../../../src/resp/quoted-words.js';
import { Config } from '../../../src/server/config/config.js';
import type { Directive } from '../../../src/server/config/directive.js';
import { directives, fieldName } from '../../../src/server/config/directives.js';

const table = Object.entries(directives as Record<string, Directive<unknown>>);

test('the table holds the 183 directives of Redis 7.2 and one of our own', () => {
  assert.equal(table.length, 183 + 1);
});

test('every name and alias is unique, and so is every field name', () => {
  const names = table.flatMap(([name, { aliases }]) => [name, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(table.map(([name]) => fieldName(name))).size, table.length);
});

test('every directive reads its own default text back, as the same text and value', () => {
  for (const [name, directive] of table) {
    if (name === 'dir') continue; // its default is the directory of the process
    const words = directive.multiArg && directive.defaultText === '' ? ['no', 'one'] : [directive.defaultText];
    const context = { current: directive.defaultValue, repeated: false, directory: '/' };
    assert.deepEqual(
      directive.parse(words, context),
      { ok: true, text: directive.defaultText, value: directive.defaultValue },
      name,
    );
  }
});

test('every directive is described', () => {
  for (const [name, { summary, type }] of table) assert.ok(summary !== '' && type !== '', name);
});

test('what a rewrite writes is read back as the same text and value', () => {
  const samples: Record<string, string[]> = {
    save: ['60', '1', '5', '0'],
    'client-output-buffer-limit': ['normal', '1kb', '5', '6', 'replica', '3mb', '0', '0'],
    bind: ['127.0.0.1', '-::1'],
    'oom-score-adj-values': ['-1', '2', '3'],
    'latency-tracking-info-percentiles': ['1.5', '100'],
    'notify-keyspace-events': ['KEx'],
    'shutdown-on-sigterm': ['save', 'now'],
    replicaof: ['example.org', '7000'],
    requirepass: ['a "quoted" \xff\n secret'],
    logfile: [''],
    'maxmemory-clients': ['5%'],
    maxmemory: ['1500mb'],
    unixsocketperm: ['755'],
    'oom-score-adj': ['relative'],
    dir: ['/'],
  };
  for (const [name, words] of Object.entries(samples)) {
    const directive = (directives as Record<string, Directive<unknown>>)[name]!;
    const first = directive.parse(words, { current: directive.defaultValue, repeated: false, directory: '/' });
    assert.ok(first.ok, name);
    let again = first;
    let current: unknown = directive.defaultValue;
    let repeated = false;
    for (const line of directive.rewrite(first.text, first.value)) {
      const parsed = directive.parse(splitWords(line.words)!, { current, repeated, directory: '/' });
      assert.ok(parsed.ok, `${name} ${line.words}`);
      again = parsed;
      current = parsed.value;
      repeated = true;
    }
    assert.deepEqual(again, first, name);
  }
});

test('the values have one field per directive, and are what the directives say', () => {
  const config = new Config({ directory: '/tmp' });
  assert.equal(Object.keys(config.values).length, table.length);
  assert.equal(config.values.clusterNodeTimeout, 15000);
  assert.equal(config.values.appendfsync, 'everysec');
  assert.equal(config.values.aofRewriteCpulist, '');
  assert.equal(config.values.appendonly, false);
  assert.equal(config.values.dir, '/tmp');
  assert.deepEqual(config.values.save[0], { seconds: 3600, changes: 1 });
  assert.equal(config.values.clientOutputBufferLimit.replica.hard, 256 * 1024 * 1024);
  assert.equal(config.values.replicaof, null);
});
