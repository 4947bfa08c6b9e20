/**
 * INFO: the sections, their order, and who fills them. Source: spec server.md section 17.
 *
 * A section is a function that gives its lines; parts of the server register theirs with `provide`. Values are computed when asked for.
 *
 * Cost: INFO runs once a second or so, as code that is not compiled yet. So a section is one template whose text is kept (resp/field-lines.ts), lines of
 * commands are those from before where the command was not used since, and what a walk would count is counted as it changes.
 */

import { twoDecimals } from '../../resp/field-lines.js';

/** `field:value` lines of one section, each with its CR and LF. */
export type InfoSection = () => string;

/** Sections in the order in which INFO prints them, with the header's spelling, and whether plain INFO shows them. */
const SECTIONS: readonly (readonly [name: string, title: string, isDefault: boolean])[] = [
  ['server', 'Server', true],
  ['clients', 'Clients', true],
  ['memory', 'Memory', true],
  ['persistence', 'Persistence', true],
  ['stats', 'Stats', true],
  ['replication', 'Replication', true],
  ['cpu', 'CPU', true],
  ['modules', 'Modules', true],
  ['commandstats', 'Commandstats', false],
  ['errorstats', 'Errorstats', true],
  ['latencystats', 'Latencystats', false],
  ['cluster', 'Cluster', true],
  ['keyspace', 'Keyspace', true],
];

interface Section {
  /** As requests name it, in capitals. */
  readonly word: string;
  readonly isDefault: boolean;
  /** What stands before its lines: at the beginning of the text, and elsewhere. */
  readonly firstHead: string;
  readonly head: string;
  lines: InfoSection | null;
}

export class Info {
  private readonly sections: readonly Section[] = SECTIONS.map(([name, title, isDefault]) => ({
    word: name.toUpperCase(),
    isDefault,
    firstHead: `# ${title}\r\n`,
    head: `\r\n# ${title}\r\n`,
    lines: null,
  }));

  /** Registers who fills a section; the last registration counts. */
  provide(name: string, lines: InfoSection): void {
    this.sections.find(({ word }) => word === name.toUpperCase())!.lines = lines;
  }

  /** @param isPlain whether no word was asked for; @param isNamed whether that word was, in capitals */
  text(isPlain: boolean, isNamed: (word: string) => boolean): string {
    const hasAll = isNamed('ALL') || isNamed('EVERYTHING');
    const hasDefault = isPlain || (!hasAll && isNamed('DEFAULT'));
    let text = '';
    for (let i = 0; i < this.sections.length; i++) {
      const { word, isDefault, firstHead, head, lines } = this.sections[i];
      const isWanted = hasAll || (isDefault && hasDefault) || isNamed(word);
      if (isWanted && lines !== null) text += (text === '' ? firstHead : head) + lines();
    }
    return text;
  }
}

const UNITS = 'KMGTP';

/** Bytes as INFO's `_human` fields show them: `1.50M`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${twoDecimals(value)}${UNITS[unit]}`;
}

/** A name inside an INFO line: the characters that would break the line's form are replaced. */
export function infoName(name: string): string {
  return name.replace(/[#:\r\n]/g, '_');
}
