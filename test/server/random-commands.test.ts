/**
 * No request may end the process: valid names with arguments that are partly right, partly nonsense, from several connections at once, in both protocols,
 * in and out of transactions. The server must live, and go on to answer. Arguments are made from what COMMAND DOCS says about each command.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import type { Reply } from '../../src/resp/reply-reader.js';
import { fuzzIterations, fuzzSeed, Random } from '../support/fuzz.js';
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

interface ArgumentDoc {
  readonly type: string;
  readonly token: string | undefined;
  readonly flags: readonly string[];
  readonly inner: readonly ArgumentDoc[];
}

interface CommandDoc {
  readonly words: readonly string[];
  readonly args: readonly ArgumentDoc[];
}

function readArguments(docs: Reply | undefined): ArgumentDoc[] {
  if (!Array.isArray(docs)) return [];
  return docs.map((each) => {
    const fields = each as unknown as Map<string, Reply>;
    return {
      type: String(fields.get('type')),
      token: fields.get('token') as string | undefined,
      flags: [...((fields.get('flags') ?? []) as unknown as Iterable<string>)],
      inner: readArguments(fields.get('arguments')),
    };
  });
}

async function readCommands(client: RespClient): Promise<CommandDoc[]> {
  const found: CommandDoc[] = [];
  const read = (docs: Map<string, Reply>): void => {
    for (const [name, fields] of docs as unknown as Map<string, Map<string, Reply>>) {
      const subcommands = fields.get('subcommands');
      if (subcommands !== undefined) read(subcommands as unknown as Map<string, Reply>);
      else if (!LEFT_OUT.test(name))
        found.push({ words: name.split('|'), args: readArguments(fields.get('arguments')) });
    }
  };
  read((await client.call('COMMAND', 'DOCS')) as unknown as Map<string, Reply>);
  for (const name of DEBUG_SUBCOMMANDS.split(' ')) found.push({ words: ['debug', name], args: [] });
  return found;
}

class Requests {
  private readonly random: Random;
  private readonly commands: readonly CommandDoc[];

  constructor(random: Random, commands: readonly CommandDoc[]) {
    this.random = random;
    this.commands = commands;
  }

  next(): string {
    const { random } = this;
    const { words, args } = random.pick(this.commands);
    const all: string[] = [...words];
    for (const arg of args) this.argument(arg, all);
    // Now and then something is missing, too much, or something else.
    if (random.oneIn(8)) all.splice(1 + random.below(all.length), 1);
    while (random.oneIn(4)) all.splice(1 + random.below(all.length), 0, this.anything());
    if (random.oneIn(6) && all.length > 1) all[1 + random.below(all.length - 1)] = this.anything();
    return request(...all);
  }

  private argument(arg: ArgumentDoc, to: string[]): void {
    const { random } = this;
    if (arg.flags.includes('optional') && random.oneIn(2)) return;
    const count = arg.flags.includes('multiple') ? 1 + random.below(4) : 1;
    for (let at = 0; at < count; at++) {
      if (arg.token !== undefined && (at === 0 || arg.flags.includes('multiple_token'))) to.push(arg.token);
      if (arg.type === 'oneof') this.argument(random.pick(arg.inner), to);
      else if (arg.type === 'block') for (const inner of arg.inner) this.argument(inner, to);
      else if (arg.type !== 'pure-token') to.push(this.value(arg.type));
    }
  }

  private value(type: string): string {
    const { random } = this;
    if (random.oneIn(10)) return this.anything();
    switch (type) {
      case 'key':
        return this.key();
      case 'integer':
      case 'unix-time':
        return random.oneIn(2) ? String(random.below(20)) : random.pick(NUMBERS.split(' '));
      case 'double':
        return random.oneIn(2) ? String(random.below(20) / 4) : random.pick(FLOATS.split(' '));
      case 'pattern':
        return random.pick(['*', 'k*', '[a-', '\\', '?', 'x'.repeat(100), '']);
      default:
        return random.oneIn(2) ? `e${random.below(10)}` : this.anything();
    }
  }

  private key(): string {
    return this.random.pick(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', '{t}a', '{t}b', '']);
  }

  private anything(): string {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
        return random.pick(NUMBERS.split(' '));
      case 1:
        return random.pick(FLOATS.split(' '));
      case 2:
        return random.pick(WORDS.split(' '));
      case 3:
        return Buffer.from(random.bytes(random.below(30))).toString('latin1');
      case 4:
        return 'x'.repeat(random.below(random.oneIn(20) ? 50_000 : 300));
      case 5:
        return '';
      default:
        return this.key();
    }
  }
}

/** Sends `count` random requests over several connections and checks every now and then that the server answers. */
async function bombard(server: ServerProcess, random: Random, count: number): Promise<void> {
  const control = await server.connect({ protocol: 3, commandTimeoutMs: 20_000 });
  await control.call('CONFIG', 'SET', 'proto-max-bulk-len', '1mb', 'lfu-log-factor', '1');
  const requests = new Requests(random, await readCommands(control));
  const batchSize = 50;
  let last: string[] = [];
  try {
    for (let sent = 0; sent < count; sent += batchSize) {
      const connection = await RawConnection.connect({ host: '127.0.0.1', port: server.port });
      last = Array.from({ length: batchSize }, () => requests.next());
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
