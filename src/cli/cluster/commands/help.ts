/** `help`: the subcommands with their arguments and options. The exit code is 1, as redis-cli has it. Source: spec/cli.md section 2.1. */
import type { Subcommand } from '../context.js';
import type { Output } from '../output.js';

const NAME_COLUMNS = 15;
const MARGIN = '  ';

export async function printHelp(output: Output, subcommands: ReadonlyMap<string, Subcommand>): Promise<number> {
  output.line('Cluster Manager Commands:');
  for (const [name, { form, options }] of subcommands) {
    output.line(`${MARGIN}${name.padEnd(NAME_COLUMNS)}${form}`);
    for (const option of options) output.line(`${MARGIN}${' '.repeat(NAME_COLUMNS)}--cluster-${option}`);
  }
  output.line(
    '\nFor check, fix, reshard, del-node, set-timeout, info, rebalance, call, import, backup you can specify the host and port of any working node in the cluster.',
  );
  output.line('\nCluster Manager Options:');
  output.line('  --cluster-yes  Automatic yes to cluster commands prompts');
  // Ours alone.
  output.line('  --cluster-parallel <arg>  Slots (import: keys) that are moved at a time\n');
  return 1;
}
