/** The start of a server process: foreground, daemon, supervised, and what is told when it cannot start. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from '../../support/child-process.js';
import { temporaryFolder } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';
import { waitFor } from '../../support/wait-for.js';

const script = fileURLToPath(new URL('./boot-child.js', import.meta.url));
const linux = process.platform === 'linux' ? false : 'needs /proc';

interface Run {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
}

async function start(context: TestContext, { argv, folder, env = {}, input }: Run): Promise<Child> {
  const stdin = input === undefined ? 'ignore' : 'pipe';
  const child = await Child.start(process.execPath, [script, ...argv], { cwd: folder, env, stdin });
  context.after(() => child.end());
  if (input !== undefined) child.endInput(input);
  return child;
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

const isReady = (text: string) => text.includes('Ready to accept connections');

test('a process in the foreground logs its start, has a title and a pid file, and takes the file away at the end', {
  skip: linux,
}, async (context) => {
  const folder = temporaryFolder('boot');
  writeFileSync(join(folder, 'x.conf'), 'port 7777\npidfile my.pid\nalways-show-logo yes\n');
  const child = await start(context, { argv: ['x.conf', '--cluster-enabled', 'yes'], folder });
  await waitFor(() => isReady(child.stdout), { what: 'the start', detail: () => child.stdout + child.stderr });
  assert.match(child.stdout, /^\d+:C .* \* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n/);
  assert.ok(child.stdout.includes(` PID: ${child.pid}\n`));
  assert.equal(read(join(folder, 'my.pid')), `${child.pid}\n`);
  assert.match(read(`/proc/${child.pid}/cmdline`), /^boot-child \*:7777 \[cluster\]/);
  child.kill('SIGTERM');
  assert.equal((await child.untilExit()).code, 0);
  assert.match(child.stdout, /Removing the pid file\.\n.*bye bye/);
  assert.ok(!existsSync(join(folder, 'my.pid')));
});

test('dir is followed by the process, relative names of the log and pid files start there', {
  skip: linux,
}, async (context) => {
  const folder = temporaryFolder('boot-dir');
  const child = await start(context, { argv: ['--dir', folder, '--logfile', 'log', '--pidfile', 'pid'], folder: '/' });
  await waitFor(() => isReady(read(join(folder, 'log'))), { what: 'the start', detail: () => child.stderr });
  assert.equal(readlinkSync(`/proc/${child.pid}/cwd`), folder);
  assert.equal(read(join(folder, 'pid')), `${child.pid}\n`);
  assert.equal(child.stdout, '');
});

test('a configuration that is refused is reported on standard error, a missing file in the log', async (context) => {
  const folder = temporaryFolder('boot-refused');
  const bad = await start(context, { argv: ['--port', 'x'], folder });
  assert.equal((await bad.untilExit()).code, 1);
  assert.match(
    bad.stderr,
    /^\n\*\*\* FATAL CONFIG FILE ERROR \(Redis 7\.2\.6\) \*\*\*\nReading the configuration file, at line 2\n/,
  );
  const missing = await start(context, { argv: ['nosuch.conf'], folder });
  assert.equal((await missing.untilExit()).code, 1);
  assert.match(
    missing.stdout,
    /^\d+:C .* # Fatal error, can't open config file '.*\/nosuch.conf': No such file or directory\n$/,
  );
});

test('a daemon is another process in a session of its own, with the whole configuration, even from standard input', {
  skip: linux,
}, async (context) => {
  const folder = temporaryFolder('boot-daemon');
  writeFileSync(join(folder, 'x.conf'), `daemonize yes\nlogfile log\ndir ${folder}\n`);
  const child = await start(context, { argv: ['x.conf', '-'], folder, input: 'pidfile from-stdin.pid\n' });
  assert.deepEqual(await child.untilExit(), { code: 0, signal: null });
  const log = () => read(join(folder, 'log'));
  await waitFor(() => isReady(log()), { what: 'the daemon', detail: log });
  const pid = Number(read(join(folder, 'from-stdin.pid')));
  context.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it has ended, as it should
  });
  assert.notEqual(pid, child.pid);
  const stat = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, '')
    .split(' ');
  assert.equal(Number(stat[3]), pid, 'it leads a session');
  assert.equal(readlinkSync(`/proc/${pid}/fd/1`), '/dev/null');
  assert.equal(log().match(/Redis is starting/g)?.length, 1);
  process.kill(pid, 'SIGTERM');
  await waitFor(() => !existsSync(join(folder, 'from-stdin.pid')), { what: 'the end of the daemon', detail: log });
});

test('a mistake in the configuration of a daemon is reported before it goes to the background', async (context) => {
  const child = await start(context, {
    argv: ['--daemonize', 'yes', '--port', 'x'],
    folder: temporaryFolder('boot-mistake'),
  });
  assert.equal((await child.untilExit()).code, 1);
  assert.match(child.stderr, /FATAL CONFIG FILE ERROR/);
});

test('a supervised process stays in the foreground and tells systemd how it goes, in order', async (context) => {
  const folder = temporaryFolder('boot-systemd');
  const notifier = join(folder, 'systemd-notify');
  writeFileSync(notifier, `#!/bin/sh\nprintf '%s;' "$@" >> ${folder}/messages\necho >> ${folder}/messages\n`);
  chmodSync(notifier, 0o755);
  const env = { NOTIFY_SOCKET: '/run/x', PATH: `${folder}:${process.env['PATH']}` };
  const child = await start(context, { argv: ['--supervised', 'auto', '--daemonize', 'yes'], folder, env });
  const messages = () => read(join(folder, 'messages')).trim().split('\n');
  await waitFor(() => messages().length === 2, { what: 'two messages', detail: () => child.stdout + child.stderr });
  assert.match(child.stdout, /^\d+:C .* \* Supervised by systemd\. /);
  child.kill('SIGTERM');
  assert.equal((await child.untilExit()).code, 0);
  assert.deepEqual(messages(), [
    'STATUS=Redis is loading...;',
    'STATUS=Ready to accept connections;READY=1;',
    'STOPPING=1;',
  ]);
});

test('the messages arrive at the socket', { skip: needs('systemd-notify', 'python3') }, async (context) => {
  const folder = temporaryFolder('boot-socket');
  const socket = join(folder, 'notify');
  const program = `import socket,sys
s=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True)
while True: print(repr(s.recv(4096).decode()), flush=True)`;
  const listener = await Child.start('python3', ['-c', program, socket]);
  context.after(() => listener.end());
  await waitFor(() => listener.stdout.includes('bound'), { what: 'the socket', detail: () => listener.stderr });
  const child = await start(context, { argv: ['--supervised', 'systemd'], folder, env: { NOTIFY_SOCKET: socket } });
  await waitFor(() => listener.stdout.includes('READY=1'), { what: 'READY', detail: () => child.stdout });
  child.kill('SIGTERM');
  await waitFor(() => listener.stdout.includes('STOPPING=1'), { what: 'STOPPING', detail: () => child.stdout });
});

test('under upstart the process stops itself once, and starts when it is continued', {
  skip: linux,
}, async (context) => {
  const child = await start(context, {
    argv: ['--supervised', 'upstart'],
    folder: temporaryFolder('boot-upstart'),
    env: { UPSTART_JOB: 'x' },
  });
  const state = () => read(`/proc/${child.pid}/stat`).replace(/^.*\) /, '')[0];
  await waitFor(() => state() === 'T', { what: 'the stop', detail: () => child.stdout });
  assert.match(child.stdout, /^[^\n]* \* Supervised by upstart, will stop to signal readiness\.\n$/);
  child.kill('SIGCONT');
  await waitFor(() => isReady(child.stdout), { what: 'the start', detail: () => child.stdout });
});

test('without a manager, supervised systemd is only a warning, and so is a missing systemd-notify', async (context) => {
  const folder = temporaryFolder('boot-alone');
  const alone = await start(context, { argv: ['--supervised', 'systemd'], folder, env: { NOTIFY_SOCKET: '' } });
  await waitFor(() => isReady(alone.stdout), { what: 'the start', detail: () => alone.stdout });
  assert.match(alone.stdout, /# systemd supervision error: NOTIFY_SOCKET not found!/);
  const env = { NOTIFY_SOCKET: '/run/x', PATH: folder };
  const child = await start(context, { argv: ['--supervised', 'systemd'], folder, env });
  await waitFor(() => /# systemd supervision error: .*ENOENT/.test(child.stdout), {
    what: 'the warning',
    detail: () => child.stdout,
  });
  assert.equal(child.stdout.match(/supervision error/g)?.length, 1);
});

test('a crash leaves a report and no pid file', async (context) => {
  const folder = temporaryFolder('boot-crash');
  const child = await start(context, { argv: ['--pidfile', 'pid', '--use-exit-on-panic', 'yes'], folder });
  await waitFor(() => isReady(child.stdout), { what: 'the start', detail: () => child.stdout });
  child.kill('SIGUSR2');
  assert.equal((await child.untilExit()).code, 1);
  assert.match(
    child.stdout,
    /# Crashed by an internal error: crash wanted\n\n\n=== REDIS BUG REPORT START[\s\S]*Error: crash wanted\n {4}at /,
  );
  assert.ok(!existsSync(join(folder, 'pid')));
});
