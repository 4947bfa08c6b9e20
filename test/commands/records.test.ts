/**
 * The records of the string and key commands beside what the real server says about the same commands. Summaries are those of 7.2, and some tips and
 * deprecations came with it: there only the oracle's own are looked for.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { bitmapCommands } from '../../src/commands/bitmap-records.js';
import type { CommandRecord } from '../../src/commands/command.js';
import { dumpCommands } from '../../src/commands/dump-records.js';
import { expireCommands } from '../../src/commands/expire-records.js';
import { genericCommands } from '../../src/commands/generic-records.js';
import { geoCommands } from '../../src/commands/geo-records.js';
import { hashCommands } from '../../src/commands/hash-records.js';
import { hyperLogLogCommands } from '../../src/commands/hyperloglog-records.js';
import { listCommands } from '../../src/commands/list-records.js';
import { objectCommands } from '../../src/commands/object-records.js';
import { setCommands } from '../../src/commands/set-records.js';
import { sortCommands } from '../../src/commands/sort-records.js';
import { streamGroupCommands } from '../../src/commands/stream-group-records.js';
import { streamCommands } from '../../src/commands/stream-records.js';
import { stringCommands } from '../../src/commands/string-records.js';
import { zsetCombineCommands } from '../../src/commands/zset-combine-records.js';
import { zsetRangeCommands } from '../../src/commands/zset-range-records.js';
import { zsetCommands } from '../../src/commands/zset-records.js';
import { type Reply, ReplyReader } from '../../src/resp/reply-reader.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { InProcess } from './in-process.js';

const records: readonly CommandRecord[] = [
  ...stringCommands,
  ...bitmapCommands,
  ...hyperLogLogCommands,
  ...genericCommands,
  ...sortCommands,
  ...expireCommands,
  ...objectCommands,
  ...dumpCommands,
  ...hashCommands,
  ...setCommands,
  ...listCommands,
  ...zsetCommands,
  ...zsetRangeCommands,
  ...zsetCombineCommands,
  ...geoCommands,
  ...streamCommands,
  ...streamGroupCommands,
];

/** 7.2 gave them an option, so they differ from the oracle's. */
const CHANGED_SINCE: ReadonlySet<string> = new Set(['zrank', 'zrevrank']);

describe('redis-server says the same about', { skip: needsServers('redis') }, () => {
  let server: ServerProcess;
  let client: RespClient;
  const ours = new InProcess();

  before(async () => {
    server = await ServerProcess.start({ kind: 'redis' });
    client = await server.connect({ protocol: 3 });
    ours.server.reply.protocol = 3;
  });
  after(() => server.dispose());

  function ask(line: string): Reply {
    const reader = new ReplyReader({ bulk: 'text' });
    reader.feed(Buffer.from(ours.run(line), 'latin1'));
    const result = reader.next();
    assert.ok(result !== null && result.kind !== 'malformed');
    return result.value;
  }

  for (const { name } of records) {
    if (CHANGED_SINCE.has(name)) continue;
    test(`${name}: arity, flags, keys, categories`, async () => {
      const [expected] = (await client.call('COMMAND', 'INFO', name)) as Reply[];
      const [actual] = ask(`COMMAND INFO ${name}`) as Reply[];
      assert.deepEqual(plain(actual!), plain(expected!));
    });

    test(`${name}: syntax and history`, async () => {
      const expected = docsOf(await client.call('COMMAND', 'DOCS', name), name);
      const actual = docsOf(ask(`COMMAND DOCS ${name}`), name);
      for (const [field, value] of expected) {
        if (field !== 'summary' && field !== 'subcommands')
          assert.deepEqual(withoutDisplayText(actual.get(field)!), withoutDisplayText(value), field);
      }
    });
  }
});

function docsOf(reply: Reply, name: string): Map<string, Reply> {
  return (reply as Map<string, Reply>).get(name) as Map<string, Reply>;
}

/** Maps and sets as sorted arrays, as their order means nothing; subcommands in the order of their names. */
function plain(value: Reply): unknown {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, plain(each)]).sort();
  if (value instanceof Set) return [...value].map(plain).sort();
  if (!Array.isArray(value)) return value;
  const items = value.map(plain);
  const areCommands = items.length > 0 && items.every((item) => Array.isArray(item) && item.length === 10);
  return areCommands ? items.sort() : items;
}

/** 7.2 adds to each argument the text that syntax diagrams show. */
function withoutDisplayText(value: Reply): unknown {
  if (value instanceof Map)
    return Object.fromEntries(
      [...value].filter(([key]) => key !== 'display_text').map(([key, each]) => [key, withoutDisplayText(each)]),
    );
  if (value instanceof Set) return [...value].map(withoutDisplayText);
  return Array.isArray(value) ? value.map(withoutDisplayText) : value;
}
