/** The wire as a socket sees it: order, pieces, limits, and what happens at an error. The texts of all errors are in test/oracle. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { request } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

for (const kind of serversUnderTest()) {
  describe(`${kind}: requests on a socket`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('a command that fails in a pipeline does not stop the others', async () => {
      const connection = await server.connect();
      const reply = '+OK\r\n-ERR value is not an integer or out of range\r\n$1\r\nx\r\n+PONG\r\n';
      assert.equal(await connection.ask('SET k x\r\nINCR k\r\nGET k\r\nPING\r\n', reply), reply);
    });

    test('what came before a protocol error is executed and answered, what comes after is not', async () => {
      const connection = await server.connect();
      connection.send(`${request('SET', 'k', 'before')}*1\r\n!4\r\n${request('SET', 'k', 'after')}`);
      assert.equal(await connection.untilClosed(), "+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
      assert.equal(await server.process.call('GET', 'k'), 'before');
    });

    test('nothing of what an HTTP client sends is executed', async () => {
      await server.process.call('SET', 'k', 'before');
      const connection = await server.connect();
      connection.send('POST / HTTP/1.1\r\nSET k after\r\n\r\n');
      await connection.untilClosed();
      const other = await server.connect();
      other.send('PING\r\nHost: localhost\r\nSET k after\r\n\r\n');
      await other.untilClosed();
      assert.equal(await server.process.call('GET', 'k'), 'before');
      await server.process.untilLogged(/Possible SECURITY ATTACK detected/);
    });

    test('requests may come in pieces of any size', async () => {
      const seed = fuzzSeed();
      const random = new Random(seed);
      const value = Buffer.from(random.bytes(700_000)).toString('latin1');
      const bytes = `${request('SET', 'big', value)}PING\r\n${request('STRLEN', 'big')}${request('GET', 'big')}`;
      const connection = await server.connect();
      for (let at = 0; at < bytes.length; ) {
        const size = random.oneIn(3) ? 1 + random.below(3) : 1 + random.below(60_000);
        connection.send(bytes.slice(at, at + size));
        at += size;
        await new Promise(setImmediate);
      }
      const reply = `+OK\r\n+PONG\r\n:700000\r\n$700000\r\n${value}\r\n`;
      await waitFor(() => connection.received.length >= reply.length, { what: `all replies (seed ${seed})` });
      assert.ok(connection.received === reply, `seed ${seed}`);
    });

    test('a large argument that comes at once is taken whole', async () => {
      const connection = await server.connect();
      const value = 'v'.repeat(20_000_000);
      assert.equal(await connection.ask(request('SET', 'big', value), '+OK\r\n'), '+OK\r\n');
      assert.equal(await connection.ask(request('STRLEN', 'big'), ':20000000\r\n'), ':20000000\r\n');
      assert.equal(await connection.ask(request('DEL', 'big'), ':1\r\n'), ':1\r\n');
    });

    test('large arguments of several clients at once, one behind the other, are taken whole', async () => {
      // The buffers of one request are used for the next: nothing of the last may show.
      const seed = fuzzSeed();
      const random = new Random(seed);
      const clients = await Promise.all([1, 2, 3].map(() => server.connect()));
      await Promise.all(
        clients.map(async (connection, client) => {
          for (let round = 0; round < 4; round++) {
            const values = Array.from({ length: 3 }, () =>
              random.text(20).repeat(1 + random.below(random.oneIn(2) ? 200_000 : 4000)),
            );
            const input = values.map((value, i) => request('SET', `large:${client}:${i}`, value)).join('');
            for (let at = 0; at < input.length; ) {
              const end = at + 1 + random.below(input.length);
              connection.send(input.slice(at, end));
              at = end;
            }
            const replies = values.map((value) => `$${value.length}\r\n${value}\r\n`).join('');
            const gets = values.map((_, i) => request('GET', `large:${client}:${i}`)).join('');
            const expected = `${'+OK\r\n'.repeat(values.length)}${replies}`;
            assert.ok(
              (await connection.ask(gets, expected)) === expected,
              `seed ${seed}, client ${client}, round ${round}`,
            );
          }
        }),
      );
    });

    test('a client that never completes a request is closed at client-query-buffer-limit', async () => {
      await server.process.call('CONFIG', 'SET', 'client-query-buffer-limit', '1mb');
      const connection = await server.connect();
      connection.send(`*2\r\n$4\r\nECHO\r\n$3000000\r\n${'x'.repeat(2_500_000)}`);
      assert.equal(await connection.untilClosed(), '');
      await server.process.untilLogged(/Closing client that reached max query buffer length: id=\d+ addr=/);
      const other = await server.connect();
      const reply = `$900000\r\n${'x'.repeat(900_000)}\r\n`;
      assert.equal(await other.ask(request('ECHO', 'x'.repeat(900_000)), reply), reply);
      await server.process.call('CONFIG', 'SET', 'client-query-buffer-limit', '1gb');
    });

    test('proto-max-bulk-len bounds an argument of every connection as soon as it is set', async () => {
      const old = await server.connect();
      await old.ask('PING\r\n', '+PONG\r\n');
      await server.process.call('CONFIG', 'SET', 'proto-max-bulk-len', '1mb');
      for (const connection of [old, await server.connect()]) {
        connection.send('*2\r\n$4\r\nECHO\r\n$1048577\r\n');
        assert.match(await connection.untilClosed(), /-ERR Protocol error: invalid bulk length\r\n$/);
      }
      await server.process.call('CONFIG', 'SET', 'proto-max-bulk-len', '512mb');
    });

    test('HELLO 3 within a pipeline changes the replies behind it', async () => {
      const connection = await server.connect();
      connection.send('GET none\r\nHELLO 3\r\nGET none\r\nHELLO 2\r\nGET none\r\n');
      const [, before, between, behind] = await connection.until(
        /^(\$-1\r\n)%7\r\n[\s\S]*modules\r\n\*0\r\n(_\r\n)\*14\r\n[\s\S]*modules\r\n\*0\r\n(\$-1\r\n)$/,
      );
      assert.deepEqual([before, between, behind], ['$-1\r\n', '_\r\n', '$-1\r\n']);
    });

    test('a client that shuts its side down still gets its replies', async () => {
      for (const appendonly of ['no', 'yes']) {
        await server.process.call('CONFIG', 'SET', 'appendonly', appendonly);
        const connection = await server.connect();
        // While the server is busy both the requests and the end of the stream arrive, so that it finds them together.
        const busy = server.process.call('DEBUG', 'SLEEP', '0.05');
        connection.socket.end('SET k last\r\nGET k\r\n');
        await busy;
        assert.equal(await connection.untilClosed(), '+OK\r\n$4\r\nlast\r\n');
      }
      await server.process.call('CONFIG', 'SET', 'appendonly', 'no');
    });

    test('QUIT, then nothing: input behind it is not executed', async () => {
      await server.process.call('SET', 'k', 'before');
      const connection = await server.connect();
      connection.send('PING\r\nQUIT\r\nSET k after\r\n');
      assert.equal(await connection.untilClosed(), '+PONG\r\n+OK\r\n');
      assert.equal(await server.process.call('GET', 'k'), 'before');
    });

    test('a connection that is reset in the middle of a reply harms nobody', async () => {
      await server.process.call('SET', 'big', 'x'.repeat(5_000_000));
      for (let turn = 0; turn < 5; turn++) {
        const connection = await server.connect();
        connection.socket.pause();
        connection.send('GET big\r\n'.repeat(5));
        await new Promise(setImmediate);
        connection.socket.resetAndDestroy();
      }
      await waitFor(async () => (await server.process.info('clients'))['connected_clients'] === '1', {
        what: 'the reset connections to be gone',
      });
      await server.process.call('DEL', 'big');
    });
  });
}
