/** The sections of INFO that speak of the server itself. Field order is part of the interface. Source: spec server.md section 17. */
import { type as osType, release, totalmem } from 'node:os';
import type { Command } from '../../commands/command.js';
import { lruClock } from '../../keyspace/access-clock.js';
import { fieldLines, sixDecimals, threeDecimals, twoDecimals } from '../../resp/field-lines.js';
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import { CHANNEL, PATTERN, SHARD_CHANNEL } from '../pubsub.js';
import type { Server } from '../server.js';
import { EVENT_LOOP_SAMPLE_MS } from './event-loop.js';
import { humanBytes, type Info, infoName } from './info.js';
import type { MemoryMeter } from './memory-usage.js';
import { Rate } from './rates.js';

/** Of the machine. It is in a file of the system, so not read for each INFO. */
const TOTAL_MEMORY = totalmem();
/** What does not change while the server runs. */
const VERSION_LINES = `\
redis_version:${REDIS_VERSION}\r
redis_git_sha1:00000000\r
redis_git_dirty:0\r
redis_build_id:0\r
`;
const PROCESS_LINES = `\
os:${osType()} ${release()} ${process.arch}\r
arch_bits:64\r
monotonic_clock:POSIX clock_gettime\r
multiplexing_api:libuv\r
atomicvar_api:none\r
gcc_version:0.0.0\r
process_id:${process.pid}\r
`;
const EXECUTABLE = process.argv[1] ?? process.execPath;
const LAST_LINES = `slotmesh_version:${SLOTMESH_VERSION}\r\nnode_version:${process.versions.node}\r\n`;

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
    const nowMs = performance.now();
    rates.operations.sample(server.dispatcher.commandCount, nowMs);
    rates.input.sample(server.netInputBytes, nowMs);
    rates.output.sample(server.netOutputBytes, nowMs);
    rates.replicationInput.sample(server.replication.inputBytes, nowMs);
    rates.replicationOutput.sample(server.replication.outputBytes, nowMs);
  });
  server.cron.every(EVENT_LOOP_SAMPLE_MS, () => server.eventLoop.sample());
  info.provide('server', () => serverText(server, startedAtMs));
  info.provide('clients', () => clientText(server, meter));
  info.provide('memory', () => memoryText(server, meter));
  info.provide('stats', () => statText(server, rates));
  info.provide('cpu', cpuText);
  info.provide('modules', () => '');
  const { commands, config } = server;
  const commandLines = new CommandLines(countersOf, commandLine);
  const latencyLines = new CommandLines(
    ({ histogram }) => histogram.total,
    (command) => latencyLine(command, config.values.latencyTrackingInfoPercentiles),
  );
  info.provide('commandstats', () => commandLines.of(commands.used, null));
  info.provide('errorstats', () => errorText(server));
  info.provide('latencystats', () => latencyLines.of(commands.used, config.values.latencyTrackingInfoPercentiles));
  info.provide('cluster', () => `cluster_enabled:${server.cluster === null ? 0 : 1}\r\n`);
  info.provide('keyspace', () => keyspaceText(server));
}

function serverText(server: Server, startedAtMs: number): string {
  const { config } = server;
  const nowMs = Date.now();
  const uptime = Math.floor((nowMs - startedAtMs) / 1000);
  return fieldLines`\
${VERSION_LINES}\
redis_mode:${server.cluster === null ? 'standalone' : 'cluster'}\r
${PROCESS_LINES}\
process_supervised:${config.values.supervised}\r
run_id:${server.runId}\r
tcp_port:${config.values.port}\r
server_time_usec:${microseconds}${nowMs}\r
uptime_in_seconds:${uptime}\r
uptime_in_days:${Math.floor(uptime / 86400)}\r
hz:${config.values.hz}\r
configured_hz:${config.values.hz}\r
lru_clock:${lruClock(nowMs)}\r
executable:${EXECUTABLE}\r
config_file:${config.file}\r
io_threads_active:0\r
${server.shutdownText()}${server.listeners.infoText()}\
${LAST_LINES}`;
}

/** @returns the same time in microseconds. As a number it would be too large for the engine's fast way to make its text. */
function microseconds(timeMs: number): string {
  const rest = timeMs % 1000;
  return `${(timeMs - rest) / 1000}${String(1000 + rest).slice(1)}000`;
}

function clientText(server: Server, meter: MemoryMeter): string {
  return fieldLines`\
connected_clients:${server.connections.size - server.replication.linkCount}\r
cluster_connections:${server.clusterLinkCount()}\r
maxclients:${server.config.values.maxclients}\r
client_recent_max_input_buffer:${meter.largestInput}\r
client_recent_max_output_buffer:${meter.largestOutput}\r
blocked_clients:${server.heldConnectionCount}\r
tracking_clients:${server.tracking.clientCount}\r
clients_in_timeout_table:0\r
total_blocking_keys:${server.keyWaits.keyCount}\r
total_blocking_keys_on_nokey:0\r
`;
}

function percent(part: number, whole: number): number {
  return (part * 100) / Math.max(1, whole);
}

function percentText(value: number): string {
  return `${twoDecimals(value)}%`;
}

function ratio(a: number, b: number): number {
  return a / Math.max(1, b);
}

function memoryText(server: Server, meter: MemoryMeter): string {
  const m = meter.usage();
  const { maxmemory, maxmemoryPolicy } = server.config.values;
  return fieldLines`\
used_memory:${m.used}\r
used_memory_human:${humanBytes}${m.used}\r
used_memory_rss:${m.resident}\r
used_memory_rss_human:${humanBytes}${m.resident}\r
used_memory_peak:${m.peak}\r
used_memory_peak_human:${humanBytes}${m.peak}\r
used_memory_peak_perc:${percentText}${percent(m.used, m.peak)}\r
used_memory_overhead:${m.overhead}\r
used_memory_startup:${m.startup}\r
used_memory_dataset:${m.dataset}\r
used_memory_dataset_perc:${percentText}${percent(m.dataset, m.used - m.startup)}\r
allocator_allocated:${m.used}\r
allocator_active:${m.reserved}\r
allocator_resident:${m.resident}\r
total_system_memory:${TOTAL_MEMORY}\r
total_system_memory_human:${humanBytes}${TOTAL_MEMORY}\r
used_memory_lua:0\r
used_memory_vm_eval:0\r
used_memory_lua_human:0B\r
used_memory_scripts_eval:0\r
number_of_cached_scripts:0\r
number_of_functions:0\r
number_of_libraries:0\r
used_memory_vm_functions:0\r
used_memory_vm_total:0\r
used_memory_vm_total_human:0B\r
used_memory_functions:0\r
used_memory_scripts:0\r
used_memory_scripts_human:0B\r
maxmemory:${maxmemory}\r
maxmemory_human:${humanBytes}${maxmemory}\r
maxmemory_policy:${maxmemoryPolicy}\r
allocator_frag_ratio:${twoDecimals}${ratio(m.reserved, m.used)}\r
allocator_frag_bytes:${m.reserved - m.used}\r
allocator_rss_ratio:${twoDecimals}${ratio(m.resident, m.reserved)}\r
allocator_rss_bytes:${m.resident - m.reserved}\r
rss_overhead_ratio:1.00\r
rss_overhead_bytes:0\r
mem_fragmentation_ratio:${twoDecimals}${ratio(m.resident, m.used)}\r
mem_fragmentation_bytes:${m.resident - m.used}\r
mem_not_counted_for_evict:${m.notCounted}\r
mem_replication_backlog:${server.replication.backlogBytes}\r
mem_total_replication_buffers:${server.replication.backlogBytes}\r
mem_clients_slaves:${m.replicaClients}\r
mem_clients_normal:${m.normalClients}\r
mem_cluster_links:${server.cluster?.node.bus.memoryBytes ?? 0}\r
mem_aof_buffer:${server.commitLog?.pendingBytes ?? 0}\r
mem_allocator:arena\r
active_defrag_running:0\r
lazyfree_pending_objects:${server.keyspace.reaper.pendingCount}\r
lazyfreed_objects:${server.keyspace.reaper.freedCount}\r
engine_heap_used:${m.engineHeap}\r
`;
}

function statText(server: Server, rates: Rates): string {
  const { keyspace, listeners, cron, replication, eventLoop } = server;
  // Of Redis 7.4; here only after a field of a hash has ended.
  const expiredFields = keyspace.expiredFieldCount === 0 ? '' : `expired_subkeys:${keyspace.expiredFieldCount}\r\n`;
  let errorReplies = 0;
  for (const count of server.errorCounts.values()) errorReplies += count;
  return fieldLines`\
total_connections_received:${listeners.receivedCount}\r
total_commands_processed:${server.dispatcher.commandCount}\r
instantaneous_ops_per_sec:${Math.round(rates.operations.perSecond)}\r
total_net_input_bytes:${server.netInputBytes}\r
total_net_output_bytes:${server.netOutputBytes}\r
total_net_repl_input_bytes:${replication.inputBytes}\r
total_net_repl_output_bytes:${replication.outputBytes}\r
instantaneous_input_kbps:${twoDecimals}${rates.input.perSecond / 1024}\r
instantaneous_output_kbps:${twoDecimals}${rates.output.perSecond / 1024}\r
instantaneous_input_repl_kbps:${twoDecimals}${rates.replicationInput.perSecond / 1024}\r
instantaneous_output_repl_kbps:${twoDecimals}${rates.replicationOutput.perSecond / 1024}\r
rejected_connections:${listeners.rejectedCount}\r
sync_full:${replication.fullSyncCount}\r
sync_partial_ok:${replication.partialSyncCount}\r
sync_partial_err:${replication.partialSyncErrorCount}\r
${expiredFields}\
expired_keys:${keyspace.expiredCount}\r
expired_stale_perc:${twoDecimals}${cron.expireCycle.stalePercent}\r
expired_time_cap_reached_count:${cron.expireCycle.timeCapReachedCount}\r
expire_cycle_cpu_milliseconds:${Math.round(cron.expireCycleMs)}\r
evicted_keys:${keyspace.evictedCount}\r
evicted_clients:${server.clientEviction.evictedCount}\r
total_eviction_exceeded_time:${Math.floor(server.memory.totalExceededMs)}\r
current_eviction_exceeded_time:${Math.floor(server.memory.currentExceededMs)}\r
keyspace_hits:${keyspace.hitCount}\r
keyspace_misses:${keyspace.missCount}\r
pubsub_channels:${server.pubsub.count(CHANNEL)}\r
pubsub_patterns:${server.pubsub.count(PATTERN)}\r
pubsubshard_channels:${server.pubsub.count(SHARD_CHANNEL)}\r
latest_fork_usec:0\r
total_forks:0\r
migrate_cached_sockets:${server.migrations.sender.cachedCount}\r
slave_expires_tracked_keys:${replication.localExpiryCount}\r
active_defrag_hits:0\r
active_defrag_misses:0\r
active_defrag_key_hits:0\r
active_defrag_key_misses:0\r
total_active_defrag_time:0\r
current_active_defrag_time:0\r
tracking_total_keys:${server.tracking.table.keyCount}\r
tracking_total_items:${server.tracking.table.clientCount}\r
tracking_total_prefixes:${server.tracking.prefixCount}\r
unexpected_error_replies:${server.unexpectedErrorReplyCount}\r
total_error_replies:${errorReplies}\r
dump_payload_sanitizations:0\r
total_reads_processed:${server.readCount}\r
total_writes_processed:${server.writeCount}\r
io_threaded_reads_processed:0\r
io_threaded_writes_processed:0\r
reply_buffer_shrinks:0\r
reply_buffer_expands:0\r
eventloop_cycles:${eventLoop.cycleCount}\r
eventloop_duration_sum:${eventLoop.durationUs}\r
eventloop_duration_cmd_sum:${Math.round(commandMicroseconds(server))}\r
instantaneous_eventloop_cycles_per_sec:${eventLoop.cyclesPerSecond}\r
instantaneous_eventloop_duration_usec:${eventLoop.cycleDurationUs}\r
acl_access_denied_auth:${server.deniedAuthCount}\r
acl_access_denied_cmd:0\r
acl_access_denied_key:0\r
acl_access_denied_channel:0\r
`;
}

/** Time spent in commands; that of EXEC holds the commands inside. */
function commandMicroseconds(server: Server): number {
  let sum = 0;
  for (const command of server.commands.used) if (command.fullName !== 'exec') sum += command.microseconds;
  return sum;
}

function cpuText(): string {
  const { user, system } = process.cpuUsage();
  const systemSeconds = sixDecimals(system / 1e6);
  const userSeconds = sixDecimals(user / 1e6);
  return fieldLines`\
used_cpu_sys:${systemSeconds}\r
used_cpu_user:${userSeconds}\r
used_cpu_sys_children:0.000000\r
used_cpu_user_children:0.000000\r
used_cpu_sys_main_thread:${systemSeconds}\r
used_cpu_user_main_thread:${userSeconds}\r
`;
}

/**
 * A line for each command that was used, made anew when its counters have changed.
 *
 * Counters never fall before the next CONFIG RESETSTAT, after which the list of used commands is another one: a sum of them that is the same says that all are.
 */
class CommandLines {
  private readonly sumOf: (command: Command) => number;
  private readonly lineOf: (command: Command) => string;
  private used: readonly Command[] = [];
  private basis: unknown = null;
  private text = '';
  private readonly sums: number[] = [];
  private readonly lines: string[] = [];

  /** @param lineOf gives the line of a command whose counters have the sum `sumOf`; '' for none */
  constructor(sumOf: (command: Command) => number, lineOf: (command: Command) => string) {
    this.sumOf = sumOf;
    this.lineOf = lineOf;
  }

  /** @param basis what lines depend on besides */
  of(used: readonly Command[], basis: unknown): string {
    const { sums, lines } = this;
    let isChanged = false;
    if (used !== this.used || basis !== this.basis) {
      this.used = used;
      this.basis = basis;
      sums.length = 0;
      lines.length = 0;
      isChanged = true;
    }
    for (let i = 0; i < used.length; i++) {
      const sum = this.sumOf(used[i]);
      if (sum === sums[i]) continue;
      sums[i] = sum;
      lines[i] = this.lineOf(used[i]);
      isChanged = true;
    }
    if (isChanged) this.text = lines.join('');
    return this.text;
  }
}

function countersOf({ callCount, microseconds, rejectedCount, failedCount }: Command): number {
  return callCount + microseconds + rejectedCount + failedCount;
}

function commandLine({ fullName, callCount, microseconds, rejectedCount, failedCount }: Command): string {
  const perCall = callCount === 0 ? 0 : microseconds / callCount;
  return `cmdstat_${fullName}:calls=${callCount},usec=${Math.round(microseconds)},usec_per_call=${twoDecimals(perCall)},rejected_calls=${rejectedCount},failed_calls=${failedCount}\r\n`;
}

function errorText(server: Server): string {
  let text = '';
  for (const code of [...server.errorCounts.keys()].sort())
    text += `errorstat_${infoName(code)}:count=${server.errorCounts.get(code)}\r\n`;
  return text;
}

function latencyLine({ fullName, histogram }: Command, percents: readonly number[]): string {
  if (histogram.total === 0) return '';
  const values = histogram.percentiles(percents);
  let text = '';
  for (let i = 0; i < values.length; i++) text += `${i === 0 ? '' : ','}p${percents[i]}=${threeDecimals(values[i])}`;
  return `latency_percentiles_usec_${fullName}:${text}\r\n`;
}

function keyspaceText(server: Server): string {
  let text = '';
  for (const db of server.keyspace.databases) {
    if (db.keyCount === 0) continue;
    // Of Redis 7.4; here only where there are hashes whose fields have times.
    const timed = db.timedHashCount === 0 ? '' : `,subexpiry=${db.timedHashCount}`;
    text += `db${db.index}:keys=${db.keyCount},expires=${db.expiryCount},avg_ttl=${Math.round(db.averageTtlMs)}${timed}\r\n`;
  }
  return text;
}
