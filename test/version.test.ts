/** The versions that the server tells. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SLOTMESH_VERSION } from '../src/version.js';
import { repositoryRoot } from './support/tools.js';

test('the version is the one of the package', () => {
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
  assert.equal(SLOTMESH_VERSION, manifest.version);
});
