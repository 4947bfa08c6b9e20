/**
 * The command line of slotmesh-benchmark, scanned from left to right; a later option overrides an earlier one, the first word that is no option begins the
 * command to be measured. Numbers are read as C's atoi does. Source: spec/cli.md section 5.1.
 */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import { atoi } from '../c-numbers.js';
import { UsageError } from '../command-line.js';
import {
  type ConnectionLine,
  formatOption,
  type Option,
  option,
  SERVER_OPTIONS,
  TLS_OPTIONS,
} from '../connection-options.js';
import { type ConnectionSettings, defaultConnection } from '../connection-settings.js';
import { defaultTls, type TlsSettings } from '../tls-settings.js';

export interface BenchmarkLine extends ConnectionLine {
  readonly connection: ConnectionSettings;
  readonly tls: TlsSettings;
  connectionCount: number;
  requestCount: number;
  payloadBytes: number;
  /** 0: no threads but the main one, unless it is a cluster. */
  threadCount: number;
  isCluster: boolean;
  tracking: boolean;
  keepAlive: boolean;
  /** −1: `__rand_int__` is sent as it is. */
  randomRange: number;
  pipeline: number;
  isQuiet: boolean;
  csv: boolean;
  precision: number;
  loops: boolean;
  /** Lower-case names; null: all. */
  testNames: ReadonlySet<string> | null;
  isIdle: boolean;
  stdinIsLast: boolean;
  /** null: another one each time. */
  seed: number | null;
  svgFile: string | null;
  /** Empty: the built-in tests. */
  command: string[];
  /** Lines for stderr that do not stop the program. */
  readonly warnings: string[];
}

const CONNECTIONS_MAX = 1_000_000;
/** The counter of requests has 32 bits, and may grow by a batch of every connection beyond the end. */
const REQUESTS_MAX = 2_000_000_000;
const PAYLOAD_BYTES_MAX = 1024 * 1024 * 1024;
const THREADS_MAX = 500;
const PRECISION_DEFAULT = 3;
const PRECISION_MAX = 4;

function defaultLine(): BenchmarkLine {
  return {
    connection: defaultConnection(),
    tls: defaultTls(),
    hasPasswordOption: false,
    connectionCount: 50,
    requestCount: 100_000,
    payloadBytes: 3,
    threadCount: 0,
    isCluster: false,
    tracking: false,
    keepAlive: true,
    randomRange: -1,
    pipeline: 1,
    isQuiet: false,
    csv: false,
    precision: PRECISION_DEFAULT,
    loops: false,
    testNames: null,
    isIdle: false,
    stdinIsLast: false,
    seed: null,
    svgFile: null,
    command: [],
    warnings: [],
  };
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

/** Told on stdout, with the usage. */
export class InvalidOptionError extends UsageError {
  constructor(word: string) {
    super(`Invalid option "${word}" or option argument missing\n\n${usage()}`);
  }
}

function setRandomRange(line: BenchmarkLine, value: string): void {
  if (/^-(?!\d)/.test(value)) throw new InvalidOptionError(value);
  line.randomRange = Math.max(0, atoi(value));
}

function setThreads(line: BenchmarkLine, value: string): void {
  line.threadCount = Math.max(0, atoi(value));
  if (line.threadCount <= THREADS_MAX) return;
  line.warnings.push(`WARNING: Too many threads, limiting threads to ${THREADS_MAX}.`);
  line.threadCount = THREADS_MAX;
}

function setKeepAlive(line: BenchmarkLine, value: string): void {
  line.keepAlive = atoi(value) !== 0;
  if (!line.keepAlive)
    line.warnings.push(
      "WARNING: Keepalive disabled. You probably need 'echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse' for Linux and 'sudo sysctl -w net.inet.tcp.msl=1000' for Mac OS X in order to use a lot of clients/requests",
    );
}

function setPrecision(line: BenchmarkLine, value: string): void {
  // The original crashes at 0.
  const digits = atoi(value);
  line.precision = digits < 1 ? PRECISION_DEFAULT : Math.min(digits, PRECISION_MAX);
}

const LOAD: readonly Option<BenchmarkLine>[] = [
  option('-c <connections>', 'parallel connections (50)', (line, value) => {
    line.connectionCount = clamp(atoi(value), 1, CONNECTIONS_MAX);
  }),
  option('-n <requests>', 'requests in each test (100000)', (line, value) => {
    line.requestCount = clamp(atoi(value), 0, REQUESTS_MAX);
  }),
  option('-P <requests>', 'pipeline: so many requests are sent at once (1)', (line, value) => {
    line.pipeline = Math.max(1, atoi(value));
  }),
  option('-k <0|1>', 'keep connections (1), or make a new one for each batch', setKeepAlive),
  option('--threads <number>', 'worker threads (none; with --cluster one for each primary)', setThreads),
  option('--cluster', 'send each request to the node that has its key; a key of yours needs {tag} in it', (line) => {
    line.isCluster = true;
  }),
  option('--enable-tracking', 'CLIENT TRACKING on, first', (line) => {
    line.tracking = true;
  }),
  option('--dbnum <number>', 'database (0)', (line, value) => {
    line.connection.database = atoi(value);
  }),
  option('-3', 'speak RESP3', (line) => {
    line.connection.protocol = 3;
  }),
  option('-l', 'repeat the tests for ever', (line) => {
    line.loops = true;
  }),
  option('-I', 'open the connections, and do nothing with them', (line) => {
    line.isIdle = true;
  }),
];

const REQUESTS: readonly Option<BenchmarkLine>[] = [
  option('-t <tests>', 'only these tests, by their names, separated by commas', (line, value) => {
    line.testNames = new Set(value.toLowerCase().split(','));
  }),
  option('-d <bytes>', 'size of values (3)', (line, value) => {
    line.payloadBytes = clamp(atoi(value), 1, PAYLOAD_BYTES_MAX);
  }),
  option(
    '-r <range>',
    'each __rand_int__ in a request becomes a number of 12 digits below this;\nthe tests have it in keys, members and scores. Without -r all requests are equal',
    setRandomRange,
  ),
  option('--seed <number>', 'start of the random numbers: the same one gives the same keys', (line, value) => {
    line.seed = atoi(value);
  }),
  option('-x', 'the last argument of your command comes from stdin', (line) => {
    line.stdinIsLast = true;
  }),
];

const OUTPUT: readonly Option<BenchmarkLine>[] = [
  option('-q', 'one line for each test', (line) => {
    line.isQuiet = true;
  }),
  option('--csv', 'CSV', (line) => {
    line.csv = true;
  }),
  option('--precision <digits>', 'significant digits of latencies, 1 to 4 (3)', setPrecision),
  option('--svg <file>', 'draw the latencies over time into this file', (line, value) => {
    line.svgFile = value;
  }),
  option('-e', 'without effect: an error reply always ends the benchmark', (line) => {
    line.warnings.push('WARNING: -e option has no effect. We now immediately exit on error to avoid false results.');
  }),
];

const GROUPS: readonly { readonly title: string; readonly options: readonly Option<BenchmarkLine>[] }[] = [
  { title: 'Server', options: SERVER_OPTIONS },
  { title: 'Load', options: LOAD },
  { title: 'Requests', options: REQUESTS },
  { title: 'Output', options: OUTPUT },
  { title: 'TLS', options: TLS_OPTIONS },
];

const OPTIONS: ReadonlyMap<string, Option<BenchmarkLine>> = new Map(
  GROUPS.flatMap(({ options }) => options.flatMap((each) => each.names.map((name) => [name, each] as const))),
);

/** @throws UsageError with the text to print */
export function scanArguments(argv: readonly string[]): BenchmarkLine {
  const line = defaultLine();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--help') throw new UsageError(usage(), 0);
    if (word === '-v' || word === '--version')
      throw new UsageError(`redis-benchmark ${REDIS_VERSION} (slotmesh ${SLOTMESH_VERSION})`, 0);
    if (!word.startsWith('-')) {
      line.command = argv.slice(at);
      break;
    }
    const each = OPTIONS.get(word);
    if (each === undefined || (each.value !== '' && at === argv.length - 1)) throw new InvalidOptionError(word);
    each.set(line, each.value === '' ? '' : argv[++at]!);
  }
  if (line.command.length > 0 && line.testNames !== null) line.warnings.push('WARNING: Option -t is ignored.');
  return line;
}

const EXAMPLES = `Examples:
  slotmesh-benchmark                                       all tests, at 127.0.0.1:6379
  slotmesh-benchmark -p 7000 --cluster -q                  the same with a cluster
  slotmesh-benchmark -t set -n 1000000 -r 100000000        fill it with about a million keys
  slotmesh-benchmark -t ping,set,get -P 16 --csv           three tests, pipelined, as CSV
  slotmesh-benchmark -t get -n 3000000 --svg latency.svg   draw how latency went
  slotmesh-benchmark -r 10000 lpush mylist __rand_int__    a command of yours
  slotmesh-benchmark -r 10000 eval 'return redis.call("ping")' 0`;

export function usage(): string {
  const groups = GROUPS.map(({ title, options }) => `${title}:\n${options.map(formatOption).join('\n')}`);
  return [
    'Usage: slotmesh-benchmark [options] [command [argument …]]',
    ...groups,
    '  --help, --version',
    EXAMPLES,
  ].join('\n\n');
}
