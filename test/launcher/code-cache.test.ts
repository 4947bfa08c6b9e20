/** The build's code cache: it is there and the engine takes it, so that a server does not compile what it needs at each start. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const bundle = (name: string) => fileURLToPath(new URL(`../../bundle/${name}`, import.meta.url));

test('the code cache of the server is good for the bundle and this engine', () => {
  const filename = bundle('server.script.js');
  const cachedData = readFileSync(bundle('server.cache'));
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  assert.equal(script.cachedDataRejected, false);
  const other = new Script(`${readFileSync(filename, 'latin1')}\n`, { filename, cachedData });
  assert.equal(other.cachedDataRejected, true, 'that of another bundle is refused');
});
