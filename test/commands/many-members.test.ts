/** Commands that name many members at once: the value is the same as if they had come one by one, also when most of them are there already. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';

const DIFFERENT = 300;
const NAMED = 8000;

const COMMANDS: Record<string, (index: number) => string[]> = {
  SADD: (index) => [`member:${index}`],
  HSET: (index) => [`field:${index}`, `value:${index}`],
  ZADD: (index) => [`${index % 7}`, `member:${index}`],
};

test('members named again and again in one command take no more room', { skip: needsServers('slotmesh') }, async () => {
  await withServers([{ kind: 'slotmesh' }], async ([server]) => {
    for (const [command, words] of Object.entries(COMMANDS)) {
      const named = Array.from({ length: NAMED }, (_, i) => words(i % DIFFERENT));
      for (let i = 0; i < DIFFERENT; i++) await server!.call(command, `${command}:one`, ...words(i));
      assert.equal(await server!.call(command, `${command}:many`, ...named.flat()), DIFFERENT);
      // On a value that is packed, and becomes a table meanwhile.
      await server!.call(command, `${command}:grown`, ...words(0));
      assert.equal(await server!.call(command, `${command}:grown`, ...named.flat()), DIFFERENT - 1);
      const [one, many, grown] = await Promise.all(
        ['one', 'many', 'grown'].map(async (name) => {
          const key = `${command}:${name}`;
          return {
            digest: await server!.call('DEBUG', 'DIGEST-VALUE', key),
            encoding: await server!.call('OBJECT', 'ENCODING', key),
            bytes: Number(await server!.call('MEMORY', 'USAGE', key)),
          };
        }),
      );
      for (const other of [many!, grown!]) {
        assert.deepEqual([other.digest, other.encoding], [one!.digest, one!.encoding], command);
        // Up to LOAD_MAX / LOAD_MIN times the buckets.
        assert.ok(other.bytes < one!.bytes * 2, `${command}: ${other.bytes} bytes, ${one!.bytes} one by one`);
      }
    }
  });
});
