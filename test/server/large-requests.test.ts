/** Requests around the sizes of the read buffers, several connections at once, cut anywhere: each value is what was sent, and the replies are in order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { request } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = 12;
const CONNECTIONS = 3;
const KIB = 1024;
/** Beside these the lengths are random. */
const EDGES = [16, 64, 128, 448, 512, 1024].map((size) => size * KIB);
const TEXT = Array.from({ length: 200_000 }, (_, i) => `${i},`).join('');

interface Conversation {
  readonly requests: string;
  readonly replies: string;
}

function conversation(connection: number, random: Random): Conversation {
  let requests = '';
  let replies = '';
  for (let count = 1 + random.below(5); count > 0; count--) {
    const length = random.oneIn(2) ? random.pick(EDGES) - 100 + random.below(110) : random.below(700 * KIB);
    const start = random.below(TEXT.length - length);
    const value = TEXT.slice(start, start + length);
    const key = `key:${connection}:${random.below(3)}`;
    requests += request('SET', key, value) + request('STRLEN', key);
    replies += `+OK\r\n:${length}\r\n`;
    let expected = value;
    if (random.oneIn(3)) {
      const tail = TEXT.slice(0, random.below(random.oneIn(2) ? 100 : 200 * KIB));
      const at = random.below(length + 1);
      expected = `${value}${tail}`;
      expected = `${expected.slice(0, at)}z${expected.slice(at + 1)}`;
      requests += request('APPEND', key, tail) + request('SETRANGE', key, String(at), 'z');
      replies += `:${length + tail.length}\r\n:${expected.length}\r\n`;
    }
    if (random.oneIn(2)) {
      requests += request('GET', key);
      replies += `$${expected.length}\r\n${expected}\r\n`;
    }
    if (random.oneIn(3)) {
      requests += request('DEL', key);
      replies += ':1\r\n';
    }
  }
  return { requests, replies };
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: large requests`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });
    const seed = fuzzSeed();

    test('of several connections, in pieces of all sizes', async () => {
      const random = new Random(seed);
      for (let round = 0; round < ROUNDS; round++) {
        const conversations = Array.from({ length: CONNECTIONS }, (_, i) => conversation(i, random));
        await Promise.all(
          conversations.map(async ({ requests, replies }, i) => {
            const connection = await server.connect();
            const cut = random.oneIn(2) ? requests.length : random.below(requests.length);
            connection.send(requests.slice(0, cut));
            // The rest is sent when the first part has been read, mostly.
            if (cut < requests.length) await server.process.call('PING');
            connection.send(requests.slice(cut));
            await waitFor(() => connection.received.length >= replies.length, { what: 'all replies' });
            assert.ok(connection.received === replies, `seed ${seed}, round ${round}, connection ${i}: other replies`);
            connection.close();
          }),
        );
      }
    });
  });
}
