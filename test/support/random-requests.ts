/**
 * Random requests that are partly right, partly nonsense: made from what COMMAND DOCS says about each command's arguments, or from nothing but its name.
 */
import type { RespClient } from '../../src/client/resp-client.js';
import type { Reply } from '../../src/resp/reply-reader.js';
import type { Random } from './fuzz.js';

/** What COMMAND DOCS says about one argument. */
interface ArgumentDoc {
  readonly type: string;
  readonly token: string | undefined;
  readonly flags: readonly string[];
  readonly inner: readonly ArgumentDoc[];
}

export interface CommandDoc {
  /** The name, and that of a subcommand. */
  readonly words: readonly string[];
  readonly group: string;
  readonly args: readonly ArgumentDoc[];
}

/** What the arguments are picked from. */
export interface Vocabulary {
  readonly numbers: readonly string[];
  readonly floats: readonly string[];
  readonly patterns: readonly string[];
  /** Names of options, and other words that mean something somewhere. */
  readonly words: readonly string[];
  /** Members, fields and values. */
  readonly items: readonly string[];
  /** @returns a key for a command of the group */
  key(random: Random, group: string): string;
  /** @returns any text */
  text(random: Random): string;
}

/**
 * Everything that a client at the server may call, by COMMAND DOCS. The connection speaks RESP3. Sorted by name, as a server lists its commands in
 * another order each time it starts, and equal seeds are to make equal requests.
 */
export async function readCommandDocs(client: RespClient): Promise<CommandDoc[]> {
  const found: CommandDoc[] = [];
  const read = (docs: Map<string, Reply>): void => {
    for (const [name, fields] of docs as unknown as Map<string, Map<string, Reply>>) {
      const subcommands = fields.get('subcommands');
      if (subcommands !== undefined) read(subcommands as unknown as Map<string, Reply>);
      else
        found.push({
          words: name.split('|'),
          group: String(fields.get('group')),
          args: readArguments(fields.get('arguments')),
        });
    }
  };
  read((await client.call('COMMAND', 'DOCS')) as unknown as Map<string, Reply>);
  return found.sort((a, b) => (a.words.join(' ') < b.words.join(' ') ? -1 : 1));
}

function readArguments(docs: Reply | undefined): ArgumentDoc[] {
  if (!Array.isArray(docs)) return [];
  return docs.map((each) => {
    const fields = each as unknown as Map<string, Reply>;
    return {
      type: String(fields.get('type')),
      token: fields.get('token') as string | undefined,
      flags: [...((fields.get('flags') ?? []) as unknown as Iterable<string>)],
      inner: readArguments(fields.get('arguments')),
    };
  });
}

export class RandomRequests {
  constructor(
    private readonly random: Random,
    private readonly commands: readonly CommandDoc[],
    private readonly vocabulary: Vocabulary,
  ) {}

  /** @returns the words of a request */
  next(): string[] {
    const { random } = this;
    const doc = random.pick(this.commands);
    const all: string[] = [...doc.words];
    if (random.oneIn(12)) {
      for (let count = random.below(doc.args.length + 3); count > 0; count--) all.push(this.anything(doc.group));
      return all;
    }
    for (const arg of doc.args) this.argument(arg, doc.group, all);
    // Now and then something is missing, too much, twice, or something else.
    if (random.oneIn(8)) all.splice(1 + random.below(all.length), 1);
    while (random.oneIn(4)) all.splice(1 + random.below(all.length), 0, this.anything(doc.group));
    if (all.length > 1) {
      if (random.oneIn(12)) all.push(random.pick(all.slice(1)));
      if (random.oneIn(6)) all[1 + random.below(all.length - 1)] = this.anything(doc.group);
    }
    return all;
  }

  private argument(arg: ArgumentDoc, group: string, to: string[]): void {
    const { random } = this;
    if (arg.flags.includes('optional') && random.oneIn(2)) return;
    const count = arg.flags.includes('multiple') ? 1 + random.below(4) : 1;
    for (let at = 0; at < count; at++) {
      if (arg.token !== undefined && (at === 0 || arg.flags.includes('multiple_token'))) to.push(arg.token);
      if (arg.type === 'oneof') this.argument(random.pick(arg.inner), group, to);
      else if (arg.type === 'block') for (const inner of arg.inner) this.argument(inner, group, to);
      else if (arg.type !== 'pure-token') to.push(this.value(arg.type, group));
    }
  }

  private value(type: string, group: string): string {
    const { random, vocabulary } = this;
    if (random.oneIn(10)) return this.anything(group);
    switch (type) {
      case 'key':
        return vocabulary.key(random, group);
      case 'integer':
      case 'unix-time':
        return random.oneIn(2) ? String(random.below(20)) : random.pick(vocabulary.numbers);
      case 'double':
        return random.oneIn(2) ? String(random.below(20) / 4) : random.pick(vocabulary.floats);
      case 'pattern':
        return random.pick(vocabulary.patterns);
      default:
        return random.oneIn(2) ? random.pick(vocabulary.items) : this.anything(group);
    }
  }

  private anything(group: string): string {
    const { random, vocabulary } = this;
    switch (random.below(8)) {
      case 0:
        return random.pick(vocabulary.numbers);
      case 1:
        return random.pick(vocabulary.floats);
      case 2:
        return random.pick(vocabulary.words);
      case 3:
      case 4:
        return vocabulary.text(random);
      case 5:
        return '';
      default:
        return vocabulary.key(random, group);
    }
  }
}
