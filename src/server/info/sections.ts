/** The sections of INFO that speak of the server itself. Field order is part of the interface. Source: spec server.md section 17. */
import { type as osType, release, totalmem } from 'node:os';
import { lruClock } from '../../keyspace/access-clock.js';
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import { IS_BLOCKED, IS_PAUSED } from '../connection-flags.js';
import { CHANNEL, PATTERN, SHARD_CHANNEL } from '../pubsub.js';
import type { Server } from '../server.js';
import { humanBytes, type Info, infoName } from './info.js';
import type { MemoryMeter } from './memory-usage.js';
import { Rate } from './rates.js';

/** Of the machine. It is in a file of the system, so not read for each INFO. */
const TOTAL_MEMORY = totalmem();

/** What INFO tells per second. */
interface Rates {
  readonly operations: Rate;
  readonly input: Rate;
  readonly output: Rate;
  readonly replicationInput: Rate;
  readonly replicationOutput: Rate;
}

/** Registers the sections, and the samples that some of them need. */
export function provideServerSections(info: Info, server: Server, meter: MemoryMeter): void {
  const startedAtMs = Date.now();
  const rates: Rates = {
    operations: new Rate(),
    input: new Rate(),
    output: new Rate(),
    replicationInput: new Rate(),
    replicationOutput: new Rate(),
  };
  server.cron.every(100, () => {
    rates.operations.sample(server.dispatcher.commandCount);
    rates.input.sample(server.netInputBytes);
    rates.output.sample(server.netOutputBytes);
    rates.replicationInput.sample(server.replication.inputBytes);
    rates.replicationOutput.sample(server.replication.outputBytes);
    server.eventLoop.sample();
  });
  info.provide('server', () => serverLines(server, startedAtMs));
  info.provide('clients', () => clientLines(server, meter));
  info.provide('memory', () => memoryLines(server, meter));
  info.provide('stats', () => statLines(server, rates));
  info.provide('cpu', cpuLines);
  info.provide('modules', () => []);
  info.provide('commandstats', () => commandLines(server));
  info.provide('errorstats', () =>
    [...server.errorCounts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, count]) => `errorstat_${infoName(code)}:count=${count}`),
  );
  info.provide('latencystats', () => latencyLines(server));
  info.provide('cluster', () => [`cluster_enabled:${server.cluster === null ? 0 : 1}`]);
  info.provide('keyspace', () => keyspaceLines(server));
}

function serverLines(server: Server, startedAtMs: number): string[] {
  const { config } = server;
  const nowMs = Date.now();
  const uptime = Math.floor((nowMs - startedAtMs) / 1000);
  return [
    `redis_version:${REDIS_VERSION}`,
    'redis_git_sha1:00000000',
    'redis_git_dirty:0',
    'redis_build_id:0',
    `redis_mode:${server.cluster === null ? 'standalone' : 'cluster'}`,
    `os:${osType()} ${release()} ${process.arch}`,
    'arch_bits:64',
    'monotonic_clock:POSIX clock_gettime',
    'multiplexing_api:libuv',
    'atomicvar_api:none',
    'gcc_version:0.0.0',
    `process_id:${process.pid}`,
    `process_supervised:${config.values.supervised}`,
    `run_id:${server.runId}`,
    `tcp_port:${config.values.port}`,
    `server_time_usec:${nowMs * 1000}`,
    `uptime_in_seconds:${uptime}`,
    `uptime_in_days:${Math.floor(uptime / 86400)}`,
    `hz:${config.values.hz}`,
    `configured_hz:${config.values.hz}`,
    `lru_clock:${lruClock(nowMs)}`,
    `executable:${process.argv[1] ?? process.execPath}`,
    `config_file:${config.file}`,
    'io_threads_active:0',
    ...server.shutdownLines(),
    ...server.listeners.describe().map((text, index) => `listener${index}:${text}`),
    `slotmesh_version:${SLOTMESH_VERSION}`,
    `node_version:${process.versions.node}`,
  ];
}

function clientLines(server: Server, meter: MemoryMeter): string[] {
  let blocked = 0;
  for (const { flags } of server.connections.values()) if ((flags & (IS_BLOCKED | IS_PAUSED)) !== 0) blocked++;
  return [
    `connected_clients:${server.connections.size - server.replication.linkCount}`,
    `cluster_connections:${server.clusterLinkCount()}`,
    `maxclients:${server.config.values.maxclients}`,
    `client_recent_max_input_buffer:${meter.largestInput}`,
    `client_recent_max_output_buffer:${meter.largestOutput}`,
    `blocked_clients:${blocked}`,
    `tracking_clients:${server.tracking.clientCount}`,
    'clients_in_timeout_table:0',
    `total_blocking_keys:${server.keyWaits.keyCount}`,
    'total_blocking_keys_on_nokey:0',
  ];
}

function memoryLines(server: Server, meter: MemoryMeter): string[] {
  const m = meter.usage();
  const { maxmemory, maxmemoryPolicy } = server.config.values;
  const percent = (part: number, whole: number): string => `${((part * 100) / Math.max(1, whole)).toFixed(2)}%`;
  const ratio = (a: number, b: number): string => (a / Math.max(1, b)).toFixed(2);
  return [
    `used_memory:${m.used}`,
    `used_memory_human:${humanBytes(m.used)}`,
    `used_memory_rss:${m.resident}`,
    `used_memory_rss_human:${humanBytes(m.resident)}`,
    `used_memory_peak:${m.peak}`,
    `used_memory_peak_human:${humanBytes(m.peak)}`,
    `used_memory_peak_perc:${percent(m.used, m.peak)}`,
    `used_memory_overhead:${m.overhead}`,
    `used_memory_startup:${m.startup}`,
    `used_memory_dataset:${m.dataset}`,
    `used_memory_dataset_perc:${percent(m.dataset, m.used - m.startup)}`,
    `allocator_allocated:${m.used}`,
    `allocator_active:${m.reserved}`,
    `allocator_resident:${m.resident}`,
    `total_system_memory:${TOTAL_MEMORY}`,
    `total_system_memory_human:${humanBytes(TOTAL_MEMORY)}`,
    'used_memory_lua:0',
    'used_memory_vm_eval:0',
    'used_memory_lua_human:0B',
    'used_memory_scripts_eval:0',
    'number_of_cached_scripts:0',
    'number_of_functions:0',
    'number_of_libraries:0',
    'used_memory_vm_functions:0',
    'used_memory_vm_total:0',
    'used_memory_vm_total_human:0B',
    'used_memory_functions:0',
    'used_memory_scripts:0',
    'used_memory_scripts_human:0B',
    `maxmemory:${maxmemory}`,
    `maxmemory_human:${humanBytes(maxmemory)}`,
    `maxmemory_policy:${maxmemoryPolicy}`,
    `allocator_frag_ratio:${ratio(m.reserved, m.used)}`,
    `allocator_frag_bytes:${m.reserved - m.used}`,
    `allocator_rss_ratio:${ratio(m.resident, m.reserved)}`,
    `allocator_rss_bytes:${m.resident - m.reserved}`,
    'rss_overhead_ratio:1.00',
    'rss_overhead_bytes:0',
    `mem_fragmentation_ratio:${ratio(m.resident, m.used)}`,
    `mem_fragmentation_bytes:${m.resident - m.used}`,
    `mem_not_counted_for_evict:${m.notCounted}`,
    `mem_replication_backlog:${server.replication.backlogBytes}`,
    `mem_total_replication_buffers:${server.replication.backlogBytes}`,
    `mem_clients_slaves:${m.replicaClients}`,
    `mem_clients_normal:${m.normalClients}`,
    `mem_cluster_links:${server.cluster?.node.bus.memoryBytes ?? 0}`,
    `mem_aof_buffer:${server.commitLog?.pendingBytes ?? 0}`,
    'mem_allocator:arena',
    'active_defrag_running:0',
    `lazyfree_pending_objects:${server.keyspace.reaper.pendingCount}`,
    `lazyfreed_objects:${server.keyspace.reaper.freedCount}`,
    `engine_heap_used:${m.engineHeap}`,
  ];
}

function statLines(server: Server, rates: Rates): string[] {
  const { keyspace, listeners, cron, replication, eventLoop } = server;
  let errorReplies = 0;
  for (const count of server.errorCounts.values()) errorReplies += count;
  return [
    `total_connections_received:${listeners.receivedCount}`,
    `total_commands_processed:${server.dispatcher.commandCount}`,
    `instantaneous_ops_per_sec:${Math.round(rates.operations.perSecond)}`,
    `total_net_input_bytes:${server.netInputBytes}`,
    `total_net_output_bytes:${server.netOutputBytes}`,
    `total_net_repl_input_bytes:${replication.inputBytes}`,
    `total_net_repl_output_bytes:${replication.outputBytes}`,
    `instantaneous_input_kbps:${(rates.input.perSecond / 1024).toFixed(2)}`,
    `instantaneous_output_kbps:${(rates.output.perSecond / 1024).toFixed(2)}`,
    `instantaneous_input_repl_kbps:${(rates.replicationInput.perSecond / 1024).toFixed(2)}`,
    `instantaneous_output_repl_kbps:${(rates.replicationOutput.perSecond / 1024).toFixed(2)}`,
    `rejected_connections:${listeners.rejectedCount}`,
    `sync_full:${replication.fullSyncCount}`,
    `sync_partial_ok:${replication.partialSyncCount}`,
    `sync_partial_err:${replication.partialSyncErrorCount}`,
    // Of Redis 7.4; here only after a field of a hash has ended.
    ...(keyspace.expiredFieldCount === 0 ? [] : [`expired_subkeys:${keyspace.expiredFieldCount}`]),
    `expired_keys:${keyspace.expiredCount}`,
    `expired_stale_perc:${cron.expireCycle.stalePercent.toFixed(2)}`,
    `expired_time_cap_reached_count:${cron.expireCycle.timeCapReachedCount}`,
    `expire_cycle_cpu_milliseconds:${Math.round(cron.expireCycleMs)}`,
    `evicted_keys:${keyspace.evictedCount}`,
    `evicted_clients:${server.clientEviction.evictedCount}`,
    `total_eviction_exceeded_time:${Math.floor(server.memory.totalExceededMs)}`,
    `current_eviction_exceeded_time:${Math.floor(server.memory.currentExceededMs)}`,
    `keyspace_hits:${keyspace.hitCount}`,
    `keyspace_misses:${keyspace.missCount}`,
    `pubsub_channels:${server.pubsub.count(CHANNEL)}`,
    `pubsub_patterns:${server.pubsub.count(PATTERN)}`,
    `pubsubshard_channels:${server.pubsub.count(SHARD_CHANNEL)}`,
    'latest_fork_usec:0',
    'total_forks:0',
    'migrate_cached_sockets:0',
    `slave_expires_tracked_keys:${replication.localExpiryCount}`,
    'active_defrag_hits:0',
    'active_defrag_misses:0',
    'active_defrag_key_hits:0',
    'active_defrag_key_misses:0',
    'total_active_defrag_time:0',
    'current_active_defrag_time:0',
    `tracking_total_keys:${server.tracking.table.keyCount}`,
    `tracking_total_items:${server.tracking.table.clientCount}`,
    `tracking_total_prefixes:${server.tracking.prefixCount}`,
    `unexpected_error_replies:${server.unexpectedErrorReplyCount}`,
    `total_error_replies:${errorReplies}`,
    'dump_payload_sanitizations:0',
    `total_reads_processed:${server.eventCount}`,
    `total_writes_processed:${server.eventCount}`,
    'io_threaded_reads_processed:0',
    'io_threaded_writes_processed:0',
    'reply_buffer_shrinks:0',
    'reply_buffer_expands:0',
    `eventloop_cycles:${eventLoop.cycleCount}`,
    `eventloop_duration_sum:${eventLoop.durationUs}`,
    `eventloop_duration_cmd_sum:${Math.round(commandMicroseconds(server))}`,
    `instantaneous_eventloop_cycles_per_sec:${eventLoop.cyclesPerSecond}`,
    `instantaneous_eventloop_duration_usec:${eventLoop.cycleDurationUs}`,
    `acl_access_denied_auth:${server.deniedAuthCount}`,
    'acl_access_denied_cmd:0',
    'acl_access_denied_key:0',
    'acl_access_denied_channel:0',
  ];
}

/** Time spent in commands; that of EXEC holds the commands inside. */
function commandMicroseconds(server: Server): number {
  let sum = 0;
  for (const command of server.commands.all) if (command.fullName !== 'exec') sum += command.microseconds;
  return sum;
}

function cpuLines(): string[] {
  const { user, system } = process.cpuUsage();
  const seconds = (micros: number): string => (micros / 1e6).toFixed(6);
  return [
    `used_cpu_sys:${seconds(system)}`,
    `used_cpu_user:${seconds(user)}`,
    'used_cpu_sys_children:0.000000',
    'used_cpu_user_children:0.000000',
    `used_cpu_sys_main_thread:${seconds(system)}`,
    `used_cpu_user_main_thread:${seconds(user)}`,
  ];
}

function commandLines(server: Server): string[] {
  const lines: string[] = [];
  for (const command of server.commands.all) {
    const { callCount, rejectedCount, failedCount } = command;
    if (callCount > 0 || rejectedCount > 0 || failedCount > 0) {
      const micros = Math.round(command.microseconds);
      const perCall = (callCount === 0 ? 0 : command.microseconds / callCount).toFixed(2);
      lines.push(
        `cmdstat_${infoName(command.fullName)}:calls=${callCount},usec=${micros},usec_per_call=${perCall},rejected_calls=${rejectedCount},failed_calls=${failedCount}`,
      );
    }
  }
  return lines;
}

function latencyLines(server: Server): string[] {
  const percents = server.config.values.latencyTrackingInfoPercentiles;
  const lines: string[] = [];
  for (const { fullName, histogram } of server.commands.all) {
    if (histogram.total === 0) continue;
    const values = histogram.percentiles(percents).map((us, i) => `p${percents[i]}=${us.toFixed(3)}`);
    lines.push(`latency_percentiles_usec_${infoName(fullName)}:${values.join(',')}`);
  }
  return lines;
}

function keyspaceLines(server: Server): string[] {
  return server.keyspace.databases
    .filter((db) => db.keyCount > 0)
    .map((db) => {
      // Of Redis 7.4; here only where there are hashes whose fields have times.
      const timed = db.timedHashCount === 0 ? '' : `,subexpiry=${db.timedHashCount}`;
      return `db${db.index}:keys=${db.keyCount},expires=${db.expiryCount},avg_ttl=${Math.round(db.averageTtlMs)}${timed}`;
    });
}
