/** A small random generator that a seed determines, for workloads that must be repeatable. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
  /** Letters and digits, up to `maxLength` of them. */
  text(maxLength: number): string;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** The generator is splitmix32: one 32-bit word of state, and good enough to shuffle tests. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const word = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (limit: number): number => word() % limit;
  return {
    below,
    pick: (choices) => choices[below(choices.length)]!,
    text: (maxLength) => Array.from({ length: below(maxLength + 1) }, () => ALPHABET[below(ALPHABET.length)]).join(''),
  };
}
