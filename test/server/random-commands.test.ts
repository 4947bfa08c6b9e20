/**
 * No request may end the process: valid names with arguments that are partly right, partly nonsense, from several connections at once, in both protocols,
 * in and out of transactions. The server must live, and go on to answer. Arguments are made from what COMMAND DOCS says about each command.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { fuzzIterations, fuzzSeed, Random } from '../support/fuzz.js';
import { type CommandDoc, RandomRequests, readCommandDocs, type Vocabulary } from '../support/random-requests.js';
import { RawConnection, request } from '../support/raw-connection.js';
import { type ServerConfig, type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';

/** Commands that end the server or its connections on purpose, hold it up, or reach out to others; settings have a test of their own. */
const LEFT_OUT = /^(shutdown|debug|monitor|client\|(pause|kill|reply)|config\|set|cluster\|meet|module.*)$/;

/** Subcommands of DEBUG that may be called with anything. */
const DEBUG_SUBCOMMANDS =
  'OBJECT SDSLEN DIGEST DIGEST-VALUE PROTOCOL ERROR LOG HTSTATS HTSTATS-KEY LISTPACK QUICKLIST STRINGMATCH-TEST STRUCTSIZE HELP REPLYBUFFER MALLCTL';

const NUMBERS =
  '0 1 -1 2 3 7 10 100 1000 65536 2147483647 2147483648 -2147483648 4294967296 9007199254740993 9223372036854775807 -9223372036854775808 18446744073709551616';
const FLOATS = '0.5 -1.5 1e3 1e400 -1e400 nan inf -inf +inf 0x1p3 1e-400 .5 5. (1 (1.5 -0 1e5e5';
const WORDS = '"" * ? [a-z] k* ( ) [ - + # ~ $ . @all | -- NX XX GT LT MATCH COUNT TYPE LIMIT STORE WITHSCORES WEIGHTS';

/** Makes a primary with room and all slots out of whatever the server has become. */
const PUT_BACK = [
  ['REPLICAOF', 'NO', 'ONE'],
  ['FLUSHALL'],
  ['CLUSTER', 'RESET'],
  ['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'],
];

const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', '{t}a', '{t}b', ''];

const vocabulary: Vocabulary = {
  numbers: NUMBERS.split(' '),
  floats: FLOATS.split(' '),
  patterns: ['*', 'k*', '[a-', '\\', '?', 'x'.repeat(100), ''],
  words: WORDS.split(' '),
  items: Array.from({ length: 10 }, (_, i) => `e${i}`),
  key: (random) => random.pick(KEYS),
  text: (random) =>
    random.oneIn(2)
      ? Buffer.from(random.bytes(random.below(30))).toString('latin1')
      : 'x'.repeat(random.below(random.oneIn(20) ? 50_000 : 300)),
};

async function readCommands(client: RespClient): Promise<CommandDoc[]> {
  const found = (await readCommandDocs(client)).filter(({ words }) => !LEFT_OUT.test(words.join('|')));
  for (const name of DEBUG_SUBCOMMANDS.split(' ')) found.push({ words: ['debug', name], group: 'server', args: [] });
  return found;
}

/** Sends `count` random requests over several connections and checks every now and then that the server answers. */
async function bombard(server: ServerProcess, random: Random, count: number): Promise<void> {
  const control = await server.connect({ protocol: 3 });
  await control.call('CONFIG', 'SET', 'proto-max-bulk-len', '1mb', 'lfu-log-factor', '1');
  const requests = new RandomRequests(random, await readCommands(control), vocabulary);
  const batchSize = 50;
  let last: string[] = [];
  try {
    for (let sent = 0; sent < count; sent += batchSize) {
      const connection = await RawConnection.connect({ host: '127.0.0.1', port: server.port });
      last = Array.from({ length: batchSize }, () => request(...requests.next()));
      if (random.oneIn(3)) last.unshift(request('HELLO', '3'));
      if (random.oneIn(3)) last.splice(random.below(20), 0, request('MULTI'));
      if (random.oneIn(3)) last.push(request('EXEC'));
      connection.send(last.join(''));
      // Whatever role and state the server has come to, this is answered.
      assert.equal(typeof (await control.call('COMMAND', 'COUNT')), 'number');
      if (random.oneIn(10)) for (const words of PUT_BACK) await control.call(...words).catch(() => {});
      connection.close();
    }
    assert.equal(typeof (await control.call('COMMAND', 'COUNT')), 'number');
  } catch (error) {
    const requestsText = last.map((each) => JSON.stringify(each.slice(0, 300))).join('\n');
    (error as Error).message += `\nlast requests:\n${requestsText}\n${server.output.slice(-4000)}`;
    throw error;
  }
}

for (const kind of serversUnderTest()) {
  const modes: Record<string, ServerConfig> = {
    'in memory': { 'latency-monitor-threshold': 1 },
    'with an append only file': { appendonly: 'yes' },
    'as a cluster of its own': { 'cluster-enabled': 'yes' },
  };
  for (const [mode, config] of Object.entries(modes)) {
    test(`${kind}: the server survives random commands ${mode}`, {
      skip: needsServers(kind),
    }, async (context) => {
      const seed = fuzzSeed();
      context.diagnostic(`seed ${seed}`);
      await withServers([{ kind, config }], async ([server]) => {
        if (config['cluster-enabled'] === 'yes') await server!.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
        try {
          await bombard(server!, new Random(seed), fuzzIterations(1500));
        } catch (error) {
          (error as Error).message += `\n(repeat with SLOTMESH_FUZZ_SEED=${seed})`;
          throw error;
        }
      });
    });
  }
}
