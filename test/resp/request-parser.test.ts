/** Requests, in any pieces, and the texts of protocol errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from '../../src/resp/quoted-words.js';
import { Request } from '../../src/resp/request.js';
import {
  PARSE_EMPTY,
  PARSE_ERROR,
  PARSE_INCOMPLETE,
  PARSE_REQUEST,
  parseRequest,
  RequestState,
} from '../../src/resp/request-parser.js';
import { cpuMs } from '../support/cpu-time.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

/** Feeds a parser as a connection does: what is left incomplete is kept, and given again with more behind it. */
class Feeder {
  readonly requests: string[][] = [];
  readonly state = new RequestState();
  error: string | null = null;
  private readonly request = new Request(4);
  private pending = new Uint8Array(0);

  feed(piece: Uint8Array): void {
    if (this.error !== null) return;
    const bytes = new Uint8Array(this.pending.length + piece.length);
    bytes.set(this.pending);
    bytes.set(piece, this.pending.length);
    this.state.position = 0;
    for (;;) {
      const before = this.state.position;
      const code = parseRequest(bytes, bytes.length, this.request, this.state);
      if (code === PARSE_INCOMPLETE) {
        assert.equal(this.state.position, before, 'an incomplete request stays where it begins');
        break;
      }
      if (code === PARSE_ERROR) {
        this.error = this.state.error;
        return;
      }
      assert.ok(this.state.position > before && this.state.position <= bytes.length, 'the position advances');
      if (code === PARSE_REQUEST) this.requests.push(this.words(bytes.length));
      else assert.equal(code, PARSE_EMPTY);
    }
    this.pending = bytes.slice(this.state.position);
  }

  private words(end: number): string[] {
    const { request } = this;
    return Array.from({ length: request.argc }, (_, i) => {
      assert.ok(request.starts[i] >= 0 && request.lengths[i] >= 0);
      assert.ok(request.starts[i] + request.lengths[i] <= Math.max(end, request.bytes.length));
      return request.latin1(i);
    });
  }
}

function parseAll(text: string, setUp: (state: RequestState) => void = () => {}): Feeder {
  const feeder = new Feeder();
  setUp(feeder.state);
  feeder.feed(bytesOf(text));
  return feeder;
}

const PIPELINE: readonly [text: string, requests: string[][]][] = [
  [encode(['SET', 'key', 'value']), [['SET', 'key', 'value']]],
  [encode(['GET', '']), [['GET', '']]],
  ['PING\r\n', [['PING']]],
  ['\r\n', []],
  ['  set  k   v \n', [['set', 'k', 'v']]],
  ['*0\r\n', []],
  ['*-1\r\n', []],
  ['set "a b\\n\\x41\\"" \'c\\\'d\'\r\n', [['set', 'a b\nA"', "c'd"]]],
  [encode(['SET', 'k', '*3\r\n$3\r\nSET\r\n']), [['SET', 'k', '*3\r\n$3\r\nSET\r\n']]],
  [
    encode(['MSET', ...Array.from({ length: 100 }, (_, i) => `word${i}`)]),
    [['MSET', ...Array.from({ length: 100 }, (_, i) => `word${i}`)]],
  ],
  [encode(['SET', 'k', 'x'.repeat(300)]), [['SET', 'k', 'x'.repeat(300)]]],
];
const pipelineText = PIPELINE.map(([text]) => text).join('');
const pipelineRequests = PIPELINE.flatMap(([, requests]) => requests);

test('a pipeline of all kinds of requests', () => {
  const feeder = parseAll(pipelineText);
  assert.deepEqual(feeder.requests, pipelineRequests);
  assert.equal(feeder.error, null);
});

test('the same requests come out wherever the input is split in two', () => {
  const bytes = bytesOf(pipelineText);
  for (let at = 1; at < bytes.length; at++) {
    const feeder = new Feeder();
    feeder.feed(bytes.slice(0, at));
    feeder.feed(bytes.slice(at));
    assert.deepEqual(feeder.requests, pipelineRequests, `split at ${at}`);
  }
});

test('the same requests come out byte by byte', () => {
  const feeder = new Feeder();
  for (const byte of bytesOf(pipelineText)) feeder.feed(Uint8Array.of(byte));
  assert.deepEqual(feeder.requests, pipelineRequests);
});

test('what is not looked at may be anything: the byte after a header CR, and the two after a bulk', () => {
  assert.deepEqual(parseAll('*1\rX$4\rXPINGXX').requests, [['PING']]);
});

test('protocol errors have the texts of Redis, and requests before them are served', () => {
  const cases: [input: string, error: string][] = [
    ['*x\r\n', 'Protocol error: invalid multibulk length'],
    ['*\r\n', 'Protocol error: invalid multibulk length'],
    ['*01\r\n', 'Protocol error: invalid multibulk length'],
    ['*+1\r\n', 'Protocol error: invalid multibulk length'],
    ['* 1\r\n', 'Protocol error: invalid multibulk length'],
    ['*-0\r\n', 'Protocol error: invalid multibulk length'],
    ['*2147483648\r\n', 'Protocol error: invalid multibulk length'],
    ['*99999999999999999999\r\n', 'Protocol error: invalid multibulk length'],
    ['*1\r\nPING\r\n', "Protocol error: expected '$', got 'P'"],
    ['*1\r\n:4\r\n', "Protocol error: expected '$', got ':'"],
    ['*1\r\n$x\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$-1\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$04\r\nPING\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$536870913\r\n', 'Protocol error: invalid bulk length'],
    ['SET "k\r\n', 'Protocol error: unbalanced quotes in request'],
    ['SET "k"x\r\n', 'Protocol error: unbalanced quotes in request'],
    ["SET 'k\r\n", 'Protocol error: unbalanced quotes in request'],
  ];
  for (const [input, error] of cases) {
    const feeder = parseAll(`PING\r\n${input}PING\r\n`);
    assert.equal(feeder.error, error, JSON.stringify(input));
    assert.deepEqual(feeder.requests, [['PING']]);
  }
});

test('an inline line without quotes has the words that splitWords finds in it', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let i = 0; i < fuzzIterations(2000); i++) {
      const letters = Array.from({ length: random.below(12) }, () => random.pick([...'ab\\\xff \t\r\v\f']));
      const line = `x${letters.join('')}`;
      const feeder = new Feeder();
      feeder.feed(bytesOf(`${line}\n`));
      assert.deepEqual(feeder.requests, [splitWords(line)], JSON.stringify(line));
    }
  });
});

test('lines without an end are refused once they are longer than 64 KiB', () => {
  for (const [start, error] of [
    ['', 'Protocol error: too big inline request'],
    ['*', 'Protocol error: too big mbulk count string'],
    ['*1\r\n$', 'Protocol error: too big bulk count string'],
  ]) {
    assert.equal(parseAll(start + '1'.repeat(65_000)).error, null);
    assert.equal(parseAll(start + '1'.repeat(65_537)).error, error);
  }
});

test('before authentication, requests of more than 10 words or with words above 16 KiB are refused', () => {
  const unauthenticated = (state: RequestState): void => {
    state.isAuthenticated = false;
  };
  assert.equal(parseAll('*11\r\n', unauthenticated).error, 'Protocol error: unauthenticated multibulk length');
  assert.equal(parseAll('*10\r\n', unauthenticated).error, null);
  assert.equal(parseAll('*1\r\n$16385\r\n', unauthenticated).error, 'Protocol error: unauthenticated bulk length');
  assert.equal(parseAll('*1\r\n$16384\r\n', unauthenticated).error, null);
});

test('proto-max-bulk-len bounds a word', () => {
  const bounded = (state: RequestState): void => {
    state.bulkBytesMax = 1000;
  };
  assert.equal(parseAll('*1\r\n$1000\r\n', bounded).error, null);
  assert.equal(parseAll('*1\r\n$1001\r\n', bounded).error, 'Protocol error: invalid bulk length');
});

test('an announced count or length allocates nothing', () => {
  const request = new Request(4);
  const bytes = bytesOf('*2147483647\r\n$3\r\nGET\r\n$536870912\r\nx');
  assert.equal(parseRequest(bytes, bytes.length, request, new RequestState()), PARSE_INCOMPLETE);
  assert.equal(request.starts.length, 4);
});

test('while a large word arrives, nothing is scanned again', () => {
  const state = new RequestState();
  const request = new Request(4);
  const length = 32 * 1024 * 1024;
  const bytes = new Uint8Array(length + 64);
  const head = bytesOf(`*1\r\n$${length}\r\n`);
  bytes.set(head);
  const startMs = cpuMs();
  for (let end = head.length; end < head.length + length; end += 1024)
    assert.equal(parseRequest(bytes, end, request, state), PARSE_INCOMPLETE);
  assert.equal(parseRequest(bytes, head.length + length + 2, request, state), PARSE_REQUEST);
  // Scanning each time would take many minutes.
  assert.ok(cpuMs() - startMs < 2000);
  assert.equal(request.lengths[0], length);
});

test('a request of many words that comes in many packets is not gone through again with each, whatever others send in between', () => {
  const words = Array.from({ length: 300_000 }, (_, i) => `word${i}`);
  const bytes = bytesOf(encode(words));
  const other = bytesOf(encode(['SET', 'key', 'value']));
  const request = new Request(4);
  const state = new RequestState();
  const otherState = new RequestState();
  const startMs = cpuMs();
  for (let end = 1; end < bytes.length; end += 1024) {
    assert.equal(parseRequest(bytes, end, request, state), PARSE_INCOMPLETE);
    otherState.position = 0;
    assert.equal(parseRequest(other, other.length, request, otherState), PARSE_REQUEST);
    assert.equal(request.latin1(2), 'value');
  }
  assert.equal(parseRequest(bytes, bytes.length, request, state), PARSE_REQUEST);
  // Going through all words each time would take many seconds.
  assert.ok(cpuMs() - startMs < 2000);
  assert.equal(request.argc, words.length);
  for (const at of [0, 1, 63, 64, 65, 1000, words.length - 1]) assert.equal(request.latin1(at), words[at]);
});

test('any bytes in any pieces end in requests, a wait, or an error, and the pieces make no difference', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const startMs = cpuMs();
    for (let i = 0; i < fuzzIterations(20_000); i++) {
      const input = mutated(random);
      const whole = new Feeder();
      whole.feed(input);
      const pieces = new Feeder();
      for (let at = 0; at < input.length; ) {
        const length = 1 + random.below(random.oneIn(3) ? 3 : 60);
        pieces.feed(input.slice(at, at + length));
        at += length;
      }
      assert.deepEqual(pieces.requests, whole.requests);
      assert.equal(pieces.error, whole.error);
    }
    assert.ok(cpuMs() - startMs < 1000 + fuzzIterations(20_000) * 5);
  });
});

/** A valid pipeline with a few bytes changed, inserted, taken out or cut off, mostly where it matters. */
function mutated(random: Random): Uint8Array {
  const parts = Array.from({ length: 1 + random.below(4) }, () => random.pick(PIPELINE)[0]);
  const bytes = [...bytesOf(parts.join(''))];
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const byte = random.oneIn(2) ? random.pick([...bytesOf('*$\r\n-0123456789"\' \\x\0')]) : random.below(256);
    switch (random.below(4)) {
      case 0:
        bytes[at] = byte;
        break;
      case 1:
        bytes.splice(at, 0, byte);
        break;
      case 2:
        bytes.splice(at, 1 + random.below(5));
        break;
      default:
        bytes.length = Math.min(bytes.length, at);
    }
  }
  return Uint8Array.from(bytes);
}
