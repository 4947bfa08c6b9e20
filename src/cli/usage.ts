/** The texts of --help and --version. */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../version.js';
import { formatOption } from './connection-options.js';
import { OPTION_GROUPS } from './options.js';

/** What is read by rules of its own. */
const MORE_CLUSTER_OPTIONS = `  --cluster-weight <id=weight …>  rebalance: weights of primaries (1 each)
  --cluster help                  lists the subcommands of the cluster manager`;

const REST = `Environment:
  REDISCLI_AUTH                   password
  REDISCLI_CLUSTER_YES            1: --cluster-yes
  REDISCLI_HISTFILE               what was typed in the shell (~/.rediscli_history; /dev/null: nothing is kept)
  REDISCLI_RCFILE                 preferences of the shell (~/.redisclirc; /dev/null: none)

  --help                          this text
  -v, --version                   whose behaviour this is, and which version of it`;

const EXAMPLES = `Examples:
  slotmesh-cli -c -p 7000 set my_name slotmesh
  cat picture.png | slotmesh-cli -x set picture
  slotmesh-cli -D "" --raw dump key > key.dump && slotmesh-cli -X TAG restore key2 0 TAG replace < key.dump
  slotmesh-cli -r 100 -i 1 info | grep used_memory_human:
  slotmesh-cli --quoted-input set '"null-\\x00-separated"' value
  slotmesh-cli --eval script.lua key1 key2 , argument1 argument2
  slotmesh-cli --scan --pattern '*:12345*'
  slotmesh-cli --cluster check 127.0.0.1:7000

Without a command it is an interactive shell; type help there.`;

/** `redis-cli 7.2.6 (slotmesh 0.1.0)`: scripts look for the first part, which names the Redis whose behaviour is kept. */
export function versionLine(): string {
  return `redis-cli ${REDIS_VERSION} (slotmesh ${SLOTMESH_VERSION})`;
}

export function usage(): string {
  const groups = OPTION_GROUPS.map(({ title, options }) => `${title}:\n${options.map(formatOption).join('\n')}`);
  return [
    `${versionLine()}\n\nUsage: slotmesh-cli [options] [command [argument …]]\n       slotmesh-cli [options] --cluster <subcommand> [argument …] [options]`,
    `${groups.join('\n\n')}\n${MORE_CLUSTER_OPTIONS}`,
    REST,
    EXAMPLES,
  ].join('\n\n');
}
