/** Trouble between hosts: partitions of all shapes, broken connections, slowness. */
import type { Dice } from '../dice.js';
import type { Host } from '../host.js';
import type { World } from '../world.js';
import type { Fault } from './fault.js';

/** Splits the hosts into two or three groups that do not hear each other. */
export function partition(world: World, dice: Dice): Fault | null {
  const shuffled = dice.shuffle(world.hosts);
  const groupCount = dice.chance(1, 4) ? 3 : 2;
  const groups: Host[][] = Array.from({ length: groupCount }, () => []);
  for (const host of shuffled) dice.pick(groups).push(host);
  if (groups.some((group) => group.length === 0)) return null;
  return blockBetween(world, groups, true, `partition: ${groups.map(listed).join(' | ')}`);
}

/** One host alone. */
export function isolate(world: World, dice: Dice): Fault | null {
  const victim = dice.pick(world.hosts);
  const others = world.hosts.filter((host) => host !== victim);
  if (others.length === 0) return null;
  return blockBetween(world, [[victim], others], true, `node ${victim.index} is cut off`);
}

/** Some hosts do not hear others that do hear them. */
export function muteSome(world: World, dice: Dice): Fault | null {
  const shuffled = dice.shuffle(world.hosts);
  const count = dice.chance(1, 2) ? 1 : dice.between(1, shuffled.length);
  const [mute, others] = [shuffled.slice(0, count), shuffled.slice(count)];
  if (others.length === 0) return null;
  const isDeaf = dice.chance(1, 2);
  const text = isDeaf ? `nodes ${listed(mute)} hear nothing` : `nodes ${listed(mute)} are not heard`;
  return blockBetween(world, isDeaf ? [others, mute] : [mute, others], false, text);
}

/** Single pairs, one way or both. */
export function cutPairs(world: World, dice: Dice): Fault | null {
  const pairs: [Host, Host][] = [];
  for (let count = dice.between(1, world.hosts.length); count > 0; count -= 1) {
    const from = dice.pick(world.hosts);
    const to = dice.pick(world.hosts);
    if (from === to) continue;
    pairs.push([from, to]);
    if (dice.chance(2, 3)) pairs.push([to, from]);
  }
  if (pairs.length === 0) return null;
  return blockPairs(world, pairs, `${pairs.length} paths are cut`);
}

/** Connections end, with what is under way in them. */
export function breakConnections(world: World, dice: Dice): Fault | null {
  const victim = dice.pick(world.hosts);
  const sockets = dice.shuffle(world.network.connectionsOf(victim.index));
  if (sockets.length === 0) return null;
  const broken = sockets.slice(0, dice.between(1, sockets.length));
  for (const socket of broken) if (!socket.isClosed) world.network.breakConnection(socket);
  return { text: `${broken.length} connections of node ${victim.index} break`, heal: null };
}

export function slowDown(world: World, dice: Dice): Fault {
  const extraMs = dice.between(1, world.plan.options.nodeTimeoutMs);
  const victims = dice.chance(1, 3) ? world.hosts : [dice.pick(world.hosts)];
  for (const host of victims) world.network.slowDown(host.index, extraMs);
  return {
    text: `messages of ${victims.length === 1 ? `node ${victims[0]!.index}` : 'all nodes'} take ${extraMs} ms more`,
    heal: () => {
      for (const host of victims) world.network.slowDown(host.index, 0);
    },
  };
}

function blockBetween(world: World, groups: readonly Host[][], bothWays: boolean, text: string): Fault {
  const pairs: [Host, Host][] = [];
  for (let i = 0; i < groups.length; i += 1) {
    for (let j = bothWays ? 0 : i + 1; j < groups.length; j += 1) {
      if (i === j) continue;
      for (const from of groups[i]!) for (const to of groups[j]!) pairs.push([from, to]);
    }
  }
  return blockPairs(world, pairs, text);
}

function blockPairs(world: World, pairs: readonly [Host, Host][], text: string): Fault {
  for (const [from, to] of pairs) world.block(from, to);
  world.reachabilityChanged();
  return {
    text,
    heal: () => {
      for (const [from, to] of pairs) world.unblock(from, to);
      world.reachabilityChanged();
    },
  };
}

export function listed(hosts: readonly Host[]): string {
  return hosts
    .map((host) => host.index)
    .sort((a, b) => a - b)
    .join(' ');
}
