/** Arguments so long that their buffer becomes the value: nothing of it may change by what follows, and the request may have to wait all the same. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { request } from '../support/raw-connection.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

/** Values of 560 KB and 34 MB: both have a buffer of their own, but only the longer one's has room to grow. */
const REPETITIONS = [33_000, 2_000_000];
/** A time is asked for as such: what is left of it changes while so much is on its way. */
const AT_MS = '9000000000000';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

for (const kind of serversUnderTest()) {
  for (const repetitions of REPETITIONS) {
    describe(`${kind}: arguments of ${17 * repetitions} bytes`, { skip: needsServers(kind) }, () => {
      const server = useServer({ kind });
      const value = '0123456789abcdef-'.repeat(repetitions);
      const other = '-fedcba9876543210'.repeat(repetitions);

      /** Sends requests in one go, and compares all replies. */
      async function check(requests: string[], replies: string[]): Promise<void> {
        const connection = await server.connect();
        const expected = replies.join('');
        const received = await connection.ask(requests.join(''), expected);
        assert.ok(received === expected, `other replies: ${received.slice(0, 100)} …`);
        connection.close();
      }

      test('what follows in the pipeline changes the value, not the other way round', async () => {
        const length = value.length;
        await check(
          [
            request('SET', 'key', value),
            request('APPEND', 'key', 'tail'.repeat(1000)),
            request('APPEND', 'key', 'end'),
            request('SETRANGE', 'key', '1', 'zz'),
            request('ECHO', 'hello'),
            request('GET', 'key'),
          ],
          [
            '+OK\r\n',
            `:${length + 4000}\r\n`,
            `:${length + 4003}\r\n`,
            `:${length + 4003}\r\n`,
            bulk('hello'),
            bulk(`0zz${value.slice(3)}${'tail'.repeat(1000)}end`),
          ],
        );
        assert.equal(await server.process.call('DEL', 'key'), 1);
      });

      test('keys of every length, new and old, with and without a time', async () => {
        for (const key of ['', 'a', 'ab', 'abc', 'k'.repeat(70_000)]) {
          await check(
            [
              request('SET', key, value),
              request('SET', key, other, 'PXAT', AT_MS),
              request('PEXPIRETIME', key),
              request('GETRANGE', key, '0', '19'),
              request('GETRANGE', key, '-20', '-1'),
              request('GETSET', key, 'short'),
              request('PEXPIRETIME', key),
              request('SETEX', key, '500', value),
              request('PERSIST', key),
              request('GET', key),
              request('DEL', key),
            ],
            [
              '+OK\r\n',
              '+OK\r\n',
              `:${AT_MS}\r\n`,
              bulk(other.slice(0, 20)),
              bulk(other.slice(-20)),
              bulk(other),
              ':-1\r\n',
              '+OK\r\n',
              ':1\r\n',
              bulk(value),
              ':1\r\n',
            ],
          );
        }
      });

      test('a value that grows is filled with zeros, in its own buffer, in a new one and from nothing', async () => {
        const { length } = value;
        const zeros = '\0'.repeat(5000);
        const longer = '\0'.repeat(length / 2);
        await check(
          [
            request('SET', 'key', value),
            request('SETRANGE', 'key', String(length + 5000), 'x'),
            request('GETRANGE', 'key', String(length - 1), '-1'),
            request('SETBIT', 'key', String((length * 1.5 + 5001) * 8 + 7), '1'),
            request('GETRANGE', 'key', String(length + 5000), '-1'),
            request('SETRANGE', 'new', String(length), value.slice(0, 100)),
            request('GETRANGE', 'new', String(length / 2), '-1'),
            request('DEL', 'key', 'new'),
          ],
          [
            '+OK\r\n',
            `:${length + 5001}\r\n`,
            bulk(`${value.at(-1)}${zeros}x`),
            ':0\r\n',
            bulk(`x${longer}\x01`),
            `:${length + 100}\r\n`,
            bulk(`${longer}${value.slice(0, 100)}`),
            ':2\r\n',
          ],
        );
      });

      test('a value keeps its content under keys of other lengths, and in another database', async () => {
        const long = 'k'.repeat(5_000_000);
        for (const key of ['ab', 'abcdefgh', 'k'.repeat(70_000), long, 'a']) {
          await check(
            [
              request('SET', 'first', value, 'PXAT', AT_MS),
              request('RENAME', 'first', key),
              request('SET', 'first', other),
              request('MOVE', key, '1'),
              request('RENAME', 'first', key),
              request('GET', key),
              request('SELECT', '1'),
              request('RENAME', key, 'last'),
              request('PEXPIRETIME', 'last'),
              request('APPEND', 'last', 'x'),
              request('GET', 'last'),
              request('FLUSHALL'),
            ],
            [
              '+OK\r\n',
              '+OK\r\n',
              '+OK\r\n',
              ':1\r\n',
              '+OK\r\n',
              bulk(other),
              '+OK\r\n',
              '+OK\r\n',
              `:${AT_MS}\r\n`,
              `:${value.length + 1}\r\n`,
              bulk(`${value}x`),
              '+OK\r\n',
            ],
          );
        }
      });

      test('each command that makes a string of its argument', async () => {
        const { length } = value;
        await check(
          [
            request('APPEND', 'a', value),
            request('APPEND', 'a', other),
            request('SETNX', 'b', value),
            request('SETNX', 'b', other),
            request('GETSET', 'b', other),
            request('SETRANGE', 'c', '3', value),
            request('SET', 'b', 'short'),
            request('HSET', 'h', 'field', value, 'other', other),
            request('RPUSH', 'l', other, value, other),
            request('GET', 'a'),
            request('GET', 'b'),
            request('GET', 'c'),
            request('HGET', 'h', 'field'),
            request('HGET', 'h', 'other'),
            request('LINDEX', 'l', '1'),
            request('DEL', 'a', 'b', 'c', 'h', 'l'),
          ],
          [
            `:${length}\r\n`,
            `:${length * 2}\r\n`,
            ':1\r\n',
            ':0\r\n',
            bulk(value),
            `:${length + 3}\r\n`,
            '+OK\r\n',
            ':2\r\n',
            ':3\r\n',
            bulk(value + other),
            bulk('short'),
            bulk(`\0\0\0${value}`),
            bulk(value),
            bulk(other),
            bulk(value),
            ':5\r\n',
          ],
        );
      });

      test('several in one request, and in a transaction', async () => {
        await check(
          [
            request('MSET', 'a', value, 'b', other, 'a', other),
            request('GET', 'b'),
            request('MULTI'),
            request('SET', 'c', value),
            request('APPEND', 'c', 'x'),
            request('EXEC'),
            request('GET', 'c'),
            request('GET', 'a'),
            request('DEL', 'a', 'b', 'c'),
          ],
          [
            '+OK\r\n',
            bulk(other),
            '+OK\r\n',
            '+QUEUED\r\n',
            '+QUEUED\r\n',
            `*2\r\n+OK\r\n:${value.length + 1}\r\n`,
            bulk(`${value}x`),
            bulk(other),
            ':3\r\n',
          ],
        );
      });

      test('a sender that goes away in the middle leaves nothing behind', async () => {
        const addresses = await Promise.all(
          ['end', 'reset'].map(async (how) => {
            const { socket } = await server.connect();
            const address = `addr=127.0.0.1:${socket.localPort} `;
            const input = request('SET', 'key', value).slice(0, -100_000);
            await new Promise<void>((resolve) => socket.write(input, 'latin1', () => resolve()));
            if (how === 'end') socket.end();
            else socket.resetAndDestroy();
            return address;
          }),
        );
        const isGone = async (): Promise<boolean> => {
          const list = await server.process.text('CLIENT', 'LIST');
          return addresses.every((address) => !list.includes(address));
        };
        await waitFor(isGone, { what: 'both connections closed' });
        assert.equal(await server.process.call('EXISTS', 'key'), 0);
      });

      test('one that must wait for CLIENT PAUSE to end is executed then', async () => {
        const connection = await server.connect();
        await server.process.call('CLIENT', 'PAUSE', '100000', 'WRITE');
        connection.send(`${request('SET', 'key', value)}${request('APPEND', 'key', 'x')}`);
        await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '1', {
          what: 'the wait',
        });
        await server.process.call('CLIENT', 'UNPAUSE');
        await connection.until(/\+OK\r\n:\d+\r\n$/);
        await check([request('GET', 'key'), request('DEL', 'key')], [bulk(`${value}x`), ':1\r\n']);
      });
    });
  }
}
