/** docs/configuration.md says what the table of directives says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directives } from '../../../src/server/config/directives.js';
import { configurationPage } from '../../../src/server/config/documentation.js';
import { repositoryRoot } from '../../support/tools.js';

test('docs/configuration.md is what the table of directives says (else: node scripts/config-docs.mjs)', () => {
  assert.equal(readFileSync(join(repositoryRoot, 'docs', 'configuration.md'), 'utf8'), configurationPage());
});

test('every directive has its row', () => {
  const page = configurationPage();
  for (const name of Object.keys(directives)) assert.ok(page.includes(`\n| \`${name}\``), name);
});
