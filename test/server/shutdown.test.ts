/** How a server ends: SHUTDOWN with all its options, signals, exit codes, the files it leaves, and what the log says. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Exit } from '../support/child-process.js';
import { RawConnection } from '../support/raw-connection.js';
import { type ServerConfig, type ServerProcess, temporaryFolder, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const BYE = 'Redis is now ready to exit, bye bye...\n';

/** Waits until the process has ended by itself. */
async function ended(server: ServerProcess): Promise<Exit> {
  await waitFor(() => !server.isRunning, { what: 'the server to end', detail: () => server.output });
  return server.stop();
}

for (const kind of serversUnderTest()) {
  const skip = needsServers(kind);

  /** Runs a server with one key, ends it by `end`, and tells how that went. */
  async function end(
    config: ServerConfig,
    way: (server: ServerProcess, connection: RawConnection) => void,
  ): Promise<{ exit: Exit; output: string; hasDump: boolean; reply: string }> {
    return withServers([{ kind, config }], async ([server]) => {
      await server!.call('SET', 'k', 'v');
      const connection = await RawConnection.connect({ host: '127.0.0.1', port: server!.port });
      way(server!, connection);
      const exit = await ended(server!);
      const reply = await connection.untilClosed();
      return { exit, reply, output: server!.output, hasDump: existsSync(join(server!.folder, 'dump.rdb')) };
    });
  }

  test(`${kind}: SHUTDOWN saves if there are save points, or as it is told`, { skip }, async () => {
    for (const [save, words, hasDump] of [
      ['""', 'SHUTDOWN', false],
      ['3600 1', 'SHUTDOWN', true],
      ['""', 'SHUTDOWN SAVE', true],
      ['3600 1', 'shutdown nosave', false],
      ['3600 1', 'SHUTDOWN NOW', true],
      ['3600 1', 'SHUTDOWN NOSAVE NOW FORCE', false],
    ] as const) {
      const result = await end({ save }, (_, connection) => connection.send(`${words}\r\n`));
      assert.deepEqual(result.exit, { code: 0, signal: null }, words);
      assert.equal(result.hasDump, hasDump, words);
      assert.equal(result.reply, '', words);
      assert.match(result.output, /User requested shutdown\.\.\.\n/);
      assert.equal(/Saving the final RDB snapshot before exiting\.\n.*DB saved on disk\n/.test(result.output), hasDump);
      assert.ok(result.output.endsWith(BYE), result.output);
    }
  });

  test(`${kind}: signals end it with status 0 and save as their directive says`, { skip }, async () => {
    for (const [signal, config, hasDump] of [
      ['SIGTERM', { save: '3600 1' }, true],
      ['SIGINT', { save: '3600 1' }, true],
      ['SIGTERM', { save: '""', 'shutdown-on-sigterm': 'save' }, true],
      ['SIGINT', { save: '3600 1', 'shutdown-on-sigint': 'nosave now' }, false],
    ] as const) {
      const result = await end(config, (server) => server.signal(signal));
      assert.deepEqual(result.exit, { code: 0, signal: null }, signal);
      assert.equal(result.hasDump, hasDump, signal);
      assert.match(result.output, new RegExp(`Received ${signal} scheduling shutdown\\.\\.\\.`));
      assert.ok(result.output.endsWith(BYE), result.output);
    }
  });

  test(`${kind}: SIGHUP and SIGPIPE are ignored`, { skip }, async () => {
    await withServers([{ kind }], async ([server]) => {
      server!.signal('SIGHUP');
      server!.signal('SIGPIPE');
      assert.equal(await server!.call('PING'), 'PONG');
    });
  });

  test(`${kind}: the append only file is synced; the pid file is taken away`, { skip }, async () => {
    const pidfile = join(temporaryFolder('pid'), 'server.pid');
    const result = await end({ appendonly: 'yes', pidfile }, (_, connection) => connection.send('SHUTDOWN\r\n'));
    assert.match(result.output, /Calling fsync\(\) on the AOF file\.\n/);
    assert.match(result.output, /Removing the pid file\.\n/);
    assert.equal(existsSync(pidfile), false);
  });

  test(`${kind}: options that contradict each other, and where SHUTDOWN is not allowed`, { skip }, async () => {
    await withServers([{ kind }], async ([server]) => {
      for (const words of ['SAVE NOSAVE', 'ABORT NOW', 'FOO', 'NOW ABORT'])
        await assert.rejects(server!.call('SHUTDOWN', ...words.split(' ')), { message: 'ERR syntax error' }, words);
      await assert.rejects(server!.call('SHUTDOWN', 'ABORT'), { message: 'ERR No shutdown in progress.' });
      const connection = await RawConnection.connect({ host: '127.0.0.1', port: server!.port });
      connection.send('MULTI\r\nSHUTDOWN\r\nEXEC\r\n');
      await connection.until(
        /^\+OK\r\n-ERR Command not allowed inside a transaction\r\n-EXECABORT Transaction discarded because of previous errors\.\r\n$/,
      );
      connection.close();
    });
  });

  test(`${kind}: a shutdown that cannot save is refused, unless it is forced`, { skip }, async () => {
    const folder = join(temporaryFolder('gone'), 'data');
    mkdirSync(folder);
    await withServers([{ kind, config: { dir: folder, save: '3600 1000' } }], async ([server]) => {
      await server!.call('SET', 'k', 'v');
      rmSync(folder, { recursive: true });
      await assert.rejects(server!.call('SHUTDOWN'), { message: 'ERR Errors trying to SHUTDOWN. Check logs.' });
      await server!.untilLogged(/Error trying to save the DB, can't exit\.\n/);
      assert.equal(await server!.call('GET', 'k'), 'v');
      server!.signal('SIGTERM');
      await server!.untilLogged(/can't exit\.\n[\s\S]*can't exit\.\n/);
      assert.equal(await server!.call('SET', 'k', 'still'), 'OK');
      server!.call('SHUTDOWN', 'FORCE').catch(() => {});
      assert.deepEqual(await ended(server!), { code: 0, signal: null });
      assert.match(server!.output, /bye bye\.\.\.\n$/);
    });
  });

  test(`${kind}: a running save is given up`, { skip }, async () => {
    await withServers([{ kind, config: { 'rdb-key-save-delay': 1000 } }], async ([server]) => {
      await server!.call('DEBUG', 'POPULATE', '200000');
      await server!.call('BGSAVE');
      server!.call('SHUTDOWN', 'NOSAVE').catch(() => {});
      assert.deepEqual(await ended(server!), { code: 0, signal: null });
      assert.match(server!.output, /There is a child saving an \.rdb\. Killing it!\n/);
      assert.deepEqual(
        [existsSync(join(server!.folder, 'dump.rdb')), existsSync(join(server!.folder, `temp-${server!.pid}.rdb`))],
        [false, false],
      );
    });
  });

  test(`${kind}: a shutdown waits for replicas that are behind, and can be aborted meanwhile`, {
    skip: needsServers('redis', kind),
  }, async () => {
    const replica = { kind: 'redis', config: { 'repl-ping-replica-period': 1000 } } as const;
    await withServers([{ kind, config: { 'shutdown-timeout': 100 } }, replica], async ([primary, follower]) => {
      await follower!.call('REPLICAOF', '127.0.0.1', primary!.port);
      await waitFor(async () => / ?state=online/.test(await primary!.text('INFO', 'replication')), {
        what: 'the replica',
      });
      follower!.signal('SIGSTOP');
      const { port } = primary!;
      const [ending, writing] = [
        await RawConnection.connect({ host: '127.0.0.1', port }),
        await RawConnection.connect({ host: '127.0.0.1', port }),
      ];
      await primary!.call('SET', 'k', 'v');
      ending.send('SHUTDOWN\r\n');
      await waitFor(async () => 'shutdown_in_milliseconds' in (await primary!.info('server')), {
        what: 'the shutdown',
      });
      writing.send('GET k\r\nSET k late\r\n');
      await writing.until(/^\$1\r\nv\r\n$/);
      assert.equal(await primary!.call('SHUTDOWN', 'ABORT'), 'OK');
      await ending.until(/^-ERR Errors trying to SHUTDOWN\. Check logs\.\r\n$/);
      await writing.until(/\+OK\r\n$/);
      assert.equal('shutdown_in_milliseconds' in (await primary!.info('server')), false);
      // The one whose SHUTDOWN was aborted goes on like any other; the real server crashes by that.
      if (kind !== 'redis') await ending.ask('PING\r\n', '+PONG\r\n');
      writing.send('SHUTDOWN\r\n');
      await waitFor(async () => 'shutdown_in_milliseconds' in (await primary!.info('server')), { what: 'the second' });
      follower!.signal('SIGCONT');
      assert.deepEqual(await ended(primary!), { code: 0, signal: null });
      await waitFor(async () => (await follower!.call('GET', 'k')) === 'late', { what: 'the last write' });
      ending.close();
    });
  });

  test(`${kind}: the timeout ends the wait for a replica, NOW does without it, a second SIGINT ends at once`, {
    skip: needsServers('redis', kind),
  }, async () => {
    for (const [timeout, way] of [
      ['1', 'timeout'],
      ['100', 'now'],
      ['100', 'insist'],
    ] as const) {
      await withServers(
        [{ kind, config: { 'shutdown-timeout': timeout } }, { kind: 'redis' }],
        async ([primary, follower]) => {
          await follower!.call('REPLICAOF', '127.0.0.1', primary!.port);
          await waitFor(async () => / ?state=online/.test(await primary!.text('INFO', 'replication')), {
            what: 'the replica',
          });
          follower!.signal('SIGSTOP');
          await primary!.call('SET', 'k', 'v');
          if (way === 'now') primary!.call('SHUTDOWN', 'NOW').catch(() => {});
          else primary!.signal('SIGINT');
          if (way === 'insist') {
            await waitFor(async () => 'shutdown_in_milliseconds' in (await primary!.info('server')), {
              what: 'the wait',
            });
            primary!.signal('SIGINT');
          }
          const exit = await ended(primary!);
          assert.deepEqual(exit, { code: way === 'insist' ? 1 : 0, signal: null }, way);
          if (way === 'insist') assert.match(primary!.output, /You insist\.\.\. exiting now\./);
          follower!.signal('SIGCONT');
        },
      );
    }
  });
}
