/**
 * `key-load-delay`, for tests of what happens during a load: a load stands still for so long after each key, and each command of an append-only file. CONFIG
 * SET changes it while it does, so that a test need not wait for the end.
 */
import { standStill } from './stand-still.js';

export class LoadDelay {
  /** Negative: 1 for each so many keys. */
  microseconds = 0;
  private keyCount = 0;

  pause(): void {
    if (this.microseconds !== 0) this.wait();
  }

  private wait(): void {
    const { microseconds } = this;
    if (microseconds < 0 && ++this.keyCount % -microseconds !== 0) return;
    standStill(Math.max(1, microseconds) / 1000);
  }
}
