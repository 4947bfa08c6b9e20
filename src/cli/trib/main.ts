/**
 * `slotmesh-trib`: the command lines of redis-trib.rb 3.0 and 4.0, for tutorials and scripts that use them, on the cluster manager. What is told is
 * what redis-trib 4.0 told (dialect.ts); everything goes to stdout. Source: spec/cli.md section 3.
 *
 * Deliberate differences: options may stand anywhere, also behind the arguments; a key that is on both sides of a move is compared before it is
 * overwritten, as redis-cli does; add-node stops at a primary that does not exist; MIGRATE gets 60 seconds where no --timeout is given.
 */
import { atof, atoi } from '../c-numbers.js';
import { BufferedTerminal } from '../cluster/buffered-terminal.js';
import { Connections, type ConnectionWords } from '../cluster/connections.js';
import type { ManagerContext, Subcommand } from '../cluster/context.js';
import { type ClusterOptions, defaultClusterOptions } from '../cluster/contract.js';
import { Failure } from '../cluster/failure.js';
import { Output } from '../cluster/output.js';
import { runToEnd } from '../cluster/run-to-end.js';
import { SUBCOMMANDS } from '../cluster/subcommands.js';
import { defaultConnection } from '../connection-settings.js';
import { processTerminal, type Terminal } from '../terminal.js';
import { create } from './create.js';
import { paintAsTrib, tribDialect } from './dialect.js';

interface TribOption {
  /** Whether a value follows it. */
  hasValue: boolean;
  set(options: ClusterOptions, value: string): void;
}

const valued = (set: TribOption['set']): TribOption => ({ hasValue: true, set });
const flag = (set: TribOption['set']): TribOption => ({ hasValue: false, set });

const TIMEOUT = valued((options, value) => {
  options.timeoutMs = atoi(value);
});
const FROM = valued((options, value) => {
  options.from = value;
});
const PIPELINE = valued((options, value) => {
  options.pipeline = atoi(value);
  options.hasPipeline = true;
});

interface TribCommand {
  /** Its arguments, for the usage. */
  form: string;
  minWords: number;
  maxWords: number;
  options: Record<string, TribOption>;
  run: Subcommand['run'];
}

const ANY = Number.POSITIVE_INFINITY;

function managed(name: string): Subcommand['run'] {
  return (context) => SUBCOMMANDS.get(name)!.run(context);
}

const COMMANDS: Record<string, TribCommand> = {
  create: {
    form: 'host1:port1 ... hostN:portN',
    minWords: 1,
    maxWords: ANY,
    options: {
      replicas: valued((options, value) => {
        options.replicas = atoi(value);
      }),
    },
    run: create,
  },
  check: { form: 'host:port', minWords: 1, maxWords: 1, options: {}, run: managed('check') },
  info: { form: 'host:port', minWords: 1, maxWords: 1, options: {}, run: managed('info') },
  fix: { form: 'host:port', minWords: 1, maxWords: 1, options: { timeout: TIMEOUT }, run: managed('fix') },
  reshard: {
    form: 'host:port',
    minWords: 1,
    maxWords: 1,
    options: {
      from: FROM,
      to: valued((options, value) => {
        options.to = value;
      }),
      slots: valued((options, value) => {
        options.slots = atoi(value);
      }),
      yes: flag((options) => {
        options.yes = true;
      }),
      timeout: TIMEOUT,
      pipeline: PIPELINE,
    },
    run: reshard,
  },
  rebalance: {
    form: 'host:port',
    minWords: 1,
    maxWords: ANY,
    options: {
      weight: valued((options, value) => {
        options.weights.push(value);
      }),
      'auto-weights': flag(() => {}),
      'use-empty-masters': flag((options) => {
        options.useEmptyMasters = true;
      }),
      timeout: TIMEOUT,
      simulate: flag((options) => {
        options.simulate = true;
      }),
      pipeline: PIPELINE,
      threshold: valued((options, value) => {
        options.thresholdPercent = atof(value);
      }),
    },
    run: (context) => managed('rebalance')({ ...context, words: context.words.slice(0, 1) }),
  },
  'add-node': {
    form: 'new_host:new_port existing_host:existing_port',
    minWords: 2,
    maxWords: 2,
    options: {
      slave: flag((options) => {
        options.asReplica = true;
      }),
      'master-id': valued((options, value) => {
        options.masterId = value;
      }),
    },
    run: managed('add-node'),
  },
  'del-node': { form: 'host:port node_id', minWords: 2, maxWords: 2, options: {}, run: managed('del-node') },
  'set-timeout': { form: 'host:port milliseconds', minWords: 2, maxWords: 2, options: {}, run: managed('set-timeout') },
  call: { form: 'host:port command arg arg .. arg', minWords: 2, maxWords: ANY, options: {}, run: managed('call') },
  import: {
    form: 'host:port',
    minWords: 1,
    maxWords: 1,
    options: {
      from: FROM,
      copy: flag((options) => {
        options.copy = true;
      }),
      replace: flag((options) => {
        options.replace = true;
      }),
    },
    run: importKeys,
  },
  help: {
    form: '(show this help)',
    minWords: 0,
    maxWords: ANY,
    options: {},
    run: async ({ output }) => {
      output.write(usage());
      return 0;
    },
  },
};

/** With its sources named, a target among them is an error. */
async function reshard(context: ManagerContext): Promise<number> {
  const { from, to } = context.options;
  if (from !== null && to !== null && from.split(',').includes(to))
    throw new Failure('error', '*** Target node is also listed among the source nodes!');
  return managed('reshard')(context);
}

async function importKeys(context: ManagerContext): Promise<number> {
  if (context.options.from === null) throw new Failure('error', "Option '--from' is required for subcommand 'import'");
  return managed('import')(context);
}

function runTrib(argv: readonly string[], outerTerminal: Terminal): Promise<number> {
  const terminal = new BufferedTerminal(outerTerminal);
  const paint = process.env['TERM'] === 'xterm' ? paintAsTrib : (_: unknown, text: string) => text;
  const output = new Output(terminal, terminal, paint);
  const connection = { ...defaultConnection(), password: process.env['REDISCLI_AUTH'] ?? null };
  const options = defaultClusterOptions();
  const connections = new Connections(connection, wordsFor(output, options));
  const dialect = tribDialect;
  return runToEnd({ terminal, output, connections }, async () => {
    const { command, words } = readCommandLine(argv, options);
    return command.run({ words, options, connection, connections, terminal, output, dialect });
  });
}

/** Options stand before or behind the arguments; those of `call` belong to the command that is called. */
function readCommandLine(
  [name, ...rest]: readonly string[],
  options: ClusterOptions,
): { command: TribCommand; words: string[] } {
  if (name === undefined) throw new Failure('stderr', usage().trimEnd());
  const lowerName = name === '--help' ? 'help' : name.toLowerCase();
  const command = Object.hasOwn(COMMANDS, lowerName) ? COMMANDS[lowerName] : undefined;
  if (command === undefined) throw new Failure('stderr', `Unknown redis-trib subcommand '${name}'`);
  const words: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (!word.startsWith('--') || (lowerName === 'call' && words.length > 0)) {
      words.push(word);
      continue;
    }
    const optionName = word.slice(2);
    if (optionName === 'verbose') {
      options.verbose = true;
      continue;
    }
    const option = Object.hasOwn(command.options, optionName) ? command.options[optionName] : undefined;
    if (option === undefined) throw new Failure('stderr', `Unknown option '${optionName}' for command '${lowerName}'`);
    option.set(options, option.hasValue ? (rest[++at] ?? '') : '');
  }
  if (words.length < command.minWords || words.length > command.maxWords)
    throw new Failure('stderr', '[ERR] Wrong number of arguments for specified sub command');
  for (const word of addressesAmong(lowerName, words))
    if (!/:\d+(@.*)?$/.test(word))
      throw new Failure('stderr', `Invalid IP or Port (given as ${word}) - use IP:Port format`);
  return { command, words };
}

function addressesAmong(name: string, words: readonly string[]): readonly string[] {
  if (name === 'help') return [];
  return name === 'create' || name === 'add-node' ? words : words.slice(0, 1);
}

function wordsFor(output: Output, options: ClusterOptions): ConnectionWords {
  return {
    failure: ({ host, port }) => new Failure('error', `[ERR] Sorry, can't connect to node ${host}:${port}`),
    connected: (address) => {
      if (options.verbose) output.line(`Connecting to node ${address}: OK`);
    },
  };
}

function usage(): string {
  const lines = ['Usage: redis-trib <command> <options> <arguments ...>', ''];
  for (const [name, { form, options }] of Object.entries(COMMANDS)) {
    lines.push(`  ${name.padEnd(15)} ${form}`);
    for (const [option, { hasValue }] of Object.entries(options))
      lines.push(`${' '.repeat(18)}--${option}${hasValue ? ' <arg>' : ''}`);
  }
  lines.push('');
  lines.push(
    'For check, fix, reshard, del-node, set-timeout you can specify the host and port of any working node in the cluster.',
  );
  return `${lines.join('\n')}\n\n`;
}

process.exitCode = await runTrib(process.argv.slice(2), processTerminal());
