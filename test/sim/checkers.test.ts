/** The checkers can fail: nodes are made wrong on purpose, one way each, and the invariant that should notice does. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isPrimary, isReplica, myself } from '../../src/cluster/core/nodes.js';
import type { Effect } from '../../src/cluster/core/protocol.js';
import { NEVER } from '../../src/cluster/core/types.js';
import { disagreement } from '../../src/sim/checkers/convergence.js';
import { form } from '../../src/sim/formation.js';
import { drawPlan } from '../../src/sim/plan.js';
import { runScenario } from '../../src/sim/scenario.js';
import { simulate } from '../../src/sim/simulation.js';
import { type Sabotage, World } from '../../src/sim/world.js';

/** Runs seeds until a checker objects. @returns the invariant */
function firstViolation(sabotage: Sabotage, seedsMax = 12): string {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const { failure } = simulate(drawPlan(seed, { nodes: 10, usesCodec: false }), { sabotage });
    if (failure !== null) return failure.invariant;
  }
  return `nothing was noticed in ${seedsMax} seeds`;
}

function scenario(name: string): string {
  const file = new URL(`../../../test/sim/scenarios/${name}.txt`, import.meta.url);
  return readFileSync(file, 'utf8').split('----\n')[0]!;
}

test('a voter that forgets its votes is noticed', () => {
  const forgetful: Sabotage = {
    stepping: (host, input) => {
      if (input.kind !== 'message' || input.message.type !== 'auth-req') return;
      host.state!.lastVoteEpoch = 0;
      for (const node of host.state!.nodes.values()) node.votedAtMs = NEVER;
    },
  };
  assert.equal(firstViolation(forgetful, 60), 'a node never votes twice in an epoch');
});

test('a vote that leaves before it is saved is noticed', () => {
  const hasty: Sabotage = {
    effects: (_host, _input, effects) => {
      const isSave = (effect: Effect): boolean => effect.kind === 'persist';
      return [...effects.filter((effect) => !isSave(effect)), ...effects.filter(isSave)];
    },
  };
  assert.equal(firstViolation(hasty), 'a vote is durable before it leaves');
});

test('a save without fsync is noticed', () => {
  const careless: Sabotage = { effects: (_host, _input, effects) => effects.map(withoutSync) };
  assert.equal(firstViolation(careless), 'a vote is durable before it leaves');
});

function withoutSync(effect: Effect): Effect {
  return effect.kind === 'persist' ? { kind: 'persist', fsync: false } : effect;
}

test('a candidate that counts votes nobody gave is noticed', () => {
  const cheat: Sabotage = {
    stepping: ({ state }) => {
      if (state!.election.hasAsked) state!.election.voters = ['a', 'b', 'c', 'd', 'e', 'f'];
    },
  };
  assert.equal(firstViolation(cheat), 'a winner has the votes of a majority');
});

test('a primary that goes on without a majority is noticed', () => {
  const stubborn: Sabotage = {
    effects: (host, _input, effects) => {
      if (isPrimary(myself(host.state!))) host.state!.status = 'ok';
      return effects;
    },
  };
  assert.equal(firstViolation(stubborn), 'a primary without a majority stops taking writes');
});

test('a config epoch that is taken back is noticed', () => {
  const fickle: Sabotage = {
    stepping: ({ state }, input) => {
      if (input.kind === 'tick' && state!.tickCount === 100) myself(state!).configEpoch -= 1;
    },
  };
  assert.equal(firstViolation(fickle), 'the config epoch that a primary tells never falls');
});

test('a slot table that contradicts itself is noticed', () => {
  const sloppy: Sabotage = {
    stepping: ({ state }, input) => {
      if (input.kind === 'tick' && state!.tickCount === 100) state!.slotOwners[7] = null;
    },
  };
  assert.equal(firstViolation(sloppy), 'the state of a node is consistent');
});

test('replicas that never ask for votes are noticed', () => {
  const shy: Sabotage = {
    stepping: ({ state }) => {
      if (isReplica(myself(state!))) state!.election.startsAtMs = state!.now.monotonicMs + 60_000;
    },
  };
  assert.equal(firstViolation(shy), 'a failed primary with a good replica is replaced');
});

test('a primary that does not pause for a failover by hand is noticed', () => {
  const restless: Sabotage = {
    effects: (_host, _input, effects) => effects.filter((effect) => effect.kind !== 'pause-writes'),
  };
  const writes = 'run 1\nwrite 0\n'.repeat(20);
  const output = runScenario(`cluster primaries=3 replicas=1\nwrite 0\nrun 100\nadmin 3 failover\n${writes}`, restless);
  assert.match(output.join('\n'), /VIOLATED: a failover by hand loses no write/);
});

test('the election of a replica with the data of another shard is noticed', () => {
  const oblivious: Sabotage = {
    stepping: ({ state }) => {
      state!.joinedShardAtMs = NEVER;
    },
  };
  const output = runScenario(scenario('newcomer-without-data'), oblivious).join('\n');
  assert.match(output, /VIOLATED: no write that all replicas acknowledged is lost: slot 682/);
});

test('a claim that is not durable is noticed', () => {
  const careless: Sabotage = {
    effects: (_host, input, effects) => (input.kind === 'admin' ? effects.map(withoutSync) : effects),
  };
  const output = runScenario(scenario('claim-survives-power-loss'), careless).at(-1);
  assert.match(output!, /slot 101 belongs, says .*1: 0/);
});

test('a moved slot that is given back to its source by hearsay is noticed', () => {
  const credulous: Sabotage = {
    stepping: ({ state }) => {
      state!.movedFrom.clear();
    },
  };
  const owners = runScenario(scenario('moved-slot-is-not-given-back'), credulous).filter((line) =>
    line.startsWith('slot 100'),
  );
  assert.match(owners.at(-1)!, /1: [023]/);
});

test('two primaries with one config epoch are not an agreement', () => {
  const world = new World({ ...drawPlan(1, { nodes: 10 }), formsByMeeting: false });
  form(world);
  assert.equal(disagreement(world), null);
  for (const { state } of world.running) {
    for (const node of state.nodes.values()) if (isPrimary(node)) node.configEpoch = 9;
  }
  assert.match(disagreement(world)!, /nodes 0 and 1 have the same config epoch 9/);
});
