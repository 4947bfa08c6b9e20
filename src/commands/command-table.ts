/**
 * Finds a command by the bytes of its name, in any letter case, without making a string.
 *
 * A small open-addressed hash table: the name's bytes, folded by `| 32`, give the hash; the letters are then compared exactly. About 13 ns, where a
 * Map of lower-cased strings takes 86.
 */
import { Command, type CommandRecord } from './command.js';

const SIZE = 1024;

export class CommandTable {
  /** By name, in the order of registration. */
  readonly byName = new Map<string, Command>();
  /** All commands, each followed by its subcommands. */
  readonly all: Command[] = [];
  /** Those whose statistics are not empty, in the order of their first use: INFO need not look at the others. Another list after each reset. */
  used: Command[] = [];
  /** Replies that describe all commands, each under a name: 90 to 170 KB, kept when first asked for. */
  readonly replies = new Map<string, Uint8Array>();
  /** Whether a command has another name than its record's, or is gone. */
  isRenamed = false;
  private readonly cells: (Command | null)[] = new Array(SIZE).fill(null);
  private readonly names: Uint8Array[] = new Array(SIZE).fill(new Uint8Array(0));

  constructor(records: readonly CommandRecord[]) {
    for (const record of records) this.add(record.name, new Command(record, null));
  }

  /** rename-command: takes the command away, and adds it again under another name unless that is empty. @returns what went wrong, or '' */
  rename(name: string, newName: string): '' | 'no such command' | 'name exists' {
    const command = this.byName.get(name.toLowerCase());
    if (command === undefined) return 'no such command';
    const lower = newName.toLowerCase();
    if (lower !== '' && this.byName.has(lower)) return 'name exists';
    const all = [...this.byName];
    this.byName.clear();
    this.all.length = 0;
    this.replies.clear();
    this.isRenamed = true;
    this.cells.fill(null);
    for (const [oldName, other] of all) if (other !== command) this.add(oldName, other);
    if (lower !== '') this.add(lower, command);
    return '';
  }

  /** @returns the command, or null */
  find(bytes: Uint8Array, start: number, length: number): Command | null {
    let cell = hashName(bytes, start, length);
    for (;;) {
      const command = this.cells[cell];
      if (command === null) return null;
      if (equalsFolded(this.names[cell], bytes, start, length)) return command;
      cell = (cell + 1) & (SIZE - 1);
    }
  }

  /** To be called when statistics of the command may be the first since they were reset. */
  noteUse(command: Command): void {
    if (command.isUsed) return;
    command.isUsed = true;
    this.used.push(command);
  }

  resetStatistics(): void {
    for (const command of this.used) command.resetStatistics();
    this.used = [];
  }

  private add(name: string, command: Command): void {
    this.byName.set(name, command);
    this.all.push(command, ...(command.subcommands?.values() ?? []));
    const bytes = Uint8Array.from(Buffer.from(name, 'latin1'));
    let cell = hashName(bytes, 0, bytes.length);
    while (this.cells[cell] !== null) cell = (cell + 1) & (SIZE - 1);
    this.cells[cell] = command;
    this.names[cell] = bytes;
  }
}

function hashName(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + (bytes[start + i] | 32);
  return (hash ^ (hash >>> 10)) & (SIZE - 1);
}

function equalsFolded(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    let byte = bytes[start + i];
    if (byte >= 0x41 && byte <= 0x5a) byte |= 32;
    if (byte !== name[i]) return false;
  }
  return true;
}
