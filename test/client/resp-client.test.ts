/** One connection, with a peer that is played and with the real server: order, limits, and how each end shows. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClientError } from '../../src/client/client-error.js';
import { RespClient, type RespClientOptions } from '../../src/client/resp-client.js';
import { type Reply, ReplyError } from '../../src/resp/reply-reader.js';
import { fakeServer, type Responder } from '../support/fake-server.js';
import { freePort } from '../support/ports.js';
import { withServers } from '../support/server-process.js';
import { needs } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

async function withFake(
  respond: Responder,
  body: (connect: (options?: RespClientOptions) => Promise<RespClient>) => Promise<void>,
) {
  const server = await fakeServer(respond);
  try {
    await body((options = {}) => RespClient.connect({ port: server.port, ...options }));
  } finally {
    await server.close();
  }
}

const hasCode = (code: string) => (error: unknown) => error instanceof ClientError && error.code === code;

test('replies come to their requests in order, however the requests were sent', async () => {
  const echo: Responder = ([, word]) => `$${word!.length}\r\n${word}\r\n`;
  await withFake(echo, async (connect) => {
    const client = await connect();
    const replies = await Promise.all([
      client.call('ECHO', 'a'),
      client.pipeline([
        ['ECHO', 'b'],
        ['ECHO', 3],
      ]),
      client.call('ECHO', 'd'),
    ]);
    assert.deepEqual(replies, ['a', ['b', '3'], 'd']);
    assert.deepEqual(await client.pipeline([]), []);
    client.close();
  });
});

test('an error reply rejects a call and is a value in a pipeline', async () => {
  const respond: Responder = ([name]) => (name === 'BAD' ? '-ERR no\r\n' : '+OK\r\n');
  await withFake(respond, async (connect) => {
    const client = await connect();
    await assert.rejects(client.call('BAD'), (error) => error instanceof ReplyError && error.message === 'ERR no');
    const [bad, good] = await client.pipeline([['BAD'], ['GOOD']]);
    assert.ok(bad instanceof ReplyError);
    assert.equal(good, 'OK');
    client.close();
  });
});

test('push messages and what nobody asked for go to onPush, between replies', async () => {
  await withFake(
    () => '>2\r\n+a\r\n:1\r\n+OK\r\n+unasked\r\n',
    async (connect) => {
      const pushes: Reply[] = [];
      const client = await connect({ onPush: (value) => pushes.push(value) });
      assert.equal(await client.call('X'), 'OK');
      await waitFor(() => pushes.length === 2, { what: 'both messages' });
      assert.deepEqual(pushes, [['a', 1], 'unasked']);
      client.close();
    },
  );
});

test('the raw mode gives the exact bytes of each reply', async () => {
  await withFake(
    ([name]) => (name === 'BAD' ? '-ERR no\r\n' : '%1\r\n+a\r\n,1.50\r\n'),
    async (connect) => {
      const client = await connect({ replies: 'raw' });
      assert.equal(String(await client.call('X')), '%1\r\n+a\r\n,1.50\r\n');
      assert.equal(String(await client.call('BAD')), '-ERR no\r\n');
      client.close();
    },
  );
});

test('an overdue reply closes the connection, and everything awaited is rejected', async () => {
  await withFake(
    () => null,
    async (connect) => {
      let closedBy: ClientError | null | undefined;
      const client = await connect({ onClose: (reason) => (closedBy = reason) });
      const late = client.request(['GET', 'a'], { timeoutMs: 30 });
      const behind = client.call('GET', 'b');
      await assert.rejects(late, hasCode('COMMAND_TIMEOUT'));
      await assert.rejects(behind, hasCode('COMMAND_TIMEOUT'));
      assert.equal(closedBy?.code, 'COMMAND_TIMEOUT');
      assert.ok(client.isClosed);
      await assert.rejects(client.call('GET', 'c'), hasCode('CONNECTION_CLOSED'));
    },
  );
});

test('a connection that ends while replies are awaited rejects them', async () => {
  const hangUp: Responder = (_args, socket) => {
    socket.destroy();
    return null;
  };
  await withFake(hangUp, async (connect) => {
    const client = await connect();
    await assert.rejects(client.call('GET', 'a'), hasCode('CONNECTION_CLOSED'));
  });
});

test('bytes that are no reply close the connection', async () => {
  await withFake(
    () => 'HTTP/1.1 400 Bad Request\r\n',
    async (connect) => {
      const client = await connect();
      await assert.rejects(client.call('GET', 'a'), hasCode('MALFORMED_REPLY'));
    },
  );
});

test('requests beyond the limit of unanswered bytes are refused, not queued', async () => {
  await withFake(
    () => null,
    async (connect) => {
      const client = await connect({ maxUnansweredBytes: 100 });
      const first = client.call('SET', 'k', 'x'.repeat(50));
      await assert.rejects(client.call('SET', 'k', 'x'.repeat(50)), hasCode('BACKPRESSURE'));
      client.close();
      await assert.rejects(first, hasCode('CONNECTION_CLOSED'));
    },
  );
});

test('a port where nobody listens, and a peer that never greets, are told apart', async () => {
  await assert.rejects(RespClient.connect({ port: await freePort() }), hasCode('CONNECT_FAILED'));
  await withFake(
    () => null,
    async (connect) => {
      await assert.rejects(connect({ password: 'x', connectTimeoutMs: 30 }), hasCode('CONNECT_TIMEOUT'));
    },
  );
});

test('against redis-server: both protocols, AUTH, names, databases, binary data, Unix socket', {
  skip: needs('redis-server'),
}, async () => {
  await withServers(
    [{ kind: 'redis', password: 'secret', config: { unixsocket: 'server.sock' } }],
    async ([server]) => {
      for (const protocol of [2, 3] as const) {
        const client = await server!.connect({
          protocol,
          clientName: `test-${protocol}`,
          database: 5,
          replies: 'bytes',
        });
        const binary = Buffer.from([0, 13, 10, 255]);
        assert.equal(await client.call('SET', binary, binary), 'OK');
        assert.deepEqual(await client.call('GET', binary), binary);
        assert.match(
          String(await client.call('CLIENT', 'INFO')),
          new RegExp(`name=test-${protocol} .*db=5 .*resp=${protocol}`),
        );
        client.close();
        await assert.rejects(
          server!.connect({ protocol, password: 'wrong' }),
          (error) => error instanceof ReplyError && error.code === 'WRONGPASS',
        );
        await assert.rejects(
          server!.connect({ protocol, password: 'wrong', replies: 'raw' }),
          (error) => error instanceof ReplyError,
        );
      }
      const local = await RespClient.connect({
        path: join(server!.folder, 'server.sock'),
        password: 'secret',
        protocol: 3,
      });
      assert.deepEqual(await local.call('CONFIG', 'GET', 'maxmemory'), new Map([['maxmemory', '0']]));
      local.close();
    },
  );
});
