/** Passwords: what a connection may do before AUTH, and what a change of requirepass means for those that are there and those that come. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { request } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';

const NOAUTH = '-NOAUTH Authentication required.\r\n';
const WRONGPASS = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

for (const kind of serversUnderTest()) {
  describe(`${kind}: a server with a password`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind, password: 'secret' });

    test('only AUTH, HELLO, QUIT and RESET are served before AUTH; unknown commands and arities come first', async () => {
      const connection = await server.connect();
      const expected: [string, string][] = [
        ['PING\r\n', NOAUTH],
        ['GET k\r\n', NOAUTH],
        ['MULTI\r\n', NOAUTH],
        ['CLIENT ID\r\n', NOAUTH],
        ['NOSUCH\r\n', "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"],
        ['GET\r\n', "-ERR wrong number of arguments for 'get' command\r\n"],
        ['CONFIG NOSUCH\r\n', "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.\r\n"],
        ['RESET\r\n', '+RESET\r\n'],
        ['AUTH wrong\r\n', WRONGPASS],
        ['AUTH default wrong\r\n', WRONGPASS],
        ['AUTH nosuch secret\r\n', WRONGPASS],
        ['PING\r\n', NOAUTH],
        ['AUTH secret\r\n', '+OK\r\n'],
        ['PING\r\n', '+PONG\r\n'],
        ['AUTH wrong\r\n', WRONGPASS],
        ['PING\r\n', '+PONG\r\n'],
        ['RESET\r\n', '+RESET\r\n'],
        ['PING\r\n', NOAUTH],
        ['AUTH default secret\r\n', '+OK\r\n'],
        ['PING\r\n', '+PONG\r\n'],
      ];
      for (const [asked, reply] of expected) assert.equal(await connection.ask(asked, reply), reply, asked);
    });

    test('HELLO without AUTH is refused, with a wrong password changes nothing, with the right one serves', async () => {
      const connection = await server.connect();
      assert.match(
        await connection.ask('HELLO 3\r\n', NOAUTH),
        /^-NOAUTH HELLO must be called with the client already/,
      );
      assert.equal(await connection.ask('HELLO 3 AUTH default wrong SETNAME me\r\n', WRONGPASS), WRONGPASS);
      assert.equal(await connection.ask('PING\r\n', NOAUTH), NOAUTH);
      connection.send('HELLO 3 AUTH default secret SETNAME me\r\nCLIENT GETNAME\r\nGET none\r\n');
      await connection.until(/%7\r\n[\s\S]*\*0\r\n\$2\r\nme\r\n_\r\n$/);
    });

    test('requests are small before AUTH: ten arguments, 16 KiB each', async () => {
      const many = await server.connect();
      many.send(request('DEL', ...Array.from({ length: 10 }, (_, at) => `k${at}`)));
      assert.equal(await many.untilClosed(), '-ERR Protocol error: unauthenticated multibulk length\r\n');
      const large = await server.connect();
      large.send('*2\r\n$4\r\nPING\r\n$16385\r\n');
      assert.equal(await large.untilClosed(), '-ERR Protocol error: unauthenticated bulk length\r\n');
      const fitting = await server.connect();
      assert.equal(await fitting.ask(request('PING', 'x'.repeat(16384)), NOAUTH), NOAUTH);
      const ten = request('DEL', ...Array.from({ length: 9 }, (_, at) => `k${at}`));
      assert.equal(await fitting.ask(ten, NOAUTH), NOAUTH);
    });

    test('AUTH in a pipeline lifts the limits for what follows it at once', async () => {
      const connection = await server.connect();
      const large = request('ECHO', 'x'.repeat(20_000));
      const reply = `+OK\r\n$20000\r\n${'x'.repeat(20_000)}\r\n`;
      assert.equal(await connection.ask(`${request('AUTH', 'secret')}${large}`, reply), reply);
    });

    test('refusals are counted, as errors and as rejected calls', async () => {
      const refusals = async () =>
        /errorstat_NOAUTH:count=(\d+)/.exec(await server.process.text('INFO', 'errorstats'))?.[1] ?? '0';
      const before = Number(await refusals());
      const connection = await server.connect();
      await connection.ask('GET k\r\nSET k v\r\n', NOAUTH + NOAUTH);
      assert.equal(Number(await refusals()), before + 2);
      assert.match(await server.process.text('INFO', 'commandstats'), /cmdstat_set:calls=0,.*rejected_calls=1,/);
    });
  });

  describe(`${kind}: requirepass set at run time`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('new connections must authenticate, those that were there go on', async () => {
      const old = await server.connect();
      await old.ask('PING\r\n', '+PONG\r\n');
      assert.equal(await old.ask('CONFIG SET requirepass first\r\n', '+OK\r\n'), '+OK\r\n');
      assert.equal(await old.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
      const fresh = await server.connect();
      assert.equal(await fresh.ask('PING\r\n', NOAUTH), NOAUTH);
      await old.ask('CONFIG SET requirepass second\r\n', '+OK\r\n');
      assert.equal(await fresh.ask('AUTH first\r\n', WRONGPASS), WRONGPASS);
      assert.equal(await fresh.ask('AUTH second\r\nPING\r\n', '+OK\r\n+PONG\r\n'), '+OK\r\n+PONG\r\n');
      const waiting = await server.connect();
      assert.equal(await waiting.ask('PING\r\n', NOAUTH), NOAUTH);
      await old.ask('CONFIG SET requirepass ""\r\n', '+OK\r\n');
      assert.equal(await waiting.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
      assert.match(
        await waiting.ask('AUTH second\r\n', '-ERR AUTH <password>'),
        /^-ERR AUTH <password> called without/,
      );
      const last = await server.connect();
      assert.equal(await last.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
    });
  });
}
