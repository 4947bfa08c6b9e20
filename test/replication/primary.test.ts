/**
 * A server as primary of replicas that the test plays itself: the same questions to the real server and to ours.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { encodeCommand } from '../../src/client/encode-command.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, type ServerKind } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

/** A connection whose bytes are collected. */
class Wire {
  text = '';
  isClosed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    this.socket.on('error', () => {});
  }

  send(...words: (string | number)[]): void {
    this.socket.write(encodeCommand(words));
  }

  /** Waits until what was received from now on matches. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor(() => pattern.exec(this.text), {
      what: `${pattern}`,
      detail: () => JSON.stringify(this.text.slice(-500)),
    });
  }

  /** Sends and gives the line that comes back. */
  async ask(...words: (string | number)[]): Promise<string> {
    this.text = '';
    this.send(...words);
    return (await this.until(/^[^\r\n]+(?=\r\n)/)).at(0)!;
  }
}

/** Without pings, one of which could come between the bytes that are expected. */
async function withPrimary(
  kind: ServerKind,
  config: Record<string, string | number>,
  body: (primary: ServerProcess, wire: () => Wire) => Promise<void>,
): Promise<void> {
  await withServers([{ kind, config: { 'repl-ping-replica-period': 1000, ...config } }], async ([primary]) => {
    const wires: Wire[] = [];
    try {
      await body(primary!, () => {
        wires.push(new Wire(primary!.port));
        return wires.at(-1)!;
      });
    } finally {
      for (const wire of wires) wire.socket.destroy();
    }
  });
}

const EOF_IMAGE = /\$EOF:([0-9a-f]{40})\r\nREDIS00(\d\d).*\1$/s;

for (const kind of ['redis', 'slotmesh'] as const) {
  const skip = needsServers(kind);

  test(`${kind}: an image with a mark is of version 10 at most, and the stream waits for the first acknowledgement`, {
    skip,
  }, async () => {
    await withPrimary(kind, {}, async (primary, wire) => {
      await primary.call('SET', 'a', '1');
      const replica = wire();
      assert.equal(await replica.ask('REPLCONF', 'listening-port', 7777, 'capa', 'eof', 'capa', 'psync2'), '+OK');
      assert.match(await replica.ask('PSYNC', '?', -1), /^\+FULLRESYNC [0-9a-f]{40} \d+$/);
      const image = await replica.until(EOF_IMAGE);
      assert.ok(Number(image[2]) <= 10);
      assert.match(image[0], /repl-stream-db/);
      await primary.call('SET', 'b', '2');
      await waitFor(async () => (await primary.info('replication'))['slave0']?.includes('state=online'), {
        what: 'online',
      });
      replica.text = '';
      replica.send('REPLCONF', 'ACK', 0);
      await replica.until(/^\*2\r\n\$6\r\nSELECT\r\n\$1\r\n0\r\n\*3\r\n\$3\r\nSET\r\n\$1\r\nb\r\n\$1\r\n2\r\n$/);
      assert.match(
        (await primary.info('replication'))['slave0']!,
        /^ip=127\.0\.0\.1,port=7777,state=online,offset=0,lag=\d$/,
      );
    });
  });

  test(`${kind}: a replica without eof gets a length, and the stream right behind the image`, { skip }, async () => {
    await withPrimary(kind, {}, async (primary, wire) => {
      await primary.call('SET', 'a', '1');
      const replica = wire();
      replica.send('SYNC');
      const header = await replica.until(/^\n*\$(\d+)\r\nREDIS00/);
      const length = Number(header[1]);
      await waitFor(() => replica.text.length >= header[0].length - 7 + length, { what: 'the image' });
      await primary.call('SET', 'b', '2');
      await replica.until(/SET\r\n\$1\r\nb\r\n\$1\r\n2\r\n$/);
    });
  });

  test(`${kind}: a partial resynchronisation is possible from the first byte of the backlog to the next to come`, {
    skip,
  }, async () => {
    await withPrimary(kind, { 'repl-backlog-size': 16384 }, async (primary, wire) => {
      wire().send('SYNC');
      await waitFor(async () => (await primary.info('replication'))['slave0']?.includes('state=online'), {
        what: 'online',
      });
      for (let i = 0; i < 100; i++) await primary.call('SET', `key:${i}`, 'x'.repeat(1000));
      const state = await primary.info('replication');
      const id = state['master_replid']!;
      const first = Number(state['repl_backlog_first_byte_offset']);
      const next = Number(state['master_repl_offset']) + 1;
      assert.ok(first > 1, 'something was let go');
      assert.match(await wire().ask('PSYNC', id, first), /^\+CONTINUE$/);
      assert.match(await wire().ask('PSYNC', id.toUpperCase(), next), /^\+CONTINUE$/);
      const psync2 = wire();
      await psync2.ask('REPLCONF', 'capa', 'psync2');
      assert.equal(await psync2.ask('PSYNC', id, next), `+CONTINUE ${id}`);
      for (const [wanted, offset] of [
        [id, first - 1],
        [id, next + 1],
        ['0'.repeat(40), next],
        ['?', -1],
      ] as const) {
        const replica = wire();
        replica.send('PSYNC', wanted, offset);
        await replica.until(/FULLRESYNC/);
      }
      const stats = await primary.info('stats');
      assert.deepEqual([stats['sync_full'], stats['sync_partial_ok'], stats['sync_partial_err']], ['5', '3', '3']);
    });
  });

  test(`${kind}: what it refuses, and what it says`, { skip }, async () => {
    await withPrimary(kind, {}, async (primary, wire) => {
      const client = wire();
      assert.equal(await client.ask('PSYNC', '?', 'x'), '-ERR value is not an integer or out of range');
      assert.equal(await client.ask('PSYNC', '?', -1, 'FAILOVER'), "-ERR PSYNC FAILOVER can't be sent to a master.");
      assert.equal(await client.ask('REPLCONF', 'what', 1), '-ERR Unrecognized REPLCONF option: what');
      assert.equal(await client.ask('REPLCONF', 'what'), '-ERR syntax error');
      assert.equal(
        await client.ask('REPLCONF', 'rdb-only', 2),
        '-ERR value is out of range, value must between 0 and 1',
      );
      assert.equal(
        await client.ask('REPLCONF', 'rdb-filter-only', 'keys'),
        '-ERR Unsupported rdb-filter-only option: keys',
      );
      assert.equal(
        await client.ask('REPLCONF', 'ip-address', 'x'.repeat(256)),
        '-ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes',
      );
      // No reply to these: the next answer is that of PING.
      client.send('REPLCONF', 'ACK', 1);
      client.send('REPLCONF', 'GETACK', '*');
      assert.equal(await client.ask('PING'), '+PONG');
      assert.equal(await client.ask('REPLCONF', 'rdb-filter-only', ''), '+OK');
      assert.equal(await client.ask('PSYNC', '?', -1), '-ERR Filtered replica requires EOF capability');
      // Requests behind PSYNC, and replies before it that are not out yet.
      const hasty = wire();
      hasty.socket.write(Buffer.concat([encodeCommand(['PING']), encodeCommand(['PSYNC', '?', -1])]));
      await hasty.until(/\+PONG\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n/);
      for (const words of [
        ['REPLICAOF', '127.0.0.1', 'x'],
        ['REPLICAOF', '127.0.0.1', '65536'],
        ['FAILOVER', 'TO', 'a'],
        ['FAILOVER', 'ABORT'],
        ['FAILOVER', 'TIMEOUT', '0'],
        ['FAILOVER'],
      ])
        await assert.rejects(
          primary.call(...words),
          /ERR (Invalid master port|syntax error|No failover in progress\.|FAILOVER timeout must be greater than 0|FAILOVER requires connected replicas\.)/,
        );
    });
  });

  test(`${kind}: a replica that asks for data is disconnected; one that wants the image only is, too, when it has it`, {
    skip,
  }, async () => {
    await withPrimary(kind, {}, async (primary, wire) => {
      const curious = wire();
      curious.send('SYNC');
      await waitFor(async () => (await primary.info('replication'))['slave0']?.includes('state=online'), {
        what: 'online',
      });
      curious.send('GET', 'a');
      await waitFor(() => curious.isClosed, { what: 'the connection to be closed' });
      const reader = wire();
      await reader.ask('REPLCONF', 'capa', 'eof', 'rdb-only', 1);
      reader.send('PSYNC', '?', -1);
      await reader.until(EOF_IMAGE);
      await waitFor(() => reader.isClosed, { what: 'the connection to be closed' });
      await waitFor(async () => (await primary.info('replication'))['connected_slaves'] === '0', {
        what: 'nobody left',
      });
    });
  });

  test(`${kind}: replicas that come together get one image, those that come later the next`, { skip }, async () => {
    await withPrimary(
      kind,
      { 'repl-diskless-sync-delay': 60, 'repl-diskless-sync-max-replicas': 3 },
      async (primary, wire) => {
        const replicas = [wire(), wire(), wire(), wire()];
        for (const replica of replicas) await replica.ask('REPLCONF', 'capa', 'eof');
        for (const replica of replicas.slice(0, 2)) replica.send('PSYNC', '?', -1);
        await replicas[0]!.until(/^(\+OK\r\n)?\n+/);
        assert.match((await primary.info('replication'))['slave0']!, /state=wait_bgsave/);
        replicas[2]!.send('PSYNC', '?', -1);
        for (const replica of replicas.slice(0, 3)) await replica.until(/\+FULLRESYNC/);
        const marks = await Promise.all(
          replicas.slice(0, 3).map(async (replica) => (await replica.until(EOF_IMAGE))[1]),
        );
        assert.equal(new Set(marks).size, 1);
        replicas[3]!.send('PSYNC', '?', -1);
        await replicas[3]!.until(/\n\n/);
        assert.doesNotMatch(replicas[3]!.text, /FULLRESYNC/);
      },
    );
  });

  test(`${kind}: a replica that does not read is closed at its output limit`, { skip }, async () => {
    const config = { 'client-output-buffer-limit': '"replica 2mb 0 0"', 'repl-backlog-size': 16384 };
    await withPrimary(kind, config, async (primary, wire) => {
      const lazy = wire();
      lazy.send('SYNC');
      await waitFor(async () => (await primary.info('replication'))['slave0']?.includes('state=online'), {
        what: 'online',
      });
      lazy.socket.pause();
      const value = 'x'.repeat(100_000);
      await waitFor(
        async () => {
          for (let i = 0; i < 20; i++) await primary.call('SET', 'k', value);
          return (await primary.info('replication'))['connected_slaves'] === '0';
        },
        { what: 'the replica to be closed' },
      );
    });
  });

  test(`${kind}: a backlog that nobody needs is freed, and with it the history`, { skip }, async () => {
    await withPrimary(kind, { 'repl-backlog-ttl': 1 }, async (primary, wire) => {
      const replica = wire();
      replica.send('SYNC');
      await waitFor(async () => (await primary.info('replication'))['slave0']?.includes('state=online'), {
        what: 'online',
      });
      const { master_replid: id } = await primary.info('replication');
      replica.socket.destroy();
      await waitFor(async () => (await primary.info('replication'))['repl_backlog_active'] === '0', {
        what: 'no backlog',
      });
      assert.notEqual((await primary.info('replication'))['master_replid'], id);
    });
  });
}
