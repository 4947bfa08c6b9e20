/** Who gets in: addresses and ports, the Unix socket, protected mode, maxclients. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Child } from '../support/child-process.js';
import { freePort } from '../support/ports.js';
import { RawConnection } from '../support/raw-connection.js';
import { ServerProcess, temporaryFolder, withServers } from '../support/server-process.js';
import { needsServers, serverCommand, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

/** An address of this machine's that is not a loopback one: a peer that uses it counts as remote. */
const outerAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each !== undefined && each.family === 'IPv4' && !each.internal)?.address;

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');

/** What a server at host and port says to a PING, or the code of the error. */
function knock(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host, port }, () => socket.write('PING\r\n'));
    socket.setTimeout(60_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (bytes) => {
      answer += bytes;
      if (answer === '+PONG\r\n') socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      answer ||= error.code ?? error.message;
    });
    socket.on('close', () => resolve(answer));
  });
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: listeners`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind, config: { bind: '127.0.0.1 127.0.0.2' } });

    test('every bind address is listened at, and no other', async () => {
      const { port } = server.process;
      assert.deepEqual(
        [await knock('127.0.0.1', port), await knock('127.0.0.2', port), await knock('127.0.0.3', port)],
        ['+PONG\r\n', '+PONG\r\n', 'ECONNREFUSED'],
      );
    });

    test('CLIENT INFO tells our side of the connection, whether the listener has one address or all', async () => {
      const { port } = server.process;
      const localAddress = async (host: string): Promise<string> => {
        const connection = await RawConnection.connect({ host, port });
        connection.send('CLIENT INFO\r\n');
        const [, address] = await connection.until(/ laddr=(\S+) /);
        connection.close();
        return address!;
      };
      const hosts = hasIpv6 ? ['127.0.0.1', '127.0.0.2', '::1'] : ['127.0.0.1', '127.0.0.2'];
      const expected = hosts.map((host) => (host === '::1' ? `[::1]:${port}` : `${host}:${port}`));
      for (const bind of ['127.0.0.1 127.0.0.2 -::1', '* -::*', '127.0.0.1 127.0.0.2']) {
        assert.equal(await server.process.call('CONFIG', 'SET', 'bind', bind), 'OK');
        const count = bind.includes('::') ? hosts.length : 2;
        const found = await Promise.all(hosts.slice(0, count).map(localAddress));
        assert.deepEqual(found, expected.slice(0, count), bind);
      }
    });

    test('bind can be changed while it runs; connections stay', async () => {
      const { port } = server.process;
      const connection = await server.connect();
      await connection.ask('PING\r\n', '+PONG\r\n');
      assert.equal(await server.process.call('CONFIG', 'SET', 'bind', '127.0.0.1 127.0.0.3 -192.0.2.250'), 'OK');
      assert.deepEqual(
        [await knock('127.0.0.1', port), await knock('127.0.0.2', port), await knock('127.0.0.3', port)],
        ['+PONG\r\n', 'ECONNREFUSED', '+PONG\r\n'],
      );
      assert.equal(await connection.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
      assert.equal(await server.process.call('CONFIG', 'SET', 'bind', '*'), 'OK');
      assert.equal(await knock('127.0.0.9', port), '+PONG\r\n');
      assert.equal(await server.process.call('CONFIG', 'SET', 'bind', '127.0.0.1'), 'OK');
      assert.equal(await knock('127.0.0.9', port), 'ECONNREFUSED');
    });

    test('a bind address that cannot be had is refused, and all stays as it was', async () => {
      const { port } = server.process;
      await assert.rejects(server.process.call('CONFIG', 'SET', 'bind', '127.0.0.2 192.0.2.250'), {
        message: "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.",
      });
      assert.deepEqual(await server.process.call('CONFIG', 'GET', 'bind'), ['bind', '127.0.0.1']);
      assert.deepEqual([await knock('127.0.0.1', port), await knock('127.0.0.2', port)], ['+PONG\r\n', 'ECONNREFUSED']);
      await server.process.untilLogged(
        new RegExp(
          `Warning: Could not create server TCP listening socket 192.0.2.250:${port}: bind: Cannot assign requested address`,
        ),
      );
    });

    test('port can be changed while it runs, a port in use is refused', async () => {
      const { port } = server.process;
      const [taken, next] = [await freePort(), await freePort()];
      const other = await ServerProcess.start({ kind, port: taken });
      try {
        await assert.rejects(server.process.call('CONFIG', 'SET', 'port', String(taken)), {
          message:
            "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
        });
        assert.equal(await knock('127.0.0.1', port), '+PONG\r\n');
        assert.equal(await server.process.call('CONFIG', 'SET', 'port', String(next)), 'OK');
        assert.deepEqual(
          [await knock('127.0.0.1', port), await knock('127.0.0.1', next)],
          ['ECONNREFUSED', '+PONG\r\n'],
        );
        assert.equal((await server.process.info('server'))['tcp_port'], String(next));
        assert.equal(await server.process.call('CONFIG', 'SET', 'port', String(port)), 'OK');
        assert.equal(await knock('127.0.0.1', port), '+PONG\r\n');
      } finally {
        await other.dispose();
      }
    });
  });

  test(`${kind}: a port in use, or nowhere to listen, ends the start with status 1 and the reason in the log`, {
    skip: needsServers(kind),
  }, async () => {
    const run = async (...args: string[]) => {
      const [program, ...first] = serverCommand(kind);
      const child = await Child.start(program, [...first, ...args, '--save', ''], { cwd: temporaryFolder() });
      const { code } = await child.untilExit();
      return { code, output: child.stdout };
    };
    await withServers([{ kind }], async ([first]) => {
      const taken = await run('--port', String(first!.port), '--bind', '127.0.0.1');
      assert.equal(taken.code, 1);
      assert.match(
        taken.output,
        /Could not create server TCP listening socket 127\.0\.0\.1:\d+: bind: Address already in use[\s\S]*Failed listening on port \d+ \((tcp|TCP)\), aborting/,
      );
    });
    for (const args of [
      ['--bind', ''],
      ['--port', '0'],
    ]) {
      const nowhere = await run(...args);
      assert.equal(nowhere.code, 1);
      assert.match(nowhere.output, /# Configured to not listen anywhere, exiting\./);
    }
  });

  test(`${kind}: the Unix socket has the mode that was asked for, serves, and is removed at the end`, {
    skip: needsServers(kind),
  }, async () => {
    const path = join(temporaryFolder('unix'), 'server.sock');
    const config = { unixsocket: path, unixsocketperm: '700' };
    await withServers([{ kind, config }], async ([server]) => {
      assert.equal(statSync(path).mode & 0o777, 0o700);
      const connection = await RawConnection.connect({ path });
      connection.send('CLIENT INFO\r\n');
      const [, addr, laddr, flags] = await connection.until(/ addr=(\S+) laddr=(\S+) .* flags=(\S+) /);
      assert.deepEqual([addr, laddr, flags], [`${path}:0`, `${path}:0`, 'U']);
      assert.equal((await server!.stop()).code, 0);
      assert.equal(existsSync(path), false);
      await connection.untilClosed();
    });
  });

  describe(`${kind}: protected mode`, {
    skip: needsServers(kind) || (outerAddress === undefined && 'needs an address that is not a loopback one'),
  }, () => {
    const server = useServer({ kind, config: { bind: '*' } });

    test('without a password only peers on this machine are served, until it is turned off', async () => {
      const { process } = server;
      const before = Number((await process.info('stats'))['rejected_connections']);
      assert.match(
        await knock(outerAddress!, process.port),
        /^-DENIED Redis is running in protected mode because .*\r\n$/,
      );
      assert.equal(Number((await process.info('stats'))['rejected_connections']), before + 1);
      assert.equal(await knock('127.0.0.1', process.port), '+PONG\r\n');
      await process.call('CONFIG', 'SET', 'protected-mode', 'no');
      assert.equal(await knock(outerAddress!, process.port), '+PONG\r\n');
      await process.call('CONFIG', 'SET', 'protected-mode', 'yes');
      assert.match(await knock(outerAddress!, process.port), /^-DENIED /);
      await process.call('CONFIG', 'SET', 'requirepass', 'secret');
      const connection = await RawConnection.connect({ host: outerAddress!, port: process.port });
      connection.send('PING\r\nAUTH secret\r\nPING\r\n');
      await connection.until(/^-NOAUTH Authentication required\.\r\n\+OK\r\n\+PONG\r\n$/);
      connection.close();
    });
  });

  describe(`${kind}: maxclients`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('one too many gets an error and is closed; a place that becomes free is given away', async () => {
      const { process } = server;
      await process.call('CONFIG', 'SET', 'maxclients', '3');
      const [first] = [await server.connect(), await server.connect()];
      await first.ask('PING\r\n', '+PONG\r\n');
      const refused = await server.connect();
      assert.equal(await refused.untilClosed(), '-ERR max number of clients reached\r\n');
      assert.equal((await process.info('stats'))['rejected_connections'], '1');
      assert.equal((await process.info('clients'))['maxclients'], '3');
      first.close();
      await waitFor(async () => (await process.info('clients'))['connected_clients'] === '2', { what: 'a free place' });
      const next = await server.connect();
      assert.equal(await next.ask('PING\r\n', '+PONG\r\n'), '+PONG\r\n');
    });
  });
}
