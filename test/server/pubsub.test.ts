/** Pub/sub as a session sees it: the order of messages and replies, what INFO and CLIENT tell, subscribers that do not read, replicas. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RawConnection, request } from '../support/raw-connection.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const push = (type: '*' | '>', ...words: string[]) => `${type}${words.length}\r\n${words.map(bulk).join('')}`;
const OVERCOME = /Client id=\d+ .* scheduled to be closed ASAP for overcoming of output buffer limits\./;

async function hello3(connection: RawConnection): Promise<void> {
  connection.send('HELLO 3\r\nPING\r\n');
  await connection.until(/\+PONG\r\n$/);
  connection.received = '';
}

/** Subscribes, and waits until that is confirmed. */
async function subscribe(connection: RawConnection, command: string): Promise<void> {
  connection.send(`${command}\r\n`);
  await connection.until(/:\d+\r\n$/);
  connection.received = '';
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: pub/sub`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    // 7.0 sends them before the reply: these are 7.2's.
    const since72 = { skip: kind === 'redis' && 'the real server is 7.0' };

    test('what a command sends to its own connection follows its reply', since72, async () => {
      const self = await server.connect();
      await hello3(self);
      await subscribe(self, 'SUBSCRIBE a');
      self.send('PUBLISH a 1\r\nPING x\r\nPUBLISH a 2\r\nECHO end\r\n');
      await self.until(/end\r\n$/);
      const [one, two] = ['1', '2'].map((text) => push('>', 'message', 'a', text));
      assert.equal(self.received, `:1\r\n${one}${bulk('x')}:1\r\n${two}${bulk('end')}`);
    });

    test('in a transaction it follows the reply of EXEC, confirmations keep their place', since72, async () => {
      for (const type of ['*', '>'] as const) {
        const self = await server.connect();
        if (type === '>') await hello3(self);
        self.send('MULTI\r\nSUBSCRIBE t\r\nPUBLISH t 1\r\nPUBLISH t 2\r\nEXEC\r\n');
        const confirmation = `${type}3\r\n${bulk('subscribe')}${bulk('t')}:1\r\n`;
        const [one, two] = ['1', '2'].map((text) => push(type, 'message', 't', text));
        const expected = `+OK\r\n${'+QUEUED\r\n'.repeat(3)}*3\r\n${confirmation}:1\r\n:1\r\n${one}${two}`;
        await waitFor(() => self.received.length >= expected.length, { what: 'the replies' });
        assert.equal(self.received, expected);
        self.close();
        await waitFor(async () => (await server.process.call('PUBLISH', 't', 'x')) === 0, { what: 'it to be gone' });
      }
    });

    test('what a command that had to wait sends to its own connection follows its reply', since72, async () => {
      await server.process.call('CONFIG', 'SET', 'notify-keyspace-events', 'El');
      const self = await server.connect();
      await hello3(self);
      await subscribe(self, 'SUBSCRIBE __keyevent@0__:lpop');
      self.send('BLPOP queue 0\r\n');
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '1', {
        what: 'it to wait',
      });
      await server.process.call('RPUSH', 'queue', 'x');
      const expected = `*2\r\n${bulk('queue')}${bulk('x')}${push('>', 'message', '__keyevent@0__:lpop', 'queue')}`;
      await waitFor(() => self.received.length >= expected.length, { what: 'the reply and the message' });
      assert.equal(self.received, expected);
      await server.process.call('CONFIG', 'SET', 'notify-keyspace-events', '');
    });

    test('CLIENT REPLY OFF and SKIP hold back replies, no messages and no confirmations', async () => {
      const self = await server.connect();
      self.send('CLIENT REPLY OFF\r\nSUBSCRIBE a\r\n');
      const confirmed = `*3\r\n${bulk('subscribe')}${bulk('a')}:1\r\n`;
      await waitFor(() => self.received === confirmed, { what: 'the confirmation', detail: () => self.received });
      await server.process.call('PUBLISH', 'a', 'x');
      await waitFor(() => self.received === confirmed + push('*', 'message', 'a', 'x'), { what: 'the message' });
    });

    test('messages and replies keep their order while replies are held for the log', async () => {
      await server.process.call('CONFIG', 'SET', 'appendonly', 'yes');
      const [publisher, listener] = [await server.connect(), await server.connect()];
      await hello3(listener);
      // Each SET is answered when the log is written; each message must come after the answers before it, and before those after it.
      await subscribe(listener, 'SUBSCRIBE a');
      let expected = '';
      for (let i = 0; i < 200; i++) {
        publisher.send(`SET k ${i}\r\nPUBLISH a ${i}\r\n`);
        listener.send(`SET l ${i}\r\n`);
        expected += push('>', 'message', 'a', String(i));
      }
      await waitFor(() => listener.received.split('+OK').length > 200 && /199\r\n/.test(listener.received), {
        what: 'all replies and messages',
      });
      assert.equal(listener.received.replaceAll('+OK\r\n', ''), expected);
      listener.received = '';
      listener.send('UNSUBSCRIBE a\r\nSET l x\r\nSUBSCRIBE a\r\n');
      publisher.send('SET k x\r\nPUBLISH a x\r\n');
      await listener.until(/:1\r\n/);
      // Whether the message finds it subscribed is chance; if so, it comes behind the confirmation.
      assert.match(
        listener.received,
        /^(>3\r\n\$7\r\nmessage\r\n\$1\r\na\r\n\$1\r\nx\r\n)?>3\r\n\$11\r\nunsubscribe\r\n\$1\r\na\r\n:0\r\n\+OK\r\n>3\r\n\$9\r\nsubscribe\r\n/,
      );
      await server.process.call('CONFIG', 'SET', 'appendonly', 'no');
    });

    test('CLIENT LIST, CLIENT KILL and INFO know subscribers', async () => {
      const [first, second] = [await server.connect(), await server.connect()];
      await subscribe(first, 'SUBSCRIBE a b');
      await subscribe(first, 'PSUBSCRIBE x*');
      await subscribe(second, 'SSUBSCRIBE s t u');
      const list = await server.process.text('CLIENT', 'LIST', 'TYPE', 'pubsub');
      assert.deepEqual(
        [...list.matchAll(/flags=(\w+) db=0 (sub=\d+ psub=\d+ ssub=\d+)/g)].map(([, ...parts]) => parts.join(' ')),
        ['P sub=2 psub=1 ssub=0', 'P sub=0 psub=0 ssub=3'],
      );
      const stats = await server.process.info('stats');
      const fields = ['pubsub_channels', 'pubsub_patterns', 'pubsubshard_channels'];
      assert.deepEqual(
        fields.map((field) => stats[field]),
        ['2', '1', '3'],
      );
      assert.equal(await server.process.call('CLIENT', 'KILL', 'TYPE', 'pubsub'), 2);
      await Promise.all([first.untilClosed(), second.untilClosed()]);
      assert.deepEqual(await server.process.call('PUBSUB', 'CHANNELS'), []);
      assert.equal(await server.process.call('PUBSUB', 'NUMPAT'), 0);
      assert.deepEqual(await server.process.call('PUBSUB', 'SHARDCHANNELS'), []);
    });

    test('idle subscribers stay', async () => {
      const [listener, idle] = [await server.connect(), await server.connect()];
      await subscribe(listener, 'PSUBSCRIBE *');
      await idle.ask('PING\r\n', '+PONG\r\n');
      await server.process.call('CONFIG', 'SET', 'timeout', '1');
      await idle.untilClosed();
      assert.equal(listener.isClosed, false);
      // The server's own connection is idle, too, and may be closed just now.
      await (await server.connect()).ask('CONFIG SET timeout 0\r\n', '+OK\r\n');
    });

    test('a subscriber that does not read is closed at the limit of its class, also by what one transaction sends', async () => {
      await server.process.call('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 2000000 0 0 normal 0 0 0');
      for (const inTransaction of [false, true]) {
        const deaf = await server.connect();
        const awake = await server.connect();
        await subscribe(deaf, 'SUBSCRIBE flood');
        await subscribe(awake, 'SUBSCRIBE flood');
        deaf.socket.pause();
        const publisher = await server.connect();
        const publish = request('PUBLISH', 'flood', 'x'.repeat(100_000));
        if (inTransaction) publisher.send(`MULTI\r\n${publish.repeat(200)}EXEC\r\n`);
        let count = 0;
        await waitFor(
          async () => {
            if (!inTransaction) for (; count < 20; count++) publisher.send(publish);
            count = 0;
            return Number(((await server.process.call('PUBSUB', 'NUMSUB', 'flood')) as unknown[])[1]) < 2;
          },
          { what: 'the subscriber to be closed' },
        );
        await waitFor(() => OVERCOME.test(server.process.output), { what: 'the line in the log' });
        publisher.close();
        awake.close();
        deaf.close();
        await waitFor(async () => (await server.process.call('PUBLISH', 'flood', 'x')) === 0, { what: 'silence' });
      }
      await server.process.call('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60');
    });

    test('a hundred thousand subscriptions come and go', async () => {
      const names = Array.from({ length: 100_000 }, (_, i) => `channel:${i}`);
      const many = await server.connect();
      many.send(request('SUBSCRIBE', ...names));
      await many.until(/:100000\r\n$/);
      assert.equal((await server.process.info('stats'))['pubsub_channels'], '100000');
      assert.equal(await server.process.call('PUBLISH', 'channel:77777', 'x'), 1);
      many.close();
      await waitFor(async () => (await server.process.info('stats'))['pubsub_channels'] === '0', { what: 'none left' });
    });

    test('hostile patterns cost no more than pattern times text', async () => {
      const listener = await server.connect();
      await subscribe(listener, `PSUBSCRIBE ${'*a'.repeat(200)}*b`);
      const cpuSeconds = async () => Number((await server.process.info('cpu'))['used_cpu_user']);
      const before = await cpuSeconds();
      assert.equal(await server.process.call('PUBLISH', 'a'.repeat(10_000), 'x'), 0);
      assert.ok((await cpuSeconds()) - before < 2);
    });
  });

  describe(`${kind}: publishing to replicas`, { skip: needsServers('redis', kind) }, () => {
    const pairs =
      kind === 'redis'
        ? ([['redis', 'redis']] as const)
        : ([
            [kind, 'redis'],
            ['redis', kind],
            [kind, kind],
          ] as const);
    for (const [primaryKind, replicaKind] of pairs) {
      test(`messages of a ${primaryKind} primary reach the subscribers of its ${replicaKind} replica, and are in no file`, async () => {
        await withServers(
          [{ kind: primaryKind, config: { appendonly: 'yes' } }, { kind: replicaKind }],
          async (servers) => {
            const [primary, replica] = servers as [ServerProcess, ServerProcess];
            await replica.call('REPLICAOF', '127.0.0.1', primary.port);
            await waitFor(async () => (await replica.info('replication'))['master_link_status'] === 'up', {
              what: 'the link',
            });
            const heard: string[] = [];
            const listener = await replica.connect({
              protocol: 3,
              onPush: (value) => heard.push((value as string[]).join(' ')),
            });
            for (const command of ['SUBSCRIBE a', 'PSUBSCRIBE a*', 'SSUBSCRIBE a'])
              listener.call(...(command.split(' ') as [string])).catch(() => {});
            await waitFor(() => heard.length === 3, { what: 'the subscriptions' });
            assert.equal(await primary.call('PUBLISH', 'a', 'one'), 0);
            assert.equal(await primary.call('SPUBLISH', 'a', 'two'), 0);
            await primary.call('SELECT', 5);
            await primary.call('MULTI');
            await primary.call('SET', 'k', 'v');
            await primary.call('PUBLISH', 'a', 'three');
            await primary.call('EXEC');
            await waitFor(() => heard.length === 8, { what: 'the messages', detail: () => heard.join('; ') });
            assert.deepEqual(heard.slice(3), [
              'message a one',
              'pmessage a* a one',
              'smessage a two',
              'message a three',
              'pmessage a* a three',
            ]);
            // On a replica it is published to its own clients alone.
            assert.equal(await replica.call('PUBLISH', 'a', 'four'), 2);
            listener.close();
            await primary.call('SELECT', 0);
            const size = (await primary.info('persistence'))['aof_current_size'];
            await primary.call('PUBLISH', 'a', 'five');
            await primary.call('SPUBLISH', 'a', 'six');
            assert.equal((await primary.info('persistence'))['aof_current_size'], size);
          },
        );
      });
    }
  });
}
