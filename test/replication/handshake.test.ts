/** The replica's handshake as a dialogue of lines: what is sent, and what each answer leads to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Handshake, type HandshakeRequest } from '../../src/replication/handshake.js';
import type { ReplicationOptions } from '../../src/replication/host.js';

const ID = '0123456789abcdef0123456789abcdef01234567';

const PLAIN = {
  port: 7001,
  tlsPort: 0,
  tlsReplication: false,
  masterauth: '',
  masteruser: '',
  replicaAnnouncePort: 0,
  replicaAnnounceIp: '',
} as ReplicationOptions;

function handshake(
  options: Partial<ReplicationOptions> = {},
  request: HandshakeRequest = { resume: null, isFailover: false },
) {
  return new Handshake(
    { ...PLAIN, ...options },
    () => request,
    () => {},
  );
}

function sent(step: ReturnType<Handshake['line']>): string {
  assert.equal(step.kind, 'send');
  return Buffer.from((step as { bytes: Uint8Array }).bytes).toString();
}

test('a plain handshake says what redis-server says, and which RDB of Valkey is understood, byte for byte', () => {
  const talk = handshake();
  assert.equal(Buffer.from(talk.greeting()).toString(), '*1\r\n$4\r\nPING\r\n');
  assert.equal(
    sent(talk.line('+PONG')),
    '*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n7001\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n*3\r\n$8\r\nREPLCONF\r\n$7\r\nversion\r\n$5\r\n9.0.0\r\n',
  );
  for (let i = 0; i < 2; i++) assert.equal(talk.line('+OK').kind, 'wait');
  assert.equal(sent(talk.line('+OK')), '*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n');
  assert.equal(talk.line('').kind, 'wait', 'a keepalive');
  assert.deepEqual(talk.line(`+FULLRESYNC ${ID} 42`), { kind: 'full', id: ID, offset: 42 });
});

test('credentials and announced addresses are sent in their places, and answered in order', () => {
  const talk = handshake({
    masterauth: 'secret',
    masteruser: 'copier',
    replicaAnnounceIp: '10.0.0.9',
    replicaAnnouncePort: 9999,
  });
  const introduction = sent(talk.line('-NOAUTH Authentication required.'));
  const words = introduction.split('\r\n').filter((word) => word !== '' && !/^[*$]\d/.test(word));
  assert.equal(
    words.join(' '),
    'AUTH copier secret REPLCONF listening-port 9999 REPLCONF ip-address 10.0.0.9 REPLCONF capa eof capa psync2 REPLCONF version 9.0.0',
  );
  for (let i = 0; i < 4; i++) assert.equal(talk.line('+OK').kind, 'wait');
  assert.match(sent(talk.line('+OK')), /PSYNC/);
});

test('a known history is asked for by its id and the first byte that is missing', () => {
  const talk = handshake({}, { resume: { id: ID, offset: 131 }, isFailover: true });
  talk.line('+PONG');
  talk.line('+OK');
  talk.line('+OK');
  const words = sent(talk.line('+OK'))
    .split('\r\n')
    .filter((word) => word !== '' && !/^[*$]\d/.test(word));
  assert.deepEqual(words, ['PSYNC', ID, '131', 'FAILOVER']);
  assert.deepEqual(talk.line('+CONTINUE'), { kind: 'continue', id: '' });
});

test('what the primary may answer to PING, and what ends the handshake', () => {
  for (const line of ['+PONG', '-NOAUTH x', '-NOPERM x', '-ERR operation not permitted'])
    assert.equal(handshake().line(line).kind, 'send');
  for (const line of ['-LOADING x', '-MASTERDOWN x', '-ERR max number of clients reached'])
    assert.equal(handshake().line(line).kind, 'failed');
  const refused = handshake({ masterauth: 'wrong' });
  refused.line('+PONG');
  assert.equal(refused.line('-WRONGPASS x').kind, 'failed');
});

test('what the primary may answer to PSYNC', () => {
  const answer = (line: string) => {
    const talk = handshake();
    const refused = (option: string): string => `-ERR Unrecognized REPLCONF option: ${option}`;
    for (const earlier of ['+PONG', '+OK', refused('capa'), refused('version')]) talk.line(earlier);
    return talk.line(line);
  };
  assert.deepEqual(answer(`+CONTINUE ${ID}`), { kind: 'continue', id: ID });
  assert.deepEqual(answer('+CONTINUE short'), { kind: 'continue', id: '' });
  assert.deepEqual(answer('+FULLRESYNC short 1'), { kind: 'full', id: '', offset: 0 });
  assert.equal(answer("-NOMASTERLINK Can't SYNC while not connected with my master").kind, 'failed');
  assert.equal(answer('-LOADING x').kind, 'failed');
  for (const line of ['-ERR unknown command', '-FOO', 'garbage']) assert.equal(answer(line).kind, 'sync');
});
