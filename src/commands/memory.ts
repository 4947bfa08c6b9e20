/** MEMORY. Source: spec server.md section 14. */
import type { MemoryUsage } from '../server/info/memory-usage.js';
import type { Invocation } from '../server/invocation.js';
import { formatDouble } from '../types/double.js';
import { helpReply } from './help.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

/** The cell in the slot's table and its share of the overflow buckets: table.ts derives it. */
const TABLE_BYTES_PER_KEY = 9;

export function memoryUsage(call: Invocation): void {
  for (let i = 3; i < call.argc; i += 2) {
    if (!call.is(i, 'SAMPLES') || i + 1 >= call.argc) return replySyntaxError(call);
    const samples = call.integer(i + 1);
    if (Number.isNaN(samples)) return replyNotAnInteger(call);
    if (samples < 0) return replySyntaxError(call);
  }
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.lookupUnheard(bytes, starts[2], lengths[2]);
  if (ref === 0) return call.reply.null();
  call.reply.integer(call.keyspace.arena.blockBytes(ref) + call.keyspace.valueBytes(ref) + TABLE_BYTES_PER_KEY);
}

export function memoryStats(call: Invocation): void {
  const { server, reply } = call;
  const usage = server.memoryMeter.usage();
  const fields = statFields(call, usage);
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.bulkText(name);
    write();
  }
}

function statFields(call: Invocation, m: MemoryUsage): [string, () => void][] {
  const { server, reply } = call;
  const integer = (name: string, value: number): [string, () => void] => [name, () => reply.integer(Math.round(value))];
  const double = (name: string, value: number): [string, () => void] => [
    name,
    () => reply.doubleText(formatDouble(value)),
  ];
  const keyCount = server.keyspace.keyCount();
  const databases = server.keyspace.databases.filter((db) => db.keyCount > 0);
  return [
    integer('peak.allocated', m.peak),
    integer('total.allocated', m.used),
    integer('startup.allocated', m.startup),
    integer('replication.backlog', server.replication.backlogBytes),
    integer('clients.slaves', m.replicaClients),
    integer('clients.normal', m.normalClients),
    integer('cluster.links', 0),
    integer('aof.buffer', server.commitLog?.pendingBytes ?? 0),
    integer('lua.caches', 0),
    integer('functions.caches', 0),
    ...databases.map((db): [string, () => void] => [
      `db.${db.index}`,
      () => {
        reply.map(3);
        reply.bulkText('overhead.hashtable.main');
        reply.integer(db.keyCount * TABLE_BYTES_PER_KEY);
        reply.bulkText('overhead.hashtable.expires');
        reply.integer(0);
        reply.bulkText('overhead.hashtable.slot-to-keys');
        reply.integer(0);
      },
    ]),
    integer('overhead.total', m.overhead),
    integer('keys.count', keyCount),
    integer('keys.bytes-per-key', keyCount === 0 ? 0 : (m.used - m.startup) / keyCount),
    integer('dataset.bytes', m.dataset),
    double('dataset.percentage', (m.dataset * 100) / Math.max(1, m.used - m.startup)),
    double('peak.percentage', (m.used * 100) / Math.max(1, m.peak)),
    integer('allocator.allocated', m.used),
    integer('allocator.active', m.reserved),
    integer('allocator.resident', m.resident),
    double('allocator-fragmentation.ratio', m.reserved / m.used),
    integer('allocator-fragmentation.bytes', m.reserved - m.used),
    double('allocator-rss.ratio', m.resident / m.reserved),
    integer('allocator-rss.bytes', m.resident - m.reserved),
    double('rss-overhead.ratio', 1),
    integer('rss-overhead.bytes', 0),
    double('fragmentation', m.resident / m.used),
    integer('fragmentation.bytes', m.resident - m.used),
  ];
}

const MIB = 1024 * 1024;

export function memoryDoctor(call: Invocation): void {
  const m = call.server.memoryMeter.usage();
  if (m.used - m.startup < 5 * MIB) {
    return call.reply.verbatim(
      "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n",
    );
  }
  const issues: string[] = [];
  if (m.peak / m.used > 1.5) {
    issues.push(
      'Peak memory: In the past this instance used more than 150% the memory that is currently using. Freed memory is given back chunk by chunk; what is left of it serves new data.',
    );
  }
  if (m.reserved / m.used > 1.1 && m.reserved - m.used > 10 * MIB) {
    issues.push(
      'High allocator fragmentation: blocks in use are scattered over chunks that hold free blocks of other sizes.',
    );
  }
  if (m.resident / m.used > 1.4 && m.resident - m.used > 10 * MIB) {
    issues.push('High total RSS: the process takes more than 1.4 times the memory that is in use.');
  }
  if (m.replicaClients > 10 * MIB) {
    issues.push('Big replica buffers: replicas are slow to read the replication stream, or their links are.');
  }
  const clientCount = call.server.connections.size;
  if (clientCount > 0 && m.normalClients / clientCount > 200 * 1024) {
    issues.push(
      'Big client buffers: clients hold more than 200 KiB each on average. MONITOR or large pipelines are usual causes.',
    );
  }
  if (issues.length === 0) {
    return call.reply.verbatim(
      "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n",
    );
  }
  call.reply.verbatim(
    `Sam, I detected a few issues in this Redis instance memory implants:\n\n${issues.map((issue) => ` * ${issue}\n\n`).join('')}`,
  );
}

export function memoryMallocStats(call: Invocation): void {
  call.reply.verbatim('Stats not supported for the current allocator');
}

/** The arena gives empty chunks back by itself: nothing is left to purge. */
export function memoryPurge(call: Invocation): void {
  call.reply.ok();
}

export const memoryHelp = helpReply('MEMORY', [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Nested values are',
  '    sampled up to <count> times (default: 5, 0 means sample all).',
]);
