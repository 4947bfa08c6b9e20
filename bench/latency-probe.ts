/**
 * Watches how long a server lets its clients wait: about every millisecond one SET is sent on a connection of its own, and the time to its reply
 * is kept. The probe does not wait for a reply before it sends the next SET, so a stall of 100 ms shows as a hundred late replies, not as one.
 *
 * On a busy machine much of a wait is neither server's doing: their threads can run, and the machine runs something else. `maxServedMs` leaves that out: of
 * each wait the time is subtracted in which the main thread of the server, or that of the probe (whichever was kept waiting longer), waited for its turn.
 * Where both waited one after the other it is still too long, never too short.
 *
 * A second connection adds a steady background of SETs on random existing keys, so that a snapshot has something to copy.
 */
import { connect, type Socket } from 'node:net';
import { mainThreadDelayMs } from './process-stats.js';
import { percentile } from './statistics.js';

export interface ProbeTarget {
  port: number;
  /** Process of the server. */
  pid: number;
  /** SETs go to keys `key:000000000000` up to this number (exclusive), which exist. */
  keys: number;
  /** SETs per millisecond in the background; 20 is a third of what one core serves unpipelined. */
  backgroundPerMs: number;
}

export interface ProbeResult {
  samples: number;
  p999Ms: number;
  maxMs: number;
  /** The longest wait, less what the machine kept server or probe waiting for. */
  maxServedMs: number;
}

/** When a SET was sent, and for how long server and probe had been kept waiting for a processor until then, all ms. */
interface Sent {
  readonly atMs: number;
  readonly serverDelayMs: number;
  readonly ownDelayMs: number;
}

const LINE_FEED = 0x0a;

export class LatencyProbe {
  private readonly latenciesMs: number[] = [];
  private readonly sent: Sent[] = [];
  private answered = 0;
  private maxServedMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private failure: Error | undefined;

  private constructor(
    private readonly target: ProbeTarget,
    private readonly probe: Socket,
    private readonly background: Socket,
  ) {
    probe.on('data', (data: Buffer) => this.onReply(data));
    background.resume();
    for (const socket of [probe, background]) {
      socket.on('error', (error) => (this.failure = error));
      socket.on(
        'close',
        () =>
          (this.failure ??= new Error(`The server on port ${target.port} closed the connection of the latency probe.`)),
      );
    }
  }

  static async start(target: ProbeTarget): Promise<LatencyProbe> {
    const [probe, background] = await Promise.all([openSocket(target.port), openSocket(target.port)]);
    const running = new LatencyProbe(target, probe, background);
    running.tick();
    return running;
  }

  /** Forgets the replies so far. */
  reset(): void {
    this.latenciesMs.length = 0;
    this.maxServedMs = 0;
  }

  /** Ends the probe; waits for the replies that are still to come, since the longest wait may be among them. */
  async stop(): Promise<ProbeResult> {
    clearTimeout(this.timer);
    const giveUpAtMs = performance.now() + 30_000;
    while (this.failure === undefined && this.answered < this.sent.length && performance.now() < giveUpAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { failure } = this;
    this.probe.destroy();
    this.background.destroy();
    if (failure !== undefined) throw failure;
    const sorted = Float64Array.from(this.latenciesMs).sort();
    return {
      samples: sorted.length,
      p999Ms: percentile(sorted, 99.9),
      maxMs: percentile(sorted, 100),
      maxServedMs: this.maxServedMs,
    };
  }

  private tick(): void {
    this.sent.push(this.now());
    this.probe.write(setCommand(this.randomKey()));
    let batch = '';
    for (let i = 0; i < this.target.backgroundPerMs; i++) batch += setCommand(this.randomKey());
    if (batch !== '') this.background.write(batch);
    this.timer = setTimeout(() => this.tick(), 1);
  }

  /** Every reply is one line, also that of a server which refuses SETs for a moment. */
  private onReply(data: Buffer): void {
    const now = this.now();
    for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) {
      const sent = this.sent[this.answered++]!;
      const waitedMs = now.atMs - sent.atMs;
      const delayMs = Math.max(now.serverDelayMs - sent.serverDelayMs, now.ownDelayMs - sent.ownDelayMs);
      this.latenciesMs.push(waitedMs);
      this.maxServedMs = Math.max(this.maxServedMs, waitedMs - delayMs);
    }
  }

  private now(): Sent {
    const serverDelayMs = mainThreadDelayMs(this.target.pid);
    const ownDelayMs = mainThreadDelayMs(process.pid);
    return { atMs: performance.now(), serverDelayMs, ownDelayMs };
  }

  private randomKey(): number {
    return Math.floor(Math.random() * this.target.keys);
  }
}

function setCommand(key: number): string {
  return `*3\r\n$3\r\nSET\r\n$16\r\nkey:${String(key).padStart(12, '0')}\r\n$16\r\nnew:${String(key).padStart(12, '0')}\r\n`;
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject)));
  });
}
