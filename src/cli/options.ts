/**
 * The options of slotmesh-cli: one table, read by the scanner (arguments.ts) and by the usage text (usage.ts). An option that wants a value counts only
 * when a word follows it. Numbers are read as C's atoi and atof do. Source: spec/cli.md sections 1.2 and 1.3; marked are those that Redis 7.0 lacks.
 */
import { atof, atoi } from './c-numbers.js';
import type { ClusterOptions } from './cluster/contract.js';
import { type CommandLine, type Mode, type OutputMode, UsageError } from './command-line.js';
import { option, SERVER_OPTIONS, type Option as SharedOption, TLS_OPTIONS } from './connection-options.js';
import { unquote } from './split-words.js';

export type Option = SharedOption<CommandLine>;

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly Option[];
}

/** An option that asks for a mode. */
function mode(
  form: string,
  name: Mode,
  help: string,
  set: (line: CommandLine, value: string) => void = () => {},
): Option {
  return option(form, help, (line, value) => {
    line.requested.add(name);
    set(line, value);
  });
}

function output(form: string, output: OutputMode, help: string): Option {
  return option(form, help, (line) => {
    line.output = output;
    if (output === 'json' || output === 'quoted-json') line.wantsResp3ForJson = true;
  });
}

function cluster(form: string, help: string, set: (options: ClusterOptions, value: string) => void): Option {
  return option(form, help, (line, value) => set(line.clusterOptions, value));
}

function setIntervalSeconds(line: CommandLine, seconds: string): void {
  line.intervalMs = atof(seconds) * 1000;
}

function setShowsPushes(line: CommandLine, value: string): void {
  const letter = value.charAt(0).toLowerCase();
  if (letter === 'y' || letter === 'n') line.showsPushes = letter === 'y';
  else line.warnings.push(`Unknown --show-pushes value '${value}' (valid: '[y]es', '[n]o')`);
}

function setQuotedPattern(line: CommandLine, value: string): void {
  line.pattern = unquote(value);
  if (line.pattern === null) throw new UsageError('Invalid quoted string specified for --quoted-pattern.');
}

/** Redis 8 and Valkey 8 have it, too. */
function setConnectTimeout(line: CommandLine, seconds: string): void {
  const ms = atof(seconds) * 1000;
  if (ms <= 0) throw new UsageError('Invalid connection timeout for -t.');
  line.connection.connectTimeoutMs = ms;
}

const CONNECTION: readonly Option[] = [
  ...SERVER_OPTIONS,
  option('--askpass', 'ask for the password; -a and REDISCLI_AUTH do not count then', (line) => {
    line.asksPassword = true;
  }),
  option('--no-auth-warning', 'no warning about a password on the command line', (line) => {
    line.silencesPasswordWarning = true;
  }),
  option('-n <number>', 'database (0)', (line, value) => {
    line.connection.database = atoi(value);
  }),
  option('-2', 'speak RESP2', (line) => {
    line.forcesResp2 = true;
  }),
  option('-3', 'speak RESP3', (line) => {
    line.forcesResp3 = true;
  }),
  option('-t <seconds>', "longest time for a connection to be made (the system's limit)", setConnectTimeout),
];

const COMMANDS: readonly Option[] = [
  option('-r <times>', 'run the command so many times; a negative number: for ever', (line, value) => {
    line.repeat = atoi(value);
  }),
  option(
    '-i <seconds>',
    'pause after each command of -r, between the lines of --stat, each 100 SCANs of a sampling,\nand the interval of --latency',
    setIntervalSeconds,
  ),
  option('-x', 'the last argument comes from stdin', (line) => {
    line.stdinIsLast = true;
  }),
  option('-X <tag>', 'the argument that equals the tag comes from stdin', (line, value) => {
    line.stdinTag = value;
  }),
  option('--quoted-input', 'the arguments are quoted strings: \'"a\\x00b"\'', (line) => {
    line.unquotesArguments = true;
  }),
  option('-c', 'follow MOVED and ASK to the other nodes of a cluster', (line) => {
    line.followsRedirects = true;
  }),
  option('-e', 'an error reply goes to stderr and the exit code is 1', (line) => {
    line.failsOnError = true;
  }),
  mode('--eval <file>', 'eval', 'run a script of that file: --eval file key … , argument …', (line, value) => {
    line.evalFile = value;
  }),
  option('--ldb', 'with --eval: step through the script', (line) => {
    line.debugsLua = true;
  }),
  option('--ldb-sync-mode', 'like --ldb, with the server stopped meanwhile; changes stay', (line) => {
    line.debugsLua = true;
    line.debugsLuaInSync = true;
  }),
];

const OUTPUT: readonly Option[] = [
  output('--raw', 'raw', 'replies as they are (default where stdout is no terminal)'),
  output('--no-raw', 'standard', 'replies for people (default on a terminal)'),
  output('--csv', 'csv', 'replies as CSV'),
  output('--json', 'json', 'replies as JSON; speaks RESP3 where the server does'),
  output('--quoted-json', 'quoted-json', 'the same in ASCII: other bytes as \\xhh'),
  option('-d <delimiter>', 'between the elements of a raw reply (line feed)', (line, value) => {
    line.elementDelimiter = value;
  }),
  option('-D <delimiter>', 'after each raw reply (line feed)', (line, value) => {
    line.replyDelimiter = value;
  }),
  option('--show-pushes <yes|no>', 'print RESP3 push messages (yes on a terminal)', setShowsPushes),
  option('--verbose', 'say more', (line) => {
    line.clusterOptions.verbose = true;
  }),
];

const OTHER_MODES: readonly Option[] = [
  mode('--stat', 'stat', 'a line each second: keys, memory, clients, requests'),
  mode(
    '--latency',
    'latency',
    'sample the round trip of PING; without a terminal: for one second (-i), then the result',
  ),
  mode('--latency-history', 'latency', 'the same, a line each 15 seconds (-i)', (line) => {
    line.keepsLatencyHistory = true;
  }),
  mode('--latency-dist', 'latency-dist', 'the same as a spectrum in 256 colours, each second (-i)'),
  option('--mono', 'a spectrum in greys', (line) => {
    line.isMonochrome = true;
  }),
  mode(
    '--intrinsic-latency <seconds>',
    'intrinsic-latency',
    'how long this machine itself makes a process wait',
    (line, value) => {
      line.intrinsicLatencyS = atoi(value);
    },
  ),
  mode('--lru-test <keys>', 'lru-test', 'a cache load in which few keys are asked for often', (line, value) => {
    line.lruTestKeys = Number(atoi(value));
  }),
  mode('--replica, --slave', 'replica', 'print the commands that a replica gets'),
  mode('--rdb <file>', 'rdb', "fetch the server's data as an RDB file; - is stdout", (line, value) => {
    line.rdbFile = value;
    line.wantsWholeRdb = true;
  }),
  mode('--functions-rdb <file>', 'rdb', 'the same with functions only', (line, value) => {
    line.rdbFile = value;
    line.wantsFunctionsRdb = true;
  }),
  mode('--pipe', 'pipe', 'send the requests on stdin as they are, and count the replies'),
  option('--pipe-timeout <seconds>', 'longest wait for a reply when all is sent (30; 0: for ever)', (line, value) => {
    line.pipeTimeoutS = atoi(value);
  }),
  mode('--scan', 'scan', 'print all keys'),
  option('--pattern <glob>', 'only keys that match, for --scan, --bigkeys, --memkeys and --hotkeys', (line, value) => {
    line.pattern = Buffer.from(value);
  }),
  option('--quoted-pattern <glob>', 'the same as a quoted string', setQuotedPattern),
  option('--count <number>', 'COUNT of each SCAN (10)', (line, value) => {
    line.scanCount = atoi(value);
  }),
  mode('--bigkeys', 'bigkeys', 'find the keys with most elements'),
  mode('--memkeys', 'memkeys', 'find the keys that take most memory'),
  mode('--memkeys-samples <number>', 'memkeys', 'the same, looking at so many elements of each key', (line, value) => {
    line.memorySamples = atoi(value);
  }),
  mode('--hotkeys', 'hotkeys', 'find the keys used most; the server must count uses (maxmemory-policy *lfu)'),
];

const CLUSTER: readonly Option[] = [
  cluster('--cluster-replicas <number>', 'create: replicas of each primary (0)', (options, value) => {
    options.replicas = atoi(value);
  }),
  cluster('--cluster-from <nodes>', 'reshard: IDs of the sources, or all; import: host:port', (options, value) => {
    options.from = value;
  }),
  cluster('--cluster-to <id>', 'reshard: the target', (options, value) => {
    options.to = value;
  }),
  cluster('--cluster-slots <number>', 'reshard: how many slots', (options, value) => {
    options.slots = atoi(value);
  }),
  cluster('--cluster-timeout <ms>', 'timeout of MIGRATE (60000)', (options, value) => {
    options.timeoutMs = atoi(value);
  }),
  cluster(
    '--cluster-pipeline <keys>',
    'keys in one MIGRATE (by their sizes and the time it takes)',
    (options, value) => {
      options.pipeline = atoi(value);
      options.hasPipeline = true;
    },
  ),
  cluster(
    '--cluster-parallel <slots>',
    'slots moved at a time (4 on a terminal, else 1); keys of an import (1)',
    (options, value) => {
      options.parallel = atoi(value);
    },
  ),
  cluster('--cluster-threshold <percent>', 'rebalance: do nothing below this difference (2)', (options, value) => {
    options.thresholdPercent = atof(value);
  }),
  cluster('--cluster-use-empty-masters', 'rebalance: primaries without slots get some', (options) => {
    options.useEmptyMasters = true;
  }),
  cluster('--cluster-simulate', 'rebalance: only tell what would be done', (options) => {
    options.simulate = true;
  }),
  cluster('--cluster-replace', 'existing keys of the target are overwritten', (options) => {
    options.replace = true;
  }),
  cluster('--cluster-copy', 'import: keys stay in the source', (options) => {
    options.copy = true;
  }),
  cluster('--cluster-from-user <name>', 'import: user at the source', (options, value) => {
    options.fromUser = value;
  }),
  cluster('--cluster-from-pass <password>', 'import: password at the source', (options, value) => {
    options.fromPassword = value;
  }),
  cluster('--cluster-from-askpass', 'import: ask for that password', (options) => {
    options.fromAskPassword = true;
  }),
  cluster('--cluster-slave', 'add-node: as a replica', (options) => {
    options.asReplica = true;
  }),
  cluster('--cluster-master-id <id>', 'add-node: of that primary', (options, value) => {
    options.masterId = value;
  }),
  cluster('--cluster-search-multiple-owners', 'check, fix: look for slots with several owners', (options) => {
    options.searchMultipleOwners = true;
  }),
  cluster('--cluster-fix-with-unreachable-masters', 'fix: even if primaries cannot be reached', (options) => {
    options.fixWithUnreachableMasters = true;
  }),
  cluster('--cluster-only-masters', 'call: primaries only', (options) => {
    options.onlyMasters = true;
  }),
  cluster('--cluster-only-replicas', 'call: replicas only', (options) => {
    options.onlyReplicas = true;
  }),
  cluster('--cluster-yes', 'create, reshard: do not ask', (options) => {
    options.yes = true;
  }),
];

/** For tests of the hints themselves; not in the help. */
const HIDDEN: readonly Option[] = [
  mode('--test_hint <input>', 'hint-test', '', (line, value) => {
    line.hintInput = value;
  }),
  mode('--test_hint_file <file>', 'hint-test', '', (line, value) => {
    line.hintFile = value;
  }),
];

export const OPTION_GROUPS: readonly OptionGroup[] = [
  { title: 'Connection', options: CONNECTION },
  { title: 'TLS', options: TLS_OPTIONS },
  { title: 'Commands', options: COMMANDS },
  { title: 'Output', options: OUTPUT },
  { title: 'Other modes', options: OTHER_MODES },
  { title: 'Options of the cluster manager', options: CLUSTER },
];

export const OPTIONS: ReadonlyMap<string, Option> = new Map(
  [...OPTION_GROUPS.flatMap((group) => group.options), ...HIDDEN].flatMap((each) =>
    each.names.map((name) => [name, each] as const),
  ),
);
