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

export class Info {
  private readonly sections = new Map<string, InfoSection>();

  /** Registers who fills a section; the last registration counts. */
  provide(name: string, section: InfoSection): void {
    this.sections.set(name, section);
  }

  /** @param names lower-case section names; none means `default` */
  text(names: readonly string[]): string {
    const hasAll = names.includes('all') || names.includes('everything');
    const hasDefault = names.length === 0 || names.includes('default');
    const parts: string[] = [];
    for (const [name, title, isDefault] of SECTIONS) {
      if (!(hasAll || (isDefault && hasDefault) || names.includes(name))) continue;
      const section = this.sections.get(name);
      if (section === undefined) continue;
      parts.push(parts.length === 0 ? '# ' : '\r\n# ', title, '\r\n', section());
    }
    return parts.join('');
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
