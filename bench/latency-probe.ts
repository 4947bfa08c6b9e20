/**
 * Watches how long a server lets its clients wait: about every millisecond one SET is sent on a connection of its own, and the time to its reply
 * is kept. The probe does not wait for a reply before it sends the next SET, so a stall of 100 ms shows as a hundred late replies, not as one.
 * A second connection adds a steady background of SETs on random existing keys, so that a snapshot has something to copy.
 */
import { connect, type Socket } from 'node:net';
import { percentile } from './statistics.js';

export interface ProbeTarget {
  port: number;
  /** SETs go to keys `key:000000000000` up to this number (exclusive), which exist. */
  keys: number;
  /** SETs per millisecond in the background; 20 is a third of what one core serves unpipelined. */
  backgroundPerMs: number;
}

export interface ProbeResult {
  samples: number;
  p999Ms: number;
  maxMs: number;
}

const REPLY_BYTES = '+OK\r\n'.length;

export class LatencyProbe {
  private readonly latenciesMs: number[] = [];
  private readonly sentAtMs: number[] = [];
  private answered = 0;
  private pendingReplyBytes = 0;
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

  /** Ends the probe; waits for the replies that are still to come, since the longest wait may be among them. */
  async stop(): Promise<ProbeResult> {
    clearTimeout(this.timer);
    const giveUpAtMs = performance.now() + 30_000;
    while (this.failure === undefined && this.answered < this.sentAtMs.length && performance.now() < giveUpAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { failure } = this;
    this.probe.destroy();
    this.background.destroy();
    if (failure !== undefined) throw failure;
    const sorted = Float64Array.from(this.latenciesMs).sort();
    return { samples: sorted.length, p999Ms: percentile(sorted, 99.9), maxMs: percentile(sorted, 100) };
  }

  private tick(): void {
    this.sentAtMs.push(performance.now());
    this.probe.write(setCommand(this.randomKey()));
    let batch = '';
    for (let i = 0; i < this.target.backgroundPerMs; i++) batch += setCommand(this.randomKey());
    if (batch !== '') this.background.write(batch);
    this.timer = setTimeout(() => this.tick(), 1);
  }

  private onReply(data: Buffer): void {
    const now = performance.now();
    this.pendingReplyBytes += data.length;
    while (this.pendingReplyBytes >= REPLY_BYTES) {
      this.pendingReplyBytes -= REPLY_BYTES;
      this.latenciesMs.push(now - this.sentAtMs[this.answered++]!);
    }
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
