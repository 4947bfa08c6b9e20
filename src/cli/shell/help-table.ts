/**
 * What the shell knows about commands: for `help`, completion and hints. Made from the reply of COMMAND DOCS, so that it is the server's own truth; where
 * the server cannot be asked, from the records of this package. Names are upper case, subcommands stand as `CONFIG SET`; sorted bytewise.
 */
import type { ArgumentDoc, CommandRecord } from '../../commands/command.js';
import { type ReplyNode, textOf } from '../reply/reply-node.js';

/** One argument of a command's syntax. `oneof` and `block` consist of others. */
export interface ArgumentSpec {
  readonly name: string;
  readonly type: string;
  /** '' if there is none. */
  readonly token: string;
  readonly isOptional: boolean;
  readonly isMultiple: boolean;
  /** Whether the token stands before each repetition. */
  readonly repeatsToken: boolean;
  readonly parts: readonly ArgumentSpec[];
}

export interface HelpEntry {
  /** `CONFIG SET` */
  readonly name: string;
  readonly words: readonly string[];
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  readonly arguments: readonly ArgumentSpec[];
}

export class HelpTable {
  readonly entries: readonly HelpEntry[];
  /** `@string`, …, without repetitions. */
  readonly groups: readonly string[];
  readonly #byName: ReadonlyMap<string, HelpEntry>;

  constructor(entries: readonly HelpEntry[]) {
    this.entries = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.groups = [...new Set(entries.map((entry) => `@${entry.group}`))].sort();
    this.#byName = new Map(entries.map((entry) => [entry.name, entry]));
  }

  /** The entry whose words are the first ones of those typed; the longer one where a subcommand is named. */
  find(typed: readonly string[]): HelpEntry | null {
    const upper = typed.slice(0, MAX_NAME_WORDS).map((word) => word.toUpperCase());
    for (let count = upper.length; count > 0; count--) {
      const entry = this.#byName.get(upper.slice(0, count).join(' '));
      if (entry !== undefined) return entry;
    }
    return null;
  }

  /** Entries whose names begin with these words: a container comes with all its subcommands. */
  beginningWith(typed: readonly string[]): HelpEntry[] {
    const upper = typed.map((word) => word.toUpperCase());
    return this.entries.filter(({ words }) => upper.every((word, at) => words[at] === word));
  }

  inGroup(group: string): HelpEntry[] {
    return this.entries.filter((entry) => entry.group === group.toLowerCase());
  }
}

/** Names have at most so many words: containers do not nest. */
const MAX_NAME_WORDS = 2;

/** The table from the reply of COMMAND DOCS, in RESP2 (flat arrays) or RESP3 (maps); null if it is none. */
export function tableFromDocs(reply: ReplyNode): HelpTable | null {
  if (reply.kind !== 'map' && reply.kind !== 'array') return null;
  return new HelpTable(entriesOf(reply));
}

/** The table from the command records of this package. */
export function tableFromRecords(records: readonly CommandRecord[]): HelpTable {
  return new HelpTable(records.flatMap((record) => recordEntries(record, [])));
}

function entriesOf(reply: ReplyNode): HelpEntry[] {
  return [...fieldsOf(reply)].flatMap(([fullName, doc]) => {
    const fields = fieldsOf(doc);
    const text = (name: string): string => (fields.has(name) ? textOf(fields.get(name)!) : '');
    const words = fullName.toUpperCase().split('|');
    const entry: HelpEntry = {
      name: words.join(' '),
      words,
      summary: text('summary'),
      since: text('since'),
      group: text('group'),
      arguments: (fields.get('arguments')?.items ?? []).map(specOf),
    };
    const subcommands = fields.get('subcommands');
    return [entry, ...(subcommands === undefined ? [] : entriesOf(subcommands))];
  });
}

function specOf(doc: ReplyNode): ArgumentSpec {
  const fields = fieldsOf(doc);
  const text = (name: string): string => (fields.has(name) ? textOf(fields.get(name)!) : '');
  const flags = (fields.get('flags')?.items ?? []).map(textOf);
  return {
    name: text('display_text') || text('name'),
    type: text('type'),
    token: text('token'),
    isOptional: flags.includes('optional'),
    isMultiple: flags.includes('multiple'),
    repeatsToken: flags.includes('multiple_token'),
    parts: (fields.get('arguments')?.items ?? []).map(specOf),
  };
}

/** Keys and values that alternate, as a map of RESP3 or an array of RESP2 holds them. */
function fieldsOf({ items }: ReplyNode): Map<string, ReplyNode> {
  const fields = new Map<string, ReplyNode>();
  for (let at = 0; at + 1 < items.length; at += 2) fields.set(textOf(items[at]!), items[at + 1]!);
  return fields;
}

function recordEntries(record: CommandRecord, parents: readonly string[]): HelpEntry[] {
  const words = [...parents, record.name.toUpperCase()];
  const entry: HelpEntry = {
    name: words.join(' '),
    words,
    summary: record.summary,
    since: record.since,
    group: record.group,
    arguments: (record.arguments ?? []).map(recordSpec),
  };
  return [entry, ...(record.subcommands ?? []).flatMap((sub) => recordEntries(sub, words))];
}

function recordSpec({ name, type, token = '', flags = [], arguments: parts = [] }: ArgumentDoc): ArgumentSpec {
  return {
    name,
    type,
    token,
    isOptional: flags.includes('optional'),
    isMultiple: flags.includes('multiple'),
    repeatsToken: flags.includes('multiple_token'),
    parts: parts.map(recordSpec),
  };
}
