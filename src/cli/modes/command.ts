/** One command from the command line: `slotmesh-cli get key`. */
import { argumentBytes } from '../argument-bytes.js';
import type { CommandLine } from '../command-line.js';
import { createRunner, createSession } from '../session-setup.js';
import { unquote } from '../split-words.js';
import { withStdin } from '../stdin-arguments.js';
import type { Terminal } from '../terminal.js';

export async function runCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const words = commandWords(line);
  if (words === null) {
    terminal.write('Invalid quoted string\n');
    return 1;
  }
  const session = createSession(line, terminal);
  const name = words[0]!.toString('latin1').toLowerCase();
  if (name === 'help' || name === '?') {
    const { showHelp } = await import('../shell/help.js');
    await showHelp(words.slice(1), session, terminal);
    session.disconnect();
    return 0;
  }
  const runner = createRunner(session, line, terminal, { isShell: false, hasSubscribedMode: false });
  const isAnswered = await runner.run(await withStdin(words, line), line.repeat);
  session.disconnect();
  return isAnswered ? 0 : 1;
}

/** null: an argument is no quoted string. */
function commandWords(line: CommandLine): Buffer[] | null {
  const words = argumentBytes(line.command);
  if (!line.unquotesArguments) return words;
  const unquoted = words.map(unquote);
  return unquoted.includes(null) ? null : (unquoted as Buffer[]);
}
