/** The texts of --help and --version. */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../version.js';
import { formatOption } from './connection-options.js';
import { OPTION_GROUPS } from './options.js';

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
    ...groups,
    '  --cluster-weight <id=weight …>  rebalance: weights of primaries (1 each)\n' +
      '  --cluster help                  lists the subcommands of the cluster manager\n' +
      '  --help, --version',
    EXAMPLES,
  ].join('\n\n');
}
