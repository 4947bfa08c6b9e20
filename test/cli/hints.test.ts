/** What the shell shows while a command is typed: the rest of its syntax, and completions of names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandHelp } from '../../src/cli/shell/command-help.js';
import { builtInHelpTable } from '../../src/cli/shell/help.js';
import { splitWords } from '../../src/cli/split-words.js';
import { ourCli, runTool } from '../support/run-tool.js';
import { needs, repositoryRoot } from '../support/tools.js';

const casesFile = join(repositoryRoot, 'test', 'cli', 'hints.txt');
const help = new CommandHelp(await builtInHelpTable());

test('the hint is the syntax that is still to come', () => {
  for (const line of readFileSync(casesFile, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [input, hint] = splitWords(line)!.map(String);
    assert.equal(help.hintFor(input!), hint, input);
  }
});

test('no input whatever makes the hints fail', () => {
  const words = [
    'set',
    'zadd',
    'k',
    '1',
    'NX',
    'EX',
    'xread',
    'COUNT',
    'streams',
    'sort',
    'BY',
    'limit',
    '"',
    '',
    'config',
    'set',
    'é',
  ];
  let state = 7;
  const next = (limit: number): number => {
    state = (state * 48271) % 0x7fffffff;
    return state % limit;
  };
  for (let round = 0; round < 3000; round++) {
    const line = Array.from({ length: next(8) }, () => words[next(words.length)]).join(' '.repeat(1 + next(2)));
    assert.equal(typeof help.hintFor(line + (next(2) === 0 ? ' ' : '')), 'string', line);
  }
});

test('names are completed in any case, groups after help only', () => {
  assert.deepEqual(help.complete('ge').slice(0, 2), ['GEOADD', 'GEODIST']);
  assert.deepEqual(help.complete('config r'), ['CONFIG RESETSTAT', 'CONFIG REWRITE']);
  assert.deepEqual(help.complete('help @tr'), ['help @transactions']);
  assert.deepEqual(help.complete('@tr'), []);
  assert.deepEqual(help.complete('nosuch'), []);
});

test('--test_hint shows the hint of a line, --test_hint_file checks a file of them', {
  skip: needs('slotmesh'),
}, async () => {
  assert.equal((await runTool(ourCli, ['--test_hint', 'lpop key '])).stdout, '[count]\n');
  const { stdout, code } = await runTool(ourCli, ['--test_hint_file', casesFile]);
  assert.match(stdout, /^SUCCESS: (\d+)\/\1 passed\n$/);
  assert.equal(code, 0);
});
