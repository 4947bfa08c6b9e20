/**
 * The arena's chunk buffers that are out of use: kept for the next chunks, and given back to the system if none comes.
 *
 * What was deleted makes room for what comes next; what nobody has needed for a while goes. A buffer goes by being dropped: the garbage collector frees it,
 * in a thread of its own. Left alone it would do so when it next runs for some reason of its own, in an idle server never; so it is asked to run.
 *
 * There is a way to free a buffer at once, by transferring it to a closed port. But the first buffer that is ever detached makes the engine throw away all
 * code that reads typed arrays, and the code that it makes from then on looks at each access whether its buffer is still there: a stall of 20 ms, and
 * commands that cost 6 to 18 % more for good.
 *
 * The oldest buffer is taken first and the youngest dropped first. The system's allocator grows upwards and can only shrink from above, so this keeps
 * what is in use below.
 */
import { measureMemory } from 'node:vm';

interface Spare {
  readonly buffer: ArrayBuffer;
  /** Grows with each buffer made: the order of their addresses, mostly. */
  readonly serial: number;
}

/** With less than this to free, a collection (some 5 ms of work, of which clients wait for 1.5) is not worth it. */
const COLLECTED_BYTES_MIN = 4 << 20;

export class BufferPool {
  /** By serial. */
  private readonly spares: Spare[] = [];
  private readonly serials = new WeakMap<ArrayBuffer, number>();
  private lastSerial = 0;
  /** Fewest spare buffers since the last `release`: so many were not needed. */
  private idleCount = 0;
  /** Of what was dropped and not asked to be collected yet. */
  private droppedBytes = 0;

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
    this.idleCount = Math.min(this.idleCount, this.spares.length);
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

  /** A buffer that came from elsewhere was dropped. */
  noteDropped(byteCount: number): void {
    this.droppedBytes += byteCount;
  }

  /**
   * Drops spare buffers that were not needed since the last call, and has the engine free what was dropped.
   * @param count up to so many of them
   * @param kept  so many spare ones are left
   * @returns how many were dropped
   */
  release(count: number, kept: number): number {
    const released = Math.max(0, Math.min(count, this.idleCount - kept));
    this.spares.length -= released;
    this.idleCount = this.spares.length;
    this.droppedBytes += released * this.byteCount;
    if (this.droppedBytes >= COLLECTED_BYTES_MIN) {
      this.droppedBytes = 0;
      beginCollection();
    }
    return released;
  }
}

let isMeasuringKnown = false;

/**
 * Has the engine begin a collection now, in small steps beside the work: it needs one to measure its memory. (gc() would do all of it in one go.) The
 * engine calls this an experimental feature, once, on stderr; that would tell a user nothing.
 */
function beginCollection(): void {
  const { emitWarning } = process;
  if (!isMeasuringKnown) process.emitWarning = () => {};
  try {
    measureMemory({ mode: 'summary', execution: 'eager' }).catch(() => {});
  } finally {
    process.emitWarning = emitWarning;
    isMeasuringKnown = true;
  }
}
