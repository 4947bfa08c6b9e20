/** The parts of a server process that need none: options, title, memory score, limits of files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from '../../../src/server/config/config.js';
import { banner, startLines } from '../../../src/server/process/banner.js';
import { crashReport } from '../../../src/server/process/crash.js';
import { checkMaxclients, fitMaxclients, openFilesLimit } from '../../../src/server/process/file-limit.js';
import { readInvocation } from '../../../src/server/process/invocation.js';
import { OomScore } from '../../../src/server/process/oom-score.js';
import { createPidFile, removePidFile } from '../../../src/server/process/pid-file.js';
import { processTitle } from '../../../src/server/process/title.js';
import { expandTitle, isTitleTemplate } from '../../../src/server/process/title-template.js';
import { temporaryFolder } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';

const folder = temporaryFolder('process');

test('version, help and what is refused are answered without a server', () => {
  const cases: [argv: string[], program: string, text: RegExp, exitCode: number][] = [
    [['--version'], 'slotmesh-server', /^Redis server v=7\.2\.6 sha=[0-9a-f]{8}:0 malloc=\w+ bits=64 build=\S+\n$/, 0],
    [['-v', '--port', '1'], 'slotmesh-server', /^Redis server v=/, 0],
    [['--help'], 'redis-server', /^Usage: redis-server \[\/path\/to\/redis.conf\]/, 1],
    [['-h'], 'slotmesh-server', /^Usage: slotmesh-server/, 1],
    [['--test-memory', '10'], 'slotmesh-server', /does not test memory/, 1],
    [['--check-system'], 'slotmesh-server', /nothing to check/, 1],
    [['x.conf', '--sentinel'], 'slotmesh-server', /cannot run as a Sentinel yet/, 1],
    [['x.conf'], 'redis-sentinel', /cannot run as a Sentinel yet/, 1],
  ];
  for (const [argv, program, text, exitCode] of cases) {
    const invocation = readInvocation(argv, program);
    assert.ok(invocation.kind === 'answer', argv.join(' '));
    assert.match(invocation.text, text);
    assert.deepEqual([invocation.exitCode, invocation.isError], [exitCode, exitCode !== 0]);
  }
  assert.deepEqual(readInvocation(['--port', '1', '--version'], 'slotmesh-server'), { kind: 'serve' });
});

test('the version line has the form of the real one', { skip: needs('redis-server') }, () => {
  const real = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout;
  const invocation = readInvocation(['--version'], 'x');
  const names = (line: string) =>
    line
      .trim()
      .split(' ')
      .map((part) => part.replace(/=.*/, ''));
  assert.deepEqual(names(invocation.kind === 'answer' ? invocation.text : ''), names(real));
});

test('a title template fills in what it names, and is refused for what it does not know', () => {
  for (const template of ['', '{', '{title', '{foo}', '{title} }{', '{{title}'])
    assert.ok(!isTitleTemplate(template), template);
  const template = ' {title}  {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file} } ';
  assert.ok(isTitleTemplate(template));
  const variables = {
    title: 'x',
    listenAddr: '*:1',
    serverMode: '',
    port: 1,
    tlsPort: 2,
    unixsocket: '/s',
    configFile: '-',
  };
  assert.equal(expandTitle(template, variables), 'x  *:1  1 2 /s - }');
});

test('the title shows where the server listens', () => {
  const title = (...argv: string[]) => {
    const config = new Config();
    config.loadArgs(argv);
    return processTitle(config.values, 'slotmesh-server', config.file);
  };
  assert.equal(title(), 'slotmesh-server *:6379');
  assert.equal(
    title('--port', '7000', '--bind', '::1', '10.0.0.1', '--cluster-enabled', 'yes'),
    'slotmesh-server ::1:7000 [cluster]',
  );
  assert.equal(title('--port', '0', '--unixsocket', '/tmp/s'), 'slotmesh-server unixsocket:/tmp/s');
  assert.equal(title('--bind', ''), 'slotmesh-server *:6379');
});

test('the out-of-memory score is the start value plus the role’s, or the role’s alone, and goes back', () => {
  const file = join(folder, 'oom_score_adj');
  writeFileSync(file, '100\n');
  const score = new OomScore(file);
  const now = () => readFileSync(file, 'utf8').trim();
  assert.equal(score.apply('no', [1, 2, 3], false), null);
  assert.equal(now(), '100');
  score.apply('yes', [1, 200, 3], true);
  assert.equal(now(), '300');
  score.apply('yes', [2000, 0, 0], false);
  assert.equal(now(), '1000');
  score.apply('absolute', [-5, 0, 0], false);
  assert.equal(now(), '-5');
  score.apply('no', [1, 2, 3], false);
  assert.equal(now(), '100');
  assert.equal(
    new OomScore(join(folder, 'nosuch')).apply('yes', [1], false),
    'Unable to write oom_score_adj: No such file or directory',
  );
});

test('maxclients fits below the limit of open files, or says what would', () => {
  assert.equal(checkMaxclients(68, 100), null);
  assert.equal(
    checkMaxclients(69, 100),
    'The operating system is not able to handle the specified number of clients, try with 68',
  );
  assert.deepEqual(fitMaxclients(10000, Number.POSITIVE_INFINITY), { maxclients: 10000, warnings: [] });
  const fitted = fitMaxclients(5000, 100);
  assert.equal(fitted.maxclients, 68);
  assert.match(fitted.warnings.join('\n'), /5032 max file[^\n]*\n[^\n]* is 100\. maxclients has been reduced to 68/);
  assert.deepEqual(fitMaxclients(10000, 30), {
    maxclients: 0,
    warnings: [
      "Your current 'ulimit -n' of 30 is not enough for the server to start. Please increase your open file limit to at least 10032. Exiting.",
    ],
  });
});

test('the limit of open files is read from the kernel', {
  skip: process.platform === 'linux' ? false : 'needs Linux',
}, () => {
  assert.ok(openFilesLimit() > 0);
  assert.equal(openFilesLimit(join(folder, 'nosuch')), Number.POSITIVE_INFINITY);
});

test('a pid file holds the pid; one that cannot be written is no reason to stop', () => {
  const file = join(folder, 'pid');
  assert.equal(createPidFile(file), null);
  assert.equal(readFileSync(file, 'utf8'), `${process.pid}\n`);
  assert.ok(removePidFile(file));
  assert.ok(!existsSync(file) && !removePidFile(file));
  assert.equal(createPidFile(join(folder, 'nosuch', 'pid')), 'Failed to write PID file: No such file or directory');
});

test('the first lines and the banner have what tools look for', () => {
  assert.match(
    startLines('/x', true, 'x')[1]!,
    new RegExp(`^Redis version=7\\.2\\.6, .*pid=${process.pid}, just started$`),
  );
  assert.equal(startLines('', true, 'x')[2], 'Configuration loaded');
  assert.match(startLines('', false, 'x')[2]!, /^Warning: no config file specified/);
  assert.match(
    banner({ mode: 'cluster', port: 7000, pid: 4711 }),
    / Running in cluster mode\n[\s\S]* Port: 7000\n[\s\S]* PID: 4711\n/,
  );
});

test('a crash report tells the error with its causes between its marks', () => {
  const report = crashReport(new Error('outer', { cause: new Error('inner') }));
  assert.match(
    report,
    /^\n\n=== REDIS BUG REPORT START[\s\S]*Error: outer\n[\s\S]*caused by: Error: inner\n[\s\S]*=== REDIS BUG REPORT END/,
  );
});
