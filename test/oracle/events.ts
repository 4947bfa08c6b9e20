/** Listening to the keyspace events of both servers, and comparing what was heard. */
import type { RespClient } from '../../src/client/resp-client.js';
import { waitFor, within } from '../support/wait-for.js';
import type { Servers } from './harness.js';

/** All classes, under both kinds of names. */
const EVERY_EVENT = 'KEAmn';

const EVENT_PATTERN = '__key*__:*';
/** Published to find out that everything before has arrived. */
const MARK_CHANNEL = '__keymark__:mark';
const MARK_TIMEOUT_MS = 60_000;
/** Events shown of each server, and how many of them before the first that differs. */
const EVENTS_SHOWN = 12;
const EVENTS_SHOWN_BEFORE = 4;

/** Listens to one server. */
class Eavesdropper {
  private heard: string[] = [];
  private onMark: () => void = () => {};

  static async attach(server: Servers['oracle']): Promise<Eavesdropper> {
    let self: Eavesdropper | null = null;
    const onPush = (value: unknown): void => self?.hear(value as Buffer[]);
    const client = await server.connect({ protocol: 3, replies: 'bytes', onPush });
    self = new Eavesdropper(server, client);
    // Its confirmation is a push: as a reply it never comes.
    client.call('PSUBSCRIBE', EVENT_PATTERN).catch(() => {});
    await waitFor(async () => (await server.call('PUBSUB', 'NUMPAT')) === 1, { what: 'the subscription' });
    return self;
  }

  private constructor(
    private readonly server: Servers['oracle'],
    private readonly client: RespClient,
  ) {}

  /** @returns what was heard since the last time, as `channel message` */
  async take(): Promise<string[]> {
    const hasComeBack = new Promise<void>((resolve) => {
      this.onMark = resolve;
    });
    await this.server.call('PUBLISH', MARK_CHANNEL, 'mark');
    await within(MARK_TIMEOUT_MS, hasComeBack, 'the mark among the events');
    const { heard } = this;
    this.heard = [];
    return heard;
  }

  close(): void {
    this.client.close();
  }

  private hear(push: readonly Buffer[]): void {
    // The confirmation of the subscription ends with a number.
    if (push[0]!.toString() !== 'pmessage') return;
    const [channel, message] = push.slice(2).map((part) => part.toString('latin1'));
    if (channel === MARK_CHANNEL) this.onMark();
    else this.heard.push(`${channel} ${message}`);
  }
}

export class Eavesdroppers {
  private constructor(
    private readonly oracle: Eavesdropper,
    private readonly subject: Eavesdropper,
  ) {}

  /** Makes both servers publish every event. Keys expire only when somebody meets them: the active cycle comes when it likes. */
  static async attach(servers: Servers): Promise<Eavesdroppers> {
    for (const server of [servers.oracle, servers.subject]) {
      await server.call('CONFIG', 'SET', 'notify-keyspace-events', EVERY_EVENT);
      await server.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    }
    return new Eavesdroppers(await Eavesdropper.attach(servers.oracle), await Eavesdropper.attach(servers.subject));
  }

  /** Compares what was heard since the last time. @returns null, or what is wrong */
  async compare(isIgnored = false): Promise<string | null> {
    const [real, ours] = await Promise.all([this.oracle.take(), this.subject.take()]);
    if (isIgnored || JSON.stringify(real) === JSON.stringify(ours)) return null;
    const at = real.findIndex((event, i) => event !== ours[i]);
    const from = Math.max(0, (at < 0 ? real.length : at) - EVENTS_SHOWN_BEFORE);
    const [left, right] = [real, ours].map((list) => list.slice(from, from + EVENTS_SHOWN).join(', '));
    return `\n      real: ${left}\n      ours: ${right}`;
  }

  close(): void {
    this.oracle.close();
    this.subject.close();
  }
}
