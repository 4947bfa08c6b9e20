/**
 * The cluster manager: `slotmesh-cli --cluster <subcommand> …`. Same subcommands, options, prompts, words and exit codes as redis-cli 7.0.15; piped output
 * is the same to the byte. On a terminal, what takes long shows a progress bar.
 *
 *   commands/            one file per subcommand; subcommands.ts is the table of them
 *   load-cluster.ts      from one node to all: → managed-node.ts, slot-set.ts
 *   check-cluster.ts     what `check` prints and most others begin with
 *   cluster/allocation.ts, reshard-plan.ts, rebalance-plan.ts
 *                        who gets which slots; pure
 *   slot-mover.ts        moving slots: → migrate-keys.ts, batch-size.ts, progress-bar.ts
 *   fix-*.ts             what mends a cluster
 *   output.ts, dialect.ts, failure.ts, run-to-end.ts
 *                        how things are told, and how a run ends
 *
 * It knows the connection settings and the terminal of the tools (../), and of the rest only client/, resp/, keyspace/key-slot and cluster/allocation.
 */
import type { ConnectionSettings } from '../connection-settings.js';
import type { Terminal } from '../terminal.js';
import { BufferedTerminal } from './buffered-terminal.js';
import { Connections } from './connections.js';
import type { Subcommand } from './context.js';
import type { ClusterOptions, RunClusterManager } from './contract.js';
import { redisCliDialect } from './dialect.js';
import { Failure } from './failure.js';
import { Output } from './output.js';
import { runToEnd } from './run-to-end.js';
import { SUBCOMMANDS } from './subcommands.js';

export const runClusterManager: RunClusterManager = (
  words: readonly string[],
  options: ClusterOptions,
  connection: ConnectionSettings,
  outerTerminal: Terminal,
): Promise<number> => {
  const terminal = new BufferedTerminal(outerTerminal);
  const output = Output.of(terminal);
  const connections = new Connections(connection);
  const dialect = redisCliDialect;
  return runToEnd({ terminal, output, connections }, async () => {
    const [name = '', ...positionals] = words;
    const subcommand = findSubcommand(name, positionals.length);
    return subcommand.run({ words: positionals, options, connection, connections, terminal, output, dialect });
  });
};

function findSubcommand(name: string, wordCount: number): Subcommand {
  const subcommand = SUBCOMMANDS.get(name);
  if (subcommand === undefined) throw new Failure('stderr', 'Unknown --cluster subcommand');
  const { minWords, maxWords = Number.POSITIVE_INFINITY } = subcommand;
  if (wordCount < minWords || wordCount > maxWords)
    throw new Failure('stderr', '[ERR] Wrong number of arguments for specified --cluster sub command');
  return subcommand;
}
