/**
 * One line at the bottom of a terminal that shows how far a long operation is:
 *
 *   ████████████░░░░░░░░░░░░  48%  1966/4096 slots  480213/1000000 keys  61204 keys/s  0:09 left
 *
 * It is taken away while other text is written, and drawn again below it. The share that is done counts a slot as some keys, since opening and closing
 * one takes time, too; the rate is that of the last seconds.
 */
import type { Terminal } from '../terminal.js';

export interface Amount {
  slots: number;
  keys: number;
}

const REDRAW_MS = 100;
/** What opening and closing a slot costs, in keys moved. */
const KEYS_PER_SLOT = 20;
/** The rate forgets what is older than this. */
const RATE_WINDOW_MS = 5000;
const MAX_BAR_COLUMNS = 32;
const CLEAR_LINE = '\r\x1b[K';

export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #total: Amount;
  readonly #done: Amount = { slots: 0, keys: 0 };
  readonly #beganAtMs: number;
  readonly #samples: { atMs: number; keys: number; work: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #now: () => number;
  #isShown = false;

  /** @param total how much there is to do; keys that clients write meanwhile come on top */
  constructor(terminal: Terminal, total: Amount, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#total = total;
    this.#now = now;
    this.#beganAtMs = now();
    this.#timer = setInterval(() => this.show(), REDRAW_MS);
    this.#timer.unref();
    this.show();
  }

  add({ slots = 0, keys = 0 }: Partial<Amount>): void {
    this.#done.slots += slots;
    this.#done.keys += keys;
  }

  hide(): void {
    if (this.#isShown) this.#terminal.write(CLEAR_LINE);
    this.#isShown = false;
  }

  show(): void {
    this.#terminal.write(`${CLEAR_LINE}${this.#line()}`);
    this.#isShown = true;
  }

  /** Leaves a line that tells what was done. */
  end(): void {
    clearInterval(this.#timer);
    this.hide();
    const seconds = (this.#now() - this.#beganAtMs) / 1000;
    const { slots, keys } = this.#done;
    const amount = this.#total.slots === 0 ? `${keys} keys` : `${slots} slots, ${keys} keys`;
    this.#terminal.write(`${amount} moved in ${seconds.toFixed(1)} s\n`);
  }

  #line(): string {
    const { slots, keys } = this.#done;
    // Clients may have added keys since they were counted.
    const total = { slots: this.#total.slots, keys: Math.max(this.#total.keys, keys) };
    const [work, allWork] = [workOf(this.#done), workOf(total)];
    const share = allWork === 0 ? 1 : work / allWork;
    const rate = this.#rate(keys, work);
    const parts = [
      `${String(Math.floor(share * 100)).padStart(3)}%`,
      ...(total.slots === 0 ? [] : [`${slots}/${total.slots} slots`]),
      `${keys}/${total.keys} keys`,
      `${Math.round(rate.keys)} keys/s`,
      `${rate.work > 0 ? formatDuration((allWork - work) / rate.work) : '-:--'} left`,
    ];
    const text = parts.join('  ');
    const room = this.#terminal.columns - 1;
    const barColumns = Math.min(MAX_BAR_COLUMNS, room - text.length - 2);
    if (barColumns < 4) return text.slice(0, room);
    const filled = Math.round(share * barColumns);
    return `${'█'.repeat(filled)}${'░'.repeat(barColumns - filled)}  ${text}`;
  }

  /** Per second, over the last few. */
  #rate(keys: number, work: number): { keys: number; work: number } {
    const atMs = this.#now();
    this.#samples.push({ atMs, keys, work });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - RATE_WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const seconds = (atMs - oldest.atMs) / 1000;
    if (seconds <= 0) return { keys: 0, work: 0 };
    return { keys: (keys - oldest.keys) / seconds, work: (work - oldest.work) / seconds };
  }
}

function workOf({ slots, keys }: Amount): number {
  return keys + slots * KEYS_PER_SLOT;
}

/** `1:02:03`, `2:03`, `0:03` */
function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
