/** The command line of `npm run bench`. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const HELP = `Usage: npm run bench -- [options]

Runs redis-server and slotmesh-server side by side and prints how they compare. Needs Linux, redis-server and redis-benchmark.

  --rows <filter>      only rows whose id begins with one of these, comma-separated, * for
                       anything: get,bgsave or '*-p16' (--list shows the ids)
  --pairs <n>          pairs of runs per row; the figures are medians over the pairs (default 5)
  --keys <n>           keys of the large data set (default 5000000)
  --seconds <s>        length of one throughput run (default 1.5)
  --quick              3 pairs, short runs, 200000 keys: a first impression in a minute or two
  --server <command>   the server to measure (default: node bin/slotmesh-server.js)
  --baseline <command> the server to compare with (default: redis-server)
  --out <folder>       where bench.md, bench.json and bench.svg go (default: bench/out)
  --chart <file>       also write the chart here (docs/bench.svg is the one in the README)
  --list               print the row ids and end
  --help               print this and end

Both servers run on the same machine in turns, so other load falls on both; still, close what you can.
`;

export interface BenchOptions {
  rows: string[];
  pairs: number;
  keys: number;
  seconds: number;
  server: string[];
  baseline: string[];
  outFolder: string;
  chartFile: string | undefined;
  list: boolean;
  help: boolean;
}

export class UsageError extends Error {
  readonly code = 'USAGE';
}

/** Reads the options. Throws UsageError with a message for the user. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const { values } = parse(argv);
  const quick = values.quick ?? false;
  return {
    rows: (values.rows ?? '').split(',').filter((word) => word !== ''),
    pairs: positive('--pairs', values.pairs, quick ? 3 : 5),
    keys: positive('--keys', values.keys, quick ? 200_000 : 5_000_000),
    seconds: positive('--seconds', values.seconds, quick ? 0.3 : 1.5, false),
    server: words(values.server) ?? [process.execPath, rootPath('bin/slotmesh-server.js')],
    baseline: words(values.baseline) ?? ['redis-server'],
    outFolder: values.out ?? rootPath('bench/out'),
    chartFile: values.chart,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

/** Path of something in the repository; this file runs as dist/bench/options.js. */
export function rootPath(relative: string): string {
  return fileURLToPath(new URL(`../../${relative}`, import.meta.url));
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rows: text,
        pairs: text,
        keys: text,
        seconds: text,
        quick: flag,
        server: text,
        baseline: text,
        out: text,
        chart: text,
        list: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function positive(name: string, text: string | undefined, fallback: number, whole = true): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0) || (whole && !Number.isInteger(value)))
    throw new UsageError(`${name} wants a positive ${whole ? 'whole ' : ''}number, not "${text}".`);
  return value;
}

function words(text: string | undefined): string[] | undefined {
  const list = text?.split(/\s+/).filter((word) => word !== '');
  return list !== undefined && list.length > 0 ? list : undefined;
}
