/** Something happened that must not. It ends the run; the seed replays it. */
export class Violation extends Error {
  readonly code = 'VIOLATION';
  /** What should have held, as a statement. */
  readonly invariant: string;
  readonly detail: string;
  /** Simulation time. */
  readonly atMs: number;

  constructor(invariant: string, detail: string, atMs: number) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
    this.detail = detail;
    this.atMs = atMs;
  }
}
