/** The options of `slotmesh cluster …`: one table, from which both the parser and the help texts are made. */
import { parseArgs } from 'node:util';
import { DEFAULT_FOLDER } from './cluster-folder.js';
import { LauncherError, messageOf } from './errors.js';
import { DEFAULTS } from './prepare-folder.js';

interface OptionSpec {
  /** Shown after the name in the help; absent for a flag. */
  value?: string;
  kind: 'text' | 'whole' | 'flag';
  help: string;
}

const OPTIONS = {
  primaries: { kind: 'whole', value: '<n>', help: `number of primaries (default ${DEFAULTS.primaries})` },
  replicas: { kind: 'whole', value: '<n>', help: `replicas of each primary (default ${DEFAULTS.replicasPerPrimary})` },
  host: { kind: 'text', value: '<address>', help: `address to listen on (default ${DEFAULTS.host})` },
  port: { kind: 'whole', value: '<port>', help: `port of the first node (default ${DEFAULTS.port})` },
  dir: { kind: 'text', value: '<folder>', help: `where the data is (default ./${DEFAULT_FOLDER})` },
  password: { kind: 'text', value: '<text>', help: 'password of clients and replicas (default: none)' },
  'node-timeout': {
    kind: 'whole',
    value: '<ms>',
    help: `how long a node may be silent (default ${DEFAULTS.nodeTimeoutMs})`,
  },
  server: {
    kind: 'text',
    value: '<command>',
    help: 'program that runs a node (default: slotmesh-server; also SLOTMESH_SERVER)',
  },
  help: { kind: 'flag', help: 'print this' },
} satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

export interface CommandLine {
  primaries?: number;
  replicas?: number;
  host?: string;
  port?: number;
  dir: string;
  password?: string;
  'node-timeout'?: number;
  server?: string[];
  help: boolean;
  positionals: string[];
}

/** @param accepted the options this subcommand has. Throws LauncherError USAGE. */
export function readCommandLine(
  argv: readonly string[],
  accepted: readonly OptionName[],
  environment: NodeJS.ProcessEnv,
): CommandLine {
  const line: CommandLine = { dir: DEFAULT_FOLDER, help: false, positionals: [] };
  const server = environment['SLOTMESH_SERVER'];
  if (server !== undefined) line.server = words(server);
  const { values, positionals } = parse(argv, accepted);
  line.positionals = positionals;
  for (const [name, value] of Object.entries(values)) {
    const spec: OptionSpec = OPTIONS[name as OptionName];
    const read = name === 'server' ? words(String(value)) : spec.kind === 'whole' ? whole(name, String(value)) : value;
    Object.assign(line, { [name]: read });
  }
  return line;
}

export function formatOptions(accepted: readonly OptionName[]): string {
  const rows = accepted.map((name): [string, string] => {
    const spec: OptionSpec = OPTIONS[name];
    return [`--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`, spec.help];
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

function parse(argv: readonly string[], accepted: readonly OptionName[]) {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const name of accepted) options[name] = { type: OPTIONS[name].kind === 'flag' ? 'boolean' : 'string' };
  if (options['help'] !== undefined) options['help'].short = 'h';
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new LauncherError('USAGE', messageOf(error).split('\n', 1)[0]!, ['--help lists what there is.'], {
      cause: error,
    });
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0)
    throw new LauncherError('USAGE', `--${name} wants a whole number, not "${text}".`);
  return value;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
