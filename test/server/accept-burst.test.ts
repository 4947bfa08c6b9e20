/** Many clients that connect at once: accepted before others are served, while no request is lost or overtaken. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { partingRequestsAreExecuted } from '../support/parting-clients.js';
import { request } from '../support/raw-connection.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

suite('accept burst', () => {
  const server = useServer({ kind: 'slotmesh' });
  const CLIENTS = 60;
  /** One connection a turn would make it 4: these two, the probe of the harness, and the first of the burst. */
  const ACCEPTED_MIN = 10;
  const ROUNDS = 10;

  const connectAll = () => Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));

  test('those who have connected are accepted before a request that came later is executed', async () => {
    const [sleeper, other] = [await server.connect(), await server.connect()];
    // The first time the server has hardly run its code, and later a busy machine may leave it no time: once is enough.
    let most = 0;
    for (let round = 0; round < ROUNDS && most < ACCEPTED_MIN; round++) {
      other.received = '';
      sleeper.received = '';
      sleeper.send('DEBUG SLEEP 0.5\r\n');
      // The kernel connects them while the server sleeps.
      const clients = await connectAll();
      const isAsleep = sleeper.received === '';
      other.send('INFO clients\r\n');
      const [, count] = await other.until(/connected_clients:(\d+)/);
      if (isAsleep) most = Math.max(most, Number(count));
      for (const client of clients) client.close();
      await waitFor(async () => String(await server.process.call('INFO', 'clients')).includes('connected_clients:3'), {
        what: 'their end',
      });
    }
    assert.ok(most >= ACCEPTED_MIN, `${most} clients`);
  });

  test('pipelines of others go on in order, none of their requests is lost', async () => {
    const busy = await connectAll();
    const sent = busy.map(() => 0);
    const value = 'v'.repeat(2000);
    for (let round = 0; round < 8; round++) {
      const newcomers = connectAll();
      for (const [i, client] of busy.entries()) {
        let text = '';
        for (let n = 0; n < 16; n++) text += request('SET', `long:${i}`, value) + request('INCR', `own:${i}`);
        sent[i] += 16;
        const cut = (i * 977) % text.length;
        client.send(text.slice(0, cut));
        setImmediate(() => client.send(text.slice(cut)));
      }
      const clients = await newcomers;
      for (const [i, client] of clients.entries()) client.send(`ECHO new${i}\r\n`);
      await waitFor(() => clients.every(({ received }, i) => received.endsWith(`\r\nnew${i}\r\n`)), {
        what: 'all echoes',
      });
      for (const client of clients) client.close();
    }
    for (const [i, client] of busy.entries()) {
      const replies = Array.from({ length: sent[i] }, (_, n) => `+OK\r\n:${n + 1}\r\n`).join('');
      await waitFor(() => client.received.length >= replies.length, { what: 'all replies' });
      assert.equal(client.received, replies);
    }
  });

  test('requests of clients that connect and hang up at once are executed', () =>
    partingRequestsAreExecuted(server, CLIENTS));

  test('a client with input that waits can be killed', async () => {
    const [sleeper, killer, victim] = [await server.connect(), await server.connect(), await server.connect()];
    const id = (await victim.ask('CLIENT ID\r\n', ':1\r\n')).slice(1, -2);
    sleeper.send('DEBUG SLEEP 0.3\r\n');
    await connectAll();
    killer.send(`CLIENT KILL ID ${id}\r\n`);
    victim.send('SET killed 1\r\n'.repeat(100));
    await victim.untilClosed();
    await killer.until(/^:1\r\n$/);
    assert.equal(victim.received.replace(/\+OK\r\n/g, ''), `:${id}\r\n`);
    assert.equal(await server.process.call('PING'), 'PONG');
  });
});
