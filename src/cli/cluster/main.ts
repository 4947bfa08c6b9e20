/**
 * The cluster manager: `slotmesh-cli --cluster <subcommand> …`. Same subcommands, options, prompts, words and exit codes as redis-cli 7.0.15; piped output
 * is the same to the byte. On a terminal, what takes long shows a progress bar.
 *
 *   commands/            one file per subcommand; subcommands.ts is the table of them
 *   load-cluster.ts      from one node to all: → managed-node.ts, slot-set.ts
 *   check-cluster.ts     what `check` prints and most others begin with
 *   allocation.ts, reshard-plan.ts, rebalance-plan.ts
 *                        who gets which slots; pure
 *   slot-mover.ts        moving slots: → migrate-keys.ts, batch-size.ts, move-report.ts, progress-bar.ts
 *   fix-*.ts             what mends a cluster
 *   output.ts, dialect.ts, failure.ts
 *                        how things are told
 *
 * It knows the connection settings and the terminal of the tools (../), and of the rest only client/, resp/ and keyspace/key-slot.
 */
import type { ConnectionSettings } from '../connection-settings.js';
import type { Terminal } from '../terminal.js';
import { BufferedTerminal } from './buffered-terminal.js';
import { Connections } from './connections.js';
import type { ClusterOptions, RunClusterManager } from './contract.js';
import { redisCliDialect } from './dialect.js';
import { Failure } from './failure.js';
import { tell } from './load-cluster.js';
import { Output } from './output.js';
import { SUBCOMMANDS } from './subcommands.js';

export const runClusterManager: RunClusterManager = async (
  words: readonly string[],
  options: ClusterOptions,
  connection: ConnectionSettings,
  outerTerminal: Terminal,
): Promise<number> => {
  const terminal = new BufferedTerminal(outerTerminal);
  try {
    return await run(words, options, connection, terminal);
  } finally {
    terminal.flush();
  }
};

async function run(
  words: readonly string[],
  options: ClusterOptions,
  connection: ConnectionSettings,
  terminal: Terminal,
): Promise<number> {
  const output = Output.of(terminal);
  const [name = '', ...positionals] = words;
  const subcommand = SUBCOMMANDS.get(name);
  if (subcommand === undefined) {
    output.complain('Unknown --cluster subcommand');
    return 1;
  }
  const { minWords, maxWords = Number.POSITIVE_INFINITY } = subcommand;
  if (positionals.length < minWords || positionals.length > maxWords) {
    output.complain('[ERR] Wrong number of arguments for specified --cluster sub command');
    return 1;
  }
  const connections = new Connections(connection);
  try {
    return await subcommand.run({
      words: positionals,
      options,
      connection,
      connections,
      terminal,
      output,
      dialect: redisCliDialect,
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error, output);
    return 1;
  } finally {
    connections.closeAll();
  }
}
