/**
 * The arena's chunk buffers that are out of use: kept for the next chunks, given back to the system a few at a time.
 *
 * A buffer that is merely dropped is freed when the garbage collector next runs for some reason of its own: in an idle server that is never, and under load
 * new buffers come before the old ones have gone. Here what was deleted makes room for what comes next, and the rest goes back.
 *
 * The oldest buffer is taken first and the youngest given back first. The system's allocator grows upwards and can only shrink from above, so this keeps
 * what is in use below, and each step small: in the other order nothing would happen until the topmost buffer goes, and then all at once.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

interface Spare {
  readonly buffer: ArrayBuffer;
  /** Grows with each buffer made: the order of their addresses, mostly. */
  readonly serial: number;
}

export class BufferPool {
  /** By serial. */
  private readonly spares: Spare[] = [];
  /** Buffers of other sizes that nobody will use again. */
  private readonly retired: ArrayBuffer[] = [];
  private readonly serials = new WeakMap<ArrayBuffer, number>();
  private lastSerial = 0;

  /** @param byteCount size of every buffer */
  constructor(private readonly byteCount: number) {}

  get count(): number {
    return this.spares.length;
  }

  /**
   * @returns a spare buffer, with whatever is in it, or a new one
   * @throws RangeError if the system has no memory
   */
  take(): ArrayBuffer {
    const spare = this.spares.shift();
    if (spare !== undefined) return spare.buffer;
    const buffer = new ArrayBuffer(this.byteCount);
    this.serials.set(buffer, ++this.lastSerial);
    return buffer;
  }

  /** Takes back a buffer that `take` has given: nobody reads or writes it any more. */
  put(buffer: ArrayBuffer): void {
    const serial = this.serials.get(buffer)!;
    let at = this.spares.length;
    while (at > 0 && this.spares[at - 1]!.serial > serial) at--;
    this.spares.splice(at, 0, { buffer, serial });
  }

  /** Takes a buffer that came from elsewhere, of any size, for `release`. It may be read until then. */
  retire(buffer: ArrayBuffer): void {
    this.retired.push(buffer);
  }

  /**
   * Gives memory back to the system: retired buffers, then spare ones.
   * @param count up to so many of them
   * @param kept  so many spare ones are left
   * @returns how many of them were spare ones
   */
  release(count: number, kept: number): number {
    let left = count;
    for (; left > 0 && this.retired.length > 0; left--) discard(this.retired.pop()!);
    const spares = Math.max(0, Math.min(left, this.spares.length - kept));
    for (let i = 0; i < spares; i++) discard(this.spares.pop()!.buffer);
    return spares;
  }
}

let nowhere: MessagePort | null = null;

/**
 * Frees the memory of a buffer now; its views have no bytes any more. A message to a port that is closed is dropped, and with it what was transferred.
 * About 0.1 ms for each MiB, for the system takes the pages back.
 */
function discard(buffer: ArrayBuffer): void {
  nowhere ??= closedPort();
  nowhere.postMessage(null, [buffer]);
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
