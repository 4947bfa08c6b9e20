/** DUMP: its payload is written where the reply is, whatever stands there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { writeValue } from '../../src/persistence/rdb/keyspace-rdb.js';
import { Random } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

/** Fills `large`: a list of some 60 nodes, of which the first are shorter, compressed, than the others. */
function fill(server: InProcess): void {
  const random = new Random(1);
  for (let i = 0; i < 6000; i++) {
    const text = Array.from({ length: 40 }, () => (i < 2000 ? 'x' : String.fromCharCode(33 + random.below(90))));
    server.runWords(['RPUSH', 'large', text.join('')]);
  }
  server.run('SET small value');
}

/** The reply to DUMP as a writer of its own makes it. */
function replyFor({ server }: InProcess, key: string): string {
  const { keyspace } = server;
  const ref = keyspace.databases[0]!.find(Buffer.from(key), 0, key.length);
  const writer = createDumpWriter(true);
  writeValue(writer, keyspace, ref);
  sealDumpPayload(writer);
  return `$${writer.length}\r\n${Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1')}\r\n`;
}

test('a payload is the same whether its reply is the first or one of many', () => {
  const server = new InProcess();
  fill(server);
  const small = replyFor(server, 'small');
  const large = replyFor(server, 'large');
  assert.ok(large.length > 70_000, 'more than the reply has room for at first');
  assert.equal(server.run('DUMP small'), small);
  assert.ok(server.run('DUMP large') === large);
  server.run('MULTI');
  for (const key of ['large', 'small', 'none', 'large']) server.run(`DUMP ${key}`);
  assert.ok(server.run('EXEC') === `*4\r\n${large}${small}$-1\r\n${large}`);
});

test('a payload that no buffer can hold is an error, and the replies before it stay', () => {
  const server = new InProcess();
  fill(server);
  const small = replyFor(server, 'small');
  const { reply } = server.server;
  const { bulkRoom } = reply;
  reply.bulkRoom = (byteCount, kept) => {
    if (byteCount > 50_000) throw new RangeError('too large');
    return bulkRoom.call(reply, byteCount, kept);
  };
  const refusal = '-ERR The value is too large to be serialized\r\n';
  assert.equal(server.run('DUMP large'), refusal);
  assert.equal(server.run('MIGRATE 127.0.0.1 1 large 0 100'), refusal);
  server.run('MULTI');
  for (const key of ['small', 'large', 'small']) server.run(`DUMP ${key}`);
  assert.equal(server.run('EXEC'), `*3\r\n${small}${refusal}${small}`);
});
