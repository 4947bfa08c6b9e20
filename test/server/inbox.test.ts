/** Many clients that do not pipeline: their requests are collected and executed together, in order, none lost. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { partingRequestsAreExecuted } from '../support/parting-clients.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

suite('inbox', () => {
  const server = useServer({ kind: 'slotmesh' });
  const CLIENTS = 40;

  test('each of many clients gets its own replies, in the order of its requests', async () => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
    for (let round = 0; round < 20; round++) {
      for (const [i, client] of clients.entries()) {
        client.received = '';
        client.send(`SET own:${i} ${round}-${i}\r\n`);
      }
      // The second request of a client comes while the first may still wait; one that is halved goes on with the rest.
      for (const [i, client] of clients.entries()) client.send(`GET own:${i}\r\nIN`);
      for (const client of clients) client.send('CR shared\r\n');
      await waitFor(() => clients.every((client) => /:\d+\r\n$/.test(client.received)), { what: 'all replies' });
      for (const [i, client] of clients.entries()) {
        const value = `${round}-${i}`;
        assert.match(client.received, new RegExp(`^\\+OK\\r\\n\\$${value.length}\\r\\n${value}\\r\\n:\\d+\\r\\n$`));
      }
    }
    const last = clients[0];
    last.received = '';
    last.send('GET shared\r\n');
    await waitFor(() => last.received.includes(`${CLIENTS * 20}\r\n`), { what: 'the count' });
  });

  test('requests of clients that hang up at once are executed', () => partingRequestsAreExecuted(server, CLIENTS));

  test('a client killed by another in the same turn has nothing executed afterwards', async () => {
    const [killer, victim] = [await server.connect(), await server.connect()];
    victim.send('CLIENT ID\r\n');
    await waitFor(() => victim.received.endsWith('\r\n'), { what: 'the id' });
    killer.send(`CLIENT KILL ID ${victim.received.slice(1, -2)}\r\n`);
    await waitFor(() => victim.isClosed && killer.received === ':1\r\n', { what: 'the end' });
  });
});
