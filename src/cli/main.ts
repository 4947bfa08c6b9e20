/**
 * Entry of `slotmesh-cli`: the command line is scanned, passwords are asked for, and the mode that it asks for takes over. Modes are loaded when they are
 * needed: a command in a shell script should not wait for what it does not use.
 *
 * Reading order: arguments.ts (what is asked for) → session.ts (a connection with its state) → format.ts (replies to text) → one file per mode.
 */
import { basename } from 'node:path';
import { scanArguments } from './arguments.js';
import { type CommandLine, type Mode, UsageError } from './command-line.js';
import { withStdin } from './stdin-arguments.js';
import { processTerminal, type Terminal } from './terminal.js';

/** What a mode is: a command line in, an exit code out. */
type ModeRunner = (line: CommandLine, terminal: Terminal) => Promise<number>;

const RUNNERS: Readonly<Record<Mode, () => Promise<ModeRunner>>> = {
  cluster: async () => {
    const { runClusterManager } = await import('./cluster/main.js');
    return async (line, terminal) => {
      const [subcommand, ...words] = line.clusterWords;
      const args = (
        await withStdin(
          words.map((word) => Buffer.from(word)),
          line,
        )
      ).map(String);
      return runClusterManager([subcommand!, ...args], line.clusterOptions, line.connection, terminal);
    };
  },
  latency: async () => (await import('./modes/latency.js')).runLatency,
  'latency-dist': async () => (await import('./modes/latency-dist.js')).runLatencyDistribution,
  replica: async () => (await import('./modes/replica.js')).runReplica,
  rdb: async () => (await import('./modes/rdb.js')).runRdb,
  pipe: async () => (await import('./modes/pipe.js')).runPipe,
  bigkeys: async () => (await import('./modes/key-sampling.js')).runKeySampling,
  memkeys: async () => (await import('./modes/key-sampling.js')).runKeySampling,
  hotkeys: async () => (await import('./modes/hotkeys.js')).runHotkeys,
  stat: async () => (await import('./modes/stat.js')).runStat,
  scan: async () => (await import('./modes/scan.js')).runScan,
  'lru-test': async () => (await import('./modes/lru-test.js')).runLruTest,
  'intrinsic-latency': async () => (await import('./modes/intrinsic-latency.js')).runIntrinsicLatency,
  'hint-test': async () => (await import('./modes/hint-test.js')).runHintTest,
  interactive: async () => (await import('./shell/shell.js')).runShell,
  eval: async () => (await import('./modes/eval.js')).runEval,
  command: async () => (await import('./modes/command.js')).runCommand,
};

async function main(): Promise<number> {
  const terminal = processTerminal();
  const toolName = basename(process.argv[1] ?? 'slotmesh-cli', '.js');
  const scanned = scanArguments(process.argv.slice(2), process.env, toolName);
  if (scanned.kind === 'ended') {
    terminal.write(scanned.stdout);
    terminal.writeError(scanned.stderr);
    return scanned.exitCode;
  }
  const { line } = scanned;
  for (const warning of line.warnings) terminal.writeError(`${warning}\n`);
  if (line.asksPassword) line.connection.password = (await terminal.readSecret('Please input password: ')) ?? '';
  try {
    const run = await RUNNERS[line.mode]();
    return await run(line, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.writeError(`${error.message}\n`);
    return error.exitCode;
  }
}

const exitCode = await main();
// What is still open (stdin, say) is of no interest any more; what was written must get out.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
