/** RESTORE of damaged payloads of hashes and sets: each is refused, or is a value that all commands can work with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

const FOOTER_BYTES = 10;

/** Bodies of payloads, without footer: those of the server, and old and new forms that it does not write. */
function bodies(server: InProcess): Buffer[] {
  const long = 'L'.repeat(65);
  for (const line of [
    'HSET h a 1 b two 300 -5 c 70000 d 5000000000',
    `HSET t a 1 b ${long}`,
    'SADD i 1 2 70000',
    'SADD j 1 5000000000',
    'SADD l a b 12 ccc',
  ])
    server.run(line);
  const dumped = ['h', 't', 'i', 'j', 'l'].map((key) => {
    const reply = server.run(`DUMP ${key}`);
    return Buffer.from(reply.slice(reply.indexOf('\n') + 1, -2), 'latin1').subarray(0, -FOOTER_BYTES);
  });
  const others = [
    '0912 02 03 666f6f 03 00 626172 01 6e 02 03 3130 000000 ff',
    '0d18 18000000 12000000 0400 00 01 61 03 f2 02 01 62 03 03 32 2e 35 ff',
    '140f 0f000000 0300 816102 816202 0101 ff',
  ];
  return [...dumped, ...others.map((hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex'))];
}

function mutated(body: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(body);
  for (let i = random.below(4); i >= 0; i--) {
    const at = 1 + random.below(bytes.length - 1);
    if (random.oneIn(2)) bytes[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xf4, 0xfe, 0xff]);
    else bytes[at] = bytes[at] ^ (1 << random.below(8));
  }
  return random.oneIn(8) ? bytes.subarray(0, 1 + random.below(bytes.length)) : bytes;
}

function sealed(body: Buffer): string {
  const writer = createDumpWriter(false);
  writer.bytesRange(body, 0, body.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1');
}

test('a damaged payload is refused or makes a sound value', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    const originals = bodies(server);
    let restoredCount = 0;
    for (let run = 0; run < fuzzIterations(4000); run++) {
      const payload = sealed(mutated(random.pick(originals), random));
      if (!server.runWords(['RESTORE', 'k', '0', payload, 'REPLACE']).startsWith('+OK')) continue;
      restoredCount++;
      const isHash = server.run('TYPE k') === '+hash\r\n';
      const commands = isHash
        ? ['HGETALL k', 'HSET k a 9 zz 8', 'HDEL k b', 'HRANDFIELD k -3', 'HINCRBY k new 5', 'HSCAN k 0', 'HLEN k']
        : ['SMEMBERS k', 'SADD k 7 zz', 'SREM k a 1', 'SRANDMEMBER k -3', 'SPOP k 1', 'SSCAN k 0', 'SCARD k'];
      for (const command of commands) assert.doesNotMatch(server.run(command), /^-/, command);
      const count = Number(/:(\d+)/.exec(server.run(isHash ? 'HLEN k' : 'SCARD k'))![1]);
      const listed = server.run(isHash ? 'HKEYS k' : 'SMEMBERS k');
      assert.ok(listed.startsWith(`*${count}\r\n`));
      const copy = server.run('DUMP k');
      const again = copy.slice(copy.indexOf('\n') + 1, -2);
      if (count > 0) assert.equal(server.runWords(['RESTORE', 'again', '0', again, 'REPLACE']), '+OK\r\n');
    }
    assert.ok(restoredCount > 0);
  });
});
