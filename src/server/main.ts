/** Entry of `slotmesh-server`: reads the configuration, builds the node, starts it, and ends with the exit code that Redis gives. */
import { REDIS_VERSION } from '../version.js';
import { Config } from './config/config.js';
import { ConfigError } from './config/config-error.js';
import { Logger } from './log.js';
import { Node, newCommandTable } from './node.js';

async function main(): Promise<void> {
  const commands = newCommandTable();
  const config = new Config({
    changeDirectory: (path) => process.chdir(path),
    renameCommand: (from, to) => {
      const problem = commands.rename(from, to);
      if (problem === '') return null;
      return problem === 'name exists' ? 'Target command name already exists' : 'No such command in rename-command';
    },
  });
  try {
    config.loadArgs(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(error.report === '' ? `${error.message}\n` : error.report);
    process.exit(1);
  }
  const log = new Logger({ level: config.values.loglevel, file: config.values.logfile });
  log.notice('oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo');
  log.notice(`Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`);
  const node = new Node(config, log, commands);
  log.role = () => 'M';
  log.raw(`\n  Slotmesh (Redis ${REDIS_VERSION} compatible)\n  Port: ${config.values.port}\n  PID: ${process.pid}\n\n`);
  try {
    await node.start();
  } catch (error) {
    log.warning((error as Error).message);
    process.exit(1);
  }
}

await main();
