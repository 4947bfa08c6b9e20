// Starts one of the programs from its bundle (scripts/bundle.mjs), or from the compiled modules if the compiler has run since: `npx tsc` alone is enough
// to try a change, and stale code is never served.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** Less than what glibc takes for a large block. */
const PIECE_BYTES = 64 * 1024;

const timeOf = (file) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Whether there is a bundle that is not older than what the compiler wrote. @param {string} bundle file under dist/bundle/ */
const isFresh = (bundle) => {
  const bundledAt = timeOf(`../dist/bundle/${bundle}`);
  return bundledAt > 0 && bundledAt >= timeOf('../dist/.tsbuildinfo');
};

/**
 * @param {string} bundle file under dist/bundle/
 * @param {string} module file under dist/src/
 */
export async function startProgram(bundle, module) {
  await import(isFresh(bundle) ? `../dist/bundle/${bundle}` : `../dist/src/${module}`);
}

/** As `startProgram`, of a bundle that is a script; scripts/bundle.mjs tells why. It has no other characters than those of ASCII. */
export async function startScript(bundle, module) {
  if (!isFresh(bundle)) return import(`../dist/src/${module}`);
  const filename = fileURLToPath(new URL(`../dist/bundle/${bundle}`, import.meta.url));
  const file = openSync(filename);
  const piece = Buffer.alloc(PIECE_BYTES);
  let text = '';
  for (let size = 1; size > 0; text += piece.latin1Slice(0, size)) size = readSync(file, piece);
  closeSync(file);
  await new Script(text, { filename }).runInThisContext()(createRequire(import.meta.url));
}
