/**
 * The command table as clients read it at their start: COMMAND INFO and COMMAND DOCS of every command we have, beside those of the real server. Where
 * 7.2 differs from the real 7.0.15, the difference is listed here with its reason.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashExpireCommands } from '../../src/commands/hash-expire-records.js';
import type { Reply } from '../../src/resp/reply-reader.js';
import { useServers } from '../oracle/harness.js';
import { needsServers } from '../support/tools.js';

/** Commands and subcommands that 7.0 does not have. */
const NEW = new Set([
  'waitaof',
  'client|no-touch',
  'client|setinfo',
  'cluster|myshardid',
  'command|docs',
  'cluster|links',
  // Since 7.4 and 8.0.
  ...hashExpireCommands.map(({ name }) => name),
]);

/** What 7.2 says otherwise, by the path of the difference. */
const CHANGED = new Set([
  // Blocking commands may be called from scripts since 7.2, and WAIT counts as one.
  ...['blpop', 'brpop', 'blmove', 'brpoplpush', 'bzpopmin', 'bzpopmax', 'blmpop', 'bzmpop'].map(
    (name) => `${name}.flags`,
  ),
  'wait.flags',
  'wait.categories',
  'cluster|shards.flags',
  'cluster|slots.flags',
  // Served while an image is loaded, as in Valkey 8: redis-cli asks them right after it has told a node to replicate.
  'cluster|info.flags',
  'cluster|myid.flags',
  'cluster|nodes.flags',
  'command|getkeys.arity',
  'command|getkeysandflags.arity',
  // WITHSCORE
  ...['zrank', 'zrevrank'].flatMap((name) => [`${name}.arity`, `${name}.history`, `${name}.arguments`]),
]);

/** Deprecated in favour of SET's options since the documentation of 7.2. */
const DEPRECATED_LATER = new Set(['setex', 'psetex', 'setnx']);

interface Info {
  readonly name: string;
  readonly fields: Record<string, unknown>;
  readonly subcommands: readonly Info[];
}

const FIELDS = ['name', 'arity', 'flags', 'firstKey', 'lastKey', 'step', 'categories', 'tips', 'keySpecs'];

function readInfo(reply: Reply): Info {
  const values = plain(reply) as unknown[];
  const fields = Object.fromEntries(FIELDS.map((name, at) => [name, values[at]]));
  const subcommands = (values[9] as Reply[]).map(readInfo);
  return { name: String(values[0]), fields, subcommands };
}

/** Maps as objects, sets as arrays. */
function plain(reply: unknown): unknown {
  if (reply instanceof Map) return Object.fromEntries([...reply].map(([key, value]) => [key, plain(value)]));
  if (reply instanceof Set) return [...reply].map(plain);
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

function compareInfo(real: Info, ours: Info, differences: string[]): void {
  for (const name of FIELDS) {
    const [left, right] = [JSON.stringify(real.fields[name]), JSON.stringify(ours.fields[name])];
    const path = `${ours.name}.${name}`;
    if (left !== right && !CHANGED.has(path)) differences.push(`${path}: real ${left}, ours ${right}`);
  }
  for (const sub of ours.subcommands) {
    if (NEW.has(sub.name)) continue;
    const its = real.subcommands.find((other) => other.name === sub.name);
    if (its === undefined) differences.push(`${sub.name}: the real server has no such subcommand`);
    else compareInfo(its, sub, differences);
  }
}

function compareDocs(path: string, real: unknown, ours: unknown, differences: string[]): void {
  if (JSON.stringify(real) === JSON.stringify(ours) || CHANGED.has(path)) return;
  if (isRecord(real) && isRecord(ours)) {
    for (const key of Object.keys(ours)) {
      // All summaries were rewritten for 7.2.
      if (key === 'summary' || NEW.has(key)) continue;
      const isLater = ['doc_flags', 'deprecated_since', 'replaced_by'].includes(key) && DEPRECATED_LATER.has(path);
      if (!isLater) compareDocs(`${path}.${key}`, real[key], ours[key], differences);
    }
    for (const key of Object.keys(real))
      if (!(key in ours) && !path.endsWith('.subcommands')) differences.push(`${path}.${key} is missing`);
    return;
  }
  if (Array.isArray(real) && Array.isArray(ours) && real.length === ours.length) {
    for (const [at, value] of real.entries()) compareDocs(`${path}.${at}`, value, ours[at], differences);
    return;
  }
  differences.push(`${path}: real ${JSON.stringify(real)}, ours ${JSON.stringify(ours)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('the command table', { skip: needsServers('redis', 'slotmesh') }, () => {
  const servers = useServers('slotmesh');
  const clients = () => Promise.all([servers().oracle, servers().subject].map((each) => each.connect({ protocol: 3 })));

  /** Commands without their subcommands. */
  async function commandNames(): Promise<string[]> {
    return ((await servers().subject.call('COMMAND', 'LIST')) as string[]).filter((name) => !name.includes('|'));
  }

  test('COMMAND INFO of every command is the real one’s', async () => {
    const [real, ours] = await clients();
    const differences: string[] = [];
    for (const name of await commandNames()) {
      if (NEW.has(name)) continue;
      const [left, right] = await Promise.all([real!, ours!].map((each) => each.call('COMMAND', 'INFO', name)));
      compareInfo(readInfo((left as Reply[])[0]!), readInfo((right as Reply[])[0]!), differences);
    }
    assert.deepEqual(differences, []);
  });

  test('COMMAND DOCS of every command is the real one’s but for the summaries', async () => {
    const [real, ours] = await clients();
    const differences: string[] = [];
    for (const name of await commandNames()) {
      if (NEW.has(name)) continue;
      const [left, right] = await Promise.all([real!, ours!].map((each) => each.call('COMMAND', 'DOCS', name)));
      const [theirs, its] = [plain(left), plain(right)].map((docs) => (docs as Record<string, unknown>)[name]);
      assert.ok(String((its as Record<string, unknown>)['summary']).length > 0, name);
      compareDocs(name, theirs, its, differences);
    }
    assert.deepEqual(differences, []);
  });

  test('COMMAND, COMMAND LIST, COUNT and DOCS speak of the same commands', async () => {
    const [, ours] = await clients();
    const names = await commandNames();
    assert.equal(await ours!.call('COMMAND', 'COUNT'), names.length);
    const all = ((await ours!.call('COMMAND')) as Reply[][]).map((info) => info[0]);
    assert.deepEqual([...all].sort(), [...names].sort());
    const documented = [...((await ours!.call('COMMAND', 'DOCS')) as Map<string, Reply>).keys()];
    assert.deepEqual(documented.sort(), [...names].sort());
  });

  test('COMMAND and COMMAND DOCS say again what they said first, in each protocol', async () => {
    const { subject } = servers();
    const [resp2, resp3] = [await subject.connect({ protocol: 2 }), await subject.connect({ protocol: 3 })];
    for (const words of [['COMMAND'], ['COMMAND', 'DOCS']] as [string, ...string[]][]) {
      const first = await resp3.call(...words);
      const flat = await resp2.call(...words);
      assert.deepEqual(await resp3.call(...words), first);
      assert.deepEqual(await resp2.call(...words), flat);
      assert.notDeepEqual(flat, first);
    }
  });

  test('the members of each ACL category are the real one’s, as far as we have the commands', async () => {
    const [real, ours] = await clients();
    const known = new Set((await ours!.call('COMMAND', 'LIST')) as string[]);
    const categories =
      'keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection transaction scripting';
    for (const category of categories.split(' ')) {
      const lists = await Promise.all(
        [real!, ours!].map((each) => each.call('COMMAND', 'LIST', 'FILTERBY', 'ACLCAT', category)),
      );
      const [left, right] = lists.map((list) =>
        (list as string[]).filter((name) => known.has(name) && !NEW.has(name) && name !== 'wait').sort(),
      );
      assert.deepEqual(right, left, category);
    }
  });
});
