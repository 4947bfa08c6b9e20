/** Large replies to readers of all speeds: buffers are used again, but not while a transport still sends what is in them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { request } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = 4;

for (const kind of serversUnderTest()) {
  describe(`${kind}: large replies`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('each reader gets its own bytes, whoever reads first', async () => {
      const sizes = [3_000_000, 5_000_000, 1_500_000, 9_000_000];
      const texts = sizes.map((size, i) => `${i}abc-`.repeat(size / 5));
      for (const [i, text] of texts.entries()) await server.process.call('SET', `key${i}`, text);
      for (let round = 0; round < ROUNDS; round++) {
        const readers = await Promise.all(texts.map(() => server.connect()));
        const asked = readers.map((_, i) => [0, 1, 2].map((n) => (i * 3 + n + round) % texts.length));
        for (const [i, reader] of readers.entries()) {
          reader.socket.pause();
          reader.send(asked[i]!.map((at) => request('GET', `key${at}`)).join(''));
        }
        // One goes away with its replies unread.
        const gone = await server.connect();
        gone.socket.pause();
        gone.send(request('GET', 'key3'));
        await server.process.call('PING');
        gone.close();
        for (const [i, reader] of [...readers.entries()].reverse()) {
          reader.socket.resume();
          const expected = asked[i]!.map((at) => `$${sizes[at]}\r\n${texts[at]}\r\n`).join('');
          await waitFor(() => reader.received.length >= expected.length, { what: 'all replies' });
          assert.ok(reader.received === expected, `round ${round}, reader ${i}: other bytes than the key has`);
          reader.close();
        }
      }
    });
  });
}
