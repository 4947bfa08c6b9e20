/** Peers that misbehave, and nodes that send the client elsewhere, beside redis-cli: played by servers that answer as a case wants. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FakeServer, fakeServer, type Responder } from '../support/fake-server.js';
import { freePort } from '../support/ports.js';
import { needs } from '../support/tools.js';
import { at, compare } from './twin-tools.js';

suite('peers, beside redis-cli', { skip: needs('redis-cli') }, () => {
  test('a peer that misbehaves is told as by redis-cli', async () => {
    const answers = [
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      '$abc\r\n',
      ':x\r\n',
      '#x\r\n',
      ',x\r\n',
      '*2\r\n+a\r\n',
      '',
      '-ERR a\r\n',
      '+x\r\n+unasked\r\n',
    ];
    for (const answer of answers)
      await onFake(
        () => answer,
        true,
        (port) => compare(at(port, 'get a')),
      );
    await onFake(
      () => '',
      true,
      (port) => compare(at(port, 'shutdown')),
    );
    await onFake(
      () => '',
      true,
      (port) => compare(at(port, ''), { input: 'get a\nget b\n' }),
    );
    await onFake(
      () => '-ERR no SCAN here\r\n',
      false,
      (port) => compare(at(port, '--scan')),
    );
    await onFake(
      () => '+OK\r\n',
      false,
      (port) => compare(at(port, '--scan')),
    );
    await onFake(
      () => '+OK\r\n',
      false,
      (port) => compare(at(port, '--bigkeys')),
    );
  });

  test('a keyspace that is not what it was when it was listed is told as by redis-cli', async () => {
    const replies: Record<string, string> = {
      DBSIZE: ':3\r\n',
      'SCAN 0': '*2\r\n$1\r\n7\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n',
      'SCAN 7': '*2\r\n$1\r\n0\r\n*1\r\n$1\r\nc\r\n',
      'TYPE a': '+string\r\n',
      'TYPE b': '+none\r\n',
      'TYPE c': '+list\r\n',
      'STRLEN a': '-WRONGTYPE not a string any more\r\n',
      'LLEN c': ':5\r\n',
      'MEMORY USAGE a': '$-1\r\n',
      'MEMORY USAGE c': ':70\r\n',
      'OBJECT FREQ a': ':3\r\n',
      'OBJECT FREQ b': '$-1\r\n',
      'OBJECT FREQ c': ':9\r\n',
    };
    const respond: Responder = (args) => replies[args.join(' ')] ?? '-ERR unknown\r\n';
    for (const mode of ['--bigkeys', '--memkeys', '--hotkeys', '--scan'])
      await onFake(respond, false, (port) => compare(at(port, mode)));
    for (const missing of ['TYPE c', 'OBJECT FREQ c']) {
      const refused: Responder = (args, socket) =>
        args.join(' ') === missing ? '-ERR refused\r\n' : respond(args, socket);
      for (const mode of ['--bigkeys', '--hotkeys']) await onFake(refused, false, (port) => compare(at(port, mode)));
    }
  });

  test('redirections are followed with -c alone, and told as by redis-cli', async () => {
    await withFakes(2, async ([first, second]) => {
      const answer = (text: string) => () => text;
      for (const kind of ['MOVED', 'ASK']) {
        first!.respond = answer(`-${kind} 12182 127.0.0.1:${second!.port}\r\n`);
        second!.respond = answer('+OK\r\n');
        second!.takeRequests();
        await compare(at(first!.port, '-c set foo bar'));
        assert.deepEqual(
          second!.takeRequests(),
          repeated(kind === 'ASK' ? ['ASKING', 'set foo bar'] : ['set foo bar']),
        );
        await compare(at(first!.port, 'set foo bar'));
        await compare(at(first!.port, '-e set foo bar'));
        await compare(at(first!.port, '-c'), { input: 'set foo bar\nget a\n' });
        await compare(at(first!.port, '-c --no-raw'), { input: 'multi\n2 set foo bar\nexec\n' });
        await compare(at(first!.port, '-c -r 2 set foo bar'));
      }
      first!.respond = answer(`-MOVED 1 127.0.0.1:${second!.port}\r\n`);
      second!.respond = (_, socket) => {
        socket.end('*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n');
        return null;
      };
      await compare(at(first!.port, '-c ssubscribe a'));
      await compare(at(first!.port, '--no-raw ssubscribe a'));
      first!.respond = answer(`-MOVED 1 127.0.0.1:${await freePort()}\r\n`);
      await compare(at(first!.port, '-c get foo'));
      await compare(at(first!.port, '-c'), { input: 'get foo\n' });
    });
  });
});

/** What both tools together send. */
function repeated(requests: string[]): string[] {
  return [...requests, ...requests];
}

interface Fake {
  readonly port: number;
  respond: Responder;
  takeRequests(): string[];
}

async function withFakes(count: number, body: (fakes: Fake[]) => Promise<void>): Promise<void> {
  const fakes: Fake[] = [];
  const servers: FakeServer[] = [];
  for (let at = 0; at < count; at++) {
    const server = await fakeServer((args, socket) => fakes[at]!.respond(args, socket));
    servers.push(server);
    fakes.push({ port: server.port, respond: () => null, takeRequests: () => server.requests.splice(0) });
  }
  try {
    await body(fakes);
  } finally {
    for (const server of servers) await server.close();
  }
}

/** @param isLast whether the peer closes the connection behind its answer */
async function onFake(respond: Responder, isLast: boolean, body: (port: number) => Promise<unknown>): Promise<void> {
  await withFakes(1, async ([fake]) => {
    fake!.respond = (args, socket) => {
      const answer = respond(args, socket);
      if (!isLast) return answer;
      socket.end(answer ?? '');
      return null;
    };
    await body(fake!.port);
  });
}
