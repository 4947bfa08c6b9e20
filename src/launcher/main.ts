/**
 * The umbrella command: `slotmesh cluster <subcommand>`, `--help`, `--version`. (`slotmesh server`, `slotmesh cli` and the like are programs of
 * their own, which bin/slotmesh.js starts.) A function from arguments to exit code; it never ends the process.
 *
 * Reading order: this → start-command.ts → local-cluster.ts → create-cluster.ts → cluster/allocation.ts.
 */
import { type CommandLine, formatOptions, type OptionName, readCommandLine } from './command-line.js';
import { LauncherError } from './errors.js';
import { cleanCommand, startNodeCommand, statusCommand, stopCommand } from './other-commands.js';
import { type StopSignals, startCommand } from './start-command.js';
import type { Terminal } from './terminal.js';

interface Subcommand {
  /** After the name, in the usage line. */
  form: string;
  summary: string;
  /** Paragraph for its own help. */
  details: string;
  options: OptionName[];
  run(line: CommandLine, terminal: Terminal, listen: () => StopSignals): Promise<number>;
}

const SUBCOMMANDS: Record<string, Subcommand> = {
  start: {
    form: '[options]',
    summary: 'start a cluster on this machine and stay in the foreground',
    details:
      'Starts the nodes on consecutive ports, each with its own data folder, makes a cluster of them and waits until it is\n' +
      'healthy. A folder that holds a cluster already is started again with its data and settings. Ctrl-C stops all nodes\n' +
      'cleanly; a second Ctrl-C kills them. A node that dies is reported, and the others go on.',
    options: ['primaries', 'replicas', 'host', 'port', 'dir', 'password', 'node-timeout', 'server', 'help'],
    run: (line, terminal, listen) => startCommand(line, terminal, listen()),
  },
  status: {
    form: '[options]',
    summary: 'print the nodes of a running cluster; exit code 0 when it is healthy',
    details: 'Asks the cluster in --dir, or with --port any cluster that has a node there.',
    options: ['dir', 'host', 'port', 'password', 'help'],
    run: statusCommand,
  },
  stop: {
    form: '[options]',
    summary: 'stop the cluster from another terminal, keeping its data',
    details: 'Primaries are shut down first, then their replicas.',
    options: ['dir', 'help'],
    run: stopCommand,
  },
  'start-node': {
    form: '<port> [options]',
    summary: 'start one node again that has died or was shut down',
    details:
      'The node takes its place in the cluster again: as a replica, if its own replica has taken over meanwhile.',
    options: ['dir', 'server', 'help'],
    run: startNodeCommand,
  },
  clean: {
    form: '[options]',
    summary: 'remove the data of a cluster that is not running',
    details: 'Only removes what `start` has made; other files in the folder stay.',
    options: ['dir', 'help'],
    run: cleanCommand,
  },
};

const HELP = `Usage: slotmesh <command>

  cluster         start, watch and stop a whole cluster on this machine; see slotmesh cluster --help
  server          run one server: takes redis-server's arguments; see slotmesh server --help
  cli             talk to a server or cluster, and manage it: takes redis-cli's arguments; see slotmesh cli --help
  trib            manage a cluster with the command lines of redis-trib.rb
  create-cluster  start and create a cluster with the command lines of utils/create-cluster
  benchmark       load a server or cluster and measure it: takes redis-benchmark's arguments; see slotmesh benchmark --help
  check-rdb       check an RDB file
  check-aof       check an append-only log, and mend it with --fix

  --help          print this
  --version       print the version
`;

const EXIT_USAGE = 2;

/**
 * @param argv what follows `slotmesh`
 * @param listen takes over the stop signals; called by the commands that need time to stop, the others simply end at Ctrl-C
 */
export async function main(
  argv: readonly string[],
  version: string,
  terminal: Terminal,
  listen: () => StopSignals,
): Promise<number> {
  const [command, ...rest] = argv;
  try {
    if (command === 'cluster') return await runCluster(rest, terminal, listen);
    if (command === '--version' || command === '-v') {
      terminal.print(`slotmesh ${version}`);
      return 0;
    }
    if (command === '--help' || command === '-h' || command === 'help') {
      terminal.print(HELP);
      return 0;
    }
    if (command !== undefined) terminal.complain(`slotmesh: There is no command "${command}".\n`);
    terminal.complain(HELP);
    return EXIT_USAGE;
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    const advice = error.advice.map(
      (text) => `  ${text.replaceAll('slotmesh cluster', `${terminal.toolName} cluster`)}`,
    );
    terminal.complain([`slotmesh: ${error.message}`, ...advice].join('\n'));
    return error.code === 'USAGE' ? EXIT_USAGE : 1;
  }
}

async function runCluster(
  [name, ...argv]: readonly string[],
  terminal: Terminal,
  listen: () => StopSignals,
): Promise<number> {
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.print(clusterHelp());
    return 0;
  }
  const subcommand = name !== undefined && Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined) {
    if (name !== undefined) terminal.complain(`slotmesh: There is no command "cluster ${name}".\n`);
    terminal.complain(clusterHelp());
    return EXIT_USAGE;
  }
  const line = readCommandLine(argv, subcommand.options, process.env);
  if (line.help) {
    terminal.print(
      `Usage: slotmesh cluster ${name} ${subcommand.form}\n\n${subcommand.details}\n\n${formatOptions(subcommand.options)}\n`,
    );
    return 0;
  }
  if (line.positionals.length > 0 && !subcommand.form.startsWith('<')) {
    throw new LauncherError('USAGE', `"${line.positionals[0]}" is not an option of cluster ${name}.`, [
      `See slotmesh cluster ${name} --help`,
    ]);
  }
  return subcommand.run(line, terminal, listen);
}

function clusterHelp(): string {
  const rows = Object.entries(SUBCOMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}  ${summary}`);
  return `Usage: slotmesh cluster <command> [options]\n\n${rows.join('\n')}\n\nEach has its own --help.\n`;
}
