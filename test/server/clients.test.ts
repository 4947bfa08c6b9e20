/** CLIENT: how connections are listed, killed, paused and silenced. The replies to plain mistakes are in test/oracle. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { RawConnection } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const FIELDS =
  'id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp';
const FIELDS_OF_72 = `${FIELDS} lib-name lib-ver`;

for (const kind of serversUnderTest()) {
  describe(`${kind}: CLIENT`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });
    afterEach(() => server.process.call('CLIENT', 'UNPAUSE'));

    /** The fields of each client in CLIENT LIST, by id. */
    async function clients(): Promise<Map<string, Map<string, string>>> {
      const text = await server.process.text('CLIENT', 'LIST');
      const lines = text.split('\n').filter((line) => line !== '');
      return new Map(
        lines.map((line) => {
          const fields = new Map(line.split(' ').map((field) => field.split(/=(.*)/s) as unknown as [string, string]));
          return [fields.get('id')!, fields];
        }),
      );
    }

    async function idOf(connection: RawConnection): Promise<string> {
      return (await connection.ask('CLIENT ID\r\n', ':1\r\n')).slice(1, -2);
    }

    async function field(connection: string, name: string): Promise<string | undefined> {
      return (await clients()).get(connection)?.get(name);
    }

    /** Waits until so many clients are held back or blocked. */
    async function untilBlocked(count: number): Promise<void> {
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === String(count), {
        what: `${count} blocked clients`,
      });
    }

    test('LIST has one line per client with all fields in order', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      await connection.ask('CLIENT SETNAME me\r\nSELECT 3\r\nGET k\r\n', '+OK\r\n+OK\r\n$-1\r\n');
      const fields = (await clients()).get(id)!;
      assert.equal([...fields.keys()].join(' '), kind === 'redis' ? FIELDS : FIELDS_OF_72);
      const shown = [
        'name',
        'db',
        'flags',
        'multi',
        'sub',
        'psub',
        'ssub',
        'cmd',
        'user',
        'redir',
        'resp',
        'events',
        'omem',
      ];
      assert.deepEqual(
        shown.map((name) => fields.get(name)),
        ['me', '3', 'N', '-1', '0', '0', '0', 'get', 'default', '-1', '2', 'r', '0'],
      );
      assert.match(fields.get('addr')!, /^127\.0\.0\.1:\d+$/);
      assert.equal(fields.get('laddr'), `127.0.0.1:${server.process.port}`);
      assert.ok(Number(fields.get('fd')) > 0);
      assert.ok(Number(fields.get('tot-mem')) > 0);
    });

    test('flags tell the state: MULTI, watched key changed, MONITOR, NO-EVICT', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      await connection.ask('WATCH k\r\nMULTI\r\nSET a 1\r\nSET b 2\r\n', '+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n');
      assert.deepEqual([await field(id, 'flags'), await field(id, 'multi')], ['x', '2']);
      assert.ok(Number(await field(id, 'multi-mem')) > 0);
      await server.process.call('SET', 'k', 'v');
      assert.equal(await field(id, 'flags'), 'xd');
      await connection.ask('DISCARD\r\nCLIENT NO-EVICT on\r\n', '+OK\r\n+OK\r\n');
      assert.equal(await field(id, 'flags'), 'e');
      await connection.ask('CLIENT NO-EVICT off\r\nMONITOR\r\n', '+OK\r\n+OK\r\n');
      assert.equal(await field(id, 'flags'), 'O');
      connection.send('RESET\r\n');
      await connection.until(/\+RESET\r\n/);
      assert.equal(await field(id, 'flags'), 'N');
    });

    test('cmd is the last command with its subcommand, also one that failed; NULL before the first and after an unknown one', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      for (const [request, reply, cmd] of [
        ['CONFIG GET port\r\n', '*2\r\n$4\r\nport\r\n', 'config|get'],
        ['INCR k x\r\n', "-ERR wrong number of arguments for 'incr' command\r\n", 'incr'],
        ['CONFIG NOSUCH\r\n', "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.\r\n", 'NULL'],
        ['PING\r\n', '+PONG\r\n', 'ping'],
        ['NOSUCH\r\n', "-ERR unknown command 'NOSUCH', with args beginning with: \r\n", 'NULL'],
      ] as const) {
        await connection.ask(request, reply);
        assert.equal(await field(id, 'cmd'), cmd, request);
      }
      const fresh = await server.connect();
      const port = fresh.socket.localPort;
      const its = await waitFor(
        async () => [...(await clients()).values()].find((fields) => fields.get('addr') === `127.0.0.1:${port}`),
        { what: 'the new client' },
      );
      assert.equal(its.get('cmd'), 'NULL');
    });

    test('an incomplete request shows in qbuf', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      connection.send('*2\r\n$4\r\nECHO\r\n$1000\r\nabc');
      await waitFor(async () => Number(await field(id, 'qbuf')) > 0, { what: 'the query buffer to show' });
    });

    test('LIST ID lists those that exist', async () => {
      const [a, b] = [await server.connect(), await server.connect()];
      const [first, second] = [await idOf(a), await idOf(b)];
      const text = await server.process.text('CLIENT', 'LIST', 'ID', second, '99999', first);
      assert.deepEqual(
        [...text.matchAll(/^id=(\d+)/gm)].map((found) => found[1]),
        [second, first],
      );
    });

    test('SETINFO shows in LIST and outlives RESET', { skip: kind === 'redis' && 'since 7.2' }, async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      await connection.ask(
        'CLIENT SETINFO LIB-NAME lib(x)\r\nCLIENT SETINFO lib-ver 1.2\r\nRESET\r\n',
        '+OK\r\n+OK\r\n+RESET\r\n',
      );
      assert.deepEqual([await field(id, 'lib-name'), await field(id, 'lib-ver')], ['lib(x)', '1.2']);
    });

    test('KILL closes whom the filters agree on, and they are gone from the list at once', async () => {
      const [a, b, c] = [await server.connect(), await server.connect(), await server.connect()];
      const [idA, idB] = [await idOf(a), await idOf(b)];
      await idOf(c);
      assert.equal(await server.process.call('CLIENT', 'KILL', 'ID', idA, 'TYPE', 'pubsub'), 0);
      assert.equal(await server.process.call('CLIENT', 'KILL', 'ID', idA, 'USER', 'default'), 1);
      assert.equal((await clients()).has(idA), false);
      await a.untilClosed();
      assert.equal(await server.process.call('CLIENT', 'KILL', 'ID', idA), 0);
      assert.equal(await server.process.call('CLIENT', 'KILL', 'ADDR', `127.0.0.1:${b.socket.localPort}`), 1);
      await b.untilClosed();
      assert.equal((await clients()).has(idB), false);
      assert.equal(await server.process.call('CLIENT', 'KILL', `127.0.0.1:${c.socket.localPort}`), 'OK');
      await c.untilClosed();
      const [d, e] = [await server.connect(), await server.connect()];
      const idD = await idOf(d);
      await idOf(e);
      // Everybody but the caller, who is connected to the same address.
      assert.equal(
        await server.process.call('CLIENT', 'KILL', 'LADDR', `127.0.0.1:${server.process.port}`, 'TYPE', 'normal'),
        2,
      );
      await d.untilClosed();
      await e.untilClosed();
      assert.equal((await clients()).has(idD), false);
    });

    test('who kills itself gets the reply, and nothing behind it is executed', async () => {
      await server.process.call('SET', 'k', 'before');
      for (const kill of ['ID ME SKIPME no', '127.0.0.1:PORT']) {
        const connection = await server.connect();
        const id = await idOf(connection);
        const words = kill.replace('ME ', `${id} `).replace('PORT', String(connection.socket.localPort));
        connection.send(`CLIENT KILL ${words}\r\nSET k after\r\n`);
        assert.match(await connection.untilClosed(), /\r\n(:1|\+OK)\r\n$/);
      }
      assert.equal(await server.process.call('GET', 'k'), 'before');
    });

    test('a killed client’s pipeline stops where it is', async () => {
      const victim = await server.connect();
      const id = await idOf(victim);
      await server.process.call('DEL', 'k');
      await server.process.call('CLIENT', 'PAUSE', '100000', 'WRITE');
      victim.send('APPEND k a\r\nAPPEND k b\r\n');
      await untilBlocked(1);
      assert.equal(await server.process.call('CLIENT', 'KILL', 'ID', id), 1);
      await victim.untilClosed();
      await server.process.call('CLIENT', 'UNPAUSE');
      assert.equal(await server.process.call('EXISTS', 'k'), 0);
      assert.equal((await server.process.info('clients'))['blocked_clients'], '0');
    });

    test('PAUSE ALL holds back everything, and what waited goes on in the order in which it came', async () => {
      await server.process.call('DEL', 'order');
      const connections = [await server.connect(), await server.connect(), await server.connect()];
      for (const connection of connections) await connection.ask('PING\r\n', '+PONG\r\n');
      const startedAtMs = performance.now();
      assert.equal(await server.process.call('CLIENT', 'PAUSE', '400'), 'OK');
      for (const [at, connection] of connections.entries()) {
        connection.send(`APPEND order ${at}a\r\nAPPEND order ${at}b\r\nPING\r\n`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const order = await server.process.call('GET', 'order');
      assert.ok(performance.now() - startedAtMs > 390, 'GET has waited');
      assert.equal(order, '0a0b1a1b2a2b');
      for (const connection of connections) await connection.until(/:\d+\r\n:\d+\r\n\+PONG\r\n$/);
    });

    test('PAUSE WRITE lets reads through; UNPAUSE ends it', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      await server.process.call('SET', 'k', 'before');
      await server.process.call('CLIENT', 'PAUSE', '100000', 'WRITE');
      await connection.ask('MULTI\r\nGET k\r\nEXEC\r\n', '+OK\r\n+QUEUED\r\n*1\r\n$6\r\nbefore\r\n');
      connection.received = '';
      connection.send('GET k\r\nSET k after\r\nGET k\r\n');
      await connection.until(/before\r\n$/);
      await untilBlocked(1);
      assert.equal(await field(id, 'flags'), 'b');
      assert.equal(await server.process.call('GET', 'k'), 'before');
      // The real 7.0.15 crashes by this.
      if (kind !== 'redis') assert.equal(await server.process.call('CLIENT', 'UNBLOCK', id), 0);
      const transaction = await server.connect();
      transaction.send('MULTI\r\nSET k last\r\nEXEC\r\n');
      await untilBlocked(2);
      // A write waits even where it would only be queued.
      assert.equal(transaction.received, '+OK\r\n');
      await server.process.call('CLIENT', 'UNPAUSE');
      await transaction.until(/\*1\r\n\+OK\r\n$/);
      await connection.until(/\+OK\r\n\$5\r\nafter\r\n$/);
      assert.equal(await server.process.call('GET', 'k'), 'last');
    });

    test('a second PAUSE neither shortens nor loosens the first', async () => {
      const connection = await server.connect();
      const startedAtMs = performance.now();
      await connection.ask('CLIENT PAUSE 300 WRITE\r\nCLIENT PAUSE 1 WRITE\r\n', '+OK\r\n+OK\r\n');
      await connection.ask('SET k v\r\n', '+OK\r\n');
      assert.ok(performance.now() - startedAtMs > 290);
    });

    test('nothing expires while writes are paused, it is only hidden', async () => {
      await server.process.call('FLUSHALL');
      await server.process.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
      await server.process.call('SET', 'k', 'v', 'PX', '20');
      await server.process.call('CLIENT', 'PAUSE', '100000', 'WRITE');
      await server.process.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
      const { expired_keys: before } = await server.process.info('stats');
      await waitFor(async () => (await server.process.call('GET', 'k')) === null, { what: 'the key to be hidden' });
      // Long enough for several rounds of the active cycle.
      await new Promise((resolve) => setTimeout(resolve, 250));
      assert.equal(await server.process.call('DBSIZE'), 1);
      assert.equal((await server.process.info('stats'))['expired_keys'], before);
      await server.process.call('CLIENT', 'UNPAUSE');
      await waitFor(async () => (await server.process.call('DBSIZE')) === 0, { what: 'the key to expire' });
    });

    test('REPLY OFF, SKIP and ON: what is executed in silence, and what is answered', async () => {
      const connection = await server.connect();
      connection.send('CLIENT REPLY SKIP\r\nSET k 1\r\nGET k\r\n');
      await connection.until(/^\$1\r\n1\r\n$/);
      connection.received = '';
      connection.send(
        'CLIENT REPLY OFF\r\nINCR k\r\nNOSUCH\r\nINCR\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\nGET k\r\n',
      );
      await connection.until(/^\+OK\r\n\$1\r\n2\r\n$/);
      connection.received = '';
      connection.send('CLIENT REPLY SKIP\r\nCLIENT REPLY FOO\r\nPING\r\nCLIENT REPLY SKIP\r\nNOSUCH\r\n');
      connection.send('MULTI\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\nEXEC\r\nPING\r\nECHO end\r\n');
      await connection.until(/end\r\n$/);
      // Inside a transaction SKIP concerns the command behind EXEC.
      assert.equal(
        connection.received,
        '+PONG\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n+PONG\r\n$3\r\nend\r\n',
      );
    });

    test('REPLY OFF is left by RESET', async () => {
      const connection = await server.connect();
      connection.send('CLIENT REPLY OFF\r\nPING\r\nRESET\r\nPING\r\n');
      await connection.until(/^\+RESET\r\n\+PONG\r\n$/);
    });

    test('NO-TOUCH keeps the access time of what is read', { skip: kind === 'redis' && 'since 7.2' }, async () => {
      await server.process.call('SET', 'k', 'v');
      const idle = async () => Number(await server.process.call('OBJECT', 'IDLETIME', 'k'));
      await waitFor(async () => (await idle()) >= 1, { what: 'the key to be idle' });
      const connection = await server.connect();
      await connection.ask('CLIENT NO-TOUCH on\r\nGET k\r\n', '+OK\r\n$1\r\nv\r\n');
      assert.ok((await idle()) >= 1);
      // The clock of idle times may tick between the two.
      const touchedIdle = async (): Promise<number> => {
        await connection.ask('TOUCH k\r\n', ':1\r\n');
        return idle();
      };
      await waitFor(async () => (await touchedIdle()) === 0, { what: 'TOUCH to count as an access' });
    });

    test('UNBLOCK ends a wait as if time were up, or with an error', async () => {
      const connection = await server.connect();
      const id = await idOf(connection);
      connection.received = '';
      connection.send('WAIT 1 0\r\nPING\r\n');
      await untilBlocked(1);
      assert.equal(await field(id, 'flags'), 'b');
      assert.equal(await server.process.call('CLIENT', 'UNBLOCK', id), 1);
      await connection.until(/^:0\r\n\+PONG\r\n$/);
      connection.received = '';
      connection.send('WAIT 1 0\r\nPING\r\n');
      await untilBlocked(1);
      assert.equal(await server.process.call('CLIENT', 'UNBLOCK', id, 'ERROR'), 1);
      await connection.until(/^-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n\+PONG\r\n$/);
      assert.equal(await server.process.call('CLIENT', 'UNBLOCK', id), 0);
    });
  });
}
