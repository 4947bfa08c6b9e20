/** The whole process waits: for DEBUG and other aids of tests, whose purpose that is. */
const cell = new Int32Array(new SharedArrayBuffer(4));

export function standStill(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds);
}
