// Starts one of the programs from its bundle (scripts/bundle.mjs), or from the compiled modules if the compiler has run since: `npx tsc` alone is enough
// to try a change, and stale code is never served.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const timeOf = (file) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Whether a file is there and not older than what it was made of. @param {string} file under dist/bundle/ @param {string} source under dist/ */
const isFresh = (file, source = '.tsbuildinfo') => {
  const madeAt = timeOf(`../dist/bundle/${file}`);
  return madeAt > 0 && madeAt >= timeOf(`../dist/${source}`);
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
  const url = new URL(`../dist/bundle/${bundle}`, import.meta.url);
  const cachedData = isFresh(cache, `bundle/${bundle}`) ? read(cache) : undefined;
  const script = new Script(text, { filename: fileURLToPath(url), cachedData });
  await script.runInThisContext()(createRequire(import.meta.url), url);
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
