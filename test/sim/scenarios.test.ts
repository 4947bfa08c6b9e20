/**
 * Stories with their whole outcome. After a change of behaviour, `UPDATE_SCENARIOS=1 node --test dist/test/sim/scenarios.test.js` writes the files anew;
 * the difference is what there is to review.
 */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runScenario } from '../../src/sim/scenario.js';

/** The sources: scenario files are not compiled. */
const FOLDER = fileURLToPath(new URL('../../../test/sim/scenarios', import.meta.url));
const DASHES = '----\n';

for (const name of readdirSync(FOLDER).sort()) {
  test(`scenario ${name.replace('.txt', '').replaceAll('-', ' ')}`, () => {
    const file = join(FOLDER, name);
    const [commands, expected] = readFileSync(file, 'utf8').split(DASHES) as [string, string];
    const output = runScenario(commands).join('\n');
    if (process.env['UPDATE_SCENARIOS'] === '1') writeFileSync(file, `${commands}${DASHES}${output}\n`);
    else assert.equal(output, expected.trimEnd());
    assert(!output.includes('VIOLATED'), 'all invariants hold');
  });
}
