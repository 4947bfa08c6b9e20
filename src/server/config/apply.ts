/**
 * The last step of CONFIG SET: puts new values into effect, one function after the other, and takes all back if one refuses.
 *
 * Most functions are done at once, and then so is the set: within a transaction the next command must see it. Some take time (a socket is opened,
 * an AOF is started); only then a promise is given back, and the caller holds the reply until it settles.
 */
import { InvariantError } from '../../memory/assert.js';
import { strerror } from '../../persistence/file-system.js';

export type MaybePromise<T> = T | Promise<T>;

/**
 * Puts a change into effect, with the new values in place. Gives back the reason if that is impossible, and has then changed nothing; an empty
 * reason is a refusal without explanation. An exception counts as a refusal, too.
 */
export type Apply = () => MaybePromise<string | null>;

export interface Refusal {
  /** index of the function that refused */
  readonly at: number;
  readonly reason: string;
}

/**
 * @param restore  puts the old values back; after it the functions that had run are run again, so that what they did is undone
 * @returns        null if all agreed
 */
export function applyAll(applies: readonly Apply[], restore: () => void): MaybePromise<Refusal | null> {
  for (const [at, apply] of applies.entries()) {
    const outcome = call(apply);
    if (outcome instanceof Promise) return applyRest(applies, at, outcome, restore);
    if (typeof outcome !== 'string') continue;
    restore();
    const refusal = { at, reason: outcome };
    const pending = applies
      .slice(0, at)
      .map(call)
      .filter((again) => again instanceof Promise);
    return pending.length === 0 ? refusal : Promise.all(pending).then(() => refusal);
  }
  return null;
}

async function applyRest(
  applies: readonly Apply[],
  first: number,
  pending: Promise<string | null>,
  restore: () => void,
): Promise<Refusal | null> {
  let outcome = await pending;
  for (let at = first; ; ) {
    if (typeof outcome === 'string') {
      restore();
      for (const apply of applies.slice(0, at)) await call(apply);
      return { at, reason: outcome };
    }
    if (++at === applies.length) return null;
    outcome = await call(applies[at]!);
  }
}

function call(apply: Apply): ReturnType<Apply> {
  try {
    const outcome = apply();
    return outcome instanceof Promise ? outcome.catch(reasonOf) : outcome;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof InvariantError) throw error;
  return strerror(error);
}
