/** `help`, `help <command>`, `help @<group>`: answered here, from the server's COMMAND DOCS if it can be asked. */
import { ClientError } from '../../client/client-error.js';
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';
import { versionLine } from '../usage.js';
import { type HelpEntry, type HelpTable, tableFromDocs, tableFromRecords } from './help-table.js';
import { syntaxText } from './syntax.js';

const INTRODUCTION = `${versionLine()}
To get help about Redis commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set redis-cli preferences:
      ":set hints" enable online hints
      ":set nohints" disable online hints
Set your preferences in ~/.redisclirc
`;

/** Answers `help` with what follows it. Connects, if need be, without complaint. */
export async function showHelp(words: readonly Buffer[], session: Session, terminal: Terminal): Promise<void> {
  if (words.length === 0) {
    terminal.write(INTRODUCTION);
    return;
  }
  const isConnected = await session.connect(true);
  const table = (isConnected ? await fetchHelpTable(session) : null) ?? (await builtInHelpTable());
  terminal.write(helpText(words.map(String), table));
}

/** The server's table; null where it does not know COMMAND DOCS or the connection ends. */
export async function fetchHelpTable(session: Session): Promise<HelpTable | null> {
  try {
    return tableFromDocs(await session.ask('COMMAND', 'DOCS'));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    session.disconnect();
    return null;
  }
}

/** The commands of this package's own server: loaded only when no server can be asked. */
export async function builtInHelpTable(): Promise<HelpTable> {
  const { allCommands } = await import('../../commands/index.js');
  return tableFromRecords(allCommands);
}

/** @param words what follows `help`; at least one */
export function helpText(words: readonly string[], table: HelpTable): string {
  const first = words[0]!;
  const isGroup = first.startsWith('@');
  const entries = isGroup ? table.inGroup(first.slice(1)) : table.beginningWith(words);
  return `${entries.map((entry) => entryText(entry, !isGroup)).join('')}\r\n`;
}

function entryText({ name, arguments: specs, summary, since, group }: HelpEntry, showsGroup: boolean): string {
  const lines = [
    '',
    `  \x1b[1m${name}\x1b[0m \x1b[90m${syntaxText(specs)}\x1b[0m`,
    `  \x1b[33msummary:\x1b[0m ${summary}`,
    `  \x1b[33msince:\x1b[0m ${since}`,
    ...(showsGroup ? [`  \x1b[33mgroup:\x1b[0m ${group}`] : []),
    '',
  ];
  return lines.join('\r\n');
}
