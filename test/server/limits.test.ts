/** What ends a connection that costs too much: idleness, replies that are not read. And what keeps one alive. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { RawConnection } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const VALUE_BYTES = 4_000_000;
const OVERCOME = /Client id=\d+ .* scheduled to be closed ASAP for overcoming of output buffer limits\./;

/** The kernel's timer of the server's side of a connection: 0 none, 2 keepalive. Column `tr` of /proc/net/tcp. */
function timerOf(connection: RawConnection, port: number): number {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');
  const sides = `:${hex(port)} 0100007F:${hex(connection.socket.localPort!)} `;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .find((each) => each.includes(sides));
  return Number(line!.trim().split(/\s+/)[5]!.split(':')[0]);
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: limits of a connection`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    async function set(name: string, value: string): Promise<void> {
      assert.equal(await server.process.call('CONFIG', 'SET', name, value), 'OK');
    }

    /** A client that has asked for `count` large values and reads none of them. */
    async function deafClient(count: number): Promise<RawConnection> {
      await server.process.call('SET', 'big', 'x'.repeat(VALUE_BYTES));
      const connection = await server.connect();
      connection.socket.pause();
      connection.send('GET big\r\n'.repeat(count));
      return connection;
    }

    async function clientCount(): Promise<number> {
      return Number((await server.process.info('clients'))['connected_clients']);
    }

    test('timeout closes idle clients, not those that watch or that are active', async () => {
      const [idle, active, watching, inMulti] = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
      await watching!.ask('MONITOR\r\n', '+OK\r\n');
      await inMulti!.ask('MULTI\r\n', '+OK\r\n');
      // Long enough for a machine on which the active client has to wait for its turn.
      await set('timeout', '3');
      await waitFor(
        async () => {
          await active!.ask('PING\r\n', '+PONG\r\n');
          return idle!.isClosed && inMulti!.isClosed;
        },
        { what: 'the idle clients to be closed', intervalMs: 100 },
      );
      assert.equal(watching!.isClosed, false);
      assert.equal(active!.isClosed, false);
      // The server's own connection is idle, too, and may be closed just now.
      await active!.ask('CONFIG SET timeout 0\r\n', '+OK\r\n');
    });

    test('tcp-keepalive is set on what is accepted', {
      skip: !existsSync('/proc/net/tcp') && 'needs /proc/net/tcp',
    }, async () => {
      const probed = await server.connect();
      await probed.ask('PING\r\n', '+PONG\r\n');
      await set('tcp-keepalive', '0');
      const silent = await server.connect();
      await silent.ask('PING\r\n', '+PONG\r\n');
      await set('tcp-keepalive', '300');
      // Until the kernel has got its acknowledgement the timer is that of the retransmission.
      await waitFor(() => timerOf(probed, server.process.port) === 2, { what: 'the keepalive timer' });
      await waitFor(() => timerOf(silent, server.process.port) === 0, { what: 'no timer' });
    });

    test('a client that does not read is closed at the hard limit', async () => {
      await set('client-output-buffer-limit', 'normal 2000000 0 0');
      await server.process.call('CONFIG', 'RESETSTAT');
      const before = await clientCount();
      const connection = await deafClient(20);
      await waitFor(async () => (await clientCount()) === before && OVERCOME.test(server.process.output), {
        what: 'the client to be closed',
      });
      connection.socket.resume();
      assert.ok((await connection.untilClosed()).length < 20 * VALUE_BYTES);
      // The rest of its pipeline was not executed.
      const calls = /cmdstat_get:calls=(\d+)/.exec(await server.process.text('INFO', 'commandstats'))![1];
      assert.ok(Number(calls) < 20, `${calls} calls`);
      await set('client-output-buffer-limit', 'normal 0 0 0');
    });

    test('beyond the soft limit a client has its time, no more', async () => {
      await set('client-output-buffer-limit', 'normal 0 2000000 1');
      const closures = () => server.process.output.split('for overcoming of output buffer limits').length;
      const before = closures();
      const startedAtMs = performance.now();
      await deafClient(20);
      await waitFor(() => closures() > before, { what: 'the client to be closed' });
      const elapsedMs = performance.now() - startedAtMs;
      assert.ok(elapsedMs > 1000, `${elapsedMs} ms`);
      await set('client-output-buffer-limit', 'normal 0 0 0');
    });

    test('without a limit a slow reader gets everything in the end', async () => {
      const connection = await deafClient(10);
      await waitFor(async () => / oll=[1-9]\d* omem=[1-9]\d{6}/.test(await server.process.text('CLIENT', 'LIST')), {
        what: 'the replies to show in the list of clients',
      });
      connection.socket.resume();
      const length = 10 * (VALUE_BYTES + `$${VALUE_BYTES}\r\n\r\n`.length);
      await waitFor(() => connection.received.length === length, { what: 'all replies' });
      await connection.ask('PING\r\n', '+PONG\r\n');
    });
  });
}
