/**
 * Invariant checks that stay on in production: a wrong node is worse than a stopped one.
 * Errors of users, peers and the operating system never come here; they are replies, decode results and Error subclasses.
 */

/** Thrown when one of our own invariants does not hold; the process logs it and stops. */
export class InvariantError extends Error {
  readonly code = 'SLOTMESH_INVARIANT';
}

/** @throws InvariantError when `condition` is false; `what` names the invariant. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}
