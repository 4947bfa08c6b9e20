/**
 * What a cluster answers to a command whose slot lives elsewhere, moves, or is not served: MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN, with ASKING,
 * READONLY and in transactions. Two primaries and a replica of the first; the expected replies follow from spec/cluster.md section 9.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { ReplyError } from '../../src/resp/reply-reader.js';
import { clusterInfo, clusterNode, joinCluster, waitUntilHealthy } from '../support/cluster.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const NODE_TIMEOUT_MS = 5000;

for (const kind of serversUnderTest()) {
  describe(`redirections of a ${kind} cluster`, { skip: needsServers(kind) }, () => {
    const nodes: ServerProcess[] = [];
    // `age` has slot 741, owned by the first; `my_name` has 12803, owned by the second.
    let first: ServerProcess;
    let second: ServerProcess;
    let replica: ServerProcess;
    before(async () => {
      for (let at = 0; at < 3; at++)
        nodes.push(
          await ServerProcess.start(
            clusterNode(kind, { nodeTimeoutMs: NODE_TIMEOUT_MS, config: { appendonly: 'no' } }),
          ),
        );
      await joinCluster(nodes, 2);
      [first, second, replica] = nodes as [ServerProcess, ServerProcess, ServerProcess];
    });
    after(() => Promise.all(nodes.map((node) => node.dispose())));

    /** Sends lines on one connection; each reply as text: errors by their message, nested ones too. */
    const ask = async (node: ServerProcess, ...lines: string[]): Promise<unknown[]> => {
      const client = await node.connect();
      try {
        return await askOn(client, ...lines);
      } finally {
        client.close();
      }
    };

    test('a key of another node is MOVED there, a key of this node is served', async () => {
      assert.deepEqual(
        await ask(first, 'SET my_name x', 'GET age', 'GET {my_name}other', 'DEL my_name', 'PING', 'DBSIZE'),
        [
          `MOVED 12803 127.0.0.1:${second.port}`,
          null,
          `MOVED 12803 127.0.0.1:${second.port}`,
          `MOVED 12803 127.0.0.1:${second.port}`,
          'PONG',
          0,
        ],
      );
    });

    test('keys of different slots are CROSSSLOT, before it matters whose they are', async () => {
      const crossSlot = "CROSSSLOT Keys in request don't hash to the same slot";
      assert.deepEqual(
        await ask(
          first,
          'MGET age my_name',
          'MGET my_name age',
          'MSET {age}1 a {age}2 b',
          'DEL {age}1 {age}2',
          'MGET {my_name}1 {my_name}2',
        ),
        [crossSlot, `${crossSlot}`, 'OK', 2, `MOVED 12803 127.0.0.1:${second.port}`],
      );
    });

    test('a redirection of a queued command dooms the transaction; EXEC looks at all keys again', async () => {
      assert.deepEqual(await ask(first, 'MULTI', 'SET my_name x', 'SET age 1', 'EXEC', 'GET age'), [
        'OK',
        `MOVED 12803 127.0.0.1:${second.port}`,
        'QUEUED',
        'EXECABORT Transaction discarded because of previous errors.',
        null,
      ]);
      assert.deepEqual(await ask(first, 'MULTI', 'SET {age}1 1', 'SET height 1', 'EXEC'), [
        'OK',
        'QUEUED',
        `MOVED 8223 127.0.0.1:${second.port}`,
        'EXECABORT Transaction discarded because of previous errors.',
      ]);
    });

    test('a replica serves reads of READONLY connections and sends everything else to its primary', async () => {
      await ask(first, 'SET age 36', 'WAIT 1 30000');
      const moved = `MOVED 741 127.0.0.1:${first.port}`;
      assert.deepEqual(
        await ask(
          replica,
          'GET age',
          'READONLY',
          'GET age',
          'SET age 1',
          'GET my_name',
          'MULTI',
          'GET age',
          'EXEC',
          'READWRITE',
          'GET age',
        ),
        [moved, 'OK', '36', moved, `MOVED 12803 127.0.0.1:${second.port}`, 'OK', 'QUEUED', ['36'], 'OK', moved],
      );
      assert.deepEqual(await ask(replica, 'READONLY', 'RESET', 'GET age'), ['OK', 'RESET', moved]);
      await ask(first, 'DEL age');
    });

    test('while a slot moves: what is there is served, what is missing is at the target, half of it is TRYAGAIN', async () => {
      const [firstId, secondId] = await Promise.all([first.text('CLUSTER', 'MYID'), second.text('CLUSTER', 'MYID')]);
      await ask(first, 'MSET {age}here 1 {age}also 2');
      await second.call('CLUSTER', 'SETSLOT', 741, 'IMPORTING', firstId);
      await first.call('CLUSTER', 'SETSLOT', 741, 'MIGRATING', secondId);
      const toSecond = `ASK 741 127.0.0.1:${second.port}`;
      const toFirst = `MOVED 741 127.0.0.1:${first.port}`;
      const tryAgain = 'TRYAGAIN Multiple keys request during rehashing of slot';

      assert.deepEqual(
        await ask(
          first,
          'GET {age}here',
          'GET {age}new',
          'SET {age}new 1',
          'MGET {age}here {age}also',
          'MGET {age}here {age}new',
          'MGET {age}new {age}new2',
          'EXISTS {age}here {age}none',
        ),
        ['1', toSecond, toSecond, ['1', '2'], tryAgain, toSecond, tryAgain],
      );
      assert.deepEqual(
        await ask(
          second,
          'GET {age}new',
          'ASKING',
          'SET {age}new 1',
          'GET {age}new',
          'ASKING',
          'GET {age}new',
          'ASKING',
          'PING',
          'GET {age}new',
        ),
        [toFirst, 'OK', 'OK', toFirst, 'OK', '1', 'OK', 'PONG', toFirst],
      );
      assert.deepEqual(
        await ask(
          second,
          'ASKING',
          'MGET {age}new {age}here',
          'ASKING',
          'MULTI',
          'GET {age}new',
          'SET {age}new 2',
          'EXEC',
          'GET {age}new',
        ),
        ['OK', tryAgain, 'OK', 'OK', 'QUEUED', 'QUEUED', ['1', 'OK'], toFirst],
      );
      assert.deepEqual(
        await ask(
          first,
          'MULTI',
          'GET {age}here',
          'GET {age}new',
          'EXEC',
          'MULTI',
          'GET {age}here',
          'GET {age}also',
          'EXEC',
        ),
        [
          'OK',
          'QUEUED',
          toSecond,
          'EXECABORT Transaction discarded because of previous errors.',
          'OK',
          'QUEUED',
          'QUEUED',
          ['1', '2'],
        ],
      );
      assert.deepEqual(await ask(first, `CLUSTER SETSLOT 741 NODE ${secondId}`), [
        "ERR Can't assign hashslot 741 to a different node while I still hold keys for this hash slot.",
      ]);

      assert.deepEqual(
        await ask(
          first,
          `MIGRATE 127.0.0.1 ${second.port} "" 0 30000 KEYS {age}here {age}also {age}none`,
          `MIGRATE 127.0.0.1 ${second.port} {age}none 0 30000`,
        ),
        ['OK', 'NOKEY'],
      );
      assert.deepEqual(await ask(first, 'MGET {age}here {age}also'), [toSecond]);
      for (const node of [second, first]) await node.call('CLUSTER', 'SETSLOT', 741, 'NODE', secondId);
      await waitUntilHealthy(nodes);
      assert.deepEqual(await ask(first, 'GET {age}here'), [`MOVED 741 127.0.0.1:${second.port}`]);
      assert.deepEqual(await ask(second, 'MGET {age}here {age}also {age}new', 'CLUSTER COUNTKEYSINSLOT 741'), [
        ['1', '2', '2'],
        3,
      ]);
    });

    test('MIGRATE: existing keys at the target, COPY and REPLACE, a target that is not there', async () => {
      // 8223 (height) belongs to the second; it is opened towards the first.
      const [firstId, secondId] = await Promise.all([first.text('CLUSTER', 'MYID'), second.text('CLUSTER', 'MYID')]);
      await ask(second, 'SET height 1 EXAT 33177117420');
      await first.call('CLUSTER', 'SETSLOT', 8223, 'IMPORTING', secondId);
      await second.call('CLUSTER', 'SETSLOT', 8223, 'MIGRATING', firstId);
      const migrate = (rest: string) => `MIGRATE 127.0.0.1 ${first.port} ${rest}`;
      assert.deepEqual(
        await ask(
          second,
          migrate('height 0 30000 COPY'),
          'GET height',
          migrate('height 0 30000'),
          migrate('height 0 30000 COPY REPLACE'),
          migrate('height 0 30000 REPLACE'),
          'EXISTS height',
        ),
        [
          'OK',
          '1',
          'ERR Target instance replied with error: BUSYKEY Target key name already exists.',
          'OK',
          'OK',
          `ASK 8223 127.0.0.1:${first.port}`,
        ],
      );
      assert.deepEqual(
        await ask(first, 'ASKING', 'GET height', 'ASKING', 'EXPIRETIME height', 'ASKING', 'DEL height'),
        ['OK', '1', 'OK', 33177117420, 'OK', 1],
      );
      assert.deepEqual(
        await ask(
          second,
          'SET {height}2 x',
          'MIGRATE 127.0.0.1 1 {height}2 0 500',
          'GET {height}2',
          migrate('k 0 30000 KEYS {height}2'),
          migrate('{height}2 0 30000 FOO'),
          migrate('{height}2 0 a'),
        ),
        [
          `ASK 8223 127.0.0.1:${first.port}`,
          'NOKEY',
          `ASK 8223 127.0.0.1:${first.port}`,
          'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
          'ERR syntax error',
          'ERR value is not an integer or out of range',
        ],
      );
      for (const node of [first, second]) await node.call('CLUSTER', 'SETSLOT', 8223, 'STABLE');
      const refused = await ask(
        second,
        'SET height x',
        'MIGRATE 127.0.0.1 1 height 0 30000',
        'GET height',
        'DEL height',
      );
      assert.match(
        String(refused[1]),
        /^IOERR error or timeout (connecting to the client|writing to target instance)$/,
      );
      assert.deepEqual([refused[0], refused[2], refused[3]], ['OK', 'x', 1]);
    });

    test('a slot without an owner is CLUSTERDOWN, and with full coverage required so is everything', async () => {
      const secondId = await second.text('CLUSTER', 'MYID');
      for (const node of nodes) await node.call('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
      for (const node of [first, second]) await node.call('CLUSTER', 'DELSLOTS', 12803);
      assert.deepEqual(await ask(second, 'GET my_name', 'GET height'), ['CLUSTERDOWN Hash slot not served', null]);
      await second.call('CONFIG', 'SET', 'cluster-require-full-coverage', 'yes');
      // The state is evaluated when something about the slots changes.
      await second.call('CLUSTER', 'DELSLOTS', 12804);
      await waitFor(async () => (await clusterInfo(second))['cluster_state'] === 'fail', {
        what: 'the second node to see the cluster down',
      });
      assert.deepEqual(await ask(second, 'GET height', 'SET height 1', 'PING', 'MULTI', 'GET height', 'EXEC'), [
        'CLUSTERDOWN The cluster is down',
        'CLUSTERDOWN The cluster is down',
        'PONG',
        'OK',
        'CLUSTERDOWN The cluster is down',
        'EXECABORT Transaction discarded because of previous errors.',
      ]);
      await second.call('CONFIG', 'SET', 'cluster-allow-reads-when-down', 'yes');
      assert.deepEqual(await ask(second, 'GET height', 'SET height 1', 'GET my_name'), [
        null,
        'CLUSTERDOWN The cluster is down and only accepts read commands',
        'CLUSTERDOWN Hash slot not served',
      ]);
      await second.call('CONFIG', 'SET', 'cluster-allow-reads-when-down', 'no');
      await second.call('CLUSTER', 'ADDSLOTS', 12803, 12804);
      await first.call('CLUSTER', 'SETSLOT', 12803, 'NODE', secondId);
      await waitUntilHealthy(nodes);
    });

    test('the endpoint in a redirection follows cluster-preferred-endpoint-type', async () => {
      await second.call('CONFIG', 'SET', 'cluster-announce-hostname', 'second.example');
      await waitFor(async () => String(await first.call('CLUSTER', 'NODES')).includes(',second.example'), {
        what: 'the host name to arrive',
      });
      const movedWith = async (type: string) => {
        await first.call('CONFIG', 'SET', 'cluster-preferred-endpoint-type', type);
        return (await ask(first, 'GET my_name'))[0];
      };
      assert.equal(await movedWith('hostname'), `MOVED 12803 second.example:${second.port}`);
      assert.equal(await movedWith('unknown-endpoint'), `MOVED 12803 :${second.port}`);
      assert.equal(await movedWith('ip'), `MOVED 12803 127.0.0.1:${second.port}`);
    });

    test('redirections are counted', async () => {
      await first.call('CONFIG', 'RESETSTAT');
      await ask(first, 'GET my_name', 'GET my_name', 'MGET age my_name');
      assert.equal((await first.info('errorstats'))['errorstat_MOVED'], 'count=2');
      assert.equal((await first.info('errorstats'))['errorstat_CROSSSLOT'], 'count=1');
      assert.match((await first.info('commandstats'))['cmdstat_get']!, /calls=0,.*rejected_calls=2/);
    });
  });
}

async function askOn(client: RespClient, ...lines: string[]): Promise<unknown[]> {
  const commands = lines.map((line) =>
    Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => bare ?? quoted!),
  );
  return (await client.pipeline(commands)).map(asText);
}

function asText(reply: unknown): unknown {
  if (reply instanceof ReplyError) return reply.message;
  return Array.isArray(reply) ? reply.map(asText) : reply;
}
