// Starts one of the programs from its bundle (scripts/bundle.mjs), or from the compiled modules if the compiler has run since: `npx tsc` alone is enough
// to try a change, and stale code is never served.
import { statSync } from 'node:fs';

const timeOf = (file) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * @param {string} bundle file under dist/bundle/
 * @param {string} module file under dist/src/
 */
export async function startProgram(bundle, module) {
  const bundledAt = timeOf(`../dist/bundle/${bundle}`);
  const isFresh = bundledAt > 0 && bundledAt >= timeOf('../dist/.tsbuildinfo');
  await import(isFresh ? `../dist/bundle/${bundle}` : `../dist/src/${module}`);
}
