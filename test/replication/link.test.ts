/**
 * Our server as the replica of a primary that the test plays, so that every byte and every cut is in its hand.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { parseFields, type ServerConfig, type ServerProcess, withServers } from '../support/server-process.js';
import { waitFor } from '../support/wait-for.js';
import { type FakePrimary, fakePrimary, fullSync, ID, image, type SyncAnswer, stream } from './fake-primary.js';

async function withReplica(
  answer: SyncAnswer,
  config: ServerConfig,
  body: (primary: FakePrimary, replica: ServerProcess) => Promise<void>,
): Promise<void> {
  const primary = await fakePrimary(answer);
  try {
    await withServers([{ kind: 'slotmesh', config }], async ([replica]) => {
      await replica!.call('REPLICAOF', '127.0.0.1', primary.port);
      await body(primary, replica!);
    });
  } finally {
    await primary.close();
  }
}

async function linked(replica: ServerProcess): Promise<void> {
  await waitFor(async () => (await replica.info('replication'))['master_link_status'] === 'up', {
    what: 'the link to be up',
    detail: () => replica.output,
  });
}

const offsetOf = async (replica: ServerProcess): Promise<number> =>
  Number((await replica.info('replication'))['slave_repl_offset']);

test('the stream is executed and counted to the byte, however it is cut into packets', async () => {
  const chosen = fuzzSeed();
  console.log(`  replay with SLOTMESH_FUZZ_SEED=${chosen}`);
  const random = new Random(chosen);
  await withReplica(
    () => fullSync(1000, { old: 'value' }),
    {},
    async (primary, replica) => {
      await linked(replica);
      const parts: Buffer[] = [stream('SELECT 0')];
      let increments = 0;
      for (let i = 0; i < 300; i++) {
        if (i % 40 === 7) parts.push(stream('MULTI', `SET a:${i} ${'x'.repeat(200)}`, 'INCR counter', 'EXEC'));
        else if (i % 50 === 9) parts.push(stream(`SET big:${i} ${'y'.repeat(70000)}`));
        else parts.push(stream('INCR counter', `SET k:${i} ${random.text(30)}`));
        if (i % 50 !== 9 || i % 40 === 7) increments++;
      }
      parts.push(stream('SET last 1'));
      const bytes = Buffer.concat(parts);
      for (let at = 0; at < bytes.length; ) {
        const size = random.below(20) === 0 ? 1 + random.below(40000) : 1 + random.below(500);
        await new Promise((resolve) => primary.socket().write(bytes.subarray(at, at + size), resolve));
        at += size;
      }
      await waitFor(async () => (await replica.call('GET', 'last')) === '1', { what: 'the last command' });
      assert.equal(await replica.call('GET', 'counter'), String(increments));
      assert.equal(await offsetOf(replica), 1000 + bytes.length);
      await waitFor(() => primary.acknowledged() === 1000 + bytes.length, { what: 'the acknowledgement' });
    },
  );
});

test('a link cut inside a transaction goes on from before its MULTI', async () => {
  let streamed = 0;
  const answer: SyncAnswer = (id) => (id === ID ? `+CONTINUE\r\n` : fullSync(0, {}));
  await withReplica(answer, {}, async (primary, replica) => {
    await linked(replica);
    const before = stream('SELECT 5', 'SET a 1');
    streamed += before.length;
    primary.socket().end(Buffer.concat([before, stream('MULTI', 'SET a 2', 'SET b 2')]));
    await waitFor(() => primary.syncs.length === 2, { what: 'the replica to come again' });
    assert.equal(primary.syncs[1], `${ID} ${streamed + 1}`);
    await linked(replica);
    const replicaClient = await replica.connect({ database: 5 });
    assert.equal(await replicaClient.call('GET', 'a'), '1');
    // The database that was selected before the cut still is.
    primary.socket().write(stream('MULTI', 'SET a 2', 'SET b 2', 'EXEC'));
    await waitFor(async () => (await replicaClient.call('GET', 'b')) === '2', { what: 'the transaction' });
    replicaClient.close();
  });
});

test('a primary that speaks inline has lost its place: everything is asked for anew', async () => {
  await withReplica(
    () => fullSync(0, {}),
    {},
    async (primary, replica) => {
      await linked(replica);
      primary.socket().write('SET a b\r\n');
      await waitFor(() => primary.syncs.length === 2, { what: 'the replica to come again' });
      assert.equal(primary.syncs[1], '? -1');
    },
  );
});

test('another id in +CONTINUE becomes the own, the old one stays good as the second', async () => {
  const other = 'e2'.repeat(20);
  await withReplica(
    (id) => (id === ID ? `+CONTINUE ${other}\r\n` : fullSync(40, {})),
    {},
    async (primary, replica) => {
      await linked(replica);
      primary.socket().destroy();
      await waitFor(async () => (await replica.info('replication'))['master_replid'] === other, { what: 'the new id' });
      const replication = await replica.info('replication');
      assert.equal(replication['master_replid2'], ID);
      assert.equal(replication['second_repl_offset'], '41');
    },
  );
});

test('refusals of a primary that cannot serve yet are tried again, unknown ones end in SYNC', async () => {
  const refusals = ["-NOMASTERLINK Can't SYNC while not connected with my master\r\n", '-LOADING soon\r\n'];
  const bytes = image({ a: 'b' });
  const answer: SyncAnswer = (_id, _offset, socket) => {
    const refusal = refusals.shift();
    if (refusal !== undefined) return refusal;
    // SYNC comes as a bare line; an image without +FULLRESYNC follows.
    socket.removeAllListeners('data');
    socket.on('data', (data) => {
      if (data.toString() === 'SYNC\r\n') socket.write(Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes]));
    });
    return '-ERR unknown command\r\n';
  };
  await withReplica(answer, {}, async (primary, replica) => {
    await linked(replica);
    assert.equal(primary.syncs.length, 3);
    assert.equal(await replica.call('GET', 'a'), 'b');
  });
});

test('an image that breaks off or is damaged leaves nothing behind, and is asked for again', async () => {
  const bytes = image({ a: '1' });
  const damaged = Buffer.from(bytes);
  damaged[bytes.length - 1]! ^= 1;
  const header = `+FULLRESYNC ${ID} 0\r\n`;
  for (const load of ['disabled', 'on-empty-db', 'swapdb']) {
    const answers = [
      (socket: import('node:net').Socket) =>
        void socket.end(`${header}$${bytes.length}\r\n${bytes.toString('latin1').slice(0, 50)}`, 'latin1'),
      (socket: import('node:net').Socket) =>
        void socket.write(`${header}$${bytes.length}\r\n${damaged.toString('latin1')}`, 'latin1'),
      (socket: import('node:net').Socket) =>
        void socket.write(
          `${header}$EOF:${'ab'.repeat(20)}\r\n${bytes.toString('latin1')}${'ab'.repeat(20)}`,
          'latin1',
        ),
    ];
    await withReplica(
      (_id, _offset, socket) => {
        answers.shift()?.(socket);
        return '';
      },
      { 'repl-diskless-load': load },
      async (primary, replica) => {
        await linked(replica);
        assert.equal(primary.syncs.length, 3, load);
        assert.equal(await replica.call('GET', 'a'), '1');
        await waitFor(() => primary.acknowledged() === 0, { what: 'the acknowledgement that opens the stream' });
      },
    );
  }
});

test('with swapdb the old data is served while an image of the same history is on its way', async () => {
  let round = 0;
  const bytes = image({ shared: 'new' });
  const answer: SyncAnswer = () => {
    if (round++ === 0) return fullSync(0, { shared: 'old', gone: 'old' });
    return `+FULLRESYNC ${ID} 500\r\n$${bytes.length}\r\n`;
  };
  await withReplica(answer, { 'repl-diskless-load': 'swapdb' }, async (primary, replica) => {
    await linked(replica);
    const watcher = await replica.connect();
    await watcher.call('WATCH', 'gone');
    primary.socket().destroy();
    await waitFor(async () => (await replica.info('persistence'))['async_loading'] === '1', { what: 'loading aside' });
    assert.equal(await replica.call('GET', 'shared'), 'old');
    await assert.rejects(replica.call('REPLICAOF', 'NO', 'ONE'), /LOADING/);
    primary.socket().write(bytes);
    await linked(replica);
    assert.equal(await replica.call('GET', 'shared'), 'new');
    assert.equal(await replica.call('DBSIZE'), 1);
    assert.equal(await offsetOf(replica), 500);
    await watcher.call('MULTI');
    assert.equal(await watcher.call('EXEC'), null, 'the watched key is gone');
    watcher.close();
  });
});

test('with another history clients are told LOADING, and the old data is back if the image fails', async () => {
  const bytes = image({ shared: 'new' });
  let sends = true;
  await withReplica(
    () => (sends ? `+FULLRESYNC ${ID} 500\r\n$${bytes.length}\r\n` : ''),
    { 'repl-diskless-load': 'swapdb', 'replica-read-only': 'no' },
    async (primary, replica) => {
      await waitFor(async () => (await replica.info('persistence'))['loading'] === '1', { what: 'loading' });
      await assert.rejects(replica.call('GET', 'shared'), /LOADING/);
      sends = false;
      primary.socket().destroy();
      await waitFor(async () => (await replica.info('persistence'))['loading'] === '0', { what: 'the end of loading' });
      assert.equal(await replica.call('GET', 'shared'), null);
    },
  );
});

test('a primary that says nothing for repl-timeout is given up', async () => {
  await withReplica(
    (id) => (id === ID ? '+CONTINUE\r\n' : fullSync(0, {})),
    { 'repl-timeout': 3 },
    async (primary, replica) => {
      await linked(replica);
      await waitFor(() => primary.syncs.length >= 2, { what: 'the replica to come again' });
      assert.equal(primary.syncs[1], `${ID} 1`);
    },
  );
});

test('a command of the primary that fails is counted, and the stream goes on', async () => {
  await withReplica(
    () => fullSync(0, { text: 'no number' }),
    {},
    async (primary, replica) => {
      await linked(replica);
      primary.socket().write(stream('SELECT 0', 'INCR text', 'NOSUCHCOMMAND a', 'SET after 1'));
      await waitFor(async () => (await replica.call('GET', 'after')) === '1', { what: 'the command behind' });
      assert.equal((await replica.info('stats'))['unexpected_error_replies'], '2');
      assert.match(replica.output, /== CRITICAL ==/);
    },
  );
});

test('keys that expired are hidden from clients, alive for the stream, and deleted by it only', async () => {
  await withReplica(
    () => fullSync(0, {}),
    {},
    async (primary, replica) => {
      await linked(replica);
      primary
        .socket()
        .write(stream('SELECT 0', 'SET k 1 PX 1', 'SET k2 1', 'PEXPIREAT k2 1000', 'INCR k2', 'SET end 1'));
      await waitFor(async () => (await replica.call('GET', 'end')) === '1', { what: 'the stream' });
      await waitFor(async () => (await replica.call('GET', 'k')) === null, { what: 'the expiry' });
      assert.equal(await replica.call('GET', 'k2'), null);
      assert.equal(await replica.call('DBSIZE'), 3);
      primary.socket().write(stream('PERSIST k2', 'DEL k'));
      await waitFor(async () => (await replica.call('GET', 'k2')) === '2', { what: 'the key that lives again' });
      assert.equal(await replica.call('DBSIZE'), 2);
    },
  );
});

test('a writable replica puts a new key in the place of one that is expired', async () => {
  await withReplica(
    () => fullSync(0, {}),
    { 'replica-read-only': 'no' },
    async (primary, replica) => {
      await linked(replica);
      primary
        .socket()
        .write(stream('SELECT 0', 'SET a 1', 'PEXPIREAT a 1000', 'SET b 1', 'PEXPIREAT b 1000', 'SET end 1'));
      await waitFor(async () => (await replica.call('GET', 'end')) === '1', { what: 'the stream' });
      assert.equal(await replica.call('SET', 'a', 'x', 'GET'), null);
      assert.equal(await replica.call('APPEND', 'b', 'y'), 1);
      assert.equal(await replica.call('DBSIZE'), 3);
      assert.equal(await replica.call('DEL', 'a', 'b'), 2);
      assert.equal(await replica.call('DBSIZE'), 1);
    },
  );
});

test('a writable replica deletes the keys that its own clients let expire, and no others', async () => {
  await withReplica(
    () => fullSync(0, {}),
    { 'replica-read-only': 'no' },
    async (primary, replica) => {
      await linked(replica);
      primary.socket().write(stream('SELECT 0', 'SET theirs 1', 'PEXPIREAT theirs 1000', 'SET end 1'));
      await waitFor(async () => (await replica.call('GET', 'end')) === '1', { what: 'the stream' });
      // In one unit, so that neither's time comes before it is looked at.
      const client = await replica.connect();
      await client.pipeline([
        ['MULTI'],
        ['SET', 'own', '1', 'PX', '100'],
        ['SET', 'kept', '1', 'PX', '100'],
        ['PERSIST', 'kept'],
        ['INFO', 'stats'],
      ]);
      const [, , , stats] = (await client.call('EXEC')) as string[];
      client.close();
      assert.equal(parseFields(stats!)['slave_expires_tracked_keys'], '2');
      await waitFor(async () => (await replica.info('stats'))['slave_expires_tracked_keys'] === '0', {
        what: 'the keys to be looked at',
      });
      assert.equal(await replica.call('DBSIZE'), 3);
    },
  );
});

test('a replica that is told to panic at a failed command does', async () => {
  await withReplica(
    () => fullSync(0, { text: 'x' }),
    { 'propagation-error-behavior': 'panic' },
    async (primary, replica) => {
      await linked(replica);
      primary.socket().write(stream('SELECT 0', 'INCR text'));
      await waitFor(() => !replica.isRunning, { what: 'the process to end' });
    },
  );
});
