/** Clients that hang up right behind their only request. */
import type { ServerInUse } from './use-server.js';
import { waitFor } from './wait-for.js';

/** Connects them, and waits until the requests of all have been executed. */
export async function partingRequestsAreExecuted(server: ServerInUse, clientCount: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: clientCount }, () => server.connect()));
  for (const client of clients) client.socket.end('INCR parting\r\n');
  const witness = await server.connect();
  await waitFor(
    () => {
      witness.send('GET parting\r\n');
      return witness.received.endsWith(`${clientCount}\r\n`);
    },
    { what: 'all increments' },
  );
}
