/** The table of commands at work on a line that is being typed: completion and hints. Pure. */
import { splitWords } from '../split-words.js';
import type { HelpTable } from './help-table.js';
import type { LineHelper } from './line-editor.js';
import { hintText } from './syntax.js';

export class CommandHelp implements LineHelper {
  /** `:set hints` */
  showsHints = true;
  readonly #table: HelpTable;

  constructor(table: HelpTable) {
    this.#table = table;
  }

  /** Names that the line is the beginning of; after `help` also groups. */
  complete(text: string): string[] {
    const help = /^help\s+/i.exec(text)?.[0];
    const names = this.#table.entries.map((entry) => entry.name);
    const topics = help === undefined ? names : [...names, ...this.#table.groups];
    const typed = text.slice(help?.length ?? 0).toUpperCase();
    if (help === undefined && typed === '') return [];
    return topics.filter((topic) => topic.toUpperCase().startsWith(typed)).map((topic) => `${help ?? ''}${topic}`);
  }

  hint(text: string): string {
    return this.showsHints ? this.hintFor(text) : '';
  }

  /**
   * What may follow. A word that is not finished counts if it fits, else it is not looked at yet: `set k` has got its key, but in `set k v E` the E may
   * become EX.
   */
  hintFor(text: string): string {
    const words = splitWords(text)?.map(String) ?? [];
    const entry = this.#table.find(words);
    if (entry === null) return '';
    const typed = words.slice(entry.words.length);
    const hint = hintText(entry, typed);
    if (hint !== null) return hint;
    const isFinished = /\s$/.test(text);
    return isFinished || typed.length === 0 ? '' : (hintText(entry, typed.slice(0, -1)) ?? '');
  }
}
