/** What ClusterClient does with each answer of a cluster: redirections, waits, lost connections; its nodes are played. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError } from '../../src/client/client-error.js';
import { ClusterClient, type ClusterClientOptions } from '../../src/client/cluster-client.js';
import { firstKey } from '../../src/client/first-key.js';
import { ReplyError } from '../../src/resp/reply-reader.js';
import { type FakeServer, fakeServer } from '../support/fake-server.js';
import { freePort } from '../support/ports.js';

/** Two fake nodes: a owns slots 0–8191 and b the others, as far as CLUSTER SLOTS tells; `respond` answers everything else. */
async function withNodes(
  respond: (node: 'a' | 'b', args: string[], ports: { a: number; b: number }) => string | null,
  body: (client: ClusterClient, a: FakeServer, b: FakeServer) => Promise<void>,
  options: Partial<ClusterClientOptions> = {},
): Promise<void> {
  const ports = { a: 0, b: 0 };
  const range = (first: number, last: number, port: number) =>
    `*3\r\n:${first}\r\n:${last}\r\n*3\r\n$0\r\n\r\n:${port}\r\n$1\r\nx\r\n`;
  const responder = (node: 'a' | 'b') => (args: string[]) =>
    args[0] === 'CLUSTER'
      ? `*2\r\n${range(0, 8191, ports.a)}${range(8192, 16383, ports.b)}`
      : respond(node, args, ports);
  const a = await fakeServer(responder('a'));
  const b = await fakeServer(responder('b'));
  ports.a = a.port;
  ports.b = b.port;
  const client = await ClusterClient.connect({
    seeds: [{ host: '127.0.0.1', port: a.port }],
    commandTimeoutMs: 60_000,
    ...options,
  });
  try {
    await body(client, a, b);
  } finally {
    client.close();
    await Promise.all([a.close(), b.close()]);
  }
}

const dataRequests = (node: FakeServer) => node.requests.filter((request) => !request.startsWith('CLUSTER'));

// age → slot 741 (node a), my_name → slot 12803 (node b)

test('a command goes to the owner of its key', async () => {
  await withNodes(
    (node) => `+${node}\r\n`,
    async (client) => {
      assert.equal(await client.call('GET', 'age'), 'a');
      assert.equal(await client.call('GET', 'my_name'), 'b');
      assert.equal(await client.call('GET', '{age}.x'), 'a');
    },
  );
});

test('MOVED is followed and remembered for the slot', async () => {
  await withNodes(
    (node, _args, ports) => (node === 'a' ? `-MOVED 741 127.0.0.1:${ports.b}\r\n` : '+b\r\n'),
    async (client, a) => {
      assert.equal(await client.call('GET', 'age'), 'b');
      assert.equal(client.counters.moved, 1);
      assert.equal(dataRequests(a).length, 1);
    },
  );
});

test('MOVED with an empty host means the node that said so', async () => {
  await withNodes(
    (node, _args, ports) => (node === 'a' ? `-MOVED 741 :${ports.b}\r\n` : '+b\r\n'),
    async (client) => assert.equal(await client.call('GET', 'age'), 'b'),
  );
});

test('ASK is followed once, with ASKING in front, and not remembered', async () => {
  await withNodes(
    (node, args, ports) =>
      args[0] === 'ASKING' ? '+OK\r\n' : node === 'a' ? `-ASK 741 127.0.0.1:${ports.b}\r\n` : '+b\r\n',
    async (client, a, b) => {
      assert.equal(await client.call('GET', 'age'), 'b');
      assert.equal(await client.call('GET', 'age'), 'b');
      assert.deepEqual(dataRequests(b), ['ASKING', 'GET age', 'ASKING', 'GET age']);
      assert.equal(dataRequests(a).length, 2);
    },
  );
});

test('TRYAGAIN and CLUSTERDOWN are waited out', async () => {
  const answers = ['-TRYAGAIN x\r\n', '-CLUSTERDOWN x\r\n', '+done\r\n'];
  await withNodes(
    () => answers.shift()!,
    async (client) => {
      assert.equal(await client.call('GET', 'age'), 'done');
      assert.deepEqual([client.counters.tryAgain, client.counters.down], [1, 1]);
    },
  );
});

test('two nodes that point at each other for ever end in the last redirection', async () => {
  await withNodes(
    (node, _args, ports) => `-MOVED 741 127.0.0.1:${node === 'a' ? ports.b : ports.a}\r\n`,
    async (client) => {
      await assert.rejects(client.call('GET', 'age'), (error) => error instanceof ReplyError && error.code === 'MOVED');
      assert.ok(client.counters.moved < 200, 'with pauses in between');
    },
    { retryForMs: 100 },
  );
});

test('a node that hangs is given up after the command timeout and asked again', async () => {
  let silent = true;
  await withNodes(
    () => {
      const reply = silent ? null : '+late\r\n';
      silent = false;
      return reply;
    },
    async (client) => {
      assert.equal(await client.call('GET', 'age'), 'late');
      assert.equal(client.counters.lost, 1);
    },
    { commandTimeoutMs: 1000 },
  );
});

test('at-most-once: a command whose reply is lost is not sent again', async () => {
  await withNodes(
    () => null,
    async (client, a) => {
      await assert.rejects(
        client.call('INCR', 'age'),
        (error) => error instanceof ClientError && error.code === 'COMMAND_TIMEOUT',
      );
      assert.equal(dataRequests(a).length, 1);
    },
    { retryLost: false, commandTimeoutMs: 200 },
  );
});

test('a pipeline is split by node; replies are in the order of the commands, redirected ones included', async () => {
  await withNodes(
    (node, args, ports) =>
      args[1] === '{age}2' && node === 'a' ? `-MOVED 741 127.0.0.1:${ports.b}\r\n` : `+${node}:${args[1]}\r\n`,
    async (client) => {
      const keys = ['age', 'my_name', '{age}2', '{my_name}2'];
      const replies = await client.pipeline(keys.map((key) => ['GET', key]));
      assert.deepEqual(replies, ['a:age', 'b:my_name', 'b:{age}2', 'b:{my_name}2']);
    },
  );
});

test('when no node answers, the failure names those that were asked', async () => {
  const port = await freePort();
  await assert.rejects(ClusterClient.connect({ seeds: [{ host: '127.0.0.1', port }] }), (error) => {
    return error instanceof ClientError && error.code === 'NO_NODE' && error.message.includes(`127.0.0.1:${port}`);
  });
});

test('the first key is found in the usual and the unusual places', () => {
  const cases: [command: string, key: string | null][] = [
    ['GET k', 'k'],
    ['set k v', 'k'],
    ['PING', null],
    ['CLUSTER SLOTS', null],
    ['OBJECT ENCODING k', 'k'],
    ['BITOP AND dest a b', 'dest'],
    ['EVAL script 2 k1 k2 arg', 'k1'],
    ['EVAL script 0 arg', null],
    ['FCALL name 1 k arg', 'k'],
    ['FCALL name 0 arg', null],
    ['XREAD COUNT 2 STREAMS s1 s2 0 0', 's1'],
    ['LMPOP 2 l1 l2 LEFT', 'l1'],
    ['BLMPOP 0 2 l1 l2 LEFT', 'l1'],
  ];
  for (const [command, key] of cases) assert.equal(firstKey(command.split(' ')), key, command);
});
