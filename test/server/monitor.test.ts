/** MONITOR and SLOWLOG: what is shown, in which order, and what is kept secret. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RawConnection, request } from '../support/raw-connection.js';
import { temporaryFolder } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

for (const kind of serversUnderTest()) {
  describe(`${kind}: MONITOR and SLOWLOG`, { skip: needsServers(kind) }, () => {
    const path = join(temporaryFolder('monitor'), 'server.sock');
    const server = useServer({ kind, config: { unixsocket: path } });

    /** What MONITOR shows of these requests, without times; `ME` stands for their connection's address. */
    async function shown(requests: string): Promise<string[]> {
      const monitor = await server.connect();
      await monitor.ask('MONITOR\r\n', '+OK\r\n');
      const connection = await server.connect();
      connection.send(`${requests}ECHO end\r\n`);
      await monitor.until(/"ECHO" "end"\r\n$/);
      const lines = monitor.received.split('\r\n').slice(1, -2);
      for (const line of lines) assert.match(line, /^\+\d{10}\.\d{6} \[\d+ 127\.0\.0\.1:\d+\]( "([^"\\]|\\.)*")+$/);
      return lines.map((line) => line.replace(/^\S+ /, '').replace(`127.0.0.1:${connection.socket.localPort}`, 'ME'));
    }

    test('each command is shown once it has run, with the database it left behind', async () => {
      assert.deepEqual(await shown('SET k v\r\nget k\r\nSELECT 3\r\nPING\r\n'), [
        '[0 ME] "SET" "k" "v"',
        '[0 ME] "get" "k"',
        '[3 ME] "SELECT" "3"',
        '[3 ME] "PING"',
      ]);
    });

    test('bytes are shown as redis-cli would show them', async () => {
      assert.deepEqual(await shown(request('ECHO', 'a"b\\c\r\n\t\x07\x08\x00\x7f\xff é')), [
        '[0 ME] "ECHO" "a\\"b\\\\c\\r\\n\\t\\a\\b\\x00\\x7f\\xff \\xe9"',
      ]);
    });

    test('administration and what is refused is not shown; an error at run time is', async () => {
      await server.process.call('SET', 'text', 'x');
      assert.deepEqual(
        await shown('CONFIG GET port\r\nDEBUG SLEEP 0\r\nSLOWLOG LEN\r\nNOSUCH\r\nGET\r\nINCR text\r\nEXEC\r\n'),
        ['[0 ME] "INCR" "text"', '[0 ME] "EXEC"'],
      );
    });

    test('a transaction’s commands are shown when they run, before EXEC; one that is aborted shows EXEC alone', async () => {
      assert.deepEqual(await shown('MULTI\r\nSET k 1\r\nINCR k\r\nCONFIG GET port\r\nEXEC\r\n'), [
        '[0 ME] "MULTI"',
        '[0 ME] "SET" "k" "1"',
        '[0 ME] "INCR" "k"',
        '[0 ME] "EXEC"',
      ]);
      assert.deepEqual(await shown('WATCH k\r\nSET k 2\r\nMULTI\r\nGET k\r\nEXEC\r\nMULTI\r\nGET k\r\nDISCARD\r\n'), [
        '[0 ME] "WATCH" "k"',
        '[0 ME] "SET" "k" "2"',
        '[0 ME] "MULTI"',
        '[0 ME] "EXEC"',
        '[0 ME] "MULTI"',
        '[0 ME] "DISCARD"',
      ]);
    });

    test('passwords are not shown', async () => {
      assert.deepEqual(
        await shown('AUTH secret\r\nAUTH default secret\r\nHELLO 2 AUTH default secret SETNAME me\r\n'),
        [
          '[0 ME] "AUTH" "(redacted)"',
          '[0 ME] "AUTH" "(redacted)" "(redacted)"',
          '[0 ME] "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"',
        ],
      );
      const migration = 'MIGRATE 127.0.0.1 1 none 0 10 COPY AUTH2 user secret KEYS none\r\n';
      assert.deepEqual(await shown(migration.replace('none 0', '"" 0')), [
        '[0 ME] "MIGRATE" "127.0.0.1" "1" "" "0" "10" "COPY" "AUTH2" "(redacted)" "(redacted)" "KEYS" "none"',
      ]);
    });

    test('secrets do not get into the slow log either, what stands beside them does', async () => {
      const { process } = server;
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
      await process.call('SLOWLOG', 'RESET');
      const connection = await server.connect();
      await connection.ask('AUTH secret\r\nCONFIG SET masterauth secret hz 10 masteruser me\r\n', '-ERR');
      await connection.until(/\+OK\r\n$/);
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
      const entries = (await process.call('SLOWLOG', 'GET')) as [number, number, number, string[]][];
      assert.deepEqual(
        entries.map(([, , , words]) => words.join(' ')),
        ['CONFIG SET masterauth (redacted) hz 10 masteruser (redacted)', 'AUTH (redacted)', 'SLOWLOG RESET'],
      );
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000', 'masterauth', '', 'masteruser', '');
    });

    test('the slow log keeps the newest entries, numbered on; its commands of a transaction, not EXEC', async () => {
      const { process } = server;
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '4');
      const connection = await server.connect();
      await connection.ask(
        'MULTI\r\nSET k v\r\nGET k\r\nEXEC\r\n',
        '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\nv\r\n',
      );
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
      const entries = (await process.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
      assert.deepEqual(
        entries.map(([, , , words]) => words.join(' ')),
        ['GET k', 'SET k v', 'MULTI', 'CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 4'],
      );
      const ids = entries.map(([id]) => id);
      assert.deepEqual(ids, [ids[0]!, ids[0]! - 1, ids[0]! - 2, ids[0]! - 3]);
      await process.call('SLOWLOG', 'RESET');
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
      await process.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000', 'slowlog-max-len', '128');
      const [[next]] = (await process.call('SLOWLOG', 'GET')) as [[number]];
      assert.ok(next > ids[0]!);
    });

    test('a Unix socket’s client is shown by the socket’s path', async () => {
      const monitor = await server.connect();
      await monitor.ask('MONITOR\r\n', '+OK\r\n');
      const connection = await RawConnection.connect({ path });
      await connection.ask('PING\r\n', '+PONG\r\n');
      await waitFor(() => monitor.received.includes(` [0 unix:${path}] "PING"\r\n`), {
        what: 'the line',
        detail: () => monitor.received,
      });
      connection.close();
    });

    test('a monitoring client may not touch data; RESET makes it an ordinary one, and it sees no more', async () => {
      const monitor = await server.connect();
      const refused = "-ERR Replica can't interact with the keyspace\r\n";
      await monitor.ask('MONITOR\r\n', '+OK\r\n');
      assert.equal(await monitor.ask('GET k\r\n', refused), refused);
      monitor.send('RESET\r\nGET none\r\n');
      await monitor.until(/\+RESET\r\n\$-1\r\n$/);
      await server.process.call('PING');
      assert.equal(await monitor.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
    });

    test('in RESP3 the lines are the same', async () => {
      const monitor = await server.connect();
      monitor.send('HELLO 3\r\nMONITOR\r\n');
      await monitor.until(/\+OK\r\n$/);
      await server.process.call('PING', 'x');
      await monitor.until(/\r\n\+\d+\.\d+ \[0 127\.0\.0\.1:\d+\] "PING" "x"\r\n$/);
    });
  });
}
