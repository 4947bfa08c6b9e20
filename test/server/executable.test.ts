/** `bin/slotmesh-server.js` as it is called by people, service managers and scripts. The details of a start are in process/boot.test.ts. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RespClient } from '../../src/client/resp-client.js';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { parseFields, temporaryFolder } from '../support/server-process.js';
import { needsServers, serverCommand } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const skip = needsServers('slotmesh');
const [node, script] = serverCommand('slotmesh') as [string, string];

async function run(args: readonly string[], input?: string): Promise<Child> {
  const child = await Child.start(node, [script, ...args], {
    cwd: temporaryFolder('run'),
    stdin: input === undefined ? 'ignore' : 'pipe',
  });
  if (input !== undefined) child.endInput(input);
  return child;
}

/** Runs to the end. */
async function finish(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = await run(args);
  const { code } = await child.untilExit();
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** A connection to a server that is about to listen. */
function reach(port: number): Promise<RespClient> {
  return waitFor(() => RespClient.connect({ host: '127.0.0.1', port }), { what: `port ${port}` });
}

test('--version and --help answer without a server', { skip }, async () => {
  for (const option of ['--version', '-v']) {
    const { code, stdout } = await finish([option]);
    assert.equal(code, 0);
    assert.match(stdout, /^Redis server v=7\.2\.\d+ sha=\w+:\d malloc=\w+ bits=64 build=\S+\n$/);
  }
  const help = await finish(['--help']);
  assert.equal(help.code, 1);
  assert.match(help.stderr, /^Usage: slotmesh-server \[\/path\/to\/redis\.conf\] \[options\] \[-\]\n/);
});

test('what cannot be is said on standard error, with status 1', { skip }, async () => {
  for (const [args, text] of [
    [['--nosuch', '1'], />>> 'nosuch "1"'\nBad directive or wrong number of arguments/],
    [['--port', 'a'], /argument couldn't be parsed into an integer/],
    [['--sentinel'], /cannot run as a Sentinel yet/],
  ] as const) {
    const { code, stderr } = await finish(args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, text);
  }
});

test('file, standard input and options add up, the later one wins; the pid is the one that was started', {
  skip,
}, async () => {
  const folder = temporaryFolder('config');
  const file = join(folder, 'server.conf');
  const port = await freePort();
  writeFileSync(file, 'port 1\nmaxmemory 1mb\nhz 20\nsave ""\n');
  const child = await run([file, '--port', String(port), '--maxclients', '50', '-'], 'hz 30\nmaxclients 60\n');
  try {
    const client = await reach(port);
    const config = (await client.call('CONFIG', 'GET', 'port', 'maxmemory', 'hz', 'maxclients')) as string[];
    const value = (name: string) => config[config.indexOf(name) + 1];
    assert.deepEqual(['port', 'maxmemory', 'hz', 'maxclients'].map(value), [String(port), '1048576', '30', '50']);
    const server = parseFields(String(await client.call('INFO', 'server')));
    assert.equal(server['process_id'], String(child.pid));
    assert.equal(server['config_file'], file);
    client.call('SHUTDOWN').catch(() => {});
    assert.equal((await child.untilExit()).code, 0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('through a link named redis-server it is the same program', { skip }, async () => {
  const link = join(temporaryFolder('link'), 'redis-server');
  symlinkSync(script, link);
  const child = await Child.start(node, [link, '--version']);
  assert.equal((await child.untilExit()).code, 0);
  assert.match(child.stdout, /^Redis server v=/);
});

test('as a daemon it answers, logs to its file, and takes its pid file away at the end', { skip }, async () => {
  const folder = temporaryFolder('daemon');
  const port = await freePort();
  const [pidfile, logfile] = [join(folder, 'server.pid'), join(folder, 'server.log')];
  const options = { port, dir: folder, pidfile, logfile, daemonize: 'yes', save: '' };
  const { code } = await finish(Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]));
  assert.equal(code, 0);
  const client = await reach(port);
  const pid = Number(readFileSync(pidfile, 'utf8'));
  try {
    assert.equal(parseFields(String(await client.call('INFO', 'server')))['process_id'], String(pid));
    client.call('SHUTDOWN').catch(() => {});
    await waitFor(() => !existsSync(pidfile), { what: 'the pid file to be removed' });
    await waitFor(() => readFileSync(logfile, 'utf8').endsWith('Redis is now ready to exit, bye bye...\n'), {
      what: 'the last line of the log',
    });
    const log = readFileSync(logfile, 'utf8');
    assert.match(
      log,
      new RegExp(`^${pid}:C \\d\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\* oO0OoO0OoO0Oo Redis is starting`),
    );
    for (const line of ['Server initialized', 'Ready to accept connections tcp', 'User requested shutdown...'])
      assert.match(log, new RegExp(`\\n${pid}:M .* \\* ${line.replaceAll('.', '\\.')}\\n`));
  } finally {
    client.close();
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
});
