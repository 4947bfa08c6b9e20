/**
 * The virtual world of one run: hosts, network and clock, what can be done to them, and who watches.
 *
 * Reading order of this folder: this page → `agenda`, `dice`, `network`, `disk`, `host-clock`, `host`, `process` (the world) · `history`, `replication`
 * (data) · `plan` (what is drawn from the seed) · `formation`, `clients`, `operator`, `faults/` (what happens) · `checkers/` (what must hold) ·
 * `transcript`, `trace` (what is told) · `simulation` (the phases of a run) · `main`, `many` (the command line).
 *
 * The folder may know `cluster/`; nothing but tests and scripts knows it. It uses no clock, timer, promise or source of chance of the machine, so a
 * seed always gives the same run.
 *
 * Faults and clients change the world; checkers and transcript are observers, which look and change nothing.
 */
import type { Effect, Input } from '../cluster/core/protocol.js';
import { newCluster } from '../cluster/core/start.js';
import type { NodeId } from '../cluster/core/types.js';
import { encodeNodesConf, loadNodesConf } from '../cluster/nodes-conf.js';
import { Agenda } from './agenda.js';
import { Violation } from './checkers/violation.js';
import { Dice } from './dice.js';
import { Branch, type Position } from './history.js';
import { Host } from './host.js';
import { HostClock } from './host-clock.js';
import { type HostIndex, Network } from './network.js';
import type { Plan } from './plan.js';
import { type Payload, Process } from './process.js';

/** A write that a node executed for a client. */
export interface Write {
  host: Host;
  slot: number;
  /** The data set after it. */
  position: Position;
  atMs: number;
}

/** Everything is optional: an observer hears what it has a method for. */
export interface Observer {
  /** A core is about to take a step. */
  stepping?(host: Host, input: Input): void;
  /** It has; nothing of the effects has been done. */
  stepped?(host: Host, input: Input, effects: readonly Effect[]): void;
  performed?(host: Host, effect: Effect): void;
  started?(host: Host): void;
  ended?(host: Host): void;
  /** Who can reach whom has changed, or may have. */
  reachabilityChanged?(): void;
  acknowledged?(host: Host, by: HostIndex, position: Position): void;
  wrote?(write: Write): void;
  /** The client was told that every replica of the shard has the write. */
  promised?(write: Write): void;
  told?(text: string): void;
}

/** Ways to make a correct node wrong, with which the tests show that the checkers can fail. */
export interface Sabotage {
  /** Changes what is about to be done. */
  effects?(host: Host, input: Input, effects: Effect[]): Effect[];
  stepping?(host: Host, input: Input): void;
}

export class World {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly agenda = new Agenda();
  readonly network: Network<Payload>;
  readonly hosts: Host[] = [];
  readonly observers: Observer[] = [];
  readonly sabotage: Sabotage;
  readonly #hostOfId = new Map<NodeId, Host>();
  readonly #tickDice: Dice;
  #moves = 0;

  constructor(plan: Plan, sabotage: Sabotage = {}) {
    this.plan = plan;
    this.sabotage = sabotage;
    this.dice = new Dice(plan.seed ^ 0x5107);
    this.network = new Network(this.agenda, this.dice.fork(), plan.latency);
    this.#tickDice = this.dice.fork();
    for (let index = 0; index < plan.hostCount; index += 1) this.#addHost(index);
  }

  #addHost(index: HostIndex): void {
    const { plan, dice } = this;
    const drift = dice.between(-plan.driftMaxThousandths, plan.driftMaxThousandths);
    const skewMs = dice.between(-plan.skewMaxMs, plan.skewMaxMs);
    const clock = new HostClock(this.agenda, drift, skewMs);
    const ip = `10.0.${index >> 8}.${index & 255}`;
    const port = 7000;
    const address = { ip, port, busPort: port + 10000 };
    const host = new Host(index, address, dice.fork(), clock, { ...plan.options, port }, this.emptyData());
    this.network.assignIp(index, ip);
    this.hosts.push(host);
  }

  get nowMs(): number {
    return this.agenda.nowMs;
  }

  get running(): Process[] {
    const processes: Process[] = [];
    for (const { process } of this.hosts) if (process !== null) processes.push(process);
    return processes;
  }

  hostOf(id: NodeId): Host | undefined {
    return this.#hostOfId.get(id);
  }

  emptyData(): Position {
    return { branch: new Branch(null, 0), offset: 0 };
  }

  run(ms: number): void {
    this.agenda.runUntil(this.nowMs + ms);
  }

  /** Lets time pass until the condition holds. @returns milliseconds it took, −1 if it did not within the limit */
  runUntil(condition: () => boolean, limitMs: number, stepMs = 200): number {
    const start = this.nowMs;
    while (!condition()) {
      if (this.nowMs - start >= limitMs) return -1;
      this.run(stepMs);
    }
    return this.nowMs - start;
  }

  /** Starts a process from the host's nodes.conf, or as a new node if there is none. */
  start(host: Host): void {
    host.clock.restart(host.dice.between(1, 1000));
    const text = host.disk.read();
    if (text === '') {
      host.state = newCluster(host.options, host.dice, host.clock.now());
      host.disk.write(encodeNodesConf(host.state), true);
    } else {
      const loaded = loadNodesConf(text, host.options, host.dice, host.clock.now());
      if (!loaded.ok) {
        throw new Violation('a nodes.conf written here can be read', `${loaded.reason}: ${loaded.line}`, this.nowMs);
      }
      host.state = loaded.state;
    }
    this.#hostOfId.set(host.id, host);
    host.process = new Process(this, host, host.state);
    for (const observer of this.observers) observer.started?.(host);
    host.process.start();
    this.reachabilityChanged();
  }

  /** The process dies; the system closes its sockets. */
  crash(host: Host): void {
    if (host.process === null) return;
    this.#end(host);
    this.network.closeAll(host.index);
    this.reachabilityChanged();
  }

  /** The host loses power, and with it what was not durable. @returns versions of nodes.conf that are gone */
  losePower(host: Host): number {
    this.#end(host);
    host.hasPower = false;
    this.network.cutPower(host.index);
    const lost = host.disk.losePower(this.dice);
    this.reachabilityChanged();
    return lost;
  }

  /** The host has power again, and runs its server. */
  restart(host: Host): void {
    if (host.process !== null) return;
    host.hasPower = true;
    this.network.restorePower(host.index);
    this.start(host);
  }

  /** The host, on which nothing runs, gets an IP that nobody has had. */
  move(host: Host): void {
    const { ip } = host.address;
    this.#moves += 1;
    host.address = { ...host.address, ip: `10.1.${this.#moves >> 8}.${this.#moves & 255}` };
    this.network.releaseIp(ip);
    this.network.assignIp(host.index, host.address.ip);
  }

  #end(host: Host): void {
    if (host.process === null) return;
    host.process.end();
    host.process = null;
    for (const observer of this.observers) observer.ended?.(host);
  }

  block(from: Host, to: Host): void {
    this.network.block(from.index, to.index);
  }

  unblock(from: Host, to: Host): void {
    this.network.unblock(from.index, to.index);
  }

  /** True if messages pass both ways, and both processes run. */
  canTalk(a: Host, b: Host): boolean {
    if (a.process === null || b.process === null || a.process.isFrozen || b.process.isFrozen) return false;
    return !this.network.isBlocked(a.index, b.index) && !this.network.isBlocked(b.index, a.index);
  }

  tickLagMs(): number {
    const { tickLagOneIn, tickLagMaxMs } = this.plan;
    return tickLagOneIn > 0 && this.#tickDice.chance(1, tickLagOneIn) ? this.#tickDice.below(tickLagMaxMs) : 0;
  }

  /** A process that was armed dies between two effects. */
  blowFuse(host: Host, done: number, of: number): void {
    this.tell(`node ${host.index} crashes after ${done} of the ${of} effects of a step`);
    this.crash(host);
  }

  tell(text: string): void {
    for (const observer of this.observers) observer.told?.(text);
  }

  reachabilityChanged(): void {
    for (const observer of this.observers) observer.reachabilityChanged?.();
  }

  stepping(host: Host, input: Input): void {
    this.sabotage.stepping?.(host, input);
    for (const observer of this.observers) observer.stepping?.(host, input);
  }

  stepped(host: Host, input: Input, effects: readonly Effect[]): void {
    for (const observer of this.observers) observer.stepped?.(host, input, effects);
  }

  performed(host: Host, effect: Effect): void {
    for (const observer of this.observers) observer.performed?.(host, effect);
  }

  acknowledged(host: Host, by: HostIndex, position: Position): void {
    for (const observer of this.observers) observer.acknowledged?.(host, by, position);
  }

  wrote(write: Write): void {
    for (const observer of this.observers) observer.wrote?.(write);
  }

  promised(write: Write): void {
    for (const observer of this.observers) observer.promised?.(write);
  }
}
