/** Replication, both sides. */
import { bool, enumeration, integer, memory, string } from '../kinds.js';
import { INT32_MAX, INT64_MAX } from '../numbers.js';
import { primaryAddress } from '../special.js';

const COUNT = [0n, INT32_MAX] as const;

export const replicationDirectives = {
  replicaof: primaryAddress('Primary to replicate', { aliases: ['slaveof'], immutable: true }),
  masteruser: string('', 'User name for the primary', { sensitive: true }),
  masterauth: string('', 'Password for the primary', { sensitive: true }),
  'replica-serve-stale-data': bool(true, 'Serve reads while the link to the primary is down', {
    aliases: ['slave-serve-stale-data'],
  }),
  'replica-read-only': bool(true, 'Refuse writes of clients on a replica', { aliases: ['slave-read-only'] }),
  'replica-priority': integer(100, COUNT, 'Preference in a failover by Sentinel, lower is better; 0: never', {
    aliases: ['slave-priority'],
  }),
  'replica-announced': bool(true, 'Be shown by Sentinel'),
  'replica-announce-ip': string('', 'Address that this replica tells its primary', { aliases: ['slave-announce-ip'] }),
  'replica-announce-port': integer(0, [0n, 65535n], 'Port that this replica tells its primary', {
    aliases: ['slave-announce-port'],
  }),
  'replica-ignore-maxmemory': bool(true, 'Leave eviction to the primary', { aliases: ['slave-ignore-maxmemory'] }),
  'replica-lazy-flush': bool(false, 'Free the old dataset in the background at a full sync', {
    aliases: ['slave-lazy-flush'],
  }),
  'replica-ignore-disk-write-errors': bool(false, 'Go on replicating when the disk fails'),
  'repl-ping-replica-period': integer(10, [1n, INT32_MAX], 'Seconds between pings to replicas', {
    aliases: ['repl-ping-slave-period'],
  }),
  'repl-timeout': integer(60, [1n, INT32_MAX], 'Seconds of silence after which a replication link is given up'),
  'repl-disable-tcp-nodelay': bool(false, 'Fewer, larger packets to replicas, at the price of delay'),
  'repl-backlog-size': memory(1024 * 1024, [1n, INT64_MAX], 'History kept for replicas that reconnect'),
  'repl-backlog-ttl': integer(3600, [0n, INT64_MAX], 'Seconds without replicas after which it is freed; 0: never'),
  'repl-diskless-sync': bool(true, 'Stream a full sync without an RDB file'),
  'repl-diskless-sync-delay': integer(5, COUNT, 'Seconds to wait for more replicas before a diskless sync'),
  'repl-diskless-sync-max-replicas': integer(0, COUNT, 'Replicas at which that wait ends; 0: no such number'),
  'repl-diskless-load': enumeration(
    ['disabled', 'on-empty-db', 'swapdb'],
    'disabled',
    'Load a full sync straight from the socket',
    {
      denyLoading: true,
    },
  ),
  'min-replicas-to-write': integer(0, COUNT, 'Good replicas without which writes are refused; 0: none needed', {
    aliases: ['min-slaves-to-write'],
  }),
  'min-replicas-max-lag': integer(10, COUNT, 'Seconds of silence up to which a replica is good', {
    aliases: ['min-slaves-max-lag'],
  }),
};
