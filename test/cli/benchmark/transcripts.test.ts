/**
 * Transcripts: the same command line run with the real redis-benchmark and with ours against the same server. Numbers are measured, so they are made
 * equal; everything else must be: every line, every blank and carriage return, stderr, exit code.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Child } from '../../support/child-process.js';
import { clusterNode, joinCluster, moveEmptySlot } from '../../support/cluster.js';
import { type FakeServer, fakeServer } from '../../support/fake-server.js';
import { freePort } from '../../support/ports.js';
import { ServerProcess, temporaryFolder, withServers } from '../../support/server-process.js';
import { needs, repositoryRoot } from '../../support/tools.js';
import { waitFor } from '../../support/wait-for.js';

const skip = needs('redis-server', 'redis-benchmark');
const ourTool = join(repositoryRoot, 'bin', 'slotmesh-benchmark.js');

interface Transcript {
  stdout: string;
  stderr: string;
  code: number | null;
}

async function run(program: string, args: readonly string[], input?: string): Promise<Transcript> {
  const child = await Child.start(program, args, { stdin: 'pipe' });
  child.endInput(input ?? '');
  const { code } = await child.untilExit();
  return { stdout: child.stdout, stderr: child.stderr, code };
}

const runOurs = (args: readonly string[], input?: string): Promise<Transcript> =>
  run(process.execPath, [ourTool, ...args], input);

/** The text with every measured number as `#`, rows of a distribution as one, and without the progress: it depends on how long a test took. */
function normalized(text: string): string {
  return text
    .replace(/ +\r[^\r\n]*: rps=[^\r]*\r/g, '')
    .replace(/^ +\r/gm, '(erased)')
    .replace(
      /(?:[\d.]+% <= [\d.]+ milliseconds \(cumulative count \d+\)\n)+/g,
      '#% <= # milliseconds (cumulative count #)\n',
    )
    .replace(/completed in [\d.]+ seconds/g, 'completed in # seconds')
    .replace(/(?:\d+\.\d+|inf|-nan) requests per second/g, '# requests per second')
    .replace(/p50=[\d.]+/g, 'p50=#')
    .replace(/^(?: +\d+\.\d{3}){6}$/gm, (row) => `six columns of ${row.length} characters`)
    .replace(/"(?:[\d.]+|inf)"/g, '"#"');
}

async function assertSame(args: readonly string[], options: { input?: string } = {}): Promise<Transcript> {
  const [theirs, ours] = await Promise.all([run('redis-benchmark', args, options.input), runOurs(args, options.input)]);
  const comparable = ({ stdout, stderr, code }: Transcript) => ({ stdout: normalized(stdout), stderr, code });
  assert.deepEqual(comparable(ours), comparable(theirs), args.join(' '));
  return ours;
}

suite('against one server', { skip }, () => {
  let server: ServerProcess;
  let socketPath: string;
  before(async () => {
    socketPath = join(temporaryFolder('benchmark'), 'socket');
    server = await ServerProcess.start({
      kind: 'redis',
      config: { save: '3600 1 300 100', unixsocket: socketPath },
    });
  });
  after(() => server?.dispose());

  const at = (...args: string[]): string[] => ['-p', String(server.port), ...args];

  /** Number of calls of each command since the last time. */
  async function calls(): Promise<Record<string, number>> {
    const text = await server.text('INFO', 'commandstats');
    await server.call('CONFIG', 'RESETSTAT');
    const counts = [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, count]) => [name!, Number(count)]);
    return Object.fromEntries(counts.filter(([name]) => !/^(config|info|select)/.test(String(name))));
  }

  test('the whole suite has the same reports, lines and CSV', async () => {
    const common = ['-n', '20', '-c', '3', '-d', '10'];
    const all = 'ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset';
    for (const form of [[], ['-q'], ['--csv']]) await assertSame(at(...common, '-t', all, ...form));
    for (const form of [
      ['-q', '--csv'],
      ['--precision', '1'],
    ])
      await assertSame(at(...common, '-t', 'set', ...form));
  });

  test('commands of the user, with random numbers, from stdin, pipelined, on new connections and in threads', async () => {
    await assertSame(at('-n', '50', '-r', '10', 'set', 'my key', '__rand_int__'));
    await assertSame(at('-n', '10', '-q', '-t', 'get', 'ping'));
    await assertSame(at('-n', '10', '-x', '-q', 'set', 'from-stdin'), { input: 'a\0b\r\n' });
    assert.equal(await server.text('GET', 'from-stdin'), 'a\0b\r\n');
    await assertSame(at('-n', '21', '-c', '1', '-P', '7', '-t', 'set'));
    await assertSame(at('-n', '20', '-k', '0', '-t', 'set'));
    await assertSame(at('-n', '20', '--threads', '2', '-t', 'set,get'));
    await assertSame(at('-n', '20', '-3', '--enable-tracking', '--dbnum', '3', '-q', '-e', '-t', 'get'));
    await assertSame(['-u', `redis://127.0.0.1:${server.port}/2`, '-n', '5', '-q', '-t', 'set']);
    await assertSame(['-s', socketPath, '-n', '20', '-c', '2', '-t', 'set']);
    assert.equal(await server.text('SELECT', 2), 'OK');
    assert.equal(await server.text('GET', 'key:__rand_int__'), 'VXK');
    await server.call('SELECT', 0);
  });

  test('what cannot work is told in the same words, with the same exit code', async () => {
    await assertSame(at('-n', '10', '-q', 'get'));
    await assertSame(at('-n', '10', '-q', 'nosuch', 'x'));
    await assertSame(at('-n', '10', '-q', '--dbnum', '99', '-t', 'set'));
    await assertSame(at('-a', 'wrong', '-n', '10', '-t', 'set'));
    await assertSame(at('-n', '10', '--cluster', '-t', 'set'));
    await assertSame(['-u', 'http://127.0.0.1']);
    await assertSame(['-u', 'redis://%zz@127.0.0.1']);
    await assertSame(at('-t', 'nosuch', '-q'));
  });

  test('a server with a password wants it, and gets it', async () => {
    await server.call('CONFIG', 'SET', 'requirepass', 'secret');
    try {
      await assertSame(at('-n', '10', '-q', '-t', 'set'));
      for (const who of [
        ['-a', 'secret'],
        ['--user', 'default', '-a', 'secret'],
        ['-a', 'secret', '--user', 'nobody'],
      ])
        await assertSame(at(...who, '-n', '10', '-q', '-t', 'set'));
      await assertSame(['-u', `redis://default:secret@127.0.0.1:${server.port}`, '-n', '10', '-q', '-t', 'set']);
    } finally {
      await server.call('CONFIG', 'SET', 'requirepass', '');
    }
  });

  test('options that are none are told with their name', async () => {
    for (const args of [['--nosuch'], ['-c'], ['-r', '-x'], ['-t']]) {
      const [theirs, ours] = [await run('redis-benchmark', args), await runOurs(args)];
      assert.equal(ours.stdout.split('\n')[0], theirs.stdout.split('\n')[0]);
      assert.deepEqual([ours.stderr, ours.code], [theirs.stderr, theirs.code]);
    }
    for (const args of [['--help'], ['-h']]) assert.match((await runOurs(args)).stdout, /Usage: slotmesh-benchmark/);
    assert.match((await runOurs(['--version'])).stdout, /^redis-benchmark 7\./);
  });

  test('exactly so many requests are made, and no others', async () => {
    await calls();
    await runOurs(at('-c', '5', '-n', '10', '-t', 'set,get'));
    assert.deepEqual(await calls(), { set: 10, get: 10 });
    await runOurs(at('-c', '10', '-n', '100'));
    const full = await calls();
    assert.deepEqual(
      [full['ping'], full['lpush'], full['lrange'], full['mset'], full['xadd']],
      [200, 200, 400, 100, 100],
    );
    await runOurs(at('-P', '5', '-c', '10', '-n', '10010', '-t', 'set'));
    assert.deepEqual(await calls(), { set: 10010 });
    await runOurs(at('--threads', '4', '-c', '5', '-n', '1000', '-P', '10', 'incrbyfloat', 'mykey', '10.0'));
    assert.deepEqual(await calls(), { incrbyfloat: 1000 });
    assert.equal(await server.text('GET', 'mykey'), '10000');
  });

  test('random keys cover their range; the same seed gives the same keys', async () => {
    const keysAfter = async (...args: string[]): Promise<string[]> => {
      await server.call('FLUSHALL');
      await runOurs(at('-q', '-t', 'set', ...args));
      return ((await server.call('KEYS', '*')) as string[]).sort();
    };
    assert.deepEqual(
      await keysAfter('-n', '1000', '-r', '20'),
      Array.from({ length: 20 }, (_, i) => `key:${String(i).padStart(12, '0')}`),
    );
    const [one, again, other] = [
      await keysAfter('-n', '20', '-c', '1', '-r', '1000000', '--seed', '5'),
      await keysAfter('-n', '20', '-c', '1', '-r', '1000000', '--seed', '5'),
      await keysAfter('-n', '20', '-c', '1', '-r', '1000000', '--seed', '6'),
    ];
    assert.equal(one!.length, 20);
    assert.deepEqual(again, one);
    assert.notDeepEqual(other, one);
    assert.deepEqual(await keysAfter('-n', '5', '-r', '-7'), ['key:000000000000']);
  });

  test('idle connections are counted, and their end by the server ends the tool', async () => {
    await server.call('CONFIG', 'SET', 'maxclients', '5');
    try {
      const { stdout, stderr, code } = await runOurs(at('-c', '10', '-I'));
      assert.match(stdout, /^Creating 10 idle connections and waiting forever \(Ctrl\+C when done\)\n/);
      assert.deepEqual([stderr, code], ['Error from server: ERR max number of clients reached\n', 1]);
    } finally {
      await server.call('CONFIG', 'SET', 'maxclients', '10000');
    }
  });

  test('a lost connection ends it, in the same words', async () => {
    const tools: [string, string[]][] = [
      ['redis-benchmark', []],
      [process.execPath, [ourTool]],
    ];
    for (const [program, first] of tools) {
      const child = await Child.start(program, [
        ...first,
        ...at('-n', '100000000', '-c', '2', '-q', 'set', 'marker', '1'),
      ]);
      await waitFor(async () => (await server.call('GET', 'marker')) !== null, {
        what: 'the first request',
        intervalMs: 1,
        detail: () => child.stdout + child.stderr,
      });
      await server.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      const { code } = await child.untilExit();
      assert.match(child.stderr, /^Error: (Server closed the connection|Connection reset by peer)\n$/);
      assert.equal(code, 1);
      await server.call('DEL', 'marker');
    }
  });
});

test('a server that is not there is told once; the real one never ends', { skip }, async () => {
  const port = await freePort();
  const { stderr, code } = await runOurs(['-p', String(port), '-n', '10', '-q']);
  assert.deepEqual(
    [stderr, code],
    [
      `Could not connect to Redis at 127.0.0.1:${port}: Connection refused\nWARNING: Could not fetch server CONFIG\n`,
      1,
    ],
  );
});

test('a server that answers nonsense, or more than it was asked, is told in one line', async () => {
  for (const [reply, told] of [
    ['HTTP/1.1 400\r\n', 'Error: Protocol error, got "H" as reply type byte\n'],
    ['+OK\r\n+OK\r\n', 'Error: More replies than requests\n'],
  ] as const) {
    const server = await fakeServer(([name]) => (name === 'CONFIG' ? '*2\r\n$1\r\nx\r\n$0\r\n\r\n' : reply));
    const { stderr, code } = await runOurs(['-p', String(server.port), '-c', '1', '-n', '10', '-q', '-t', 'set']);
    await server.close();
    assert.deepEqual([stderr, code], [told, 1]);
  }
});

test('a cluster: the same masters, reports and errors; each node gets its own keys', { skip }, async () => {
  const options = Array.from({ length: 3 }, () =>
    clusterNode('redis', { nodeTimeoutMs: 5000, config: { appendonly: 'no' } }),
  );
  await withServers(options, async (nodes) => {
    await joinCluster(nodes, 3);
    const at = (...args: string[]): string[] => ['-p', String(nodes[0]!.port), '--cluster', ...args];
    await assertSame(at('-n', '60', '-c', '6', '-t', 'set'));
    await assertSame(at('-n', '60', '-c', '6', '-t', 'lpush,mset,get', '-q'));
    for (const node of nodes) await node.call('FLUSHALL');
    // So many that every connection gets its share, even if a thread begins late.
    await runOurs(at('-n', '30000', '-c', '6', '-t', 'set', '--threads', '2', '-r', '5', '-q'));
    for (const node of nodes) assert.equal(await node.call('DBSIZE'), 5);
    // A command whose key has no tag has no right node.
    const lost = await runOurs(at('-n', '6000', '-c', '6', '-q', 'get', 'foo'));
    assert.match(lost.stderr, /^Error from server 127\.0\.0\.1:\d+: MOVED \d+ 127\.0\.0\.1:\d+\n$/);
    assert.equal(lost.code, 1);
  });
});

test('redirections before the end: every request is done again, and the run ends', async () => {
  const idOf = (digit: string): string => digit.repeat(40);
  const servers: FakeServer[] = [];
  const nodesText = (): string =>
    servers
      .map(({ port }, at) => {
        const slots = at === 0 ? '0-8191' : '8192-16383';
        return `${idOf(String(at))} 127.0.0.1:${port}@1${port} master - 0 0 ${at} connected ${slots}\n`;
      })
      .join('');
  const redirections = [0, 0];
  for (const at of redirections.keys()) {
    const server = await fakeServer(([name]) => {
      if (name === 'CLUSTER') return `$${nodesText().length}\r\n${nodesText()}\r\n`;
      if (name === 'CONFIG') return '*2\r\n$1\r\nx\r\n$0\r\n\r\n';
      return redirections[at]!-- > 0 ? '-MOVED 0 127.0.0.1:1\r\n' : ':1\r\n';
    });
    servers.push(server);
  }
  for (const threads of ['1', '2', '4']) {
    const args = ['--cluster', '--threads', threads, '-c', '4', '-n', '40', '-P', '2', '-q', 'incr', '{tag}'];
    redirections.fill(3);
    const before = servers.flatMap(({ requests }) => requests).length;
    const { stderr, code } = await runOurs(['-p', String(servers[0]!.port), ...args]);
    const sent = servers.flatMap(({ requests }) => requests).slice(before);
    assert.equal(code, 0, stderr);
    assert.ok(sent.filter((request) => request.startsWith('incr')).length >= 40, stderr);
  }
  for (const server of servers) await server.close();
});

test('a slot that moves while it is used: the new map is fetched, and all requests are done', { skip }, async () => {
  const options = Array.from({ length: 3 }, () =>
    clusterNode('redis', { nodeTimeoutMs: 5000, config: { appendonly: 'no' } }),
  );
  await withServers(options, async (nodes) => {
    await joinCluster(nodes, 3);
    const [first, second] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    // The first node holds its requests back until the slot has moved, so that the tool has the map of before however slow the machine is.
    await first.call('CLIENT', 'PAUSE', 600_000, 'WRITE');
    const tool = await Child.start(process.execPath, [
      ourTool,
      '-p',
      String(first.port),
      '--cluster',
      '-n',
      '6000',
      '-c',
      '6',
      '-q',
      'incr',
      '{tag}',
    ]);
    await waitFor(async () => /flags=b.* cmd=incr/.test(await first.text('CLIENT', 'LIST')), {
      what: 'a request to wait',
      detail: () => tool.stdout + tool.stderr,
    });
    await moveEmptySlot(0, first, second);
    await first.call('CLIENT', 'UNPAUSE');
    const { code } = await tool.untilExit();
    assert.equal(code, 0, tool.stderr);
    assert.match(tool.stderr, /WARNING: Cluster slots configuration changed, fetching new one/);
    let sum = 0;
    for (const node of nodes) {
      for (const each of (await node.call('KEYS', '*')) as string[]) sum += Number(await node.text('GET', each));
    }
    assert.equal(sum, 6000);
  });
});
