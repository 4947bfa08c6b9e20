/** Runs a measurement on both servers in alternation. */
import type { Pair } from './statistics.js';

/**
 * Measures `count` pairs; the order within a pair changes from pair to pair, so that neither server always runs on the machine the other warmed up.
 * @param measure gives the same named quantities for either side
 * @returns per quantity the pairs, in the order measured
 */
export async function runPairs<Side, Name extends string>(
  count: number,
  candidate: Side,
  baseline: Side,
  measure: (side: Side) => Promise<Record<Name, number>>,
): Promise<Record<Name, Pair[]>> {
  const result = {} as Record<Name, Pair[]>;
  for (let index = 0; index < count; index++) {
    const candidateFirst = index % 2 === 0;
    const first = await measure(candidateFirst ? candidate : baseline);
    const second = await measure(candidateFirst ? baseline : candidate);
    const [ours, theirs] = candidateFirst ? [first, second] : [second, first];
    for (const name of Object.keys(ours) as Name[]) {
      result[name] ??= [];
      result[name].push({ candidate: ours[name], baseline: theirs[name] });
    }
  }
  return result;
}
