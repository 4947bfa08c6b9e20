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

    test('a value that changes right after it was asked for is sent as it was', async () => {
      for (const size of [70_000, 300_000, 1_000_000, 6_000_000]) {
        for (const isSlow of [false, true]) {
          const reader = await server.connect();
          if (isSlow) reader.socket.pause();
          let value = 'abcdefg-'.repeat(size / 8);
          let expected = '+OK\r\n';
          reader.send(request('SET', 'changing', value));
          for (let round = 0; round < 5; round++) {
            const mark = `<${round}>`;
            const at = size - 50_000;
            reader.send(
              request('GET', 'changing') +
                request('SETRANGE', 'changing', '10', mark) +
                request('GETRANGE', 'changing', '5', '-1') +
                request('SETRANGE', 'changing', String(at), mark) +
                request('GET', 'changing') +
                request('APPEND', 'changing', mark) +
                request('PING'),
            );
            expected += bulk(value);
            value = withText(value, 10, mark);
            expected += `:${value.length}\r\n${bulk(value.slice(5))}:${value.length}\r\n`;
            value = withText(value, at, mark);
            expected += `${bulk(value)}:${value.length + mark.length}\r\n+PONG\r\n`;
            value += mark;
          }
          reader.send(request('GET', 'changing') + request('DEL', 'changing') + request('GET', 'changing'));
          expected += `${bulk(value)}:1\r\n$-1\r\n`;
          await server.process.call('PING');
          reader.socket.resume();
          await waitFor(() => reader.received.length >= expected.length, { what: 'all replies' });
          assert.ok(reader.received === expected, `${size} bytes: other replies`);
          reader.close();
        }
      }
    });
  });
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

function withText(value: string, at: number, text: string): string {
  return value.slice(0, at) + text + value.slice(at + text.length);
}
