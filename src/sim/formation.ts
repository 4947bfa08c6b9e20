/**
 * How the cluster of a run comes to be: from files that know everything (quick), or from nothing, by the commands that an operator types.
 * Hosts 0 … primaries − 1 become primaries with equal shares of the slots, the others their replicas in turn.
 */
import { strict as assert } from 'node:assert';
import { isPrimary, isReplica, randomId } from '../cluster/core/nodes.js';
import { SLOT_COUNT } from '../cluster/core/types.js';
import { disagreement } from './checkers/convergence.js';
import { Violation } from './checkers/violation.js';
import type { World } from './world.js';

/** @param epochs  config epochs of the primaries, if the cluster begins with files; 1, 2, 3 … if absent */
export function form(world: World, epochs?: readonly number[]): void {
  if (world.plan.formsByMeeting) meet(world);
  else writeFiles(world, epochs ?? world.hosts.map((host) => host.index + 1));
  const limitMs = 20 * world.plan.options.nodeTimeoutMs + 30_000 + 2 * world.plan.replication.fullCopyMsMax;
  if (world.runUntil(() => disagreement(world) === null, limitMs) >= 0) return;
  throw new Violation('a cluster forms', `after ${limitMs} ms: ${disagreement(world)}`, world.nowMs);
}

function firstSlot(primary: number, primaryCount: number): number {
  return Math.floor((SLOT_COUNT * primary) / primaryCount);
}

function writeFiles(world: World, epochs: readonly number[]): void {
  const { primaryCount } = world.plan;
  const nodes = world.hosts.map((host) => ({ host, id: randomId(host.dice), shard: randomId(host.dice) }));
  for (const { host } of nodes) {
    let text = '';
    for (const { host: other, id } of nodes) {
      const primary = nodes[other.index % primaryCount]!;
      const isMine = other === host ? 'myself,' : '';
      const { ip, port, busPort } = other.address;
      const first = firstSlot(other.index, primaryCount);
      const last = firstSlot(other.index + 1, primaryCount) - 1;
      const role = other.index < primaryCount ? 'master -' : `slave ${primary.id}`;
      const slots = other.index < primaryCount ? ` ${first}-${last}` : '';
      text += `${id} ${ip}:${port}@${busPort},,tls-port=0,shard-id=${primary.shard} ${isMine}${role}`;
      text += ` 0 0 ${epochs[primary.host.index]} connected${slots}\n`;
    }
    // The replicas have what their primaries have, which is nothing yet.
    host.data = world.hosts[host.index % primaryCount]!.data;
    host.disk.write(`${text}vars currentEpoch ${Math.max(...epochs.slice(0, primaryCount))} lastVoteEpoch 0\n`, true);
  }
  for (const host of world.hosts) world.start(host);
}

function meet(world: World): void {
  const { hosts, plan } = world;
  for (const host of hosts) world.start(host);
  for (const { index, address, process } of hosts) {
    if (index > 0) command(world, 0, 'meet', address.ip, `${address.port}`);
    if (index >= plan.primaryCount) continue;
    const last = firstSlot(index + 1, plan.primaryCount) - 1;
    assert(process !== null);
    command(world, index, 'addslotsrange', `${firstSlot(index, plan.primaryCount)}`, `${last}`);
  }
  awaitAgreement(world, 'everybody knows everybody', () =>
    world.running.every(({ state }) => {
      if (state.nodes.size !== hosts.length) return false;
      return [...state.nodes.values()].every((node) => isPrimary(node) || isReplica(node));
    }),
  );
  for (const { index } of hosts) {
    const primary = hosts[index % plan.primaryCount]!;
    if (index >= plan.primaryCount) command(world, index, 'replicate', primary.id);
  }
}

function awaitAgreement(world: World, what: string, condition: () => boolean): void {
  // A handshake that fails is not repeated by the nodes: the operator meets again.
  if (world.runUntil(condition, 60_000) < 0) throw new Violation('nodes that meet know each other', what, world.nowMs);
}

function command(world: World, index: number, ...args: string[]): void {
  const reply = world.hosts[index]!.process!.admin(...args);
  assert(reply.ok, reply.ok ? '' : `${args.join(' ')}: ${reply.error}`);
}
