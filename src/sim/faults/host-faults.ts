/** Trouble of single hosts: processes that die or freeze, power that fails, clocks that jump. */
import { NodeFlag } from '../../cluster/core/message.js';
import { isVotingPrimary, myself } from '../../cluster/core/nodes.js';
import type { Dice } from '../dice.js';
import type { Host } from '../host.js';
import type { World } from '../world.js';
import type { Fault } from './fault.js';
import { listed } from './network-faults.js';

/** Primaries with slots are what is worth hitting; but not only they. */
function pickVictim(world: World, dice: Dice): Host | null {
  const up = world.hosts.filter((host) => host.isUp);
  const voters = up.filter((host) => isVotingPrimary(myself(host.state!)));
  if (voters.length > 0 && dice.chance(2, 3)) return dice.pick(voters);
  return up.length > 0 ? dice.pick(up) : null;
}

export function crash(world: World, dice: Dice): Fault | null {
  const host = pickVictim(world, dice);
  if (host === null) return null;
  world.crash(host);
  return { text: `node ${host.index} crashes`, heal: () => world.restart(host) };
}

export function losePower(world: World, dice: Dice): Fault | null {
  const host = pickVictim(world, dice);
  if (host === null) return null;
  const lost = world.losePower(host);
  const what = lost > 0 ? `, and ${lost} unsynced versions of nodes.conf are gone` : '';
  return { text: `node ${host.index} loses power${what}`, heal: () => world.restart(host) };
}

/** The process dies in the middle of its next step that saves: before the save, after it, or between two messages. */
export function crashWithinStep(world: World, dice: Dice): Fault | null {
  const host = pickVictim(world, dice);
  if (host === null) return null;
  const { process } = host;
  process!.fuse = dice.below(6);
  return {
    text: `node ${host.index} is to crash within a step`,
    heal: () => {
      if (host.process === process) process!.fuse = -1;
      world.restart(host);
    },
  };
}

/** A voter that is not allowed to forget: it dies as soon as it has voted, or just before. */
export function crashVoters(world: World, dice: Dice): Fault | null {
  const victims = world.hosts.filter((host) => host.isUp && isVotingPrimary(myself(host.state!)) && dice.chance(1, 2));
  if (victims.length === 0) return null;
  const armed = victims.map((host) => ({ host, process: host.process! }));
  for (const { process } of armed) process.fuse = dice.below(4);
  return {
    text: `nodes ${listed(victims)} are to crash when they save`,
    heal: () => {
      for (const { host, process } of armed) {
        if (host.process === process) process.fuse = -1;
        world.restart(host);
      }
    },
  };
}

/** A whole shard at once, as when a rack fails. */
export function crashShard(world: World, dice: Dice): Fault | null {
  const victim = pickVictim(world, dice);
  if (victim === null) return null;
  const { shardId } = myself(victim.state!);
  const shard = world.hosts.filter((host) => host.isUp && myself(host.state!).shardId === shardId);
  const withPower = dice.chance(1, 2);
  for (const host of shard) {
    if (withPower) world.crash(host);
    else world.losePower(host);
  }
  return {
    text: `the shard of nodes ${listed(shard)} ${withPower ? 'crashes' : 'loses power'}`,
    heal: () => {
      for (const host of dice.shuffle(shard)) world.restart(host);
    },
  };
}

/** Some or all nodes restart at nearly the same time. */
export function crashMany(world: World, dice: Dice): Fault | null {
  const victims = world.hosts.filter((host) => host.isUp && dice.chance(1, 2));
  if (victims.length === 0) return null;
  for (const host of victims) world.crash(host);
  return {
    text: `nodes ${listed(victims)} crash`,
    heal: () => {
      for (const host of dice.shuffle(victims)) world.restart(host);
    },
  };
}

/** The primary of a replica that is a candidate dies, again: hits elections that are under way. */
export function crashCandidate(world: World, dice: Dice): Fault | null {
  const candidates = world.hosts.filter((host) => {
    if (!host.isUp || host.state!.election.startsAtMs === Number.NEGATIVE_INFINITY) return false;
    const { replicaOf } = myself(host.state!);
    return replicaOf !== null && (host.state!.nodes.get(replicaOf)!.flags & NodeFlag.Failed) !== 0;
  });
  if (candidates.length === 0) return null;
  const host = dice.pick(candidates);
  world.crash(host);
  return { text: `node ${host.index}, a candidate, crashes`, heal: () => world.restart(host) };
}

/** The process dies, and comes back on another address, as in a container that is scheduled anew. The old address answers nobody. */
export function moveHost(world: World, dice: Dice): Fault | null {
  const host = pickVictim(world, dice);
  if (host === null) return null;
  world.crash(host);
  return {
    text: `node ${host.index} crashes, to come back elsewhere`,
    heal: () => {
      if (host.process === null) world.move(host);
      world.restart(host);
    },
  };
}

/** The process gets no processor: a long pause of the machine under it, or SIGSTOP. */
export function freeze(world: World, dice: Dice): Fault | null {
  const host = pickVictim(world, dice);
  if (host === null || host.process!.isFrozen) return null;
  const process = host.process!;
  process.freeze();
  world.reachabilityChanged();
  return {
    text: `node ${host.index} freezes`,
    heal: () => {
      process.thaw();
      world.reachabilityChanged();
    },
  };
}

/** Somebody sets the calendar of a host: by a little, or by hours, either way. */
export function jumpClock(world: World, dice: Dice): Fault {
  const host = dice.pick(world.hosts);
  const sizeMs = dice.pick([500, 10_000, 86_400_000]);
  const jumpMs = dice.between(-sizeMs, sizeMs);
  host.clock.skewMs += jumpMs;
  return { text: `the calendar of node ${host.index} jumps by ${jumpMs} ms`, heal: null };
}
