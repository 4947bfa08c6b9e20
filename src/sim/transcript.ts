/**
 * The story of a run for a human: faults, failure verdicts, elections, changes of role, and whether the cluster is up; node ids are replaced by host
 * numbers. With `everything`, all that the nodes log. Also counts what nodes refused or dropped, by reason.
 */
import type { Effect, Input } from '../cluster/core/protocol.js';
import type { Host } from './host.js';
import type { Observer, World } from './world.js';

/** Log lines worth telling, of the hundreds that say the same at every node. */
const STORY = [
  /^Marking node/,
  /^Start of election/,
  /^Starting a failover election/,
  /^Taking over the master/,
  /^Configuration change detected/,
  /^Migrating to orphaned/,
  /sub-replica/,
  /^Lost my last slot/,
  /^All master replication stream processed/,
  /^Manual failover (requested|timed out)/,
  /^New configEpoch/,
  /configEpoch collision/,
  /^Node configuration loaded/,
];

/** What a node did not do, or did not take, by the part of the line that is a reason. */
const REFUSALS = [
  /^(Failover auth denied) to \S+ .*?: (already voted|reqEpoch|it is a master|I don't know|its master is up|can't vote|slot)/,
  /^(Ignoring FAIL message) from (unknown node)/,
  /^(Discarding UPDATE message) (about myself)/,
  /^(Currently unable to failover): (.*)$/,
  /^(PONG contains) (mismatching sender ID)/,
  /^(Closing inbound link).*: (a message names)/,
  /^(Freeing cluster link).*due to (exceeding send buffer)/,
];

const GRANTED = /^Failover auth granted to (\S+) .*for epoch (\d+)/;
const VERDICT = /^Marking node ([0-9a-f]{40})/;
const NODE_ID = /[0-9a-f]{40}/g;

export class Transcript implements Observer {
  readonly #world: World;
  readonly #print: (line: string) => void;
  readonly #isComplete: boolean;
  #areAllOk = false;
  /** Candidate → those who voted for it in its latest election. */
  readonly #votes = new Map<string, { epoch: string; voters: number[] }>();
  /** Node → when it was last found failing. */
  readonly #verdicts = new Map<string, number>();
  readonly refusals = new Map<string, number>();

  constructor(world: World, print: (line: string) => void, isComplete: boolean) {
    this.#world = world;
    this.#print = print;
    this.#isComplete = isComplete;
  }

  told(text: string): void {
    this.#line(`        ${text}`);
  }

  started(host: Host): void {
    if (this.#world.nowMs > 0) this.#line(`${numberOf(host)} starts`);
  }

  stepped(host: Host, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.kind === 'log') this.#onLog(host, effect.text);
    this.#lookAtStatus();
  }

  #onLog(host: Host, text: string): void {
    for (const pattern of REFUSALS) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const reason = `${match[1]}: ${match[2]}`;
      this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    }
    const granted = GRANTED.exec(text);
    if (granted !== null) this.#onVote(host, granted[1]!, granted[2]!);
    if (text.startsWith('Failover election won')) {
      const { epoch, voters } = this.#votes.get(host.id) ?? { epoch: '?', voters: [] };
      this.#line(`${numberOf(host)} wins the election of epoch ${epoch}, votes: ${voters.join(' ')}`);
    }
    const verdict = VERDICT.exec(text);
    if (verdict !== null && this.#isKnownVerdict(verdict[1]!)) return;
    if (this.#isComplete || STORY.some((pattern) => pattern.test(text))) {
      this.#line(`${numberOf(host)} ${this.#withNumbers(text)}`);
    }
  }

  /** Several nodes come to the same verdict at about the same time; the first is told. */
  #isKnownVerdict(id: string): boolean {
    const { nowMs, plan } = this.#world;
    const lastMs = this.#verdicts.get(id);
    this.#verdicts.set(id, nowMs);
    return !this.#isComplete && lastMs !== undefined && nowMs - lastMs < plan.options.nodeTimeoutMs;
  }

  #onVote(host: Host, candidate: string, epoch: string): void {
    const votes = this.#votes.get(candidate);
    if (votes === undefined || votes.epoch !== epoch) this.#votes.set(candidate, { epoch, voters: [host.index] });
    else votes.voters.push(host.index);
  }

  #lookAtStatus(): void {
    let ok = 0;
    const { running } = this.#world;
    for (const { state } of running) if (state.status === 'ok') ok += 1;
    const areAllOk = ok === running.length && ok > 0;
    if (areAllOk === this.#areAllOk) return;
    this.#areAllOk = areAllOk;
    this.#line(areAllOk ? '        all nodes say ok' : '        not all nodes say ok any more');
  }

  #withNumbers(text: string): string {
    return text
      .replace(NODE_ID, (id) => {
        const host = this.#world.hostOf(id);
        return host === undefined ? id.slice(0, 8) : `<${host.index}>`;
      })
      .replaceAll(' ()', '');
  }

  #line(text: string): void {
    this.#print(`${formatTime(this.#world.nowMs)} ${text}`);
  }
}

function numberOf(host: Host): string {
  return `node ${String(host.index).padEnd(3)}`;
}

/** `  1:02.345` for 62,345 ms. */
export function formatTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor((ms % 60_000) / 1000);
  return `${String(minutes).padStart(3)}:${String(seconds).padStart(2, '0')}.${String(ms % 1000).padStart(3, '0')}`;
}
