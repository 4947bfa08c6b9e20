/** The conversation of MIGRATE with its target, a fake one. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MigrationSender } from '../../src/cluster/migration.js';
import { MigrationBatch } from '../../src/cluster/migration-batch.js';
import { connectTransport } from '../../src/server/transport.js';
import { type FakeServer, fakeServer, type Responder } from '../support/fake-server.js';
import { freePort } from '../support/ports.js';
import { waitFor } from '../support/wait-for.js';

const servers: FakeServer[] = [];
const senders: MigrationSender[] = [];
after(async () => {
  for (const sender of senders) sender.stop();
  await Promise.all(servers.map((server) => server.close()));
});

function newSender(): MigrationSender {
  const sender = new MigrationSender(connectTransport);
  senders.push(sender);
  return sender;
}

async function target(respond: Responder): Promise<FakeServer> {
  const server = await fakeServer(respond);
  servers.push(server);
  return server;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Key {
  name: string;
  payload: Uint8Array;
  ttlMs: number;
}

interface Job {
  host: string;
  port: number;
  database: number;
  timeoutMs: number;
  replaces: boolean;
  credentials: Uint8Array[] | null;
  keys: Key[];
  restoreCommand: string;
}

function job(port: number, names: string[], changes: Partial<Job> = {}): Job {
  return {
    host: '127.0.0.1',
    port,
    database: 0,
    timeoutMs: 20_000,
    replaces: false,
    credentials: null,
    keys: names.map((name) => ({ name, payload: bytes(`payload-${name}`), ttlMs: 0 })),
    restoreCommand: 'RESTORE-ASKING',
    ...changes,
  };
}

interface Outcome {
  isMoved: boolean[];
  error: string | null;
}

function run(sender: MigrationSender, job: Job): Promise<Outcome> {
  const batch = new MigrationBatch();
  if (job.credentials !== null) batch.authenticate(job.credentials);
  for (const { name, payload, ttlMs } of job.keys) {
    const key = bytes(`<${name}>`);
    batch.add(bytes(job.restoreCommand), key, 1, name.length, ttlMs, payload, job.replaces);
  }
  const { host, port, database, timeoutMs } = job;
  return new Promise((resolve) => {
    let hasReturned = false;
    let isDone = false;
    const done = (error: string | null): void => {
      assert.equal(isDone, false, 'done is called once');
      assert.equal(hasReturned, true, 'and not from within send');
      isDone = true;
      resolve({ isMoved: batch.isMoved.slice(0, batch.keyCount), error });
    };
    sender.send({ host, port, database, timeoutMs, batch, done });
    hasReturned = true;
  });
}

const OK: Responder = () => '+OK\r\n';

test('one pipeline with SELECT on a new connection; the next job uses the connection and does not select again', async () => {
  const server = await target(OK);
  const sender = newSender();
  assert.deepEqual(await run(sender, job(server.port, ['a', 'b'])), { isMoved: [true, true], error: null });
  assert.equal(sender.cachedCount, 1);
  await run(sender, job(server.port, ['c'], { replaces: true, keys: [{ name: 'c', payload: bytes('p'), ttlMs: 77 }] }));
  await run(sender, job(server.port, ['d'], { database: 3, restoreCommand: 'RESTORE' }));
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
  assert.deepEqual(await run(newSender(), job(server.port, ['a', 'b', 'c'])), {
    isMoved: [true, false, true],
    error: 'ERR Target instance replied with error: BUSYKEY b is there',
  });
});

test('after a refused AUTH or SELECT nothing counts as moved', async () => {
  for (const refused of ['AUTH', 'SELECT']) {
    const server = await target(([name]) => (name === refused ? `-ERR no ${name}\r\n` : '+OK\r\n'));
    const credentials = [bytes('someone'), bytes('secret')];
    assert.deepEqual(await run(newSender(), job(server.port, ['a'], { credentials })), {
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
  assert.deepEqual(await run(newSender(), job(flaky.port, ['a'])), { isMoved: [true], error: null });
  const broken = await target((_, socket) => {
    socket.destroy();
    return null;
  });
  const outcome = await run(newSender(), job(broken.port, ['a']));
  assert.deepEqual(outcome.isMoved, [false]);
  assert.match(outcome.error!, /^IOERR error or timeout (reading|writing) to target instance$/);
});

test('a connection that breaks between answers: what was acknowledged has moved, the rest stays', async () => {
  const server = await target(([, key], socket) => {
    if (key === 'b') socket.destroy();
    return key === 'b' ? null : '+OK\r\n';
  });
  assert.deepEqual(await run(newSender(), job(server.port, ['a', 'b', 'c'])), {
    isMoved: [true, false, false],
    error: 'IOERR error or timeout reading to target instance',
  });
});

test('a silent target is given up after the time limit', async () => {
  const server = await target(() => null);
  assert.deepEqual(await run(newSender(), job(server.port, ['a'], { timeoutMs: 500 })), {
    isMoved: [false],
    error: 'IOERR error or timeout reading to target instance',
  });
});

test('a time limit that no timer can have is kept all the same', async () => {
  const slow = await target((_, socket) => {
    setTimeout(() => socket.write('+OK\r\n'), 100);
    return null;
  });
  const outcome = await run(newSender(), job(slow.port, ['a'], { timeoutMs: Number.MAX_SAFE_INTEGER }));
  assert.deepEqual(outcome, { isMoved: [true], error: null });
});

test('a refused connection shows itself as a failed write, an unknown host as a failed connection', async () => {
  const refused = await run(newSender(), job(await freePort(), ['a']));
  assert.equal(refused.error, 'IOERR error or timeout writing to target instance');
  const unknown = await run(newSender(), job(1, ['a'], { host: 'no-such-host.invalid' }));
  assert.equal(unknown.error, 'IOERR error or timeout connecting to the client');
});

test('payloads larger than a chunk arrive whole', async () => {
  const server = await target(OK);
  const payload = new Uint8Array(3_000_000).fill(0x78);
  const outcome = await run(newSender(), job(server.port, [], { keys: [{ name: 'big', payload, ttlMs: 0 }] }));
  assert.deepEqual(outcome, { isMoved: [true], error: null });
  assert.equal(server.requests[1]!.length, 'RESTORE-ASKING big 0 '.length + payload.length);
});

test('a target that does not speak RESP is an error', async () => {
  const server = await target(() => 'HTTP/1.1 400 Bad Request\r\n');
  const outcome = await run(newSender(), job(server.port, ['a']));
  assert.equal(outcome.error, 'IOERR error or timeout reading to target instance');
});

test('a cached connection that the target has closed is replaced by a new one', async () => {
  const server = await target(OK);
  const sender = newSender();
  await run(sender, job(server.port, ['a']));
  server.disconnect();
  assert.deepEqual(await run(sender, job(server.port, ['b'])), { isMoved: [true], error: null });
  assert.equal(sender.cachedCount, 1);
});

test('a target that closes while the connection is idle is forgotten, and so is one that speaks unasked', async () => {
  const server = await target(OK);
  const sender = newSender();
  await run(sender, job(server.port, ['a']));
  server.disconnect();
  await waitFor(() => sender.cachedCount === 0, { what: 'the closed connection to be forgotten' });
  let speak = (): void => {};
  const chatty = await target((_, socket) => {
    speak = () => socket.write('+OK\r\n');
    return '+OK\r\n';
  });
  await run(sender, job(chatty.port, ['a']));
  assert.equal(sender.cachedCount, 1);
  speak();
  await waitFor(() => sender.cachedCount === 0, { what: 'the connection to be given up' });
});

test('a connection with one reply too many is not used again', async () => {
  const server = await target(([name]) => (name === 'SELECT' ? '+OK\r\n' : '+OK\r\n-ERR and more\r\n'));
  const sender = newSender();
  assert.deepEqual(await run(sender, job(server.port, ['a'])), { isMoved: [true], error: null });
  // The end may come in a read of its own; either way nothing is left that could be taken for an answer.
  await waitFor(() => sender.cachedCount === 0, { what: 'the connection to be given up' });
});

test('replies that arrive byte by byte, and errors between them', async () => {
  const replies = ['+OK\r\n', '+OK\r\n', '-BUSYKEY no\r\n', '+OK\r\n'];
  let sent = Promise.resolve();
  const server = await target((_, socket) => {
    const reply = replies.shift()!;
    sent = sent.then(async () => {
      for (const byte of reply) {
        socket.write(byte);
        await sleep(1);
      }
    });
    return null;
  });
  assert.deepEqual(await run(newSender(), job(server.port, ['a', 'b', 'c'])), {
    isMoved: [true, false, true],
    error: 'ERR Target instance replied with error: BUSYKEY no',
  });
});

test('the time limit is for each reply', async () => {
  let delayMs = 0;
  const server = await target((_, socket) => {
    delayMs += 300;
    setTimeout(() => socket.write('+OK\r\n'), delayMs);
    return null;
  });
  const outcome = await run(newSender(), job(server.port, ['a', 'b', 'c'], { timeoutMs: 900 }));
  assert.deepEqual(outcome, { isMoved: [true, true, true], error: null });
});

test('AUTH goes with every job, the wrong password of one is no matter of the next; after any error the database is selected anew', async () => {
  const server = await target(([name, word]) =>
    name === 'AUTH' && word !== 'right' ? '-WRONGPASS no\r\n' : '+OK\r\n',
  );
  const sender = newSender();
  const right = { credentials: [bytes('right')] };
  assert.equal((await run(sender, job(server.port, ['a'], right))).error, null);
  const refused = await run(sender, job(server.port, ['b'], { credentials: [bytes('wrong')] }));
  assert.deepEqual(refused, { isMoved: [false], error: 'ERR Target instance replied with error: WRONGPASS no' });
  assert.deepEqual(await run(sender, job(server.port, ['c'], right)), { isMoved: [true], error: null });
  await run(sender, job(server.port, ['d'], { credentials: [bytes('someone'), bytes('right')] }));
  assert.deepEqual(server.requests, [
    'AUTH right',
    'SELECT 0',
    'RESTORE-ASKING a 0 payload-a',
    'AUTH wrong',
    'RESTORE-ASKING b 0 payload-b',
    'AUTH right',
    'SELECT 0',
    'RESTORE-ASKING c 0 payload-c',
    'AUTH someone right',
    'RESTORE-ASKING d 0 payload-d',
  ]);
});

test('a target that does not read is given up, one that answers before it has read all is not trusted with a second job', async () => {
  const payload = new Uint8Array(64_000_000);
  const keys = [{ name: 'big', payload, ttlMs: 0 }];
  const deaf = await target(([name], socket) => {
    if (name === 'SELECT') socket.pause();
    return '+OK\r\n';
  });
  assert.deepEqual(await run(newSender(), job(deaf.port, [], { keys, timeoutMs: 500 })), {
    isMoved: [false],
    error: 'IOERR error or timeout writing to target instance',
  });
  const hasty = await target(([name], socket) => {
    if (name === 'SELECT') socket.pause();
    return '+OK\r\n+OK\r\n';
  });
  const sender = newSender();
  assert.deepEqual(await run(sender, job(hasty.port, [], { keys })), { isMoved: [true], error: null });
  assert.equal(sender.cachedCount, 0);
});

test('two jobs at a time have two connections, both of which are kept', async () => {
  const server = await target(OK);
  const sender = newSender();
  const outcomes = await Promise.all(['a', 'b'].map((name) => run(sender, job(server.port, [name]))));
  assert.deepEqual(outcomes, Array(2).fill({ isMoved: [true], error: null }));
  assert.equal(sender.cachedCount, 2);
});
