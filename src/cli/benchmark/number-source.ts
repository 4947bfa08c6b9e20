/** Random whole numbers for keys and members: xorshift32, so that a seed gives the same keys again, at a few nanoseconds each. */
export class NumberSource {
  private state: number;

  constructor(seed: number) {
    // The state must not be 0, and similar seeds (of the threads) must not give similar numbers.
    this.state = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b) | 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** @returns a number from 0 to below `range`; 0 if the range is empty */
  below(range: number): number {
    if (range <= 0) return 0;
    if (range <= 0x7fffffff) return (this.next() >>> 1) % range;
    return ((this.next() >>> 5) * 0x4000000 + (this.next() >>> 6)) % range;
  }

  private next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x;
  }
}
