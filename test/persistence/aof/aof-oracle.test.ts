/**
 * The real server and its checker as judges: logs written here are sound and load into it with equal data; logs it wrote load here; and where it refuses a
 * manifest, it is refused here with the same words.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseManifest } from '../../../src/persistence/aof/manifest.js';
import { nodeFileSystem } from '../../../src/persistence/file-system.js';
import { Random } from '../../support/fuzz.js';
import { ServerProcess, temporaryFolder } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';
import { LoggedStore } from './store.js';

const skip = needs('redis-server', 'redis-check-aof');
const servers: ServerProcess[] = [];

after(async () => {
  for (const server of servers) await server.dispose();
});

async function realServer(config: Record<string, string>): Promise<ServerProcess> {
  const server = await ServerProcess.start({ kind: 'redis', config });
  servers.push(server);
  return server;
}

const where = (dir: string) => ({ dir, appenddirname: 'appendonlydir', appendfilename: 'appendonly.aof' });

for (const aofUseRdbPreamble of [true, false]) {
  for (const aofTimestampEnabled of [true, false]) {
    test(`a log written here is sound and loads into the real server: RDB base ${aofUseRdbPreamble}, timestamps ${aofTimestampEnabled}`, {
      skip,
    }, async () => {
      const folder = temporaryFolder('aof-oracle');
      const settings = { aofUseRdbPreamble, aofTimestampEnabled, appendfsync: 'everysec' as const };
      const ours = new LoggedStore(nodeFileSystem, settings, where(folder));
      assert.equal(await ours.start(), true);
      const random = new Random(17);
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 500; i++) {
          const key = `key:${random.below(100)}`;
          if (random.below(3) === 0) ours.write(random.below(3), 'SET', key, 'x'.repeat(random.below(100)));
          else ours.write(random.below(3), random.below(4) === 0 ? 'DEL' : 'SET', key, String(random.below(1e9)));
          if (i % 50 === 0) ours.nowMs += 1000;
          ours.aof.appender.flush();
        }
        if (round < 2) {
          assert.equal(await ours.aof.rewrite(), true);
          await ours.rewriteEnd();
        }
      }
      assert.equal(ours.aof.closeSync(), true);

      const manifest = join(folder, 'appendonlydir', 'appendonly.aof.manifest');
      const check = spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' });
      assert.equal(check.status, 0, check.stdout);
      assert.match(check.stdout, /All AOF files and manifest are valid/);

      const real = await realServer({ appendonly: 'yes' });
      await real.kill();
      cpSync(join(folder, 'appendonlydir'), join(real.folder, 'appendonlydir'), { recursive: true, force: true });
      writeFileSync(join(real.folder, 'appendonlydir', 'appendonly.aof.manifest'), readFileSync(manifest));
      await real.restart();
      for (const [key, value] of ours.store.data) {
        const [db, name] = key.split('/') as [string, string];
        await real.call('SELECT', db);
        assert.equal(await real.call('GET', name), value);
      }
      const info = await real.info('keyspace');
      const keys = Object.values(info).reduce((sum, line) => sum + Number(/keys=(\d+)/.exec(line)?.[1] ?? 0), 0);
      assert.equal(keys, ours.store.data.size);
    });
  }
}

test('a log written by the real server loads here, before and after its rewrite, whole and with a torn tail', {
  skip,
}, async () => {
  const real = await realServer({ appendonly: 'yes', appendfsync: 'always', 'aof-timestamp-enabled': 'yes' });
  const expected = new Map<string, string>();
  const set = async (db: number, key: string, value: string) => {
    await real.call('SELECT', db);
    await real.call('SET', key, value);
    expected.set(`${db}/${key}`, value);
  };
  const loadHere = async () => {
    const folder = temporaryFolder('aof-oracle');
    cpSync(join(real.folder, 'appendonlydir'), join(folder, 'appendonlydir'), { recursive: true });
    const ours = new LoggedStore(nodeFileSystem, {}, where(folder));
    assert.equal(await ours.start(), true, ours.logLines.join('\n'));
    assert.deepEqual(new Map([...ours.store.data].sort()), new Map([...expected].sort()));
    assert.equal(ours.aof.closeSync(), true);
  };
  for (let i = 0; i < 50; i++) await set(i % 3, `key:${i}`, 'v'.repeat(i));
  await loadHere();
  await real.call('BGREWRITEAOF');
  for (;;) {
    const info = await real.info('persistence');
    if (info['aof_rewrite_in_progress'] === '0' && info['aof_rewrite_scheduled'] === '0') break;
  }
  for (let i = 0; i < 20; i++) await set(i % 3, `later:${i}`, String(i));
  await real.call('SELECT', 0);
  const client = await real.connect();
  await client.call('MULTI');
  await client.call('SET', 'a', '1');
  await client.call('SET', 'b', '2');
  await client.call('EXEC');
  client.close();
  expected.set('0/a', '1').set('0/b', '2');
  await loadHere();
  const incr = readFileSync(join(real.folder, 'appendonlydir', 'appendonly.aof.manifest'), 'latin1')
    .split('\n')
    .findLast((line) => line.endsWith('type i'))!
    .split(' ')[1]!;
  const path = join(real.folder, 'appendonlydir', incr);
  const bytes = readFileSync(path);
  await real.kill();
  writeFileSync(path, bytes.subarray(0, bytes.length - 5));
  expected.delete('0/a');
  expected.delete('0/b');
  await loadHere();
});

test('manifests that the real server refuses are refused here with the same words', { skip }, async () => {
  const manifests = [
    '',
    'file a seq 1 type b',
    '\n',
    'file a seq 1 type\n',
    'file a seq 1 type b x\n',
    'file a foo 1 type b\n',
    'file a seq 0 type b\n',
    'file a/b seq 1 type b\n',
    'file a\\b seq 1 type b\n',
    'file a seq 1 type b\nfile b seq 2 type b\n',
    '# c\nfile a seq 2 type i\nfile b seq 1 type i\n',
    'file a seq 1 type x\n',
    'file "a seq 1 type b\n',
    '  # foo\n',
    'file x seq 1 type b\nfile "y\\x00z" seq 2 type i\n',
  ];
  for (const text of manifests) {
    const folder = temporaryFolder('aof-manifest');
    mkdirSync(join(folder, 'appendonlydir'));
    writeFileSync(join(folder, 'appendonlydir', 'appendonly.aof.manifest'), text, 'latin1');
    const args = [
      '--port',
      '0',
      '--unixsocket',
      join(folder, 's'),
      '--dir',
      folder,
      '--appendonly',
      'yes',
      '--save',
      '',
    ];
    const child = spawn('redis-server', args);
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    const status = await new Promise((resolve) => {
      child.on('close', resolve);
      setTimeout(() => child.kill('SIGKILL'), 120_000).unref();
    });
    const parsed = parseManifest(Buffer.from(text, 'latin1'));
    assert.equal(status, 1);
    const at = output.indexOf('*** FATAL AOF MANIFEST FILE ERROR ***');
    if (at < 0) {
      assert.match(output, /Unable to obtain the AOF file/, JSON.stringify(text));
      assert.equal(parsed.ok, true, JSON.stringify(text));
      continue;
    }
    assert.equal(parsed.ok, false, JSON.stringify(text));
    const [head, ...lines] = output.slice(at).trim().split('\n\n');
    const texts = [`\n${head}\n`, ...lines.map((line) => `${line.slice(line.indexOf(' # ') + 3)}\n`)];
    assert.deepEqual(parsed.ok ? [] : parsed.logLines, texts, JSON.stringify(text));
  }
});
