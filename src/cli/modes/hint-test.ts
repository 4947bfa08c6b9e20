/** --test_hint and --test_hint_file: what the shell would hint at behind an input; redis-cli 7.2 has the same for its own tests. Asks no server. */
import { readFileSync } from 'node:fs';
import { strerror } from '../../persistence/file-system.js';
import { type CommandLine, UsageError } from '../command-line.js';
import { CommandHelp } from '../shell/command-help.js';
import { builtInHelpTable } from '../shell/help.js';
import { splitWords } from '../split-words.js';
import type { Terminal } from '../terminal.js';

export async function runHintTest(line: CommandLine, terminal: Terminal): Promise<number> {
  const help = new CommandHelp(await builtInHelpTable());
  if (line.hintInput !== null) {
    terminal.write(`${help.hintFor(line.hintInput)}\n`);
    return 0;
  }
  const cases = readCases(line.hintFile!);
  let failures = 0;
  for (const [input, expected] of cases) {
    const hint = help.hintFor(input);
    if (hint === expected) continue;
    failures++;
    terminal.write(`Test case '${input}' FAILED: expected '${expected}', got '${hint}'\n`);
  }
  terminal.write(`${failures === 0 ? 'SUCCESS' : 'FAILURE'}: ${cases.length - failures}/${cases.length} passed\n`);
  return failures;
}

/** Lines of two quoted strings, input and hint; those that begin with # are comments. */
function readCases(path: string): [input: string, hint: string][] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`Can't open file '${path}': ${strerror(error)}`);
  }
  return content.split('\n').flatMap((text, index): [string, string][] => {
    const words = text.startsWith('#') ? [] : splitWords(text);
    if (words?.length === 0) return [];
    if (words?.length !== 2)
      throw new UsageError(`Line ${index + 1} of ${path} is not an input and its hint, both quoted`);
    return [[String(words[0]), String(words[1])]];
  });
}
