/** What clients see of snapshots and loading: refused writes after a failure, save points, schedules, LOADING. The files themselves: test/persistence. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RawConnection } from '../support/raw-connection.js';
import { type ServerProcess, temporaryFolder, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

async function persistence(server: ServerProcess, field: string): Promise<string | undefined> {
  return (await server.info('persistence'))[field];
}

/** BGSAVE, and waits until it has ended. */
async function backgroundSave(server: ServerProcess): Promise<string | undefined> {
  assert.equal(await server.call('BGSAVE'), 'Background saving started');
  await waitFor(async () => (await persistence(server, 'rdb_bgsave_in_progress')) === '0', { what: 'the save to end' });
  return persistence(server, 'rdb_last_bgsave_status');
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: snapshots as clients see them`, { skip: needsServers(kind) }, () => {
    const folder = join(temporaryFolder('data'), 'data');
    mkdirSync(folder);
    const server = useServer({ kind, config: { dir: folder, save: '3600 100000', 'enable-protected-configs': 'yes' } });

    test('after a failed save writes and PING are refused until one succeeds, or nobody asks for snapshots', async () => {
      const { process } = server;
      await process.call('SET', 'k', 'v');
      const queued = await server.connect();
      await queued.ask('MULTI\r\nSET k queued\r\n', '+OK\r\n+QUEUED\r\n');
      const reading = await server.connect();
      await reading.ask('MULTI\r\nGET k\r\n', '+OK\r\n+QUEUED\r\n');
      rmSync(folder, { recursive: true });
      assert.equal(await backgroundSave(process), 'err');
      for (const words of [['SET', 'k', 'x'], ['DEL', 'k'], ['PING'], ['FLUSHALL']])
        await assert.rejects(process.call(...words), { message: MISCONF }, words.join(' '));
      assert.equal(await process.call('GET', 'k'), 'v');
      const aborted = `-EXECABORT Transaction discarded because of: ${MISCONF}\r\n`;
      assert.equal(await queued.ask('EXEC\r\n', aborted), aborted);
      assert.equal(await reading.ask('EXEC\r\n', '*1\r\n$1\r\nv\r\n'), '*1\r\n$1\r\nv\r\n');
      const refused = `+OK\r\n-${MISCONF}\r\n-EXECABORT Transaction discarded because of previous errors.\r\n`;
      assert.equal(await reading.ask('MULTI\r\nSET k x\r\nEXEC\r\n', refused), refused);
      await process.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
      assert.equal(await process.call('SET', 'k', 'allowed'), 'OK');
      await process.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes');
      await assert.rejects(process.call('SET', 'k', 'x'), { message: MISCONF });
      await process.call('CONFIG', 'SET', 'save', '');
      assert.equal(await process.call('SET', 'k', 'unwatched'), 'OK');
      await process.call('CONFIG', 'SET', 'save', '3600 100000');
      await assert.rejects(process.call('SET', 'k', 'x'), { message: MISCONF });
      mkdirSync(folder);
      await process.call('CONFIG', 'SET', 'dir', folder);
      assert.equal(await backgroundSave(process), 'ok');
      assert.equal(await process.call('SET', 'k', 'again'), 'OK');
    });

    test('SAVE that fails is an error, and does not stop writes by itself', async () => {
      const { process } = server;
      rmSync(folder, { recursive: true });
      await assert.rejects(process.call('SAVE'), { message: /^ERR/ });
      mkdirSync(folder);
      await process.call('CONFIG', 'SET', 'dir', folder);
      assert.equal(await process.call('SET', 'k', 'v'), 'OK');
      assert.equal(await process.call('SAVE'), 'OK');
    });

    test('a save point fires after its seconds with its changes, and counts begin anew', async () => {
      const { process } = server;
      await process.call('SAVE');
      const { rdb_saves: before } = await process.info('persistence');
      await process.call('SET', 'k', '1');
      await process.call('INCRBY', 'k', '5');
      assert.equal(await persistence(process, 'rdb_changes_since_last_save'), '2');
      await process.call('CONFIG', 'SET', 'save', '3600 100 1 3');
      // Two changes are one too few, however long it takes.
      await new Promise((resolve) => setTimeout(resolve, 1300));
      assert.equal(await persistence(process, 'rdb_saves'), before);
      await process.call('INCR', 'k');
      await waitFor(async () => (await persistence(process, 'rdb_saves')) === String(Number(before) + 1), {
        what: 'a save',
      });
      await process.untilLogged(/\* 3 changes in 1 seconds\. Saving\.\.\.\n/);
      await waitFor(async () => (await persistence(process, 'rdb_changes_since_last_save')) === '0', {
        what: 'no changes',
      });
      await process.call('CONFIG', 'SET', 'save', '');
    });

    test('BGSAVE while one runs, in a transaction, and SCHEDULE', async () => {
      const { process } = server;
      await process.call('CONFIG', 'SET', 'rdb-key-save-delay', '1000');
      await process.call('DEBUG', 'POPULATE', '100000');
      assert.equal(await process.call('BGSAVE'), 'Background saving started');
      for (const words of [['BGSAVE'], ['BGSAVE', 'SCHEDULE'], ['SAVE']])
        await assert.rejects(
          process.call(...words),
          { message: 'ERR Background save already in progress' },
          words.join(' '),
        );
      assert.equal(await process.call('BGREWRITEAOF'), 'Background append only file rewriting scheduled');
      await process.call('CONFIG', 'SET', 'rdb-key-save-delay', '0');
      await assert.rejects(process.call('BGSAVE', 'FOO'), { message: 'ERR syntax error' });
      // What was killed or has ended makes room for the scheduled rewrite.
      await process.call('FLUSHALL');
      await waitFor(async () => (await persistence(process, 'rdb_bgsave_in_progress')) === '0', {
        what: 'the save to end',
      });
      await waitFor(
        async () => {
          const info = await process.info('persistence');
          return info['aof_rewrite_in_progress'] === '0' && info['aof_rewrite_scheduled'] === '0';
        },
        { what: 'the rewrite to end' },
      );
      const connection = await server.connect();
      await connection.ask('MULTI\r\nBGSAVE\r\nEXEC\r\n', '+OK\r\n+QUEUED\r\n*1\r\n+Background saving s');
      await waitFor(async () => (await persistence(process, 'rdb_bgsave_in_progress')) === '0', {
        what: 'the save to end',
      });
    });
  });

  test(`${kind}: while it loads a server says so, ends at once when it is told to, and loads faster as well`, {
    skip: needsServers(kind),
  }, async () => {
    const config = { 'key-load-delay': 1000, 'loading-process-events-interval-bytes': 1024 };
    await withServers([{ kind, config }], async ([server]) => {
      await server!.call('DEBUG', 'POPULATE', '300000', 'key', '10');
      await server!.call('SAVE');
      await server!.kill();
      await server!.launch();
      const connection = await waitFor(() => RawConnection.connect({ host: '127.0.0.1', port: server!.port }), {
        what: 'the port',
      });
      const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';
      for (const words of ['PING', 'GET key:1', 'SET k v', 'DBSIZE', 'BGSAVE', 'WAIT 0 0'])
        assert.equal(await connection.ask(`${words}\r\n`, LOADING), LOADING, words);
      const aborted = `+OK\r\n${LOADING}-EXECABORT Transaction discarded because of previous errors.\r\n`;
      assert.equal(await connection.ask('MULTI\r\nGET k\r\nEXEC\r\n', aborted), aborted);
      connection.received = '';
      connection.send('INFO persistence\r\nCLIENT ID\r\n');
      const [, info] = await connection.until(/^\$\d+\r\n([\s\S]*)\r\n:\d+\r\n$/);
      assert.match(info!, /loading:1\r\n/);
      assert.match(info!, /loading_total_bytes:[1-9]\d+\r\n/);
      assert.match(info!, /loading_loaded_perc:\d+\.\d\d\r\n/);
      const refused = '-LOADING Redis is loading the dataset in memory\r\n';
      assert.equal(await connection.ask('CONFIG SET appendonly yes\r\n', refused), refused);
      assert.equal(await connection.ask('COMMAND COUNT\r\n', ':1\r\n').then((reply) => reply[0]), ':');
      const { code } = await server!.stop();
      assert.equal(code, 0);
      assert.match(server!.output, /during loading[\s\S]*Redis is now ready to exit, bye bye\.\.\.\n/);
      assert.doesNotMatch(server!.output, /Saving the final RDB|DB loaded from disk/);
      // The whole file is still there.
      await server!.launch();
      await waitFor(() => server!.call('CONFIG', 'SET', 'key-load-delay', '0'), { what: 'the port' });
      const size = await waitFor(() => server!.call('DBSIZE'), { what: 'the load to end' });
      assert.equal(size, 300_000);
    });
  });
}
