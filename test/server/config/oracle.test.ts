/**
 * The same configuration given to the real redis-server 7.0 and to ours: what both show, refuse and write must be the same, but for the differences
 * listed here by name.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReplyError } from '../../../src/resp/reply-reader.js';
import { Config } from '../../../src/server/config/config.js';
import { ConfigError } from '../../../src/server/config/config-error.js';
import { REDIS_VERSION } from '../../../src/version.js';
import { type ServerProcess, temporaryFolder, withServers } from '../../support/server-process.js';
import { needsServers } from '../../support/tools.js';

const skip = needsServers('redis');

/** In 7.2 and not in 7.0; the last one is hidden since 7.2. */
const NEW_IN_7_2 = [
  'cluster-announce-human-nodename',
  'locale-collate',
  'set-max-listpack-entries',
  'set-max-listpack-value',
];
const OUR_OWN = ['jit-warmup'];
const HIDDEN_SINCE_7_2 = ['aof-disable-auto-gc'];

async function shownBy(server: ServerProcess, ...patterns: string[]): Promise<Map<string, string>> {
  const flat = (await server.call('CONFIG', 'GET', ...patterns)) as string[];
  return new Map(Array.from({ length: flat.length / 2 }, (_, pair) => [flat[2 * pair]!, flat[2 * pair + 1]!]));
}

test('CONFIG GET shows the same names and values after the same configuration file', { skip }, async () => {
  await withServers([{ kind: 'redis' }], async ([server]) => {
    const config = new Config({ directory: '/' });
    config.loadArgs([server!.configFile]);
    const theirs = await shownBy(server!, '*');
    const ours = new Map(config.get(['*']));
    for (const name of [...NEW_IN_7_2, ...OUR_OWN]) assert.ok(ours.delete(name) && !theirs.has(name), name);
    for (const name of HIDDEN_SINCE_7_2) assert.ok(theirs.delete(name) && !ours.has(name), name);
    assert.deepEqual(new Map([...ours].sort()), new Map([...theirs].sort()));
    for (const pattern of [
      'slave-*',
      'list-*',
      '[lm]?x*',
      'SAVE',
      'watchdog-period',
      'key-load-delay',
      'lua-time-limit',
      'nosuch',
    ]) {
      assert.deepEqual(
        new Map(config.get([pattern]).sort()),
        new Map([...(await shownBy(server!, pattern))].sort()),
        pattern,
      );
    }
  });
});

const TOO_LONG = 'a'.repeat(300);

/** Arguments of CONFIG SET, one after the other on both sides; after each, CONFIG GET of the first name must agree, too. */
const sets: string[][] = [
  ['appendonly', 'maybe'],
  ['aof-load-truncated', 'NO'],
  ['port', 'abc'],
  ['Port', '70000'],
  ['port', '-1'],
  ['MAXMEMORY', '-1'],
  ['maxmemory', '1x'],
  ['maxmemory', '1.5gb'],
  ['maxmemory', ' 1gb'],
  ['maxmemory', '100MB'],
  ['maxmemory', '18446744073709551615'],
  ['maxmemory', '99999999999999999999'],
  ['maxmemory', ''],
  ['maxmemory-clients', '101%'],
  ['maxmemory-clients', '-1%'],
  ['maxmemory-clients', '-5'],
  ['maxmemory-clients', '%'],
  ['maxmemory-clients', '007%'],
  ['maxmemory-clients', '5%x'],
  ['maxmemory-clients', '10%'],
  ['maxmemory-clients', '0%'],
  ['maxmemory-clients', '1mb'],
  ['client-query-buffer-limit', '1'],
  ['repl-backlog-size', '0'],
  ['hz', '007'],
  ['hz', '+7'],
  ['hz', '10000'],
  ['hz', '0'],
  ['hz', '-1'],
  ['maxmemory-policy', ''],
  ['maxmemory-policy', 'ALLKEYS-lru'],
  ['appendfsync', 'always no'],
  ['oom-score-adj', 'foo'],
  ['repl-diskless-load', 'x'],
  ['shutdown-on-sigint', 'save nosave'],
  ['shutdown-on-sigint', 'now SAVE'],
  ['shutdown-on-sigint', 'default save'],
  ['shutdown-on-sigint', ''],
  ['shutdown-on-sigint', 'foo'],
  ['save', '1'],
  ['save', '1 -1'],
  ['save', '0 1'],
  ['save', 'a 1'],
  ['save', '1  0'],
  ['save', ' 1 0'],
  ['save', '  '],
  ['save', '+1 0 2 3'],
  ['save', ''],
  ['client-output-buffer-limit', 'normal 0 0'],
  ['client-output-buffer-limit', 'foo 0 0 0'],
  ['client-output-buffer-limit', 'master 0 0 0'],
  ['client-output-buffer-limit', 'normal a 0 0'],
  ['client-output-buffer-limit', 'normal 0 0 -1'],
  ['client-output-buffer-limit', 'normal 0 0 1x'],
  ['client-output-buffer-limit', 'slave 1gb 1mb 1 NORMAL 1 2 3'],
  ['client-output-buffer-limit', ''],
  ['notify-keyspace-events', 'Q'],
  ['notify-keyspace-events', 'KEA'],
  ['notify-keyspace-events', 'Ex'],
  ['notify-keyspace-events', 'gKm'],
  ['notify-keyspace-events', 'n'],
  ['notify-keyspace-events', ''],
  ['oom-score-adj-values', '0 1'],
  ['oom-score-adj-values', '0 1 2001'],
  ['oom-score-adj-values', 'a b c'],
  ['oom-score-adj-values', '-1 +2 3'],
  ['latency-tracking-info-percentiles', '50 101'],
  ['latency-tracking-info-percentiles', '-1'],
  ['latency-tracking-info-percentiles', 'abc'],
  ['latency-tracking-info-percentiles', '0.1 33.333333333333333 1e1 5.'],
  ['latency-tracking-info-percentiles', ''],
  ['proc-title-template', '{foo}'],
  ['proc-title-template', '{title'],
  ['proc-title-template', '{title} }{'],
  ['proc-title-template', ''],
  ['proc-title-template', '{title} {port} {tls-port} {unixsocket} {config-file}'],
  ['bind', 'a b c d e f g h i j k l m n o p q'],
  ['maxclients', '0'],
  ['maxclients', '4294967296'],
  ['foo', 'bar'],
  ['include', 'x'],
  ['user', 'x'],
  ['maxmemory', '100mb', 'maxmemory', '200mb'],
  ['slave-priority', '3', 'Slave-Priority', '4'],
  ['slave-priority', '3', 'replica-priority', '4'],
  ['maxmemory', '100mb', 'foo', '2', 'databases', '3'],
  ['databases', '3', 'foo', '1'],
  ['hz', 'abc', 'databases', '3'],
  ['maxmemory', '100mb', 'hz', 'abc'],
  ['maxmemory', '100mb', 'timeout', '5'],
  ['list-max-ziplist-size', 'abc'],
  ['LIST-max-ziplist-size', '99999999999'],
  ['list-max-listpack-size', '1kb'],
  ['min-slaves-to-write', '-1'],
  ['tcp-keepalive', '-1'],
  ['acllog-max-len', '9223372036854775808'],
  ['cluster-announce-hostname', 'a b'],
  ['cluster-announce-hostname', TOO_LONG],
  ['cluster-announce-hostname', 'x-1.example.org'],
  ['slowlog-log-slower-than', '-2'],
  ['slowlog-log-slower-than', '-1'],
  ['timeout', ''],
  ['timeout', '1 2'],
  ['zset-max-ziplist-value', '1kb'],
  ['auto-aof-rewrite-min-size', '-1'],
  ['auto-aof-rewrite-min-size', '99999999999999999999'],
  ['repl-backlog-ttl', 'x'],
  ['stream-node-max-entries', '-1'],
  ['active-defrag-cycle-max', '0'],
  ['activedefrag', 'yes'],
  ['busy-reply-threshold', '-1'],
  ['lua-time-limit', '9'],
  ['UNIXSOCKETPERM', '1'],
  ['replicaof', 'x 1'],
  ['appendfilename', 'a/b'],
  ['dbfilename', 'a/b'],
  ['DIR', '/nonexistent'],
  ['dir', '/etc/passwd'],
  ['dir', ''],
  ['tls-cluster', 'yes'],
  ['tls-replication', 'yes'],
  ['tls-session-caching', 'no'],
  ['masterauth', 'a "b" \xff'],
  ['timeout'],
  ['timeout', '1', 'hz'],
];

test('CONFIG SET accepts the same values, refuses the others with the same text, and leaves the same state', {
  skip,
}, async () => {
  await withServers([{ kind: 'redis', config: { 'enable-protected-configs': 'yes' } }], async ([server]) => {
    const client = await server!.connect({ replies: 'bytes' });
    const config = new Config({ directory: '/' });
    config.loadArgs([server!.configFile]);
    for (const pairs of sets) {
      const words = pairs.map((word) => Buffer.from(word, 'latin1'));
      const reply = await client.call('CONFIG', 'SET', ...words).catch((error: unknown) => error);
      const theirs = reply instanceof ReplyError ? reply.message : null;
      const ours = config.set(pairs, { isLocal: true });
      // One argument is refused by the command's arity, before the configuration is asked.
      if (pairs.length > 1) assert.equal(ours, theirs, JSON.stringify(pairs));
      else assert.notEqual(ours, null);
      const name = pairs[0]!;
      const shown = (await client.call('CONFIG', 'GET', name)) as Buffer[];
      assert.deepEqual(
        config.get([name]).flat(),
        shown.map((text) => text.toString('latin1')),
        JSON.stringify(pairs),
      );
    }
    client.close();
  });
});

/** @returns what a server that cannot listen anywhere says on standard error, if it does not come so far */
function realReport(argv: readonly string[], input: string, cwd: string): string {
  const run = spawnSync('redis-server', argv, {
    cwd,
    input: Buffer.from(input, 'latin1'),
    encoding: 'latin1',
    timeout: 10000,
  });
  assert.equal(run.status, 1, `${run.stdout}${run.stderr}`);
  return run.stderr.replace(/\(Redis [0-9.]+\)/, `(Redis ${REDIS_VERSION})`);
}

function ourReport(argv: readonly string[], input: string, directory: string): string {
  const renameCommand = (from: string, to: string) => {
    if (from !== 'get') return 'No such command in rename-command';
    return to === 'set' ? 'Target command name already exists' : null;
  };
  const config = new Config({ directory, renameCommand });
  try {
    config.loadArgs(argv, () => input);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.report;
  }
}

const files: string[] = [
  'foo bar',
  'port 1 2',
  'port',
  '\nport "a b',
  "requirepass 'a'b'",
  'requirepass a"b"c',
  'requirepass "\\xzz\\x4\\"',
  'port abc',
  'PORT 0',
  '"port" 0',
  '# x\n \t# y\n\n hz 0 ',
  'save 1',
  'save 1 1 2',
  'save "1 2" 3 4',
  'save',
  'save "1 2 3 4"',
  'save +1 1',
  'save 1x 1',
  'include',
  'include a b',
  'include /nosuch*',
  'rename-command foo bar',
  'rename-command get',
  'rename-command get set',
  'rename-command get fetch',
  'user',
  'sentinel',
  'sentinel monitor x 1 1 1',
  'list-max-ziplist-entries 5',
  'list-max-ziplist-entries 5 6',
  'lua-replicate-commands x',
  'replicaof a',
  'replicaof a b',
  'replicaof a 99999',
  'replicaof no one',
  'cluster-enabled yes\nreplicaof a 6379',
  'unixsocketperm 999',
  'unixsocketperm 1777',
  'unixsocketperm -1',
  'unixsocketperm ""',
  'hz +7',
  'databases 0',
  'io-threads 129',
  'dir /nosuch',
  'dir ""',
  'dir .',
  'appendfilename a/b',
  'appendfilename ""',
  'appenddirname a/b',
  'appenddirname ""',
  'dbfilename a/b',
  'oom-score-adj-values 1 2',
  'oom-score-adj-values " 1" 2 3',
  'oom-score-adj-values 1 2 3x',
  'shutdown-on-sigterm save now',
  'shutdown-on-sigterm "save now"',
  'shutdown-on-sigterm save now foo',
  'appendfsync always yes',
  'notify-keyspace-events "E x"',
  'notify-keyspace-events E x',
  'syslog-facility x',
  'syslog-facility LOCAL1',
  'maxmemory kb',
  'maxmemory "1 kb"',
  'maxmemory 99999999999gb',
  'set-max-intset-entries 1k',
  'client-output-buffer-limit',
  'client-output-buffer-limit normal -1 1 1',
  'client-output-buffer-limit normal 1 1 1 2',
  'latency-tracking-info-percentiles ""',
  'active-defrag-ignore-bytes 0',
  'activedefrag yes',
  'cluster-announce-hostname a_b',
  'logfile nosuch/x',
  'bind ""',
];

test('the same files stop the start, with the same report', { skip }, () => {
  const folder = temporaryFolder('config-files');
  const file = join(folder, 'x.conf');
  for (const text of files) {
    writeFileSync(file, `${text}\n`, 'latin1');
    const argv = [file, '--port', '0'];
    assert.equal(ourReport(argv, '', folder), realReport(argv, '', folder), text);
  }
});

const commandLines: [argv: string[], input?: string][] = [
  [['--port', '0', '--save', '1', '2', '--save', '3']],
  [['--port', '0', '--save', '1', '2', '']],
  [['--save', '--port', '0']],
  [['--port', '0', '--save']],
  [['--port', '0', '--requirepass', '--loglevel', 'verbose']],
  [['--port', '0', '--requirepass', '--loglevel']],
  [['--port', '0', '--requirepass foo', '--hz', 'x']],
  [['--port', '0', '--requirepass']],
  [['--port', '0', '--requirepass', 'a "b\\']],
  [['--port', '0', 'x']],
  [['-x', '--port', '0']],
  [['--port', '0', '-x']],
  [['--port', '0', '--']],
  [['--port', '0', '-'], 'foo bar\n'],
  [['-', '--port', '0'], 'hz 20\nfoo\n'],
  [['x.conf', '--port', '0', '-'], 'foo\n'],
  [['x.conf', '-', '--port', '0'], 'foo\n'],
  [['--port', '0', '--bind', '127.0.0.1', '-::1', '--hz', 'x']],
  [['--port', '0', '--version']],
  [['--port', '0', '--client-output-buffer-limit', 'normal', '1', '1', '1', '--hz']],
];

test('the same command lines stop the start, with the same report', { skip }, () => {
  const folder = temporaryFolder('config-arguments');
  writeFileSync(join(folder, 'x.conf'), 'hz 10\n');
  for (const [argv, input = ''] of commandLines) {
    assert.equal(ourReport(argv, input, folder), realReport(argv, input, folder), argv.join(' '));
  }
});

test('CONFIG REWRITE leaves the same text above the signature and the same lines below it', { skip }, async () => {
  const config = {
    'list-max-ziplist-size': -2,
    'SLAVE-priority': 50,
    'client-output-buffer-limit': ['slave 1gb 64mb 60', 'normal 0 0 0', 'normal 1 0 0'],
    save: ['100 1', '200 2', '300 3 400 4'],
    'maxmemory-policy': ['allkeys-lru', 'noeviction'],
    'shutdown-on-sigterm': 'save force',
    'oom-score-adj': 'relative',
    'notify-keyspace-events': 'Ex',
    'list-max-ziplist-entries': 5,
    'lua-time-limit': 3000,
    'maxmemory-clients': '5%',
    'repl-backlog-size': '2048kb',
    'proto-max-bulk-len': '1500mb',
    'cluster-announce-hostname': 'x.y',
    logfile: '""',
    pidfile: '""',
    'syslog-ident': '"a\\x01b"',
    'rename-command': 'FLUSHALL ""',
    'replica-announce-ip': '"1.2.3.4"',
  };
  await withServers([{ kind: 'redis', config }], async ([server]) => {
    const ours = join(server!.folder, 'ours.conf');
    copyFileSync(server!.configFile, ours);
    const mine = new Config({ directory: '/' });
    mine.loadArgs([ours]);
    for (const pairs of [
      [],
      ['save', '', 'hz', '20', 'cluster-announce-hostname', '', 'maxmemory', '6mb', 'slave-priority', '100'],
      [
        'hz',
        '10',
        'maxmemory',
        '1000',
        'replica-announce-ip',
        '',
        'client-output-buffer-limit',
        'pubsub 1kb 2 3',
        'save',
        '1 1 2 2',
      ],
      ['oom-score-adj', 'no', 'notify-keyspace-events', 'KEA', 'latency-tracking-info-percentiles', ''],
    ]) {
      if (pairs.length > 0) {
        assert.equal(await server!.call('CONFIG', 'SET', ...pairs), 'OK');
        assert.equal(mine.set(pairs, { isLocal: true }), null);
      }
      assert.equal(await server!.call('CONFIG', 'REWRITE'), 'OK');
      assert.equal(mine.rewrite(), null);
      const [theirHead, theirTail] = parts(server!.configFile);
      const [ourHead, ourTail] = parts(ours);
      assert.deepEqual(ourHead, theirHead);
      assert.deepEqual([...ourTail].sort(), [...theirTail].sort());
    }
  });
});

/** The lines above and below the signature, without blank lines and users (there are no access control lists yet). */
function parts(file: string): [head: string[], tail: string[]] {
  const lines = readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('user '));
  const signature = lines.indexOf('# Generated by CONFIG REWRITE');
  return [lines.slice(0, signature), lines.slice(signature)];
}
