/**
 * Scenarios: a story told in commands, and what the nodes make of it, as text that a reviewer can read and a test compares.
 *
 *   cluster primaries=3 replicas=1 timeout=1000     nodes 0–2 are primaries, 3–5 their replicas; messages take 1 ms
 *   run 3000                                        lets time pass
 *   crash 1 | power-off 1 | restart 1 | freeze 1 | thaw 1
 *   fuse 1 2                                        node 1 dies after two effects of its next step that saves
 *   cut 0 1 / 2 3 4                                 no message between the groups; `mute 0 / 1 2`: none from the first to the second
 *   heal                                            all cuts are over
 *   admin 3 failover                                a CLUSTER subcommand; `<2>` stands for the id of node 2
 *   write 5461                                      a client writes to the slot, wherever that is possible, and waits for all replicas
 *   writes 5461 250 5                               250 such writes, one every 5 ms
 *   slow 1 200                                      messages from and to node 1 take 200 ms more; 0: no longer
 *   slow-copies                                     full copies take a minute from now on
 *   show                                            what each node is; `slot 5461`: who owns the slot, by everybody's account
 *
 * Cluster options: `timeout` (node timeout, ms), `seed`, `epochs=1,1,2` (config epochs of the primaries), `migration=yes`, `coverage=no`.
 * The checkers look on. Lines that begin with # are comments; a file is `commands`, a line of dashes, `output`.
 */
import { isPrimary } from '../cluster/core/nodes.js';
import { DEFAULT_OPTIONS } from '../cluster/core/types.js';
import { Durability } from './checkers/durability.js';
import { Elections } from './checkers/elections.js';
import { IsolatedPrimaries } from './checkers/isolation.js';
import { ManualFailovers } from './checkers/manual-failovers.js';
import { Structure } from './checkers/structure.js';
import { ToldEpochs } from './checkers/told-epochs.js';
import { Violation } from './checkers/violation.js';
import { Clients } from './clients.js';
import { form } from './formation.js';
import type { Host } from './host.js';
import type { Plan } from './plan.js';
import { formatTime, Transcript } from './transcript.js';
import { type Sabotage, World } from './world.js';

/** @returns the output, one line each, as the file should have it after the dashes. @throws Error naming a command that is none */
export function runScenario(commands: string, sabotage: Sabotage = {}): string[] {
  const output: string[] = [];
  let scenario: Scenario | null = null;
  try {
    for (const line of commands.split('\n')) {
      const words = line.replace(/#.*/, '').trim().split(/\s+/);
      if (words[0] === '') continue;
      if (words[0] === 'cluster') scenario = new Scenario(words.slice(1), sabotage, (text) => output.push(text));
      else if (scenario === null) throw new Error(`a scenario begins with 'cluster', not with '${line}'`);
      else scenario.obey(words[0]!, words.slice(1));
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    output.push(`${formatTime(error.atMs)} VIOLATED: ${error.message}`);
  }
  return output.map((text) => text.trimEnd());
}

class Scenario {
  readonly #world: World;
  readonly #clients: Clients;
  readonly #print: (line: string) => void;
  #cuts: [Host, Host][] = [];

  constructor(settings: readonly string[], sabotage: Sabotage, print: (line: string) => void) {
    this.#print = print;
    const world = new World(calmPlan(settings), sabotage);
    this.#world = world;
    this.#clients = new Clients(world, world.dice.fork());
    const isolation = new IsolatedPrimaries(world);
    world.observers.push(this.#clients, new Elections(world), new ToldEpochs(world), new Structure(world), isolation);
    world.observers.push(new Durability(world), new ManualFailovers(world));
    const epochs = settings.find((setting) => setting.startsWith('epochs='))?.slice('epochs='.length);
    world.observers.unshift(new Transcript(world, print, false));
    form(world, epochs?.split(',').map(Number));
    isolation.start();
  }

  obey(name: string, words: readonly string[]): void {
    const world = this.#world;
    const [first, second] = words;
    switch (name) {
      case 'run':
        return world.run(Number(first));
      case 'crash':
        world.tell(`node ${first} crashes`);
        return world.crash(this.#host(first));
      case 'power-off':
        world.tell(`node ${first} loses power`);
        world.losePower(this.#host(first));
        return;
      case 'restart':
        return world.restart(this.#host(first));
      case 'freeze':
        world.tell(`node ${first} freezes`);
        return this.#host(first).process!.freeze();
      case 'thaw':
        world.tell(`node ${first} goes on`);
        return this.#host(first).process!.thaw();
      case 'fuse':
        this.#host(first).process!.fuse = Number(second);
        return;
      case 'cut':
        return this.#cut(words, true);
      case 'mute':
        return this.#cut(words, false);
      case 'heal':
        world.tell('everything is healed');
        for (const [from, to] of this.#cuts) world.unblock(from, to);
        this.#cuts = [];
        return world.reachabilityChanged();
      case 'admin':
        return this.#admin(this.#host(first), words.slice(1));
      case 'write':
        this.#clients.write(Number(first));
        return;
      case 'writes':
        for (let left = Number(second); left > 0; left -= 1) {
          this.#clients.write(Number(first));
          world.run(Number(words[2]));
        }
        return;
      case 'slow-copies':
        world.plan.replication.fullCopyMsMax = 60_000;
        return;
      case 'slow':
        return world.network.slowDown(this.#host(first).index, Number(second));
      case 'show':
        for (const host of world.hosts) this.#print(describe(world, host));
        return;
      case 'slot':
        return this.#showSlot(Number(first));
      default:
        throw new Error(`'${name}' is not a command of scenarios`);
    }
  }

  #host(word: string | undefined): Host {
    const host = this.#world.hosts[Number(word)];
    if (host === undefined) throw new Error(`there is no node '${word}'`);
    return host;
  }

  #cut(words: readonly string[], bothWays: boolean): void {
    const [left, right] = words.join(' ').split('/') as [string, string];
    this.#world.tell(`${bothWays ? 'cut' : 'muted'}: ${words.join(' ')}`);
    const cuts: [Host, Host][] = [];
    for (const from of left.trim().split(' ')) {
      for (const to of right.trim().split(' ')) {
        cuts.push([this.#host(from), this.#host(to)]);
        if (bothWays) cuts.push([this.#host(to), this.#host(from)]);
      }
    }
    for (const [from, to] of cuts) this.#world.block(from, to);
    this.#cuts.push(...cuts);
    this.#world.reachabilityChanged();
  }

  #admin(host: Host, words: readonly string[]): void {
    const args = words.map((word) => word.replace(/^<(\d+)>$/, (_, index: string) => this.#host(index).id));
    const reply = host.process!.admin(...args);
    this.#world.tell(`CLUSTER ${words.join(' ')} at node ${host.index}: ${reply.ok ? reply.text : reply.error}`);
  }

  #showSlot(slot: number): void {
    const owners = this.#world.running.map(({ index, state }) => {
      const owner = state.slotOwners[slot];
      return `${index}: ${owner === null ? 'nobody' : this.#world.hostOf(owner!)!.index}`;
    });
    this.#print(`slot ${slot} belongs, says ${owners.join(', ')}`);
  }
}

/** Nothing happens by itself, and every message takes 1 ms. */
function calmPlan(settings: readonly string[]): Plan {
  const setting = new Map(settings.map((word) => word.split('=') as [string, string]));
  const number = (name: string, otherwise: number): number => Number(setting.get(name) ?? otherwise);
  const primaryCount = number('primaries', 3);
  return {
    seed: number('seed', 1),
    hostCount: primaryCount * (1 + number('replicas', 1)),
    primaryCount,
    options: {
      ...DEFAULT_OPTIONS,
      nodeTimeoutMs: number('timeout', 1000),
      allowReplicaMigration: setting.get('migration') === 'yes',
      requireFullCoverage: setting.get('coverage') !== 'no',
    },
    formsByMeeting: false,
    usesCodec: true,
    joinsEffects: false,
    messageBytes: 2500,
    latency: { baseMs: 1, jitterMs: 0, spikeOneIn: 0, spikeMs: 0 },
    driftMaxThousandths: 0,
    skewMaxMs: 0,
    tickLagOneIn: 0,
    tickLagMaxMs: 0,
    replication: { backlogBytes: 1_000_000, fullCopyMsMax: 10, timeoutMs: 60_000, pingPeriodMs: 1000 },
    writeEveryMs: 1000,
    waitOneIn: 1,
    faultEveryMs: 1,
    faultWeights: new Map(),
    operateEveryMs: 0,
    operationWeights: new Map(),
    chaosMs: 0,
    rounds: 0,
  };
}

function describe(world: World, host: Host): string {
  const { process } = host;
  if (process === null) return `node ${host.index}: down`;
  const { me, state, data } = process;
  const link = process.primaryLink();
  const role = isPrimary(me)
    ? `primary, config epoch ${me.configEpoch}, ${me.slotCount} slots`
    : `replica of ${world.hostOf(me.replicaOf ?? '')?.index ?? 'nobody'}, link ${link.state}`;
  const vote = state.lastVoteEpoch === 0 ? '' : `, last vote in epoch ${state.lastVoteEpoch}`;
  return `node ${host.index}: ${state.status}, ${role}, offset ${data.offset}${vote}`;
}
