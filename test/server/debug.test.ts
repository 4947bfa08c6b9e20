/** DEBUG where it does something to the server, and LOLWUT. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

for (const kind of serversUnderTest()) {
  const skip = needsServers(kind);

  describe(`${kind}: DEBUG`, { skip }, () => {
    const server = useServer({ kind });

    test('RESTORE takes a payload with a wrong checksum while validation is skipped', async () => {
      const { process } = server;
      await process.call('SET', 'k', 'text');
      const client = await process.connect({ replies: 'bytes' });
      const payload = Buffer.from((await client.call('DUMP', 'k')) as Buffer);
      payload[payload.length - 1]! ^= 0xff;
      const refused = { message: 'ERR DUMP payload version or checksum are wrong' };
      await assert.rejects(client.call('RESTORE', 'copy', '0', payload), refused);
      await process.call('DEBUG', 'SET-SKIP-CHECKSUM-VALIDATION', '1');
      assert.equal(await client.call('RESTORE', 'copy', '0', payload), 'OK');
      await process.call('DEBUG', 'SET-SKIP-CHECKSUM-VALIDATION', '0');
      await assert.rejects(client.call('RESTORE', 'copy', '0', payload, 'REPLACE'), refused);
      assert.equal(await process.call('GET', 'copy'), 'text');
      client.close();
    });

    test('without the active cycle, or without any cron, keys that nobody asks for stay', async () => {
      const { process } = server;
      for (const [off, on] of [
        ['SET-ACTIVE-EXPIRE 0', 'SET-ACTIVE-EXPIRE 1'],
        ['PAUSE-CRON 1', 'PAUSE-CRON 0'],
      ] as const) {
        await process.call('FLUSHALL');
        await process.call('DEBUG', ...off.split(' '));
        await process.call('SET', 'k', 'v', 'PX', '1');
        await new Promise((resolve) => setTimeout(resolve, 250));
        assert.equal(await process.call('DBSIZE'), 1, off);
        await process.call('DEBUG', ...on.split(' '));
        await waitFor(async () => (await process.call('DBSIZE')) === 0, { what: 'the cycle' });
      }
    });

    test('SLEEP holds up everybody', async () => {
      const startedAtMs = performance.now();
      const sleeping = server.process.call('DEBUG', 'SLEEP', '0.3');
      const other = await server.connect();
      await other.ask('PING\r\n', '+PONG\r\n');
      assert.ok(performance.now() - startedAtMs > 250);
      await sleeping;
    });

    test('CONFIG-REWRITE-FORCE-ALL writes every directive', async () => {
      assert.equal(await server.process.call('DEBUG', 'CONFIG-REWRITE-FORCE-ALL'), 'OK');
      const text = readFileSync(server.process.configFile, 'latin1');
      for (const line of ['maxclients 10000', 'hz 10', 'appendonly no', 'maxmemory 0'])
        assert.ok(text.includes(`\n${line}\n`), line);
      await server.process.kill();
      await server.process.restart();
    });

    test('subcommands that change nothing here answer OK, and HELP names them', async () => {
      const { process } = server;
      assert.match(await process.text('DEBUG', 'STRUCTSIZE'), /^bits:64 /);
      for (const words of [
        'REPLYBUFFER PEAK-RESET-TIME NEVER',
        'REPLYBUFFER RESIZING 0',
        'AOF-FLUSH-SLEEP 0',
        'LEAK x',
      ])
        assert.equal(await process.call('DEBUG', ...words.split(' ')), 'OK', words);
      const help = (await process.call('DEBUG', 'HELP')) as string[];
      assert.ok(help.includes('SEGFAULT') && help.includes('SLEEP <seconds>'));
    });

    test('SLOWLOG has what slept, with who asked for it', async () => {
      const connection = await server.connect();
      await connection.ask('CLIENT SETNAME sleeper\r\nSLOWLOG RESET\r\nDEBUG SLEEP 0.02\r\n', '+OK\r\n+OK\r\n+OK\r\n');
      const [entry] = (await server.process.call('SLOWLOG', 'GET', '1')) as unknown[][];
      const [, , microseconds, words, address, name] = entry!;
      assert.ok(Number(microseconds) >= 20_000);
      assert.deepEqual(words, ['DEBUG', 'SLEEP', '0.02']);
      assert.equal(address, `127.0.0.1:${connection.socket.localPort}`);
      assert.equal(name, 'sleeper');
    });

    test('LATENCY records what took longer than the threshold', async () => {
      const { process } = server;
      await process.call('CONFIG', 'SET', 'latency-monitor-threshold', '200');
      await process.call('DEBUG', 'SLEEP', '0.25');
      const [[name, , last, worst]] = (await process.call('LATENCY', 'LATEST')) as [[string, number, number, number]];
      assert.equal(name, 'command');
      assert.ok(last >= 250 && worst >= last);
      assert.equal(((await process.call('LATENCY', 'HISTORY', 'command')) as unknown[]).length, 1);
      assert.match(await process.text('LATENCY', 'GRAPH', 'command'), /^command - high \d+ ms, low \d+ ms/);
      assert.match(
        await process.text('LATENCY', 'DOCTOR'),
        /^Dave, I have observed[\s\S]*1\. command: 1 latency spikes/,
      );
      assert.equal(await process.call('LATENCY', 'RESET'), 1);
      assert.deepEqual(await process.call('LATENCY', 'LATEST'), []);
      await process.call('CONFIG', 'SET', 'latency-monitor-threshold', '0');
    });

    test('MEMORY USAGE grows with the value, STATS and DOCTOR speak of this server', async () => {
      const { process } = server;
      await process.call('SET', 'small', 'x');
      await process.call('SET', 'large', 'x'.repeat(10_000));
      const [small, large] = [
        Number(await process.call('MEMORY', 'USAGE', 'small')),
        Number(await process.call('MEMORY', 'USAGE', 'large', 'SAMPLES', '0')),
      ];
      assert.ok(small > 5 && small < 200 && large > 10_000 && large < 20_000, `${small} ${large}`);
      assert.equal(await process.call('MEMORY', 'USAGE', 'none'), null);
      const stats = (await process.call('MEMORY', 'STATS')) as (string | number)[];
      const value = (name: string) => Number(stats[stats.indexOf(name) + 1]);
      assert.ok(value('keys.count') >= 2 && value('keys.bytes-per-key') >= 0 && value('dataset.bytes') >= 0);
      assert.ok(value('startup.allocated') <= value('total.allocated'));
      assert.ok(value('peak.allocated') >= value('total.allocated'));
      assert.match(await process.text('MEMORY', 'DOCTOR'), /this instance is empty or is using very little memory/);
    });

    test('LOLWUT draws what its version draws, in the size that is asked for', async () => {
      const { process } = server;
      assert.match(await process.text('LOLWUT'), /^Redis ver\. 7\.\d+\.\d+\n$/);
      const squares = (await process.text('LOLWUT', 'VERSION', '5', '20', '3', '2')).split('\n');
      assert.match(squares.at(-2)!, /^Georg Nees - schotter, plotter on paper, 1968\. Redis ver\. /);
      assert.match(squares[0]!, /^[\u2800-\u28ff]{20}$/);
      assert.equal(squares.length, 10);
      const skyline = (await process.text('LOLWUT', 'VERSION', '6', '10', '3')).split('\n');
      assert.equal(skyline[0]!.split('\x1b[0m').length, 11);
      assert.match(skyline.at(-2)!, /Redis ver\. /);
      for (const words of ['VERSION x', 'VERSION 5 x'])
        await assert.rejects(process.call('LOLWUT', ...words.split(' ')), /not an integer/);
      for (const words of ['VERSION 5 1000 1 200', 'VERSION 5 -1 -1 -1', 'VERSION 6 0 0', 'VERSION 5 1 200 200'])
        if (kind !== 'redis') assert.match(await process.text('LOLWUT', ...words.split(' ')), /Redis ver\. /, words);
    });
  });

  test(`${kind}: REPLICATE tells the replicas what the primary does not do`, {
    skip: needsServers('redis', kind),
  }, async () => {
    await withServers([{ kind }, { kind: 'redis' }], async ([primary, replica]) => {
      await replica!.call('REPLICAOF', '127.0.0.1', primary!.port);
      await waitFor(async () => / ?state=online/.test(await primary!.text('INFO', 'replication')), {
        what: 'the replica',
      });
      await primary!.call('SET', 'k', 'same');
      assert.equal(await primary!.call('DEBUG', 'REPLICATE', 'SET', 'k', 'different'), 'OK');
      await waitFor(async () => (await replica!.call('GET', 'k')) === 'different', { what: 'the command' });
      assert.equal(await primary!.call('GET', 'k'), 'same');
    });
  });

  test(`${kind}: a crash leaves a report in the log and is no normal end`, { skip }, async () => {
    for (const [name, signal, text] of [
      ['SEGFAULT', 'SIGSEGV', /crashed by signal: 11/],
      ['PANIC', 'SIGABRT', /Guru Meditation: DEBUG PANIC called/],
      ['ASSERT', 'SIGABRT', /ASSERTION FAILED ===[\s\S]*==> .*'1 == 2' is not true/],
      ['OOM', 'SIGABRT', /Out Of Memory allocating \d+ bytes!/],
    ] as const) {
      await withServers([{ kind }], async ([server]) => {
        await assert.rejects(server!.call('DEBUG', name));
        await waitFor(() => !server!.isRunning, { what: 'the end', detail: () => server!.output });
        const exit = await server!.stop();
        assert.deepEqual(exit, { code: null, signal }, name);
        assert.match(server!.output, text);
        assert.match(server!.output, /=== REDIS BUG REPORT START: Cut & paste starting from here ===\n/);
        assert.match(server!.output, /=== REDIS BUG REPORT END\. /);
      });
    }
  });

  test(`${kind}: DEBUG is refused unless the directive allows it`, { skip }, async () => {
    for (const [value, isAllowed] of [
      ['no', false],
      ['local', true],
    ] as const) {
      const server = await ServerProcess.start({ kind, config: { 'enable-debug-command': value } });
      try {
        if (isAllowed) assert.equal(await server.call('DEBUG', 'SLEEP', '0'), 'OK');
        else
          await assert.rejects(
            server.call('DEBUG', 'SLEEP', '0'),
            /^ReplyError: ERR DEBUG command not allowed\. If the/,
          );
      } finally {
        await server.dispose();
      }
    }
  });
}
