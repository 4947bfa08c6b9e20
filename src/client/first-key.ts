/**
 * Where the first key of a command stands, for a client that must choose a node before any server has seen the command. It is a guess with few
 * exceptions from "the first argument": a wrong one costs a redirection, for the server decides. (Servers and proxies use the command table.)
 */
import type { Arg } from './encode-command.js';

const KEYLESS = new Set(
  (
    'ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB FUNCTION HELLO INFO KEYS ' +
    'LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PSUBSCRIBE PSYNC PUBLISH PUBSUB PUNSUBSCRIBE QUIT RANDOMKEY READONLY READWRITE REPLCONF ' +
    'REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN SLAVEOF SLOWLOG SUBSCRIBE SWAPDB SYNC TIME UNSUBSCRIBE UNWATCH WAIT WAITAOF'
  ).split(' '),
);

/** Index of the first key in the argument list (the command's name is 0), for commands where it is not 1. */
const AT_INDEX = new Map<string, number>(
  Object.entries({
    BITOP: 2,
    BLMPOP: 3,
    BZMPOP: 3,
    DEBUG: 2,
    EVAL: 3,
    EVAL_RO: 3,
    EVALSHA: 3,
    EVALSHA_RO: 3,
    FCALL: 3,
    FCALL_RO: 3,
    LMPOP: 2,
    MEMORY: 2,
    MIGRATE: 3,
    OBJECT: 2,
    SINTERCARD: 2,
    XGROUP: 2,
    XINFO: 2,
    ZDIFF: 2,
    ZINTER: 2,
    ZINTERCARD: 2,
    ZMPOP: 2,
    ZUNION: 2,
  }),
);

/** Commands whose third word tells how many keys there are, which may be none. */
const COUNTED = new Set(['EVAL', 'EVAL_RO', 'EVALSHA', 'EVALSHA_RO', 'FCALL', 'FCALL_RO']);

/** The first key, or null if the command has none (as far as can be told from here). */
export function firstKey(args: readonly Arg[]): string | Uint8Array | null {
  const name = String(args[0]).toUpperCase();
  if (KEYLESS.has(name)) return null;
  let index = AT_INDEX.get(name) ?? 1;
  if (name === 'XREAD' || name === 'XREADGROUP')
    index = 1 + args.findIndex((arg) => String(arg).toUpperCase() === 'STREAMS');
  const key = args[index];
  if (key === undefined || (COUNTED.has(name) && Number(args[2]) === 0)) return null;
  return key instanceof Uint8Array ? key : String(key);
}
