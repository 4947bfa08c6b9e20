/** The arithmetic of majorities, apart from the state machine. `size` is the number of nodes that own slots. */

/** The smallest number of voters that two disjoint groups cannot both reach. */
export function quorumOf(size: number): number {
  return Math.floor(size / 2) + 1;
}

export function isQuorum(votes: number, size: number): boolean {
  return votes >= quorumOf(size);
}
