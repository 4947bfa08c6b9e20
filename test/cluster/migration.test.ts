/** The conversation of MIGRATE with its target, a fake one. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type MigrationJob, MigrationSender } from '../../src/cluster/migration.js';
import { type FakeServer, fakeServer, type Responder } from '../support/fake-server.js';
import { freePort } from '../support/ports.js';

const servers: FakeServer[] = [];
const senders: MigrationSender[] = [];
after(async () => {
  for (const sender of senders) sender.stop();
  await Promise.all(servers.map((server) => server.close()));
});

function newSender(): MigrationSender {
  const sender = new MigrationSender();
  senders.push(sender);
  return sender;
}

async function target(respond: Responder): Promise<FakeServer> {
  const server = await fakeServer(respond);
  servers.push(server);
  return server;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function job(port: number, names: string[], changes: Partial<MigrationJob> = {}): MigrationJob {
  return {
    host: '127.0.0.1',
    port,
    database: 0,
    timeoutMs: 20_000,
    replaces: false,
    credentials: null,
    keys: names.map((name) => ({ key: bytes(name), payload: bytes(`payload-${name}`), ttlMs: 0 })),
    restoreCommand: 'RESTORE-ASKING',
    ...changes,
  };
}

const OK: Responder = () => '+OK\r\n';

test('one pipeline with SELECT on a new connection; the next job uses the connection and does not select again', async () => {
  const server = await target(OK);
  const sender = newSender();
  assert.deepEqual(await sender.run(job(server.port, ['a', 'b'])), { isMoved: [true, true], error: null });
  assert.equal(sender.cachedCount, 1);
  await sender.run(
    job(server.port, ['c'], { replaces: true, keys: [{ key: bytes('c'), payload: bytes('p'), ttlMs: 77 }] }),
  );
  await sender.run(job(server.port, ['d'], { database: 3, restoreCommand: 'RESTORE' }));
  assert.deepEqual(server.requests, [
    'SELECT 0',
    'RESTORE-ASKING a 0 payload-a',
    'RESTORE-ASKING b 0 payload-b',
    'RESTORE-ASKING c 77 p REPLACE',
    'SELECT 3',
    'RESTORE d 0 payload-d',
  ]);
  assert.equal(sender.cachedCount, 1);
});

test('the first error is reported, keys acknowledged without one have moved', async () => {
  const server = await target(([name, key]) =>
    name === 'RESTORE-ASKING' && key !== 'b'
      ? '+OK\r\n'
      : name === 'SELECT'
        ? '+OK\r\n'
        : `-BUSYKEY ${key} is there\r\n`,
  );
  assert.deepEqual(await newSender().run(job(server.port, ['a', 'b', 'c'])), {
    isMoved: [true, false, true],
    error: 'ERR Target instance replied with error: BUSYKEY b is there',
  });
});

test('after a refused AUTH or SELECT nothing counts as moved', async () => {
  for (const refused of ['AUTH', 'SELECT']) {
    const server = await target(([name]) => (name === refused ? `-ERR no ${name}\r\n` : '+OK\r\n'));
    const credentials = [bytes('someone'), bytes('secret')];
    assert.deepEqual(await newSender().run(job(server.port, ['a'], { credentials })), {
      isMoved: [false],
      error: `ERR Target instance replied with error: ERR no ${refused}`,
    });
    assert.equal(server.requests[0], 'AUTH someone secret');
  }
});

test('a connection that broke before the first answer is tried again with a new one, once', async () => {
  let connections = 0;
  const flaky = await target(([name], socket) => {
    if (name === 'SELECT' && connections++ === 0) socket.destroy();
    return '+OK\r\n';
  });
  assert.deepEqual(await newSender().run(job(flaky.port, ['a'])), { isMoved: [true], error: null });
  const broken = await target((_, socket) => {
    socket.destroy();
    return null;
  });
  const outcome = await newSender().run(job(broken.port, ['a']));
  assert.deepEqual(outcome.isMoved, [false]);
  assert.match(outcome.error!, /^IOERR error or timeout (reading|writing) to target instance$/);
});

test('a connection that breaks between answers: what was acknowledged has moved, the rest stays', async () => {
  const server = await target(([, key], socket) => {
    if (key === 'b') socket.destroy();
    return key === 'b' ? null : '+OK\r\n';
  });
  assert.deepEqual(await newSender().run(job(server.port, ['a', 'b', 'c'])), {
    isMoved: [true, false, false],
    error: 'IOERR error or timeout reading to target instance',
  });
});

test('a silent target is given up after the time limit', async () => {
  const server = await target(() => null);
  assert.deepEqual(await newSender().run(job(server.port, ['a'], { timeoutMs: 500 })), {
    isMoved: [false],
    error: 'IOERR error or timeout reading to target instance',
  });
});

test('a refused connection shows itself as a failed write, an unknown host as a failed connection', async () => {
  const refused = await newSender().run(job(await freePort(), ['a']));
  assert.equal(refused.error, 'IOERR error or timeout writing to target instance');
  const unknown = await newSender().run(job(1, ['a'], { host: 'no-such-host.invalid' }));
  assert.equal(unknown.error, 'IOERR error or timeout connecting to the client');
});

test('payloads larger than a chunk arrive whole', async () => {
  const server = await target(OK);
  const payload = new Uint8Array(3_000_000).fill(0x78);
  const outcome = await newSender().run(job(server.port, [], { keys: [{ key: bytes('big'), payload, ttlMs: 0 }] }));
  assert.deepEqual(outcome, { isMoved: [true], error: null });
  assert.equal(server.requests[1]!.length, 'RESTORE-ASKING big 0 '.length + payload.length);
});

test('a target that does not speak RESP is an error', async () => {
  const server = await target(() => 'HTTP/1.1 400 Bad Request\r\n');
  const outcome = await newSender().run(job(server.port, ['a']));
  assert.equal(outcome.error, 'IOERR error or timeout reading to target instance');
});
