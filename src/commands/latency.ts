/** LATENCY. Source: spec server.md section 15. */
import type { Invocation } from '../server/invocation.js';
import { drawLatencyGraph, latencyReport } from '../server/latency-report.js';
import type { Command } from './command.js';
import { helpReply } from './help.js';

export function latencyLatest(call: Invocation): void {
  const { events } = call.server.latency;
  call.reply.array(events.size);
  for (const [name, event] of events) {
    const last = event.samples.at(-1)!;
    call.reply.array(4);
    call.reply.bulkText(name);
    call.reply.integer(last.unixSeconds);
    call.reply.integer(last.ms);
    call.reply.integer(event.maxMs);
  }
}

export function latencyHistory(call: Invocation): void {
  const samples = call.server.latency.events.get(call.text(2))?.samples ?? [];
  call.reply.array(samples.length);
  for (const sample of samples) {
    call.reply.array(2);
    call.reply.integer(sample.unixSeconds);
    call.reply.integer(sample.ms);
  }
}

export function latencyReset(call: Invocation): void {
  const names: string[] = [];
  for (let i = 2; i < call.argc; i++) names.push(call.text(i));
  call.reply.integer(call.server.latency.reset(names));
}

export function latencyGraph(call: Invocation): void {
  const name = call.text(2);
  const event = call.server.latency.events.get(name);
  if (event === undefined) return call.reply.byteError(`ERR No samples available for event '${call.request.cText(2)}'`);
  call.reply.verbatim(drawLatencyGraph(name, event, Math.floor(Date.now() / 1000)));
}

const DISABLED =
  "\nI'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";

export function latencyDoctor(call: Invocation): void {
  const { latency } = call.server;
  if (latency.thresholdMs === 0) return call.reply.verbatim(DISABLED);
  if (latency.events.size === 0) {
    return call.reply.verbatim(
      'Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n',
    );
  }
  call.reply.verbatim(latencyReport(latency, call.server.config, Math.floor(Date.now() / 1000)));
}

export function latencyHistogram(call: Invocation): void {
  const selected: Command[] = [];
  const add = (command: Command): void => {
    if (command.histogram.total > 0) selected.push(command);
    for (const sub of command.subcommands?.values() ?? []) add(sub);
  };
  const { byName } = call.server.commands;
  if (call.argc === 2) for (const command of byName.values()) add(command);
  for (let i = 2; i < call.argc; i++) {
    const [name, sub] = call.text(i).toLowerCase().split('|');
    const command = byName.get(name);
    const found = sub === undefined ? command : command?.subcommands?.get(sub);
    if (found !== undefined) add(found);
  }
  const { reply } = call;
  reply.map(selected.length);
  for (const command of selected) {
    const { histogram } = command;
    reply.bulkText(command.fullName);
    reply.map(2);
    reply.bulkText('calls');
    reply.integer(histogram.total);
    reply.bulkText('histogram_usec');
    const octaves = histogram.octaves();
    reply.map(octaves.length);
    for (const [microseconds, count] of octaves) {
      reply.integer(microseconds);
      reply.integer(count);
    }
  }
}

export const latencyHelp = helpReply('LATENCY', [
  'DOCTOR',
  '    Return a human readable latency analysis report.',
  'GRAPH <event>',
  '    Return an ASCII latency graph for the <event> class.',
  'HISTORY <event>',
  '    Return time-latency samples for the <event> class.',
  'LATEST',
  '    Return the latest latency samples for all events.',
  'RESET [<event> ...]',
  '    Reset latency data of one or more <event> classes.',
  '    (default: reset all data for all event classes)',
  'HISTOGRAM [COMMAND ...]',
  '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
  '    If no commands are specified then all histograms are replied.',
]);
