/** Entry of `slotmesh-server`: the process is made ready, the node is built and started, and signals end it in good order. */
import { CommandTable } from '../commands/command-table.js';
import { allCommands } from '../commands/index.js';
// Needed by few, but not imported when asked for: scripts/bundle.mjs tells why.
import { warmUp } from './jit-warmup/warm-up.js';
import { Node } from './node.js';
import { boot } from './process/boot.js';
import { tuneEngine } from './process/engine.js';

async function main(): Promise<void> {
  tuneEngine();
  const commands = new CommandTable(allCommands);
  const booted = await boot(process.argv, { renameCommand: (from, to) => renameError(commands.rename(from, to)) });
  if (booted.kind === 'ended') {
    process.exitCode = booted.exitCode;
    return;
  }
  const { config, log, supervisor } = booted;
  if (config.values.jitWarmup) await warmUp(new CommandTable(allCommands), log);
  const node = new Node(config, log, commands);
  log.role = () => (node.server.isReplica ? 'S' : 'M');
  node.onRoleChange((isReplica) => booted.adjustOomScore(isReplica));
  node.onExit((exitCode) => {
    booted.end();
    log.warning('Redis is now ready to exit, bye bye...');
    process.exit(exitCode);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => node.server.shutdown.bySignal(signal));
  process.on('SIGHUP', () => {});
  try {
    await node.start();
  } catch (error) {
    log.warning((error as Error).message);
    process.exit(1);
  }
  supervisor.ready();
}

function renameError(problem: ReturnType<CommandTable['rename']>): string | null {
  if (problem === '') return null;
  return problem === 'name exists' ? 'Target command name already exists' : 'No such command in rename-command';
}

await main();
