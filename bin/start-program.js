// Starts one of the programs from its bundle (scripts/bundle.mjs), or from the compiled modules if the compiler has run since: `npx tsc` alone is enough
// to try a change, and stale code is never served.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

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

/** As `startProgram`, of a bundle that is a script, for which there may be a code cache; scripts/bundle.mjs and scripts/code-cache.mjs tell why. */
export async function startScript(bundle, cache, module) {
  if (!isFresh(bundle)) return import(`../dist/src/${module}`);
  const text = read(bundle).latin1Slice();
  const isCached = timeOf(`../dist/bundle/${cache}`) >= timeOf(`../dist/bundle/${bundle}`);
  const filename = fileURLToPath(new URL(`../dist/bundle/${bundle}`, import.meta.url));
  const script = new Script(text, { filename, cachedData: isCached ? read(cache) : undefined });
  await script.runInThisContext()(createRequire(import.meta.url));
}

/** A file under dist/bundle/, in memory that comes from the system and goes back there: never from glibc's heaps. */
function read(name) {
  const file = openSync(new URL(`../dist/bundle/${name}`, import.meta.url));
  const { size } = fstatSync(file);
  const bytes = Buffer.from(new ArrayBuffer(size, { maxByteLength: size }));
  for (let at = 0; at < size; ) {
    const count = readSync(file, bytes, at, size - at, null);
    if (count === 0) throw new Error(`${name} became shorter while it was read`);
    at += count;
  }
  closeSync(file);
  return bytes;
}
