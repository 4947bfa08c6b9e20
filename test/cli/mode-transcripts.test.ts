/** Sampling, mass insertion and the transfer of images, beside redis-cli. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ourCli, runTool, type ToolOptions, type ToolResult } from '../support/run-tool.js';
import { needs } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { at, type CommandWords, compare, compareOnEmpty, folder } from './twin-tools.js';

suite('other modes, beside redis-cli', { skip: needs('redis-cli', 'redis-server', 'slotmesh') }, () => {
  const real = useServer({ kind: 'redis' });
  const ours = useServer({ kind: 'slotmesh' });

  const onReal = (words: CommandWords, options?: ToolOptions): Promise<ToolResult> =>
    compareOnEmpty(real.process, words, options);
  const onOurs = (words: CommandWords, options?: ToolOptions): Promise<ToolResult> =>
    compareOnEmpty(ours.process, words, options);

  test('sampling and scanning report what redis-cli reports', async () => {
    const modes = [
      '--bigkeys',
      '--memkeys',
      '--memkeys-samples 0',
      '--bigkeys --pattern l*',
      '--hotkeys',
      '--no-raw --scan',
      '--scan --pattern [ln]*',
      ['--scan', '--quoted-pattern', '"\\x6c*"'],
      ['--scan', '--quoted-pattern', '"\\x6c'],
    ];
    const { process: server } = real;
    await server.call('FLUSHALL');
    for (let n = 1; n < 40; n++) {
      await server.call('SET', `key:${n}`, 'x'.repeat(n * 7));
      await server.call('RPUSH', `list:${n % 3}`, 'a', n);
      await server.call('SADD', `set "${n % 4}"`, n);
      await server.call('HSET', `hash\n${n % 5}`, n, 'v');
      await server.call('ZADD', `zset:${n % 2}`, n, n);
    }
    await server.call('XADD', 'stream', '1-1', 'a', 'b');
    // Without decay, which may come between the two tools.
    await server.call('CONFIG', 'SET', 'lfu-decay-time', '0', 'maxmemory-policy', 'allkeys-lfu');
    for (const words of modes) await compare(at(server.port, words));
    await server.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await compare(at(server.port, '--hotkeys'));
  });

  test('--pipe sends any bytes and counts replies and errors as redis-cli does', async () => {
    await onReal('--pipe', { input: '' });
    await onReal('--pipe', { input: 'set a b\r\nget a\r\nnosuch\r\n*1\r\n$4\r\nPING\r\n' });
    await onReal('--pipe', { input: 'set a b\nget a' });
    await onReal('--pipe --pipe-timeout 1', { input: 'blpop nothing 0\r\n' });
    const many = `${'set key value\r\n'.repeat(20_000)}*3\r\n$3\r\nset\r\n$3\r\nbig\r\n$524288\r\n${'x'.repeat(524_288)}\r\n`;
    const { stdout } = await onReal('--pipe', { input: many });
    assert.match(stdout, /errors: 0, replies: 20001/);
    await onOurs('--pipe', { input: many });
  });

  test('--rdb and --functions-rdb write the image and tell what redis-cli tells', async () => {
    for (const diskless of ['yes', 'no']) {
      await real.process.call('CONFIG', 'SET', 'repl-diskless-sync', diskless);
      await onReal('--rdb dump.rdb');
      await onReal('--rdb /nowhere/dump.rdb');
      await onReal('--functions-rdb dump.rdb');
    }
    mkdirSync(join(folder, 'files'), { recursive: true });
    for (const server of [real, ours]) {
      await server.process.call('FLUSHALL');
      await server.process.call('SET', 'key', 'value');
      const file = join(folder, 'files', `${server.process.kind}.rdb`);
      writeFileSync(file, 'x'.repeat(100_000));
      const { code, stderr } = await runTool(ourCli, at(server.process.port, ['--rdb', file]));
      assert.equal(code, 0, stderr);
      const image = readFileSync(file, 'latin1');
      assert.match(image, /^REDIS00\d\d.*value/s);
      assert.ok(image.length < 1000, 'what was in the file before is gone');
      const toStdout = await runTool(ourCli, at(server.process.port, '--rdb -'));
      assert.equal(toStdout.stdout.length, image.length);
    }
  });
});
