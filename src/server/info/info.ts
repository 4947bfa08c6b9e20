/**
 * INFO: the sections, their order, and who fills them. Source: spec server.md section 17.
 *
 * A section is a function that gives its lines; parts of the server register theirs with `provide`. Values are computed when asked for.
 *
 * Cost: INFO runs once a second or so, as code that is not compiled yet. So a section is one text with many values in it rather than a list of texts, what
 * is kept per command is walked for commands that were used, and what a walk would count is counted as it changes.
 */

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
    const wanted = new Set(names.length === 0 ? ['default'] : names);
    const hasAll = wanted.has('all') || wanted.has('everything');
    let text = '';
    for (const [name, title, isDefault] of SECTIONS) {
      const section = this.sections.get(name);
      if (section === undefined || !(hasAll || wanted.has(name) || (isDefault && wanted.has('default')))) continue;
      text += `${text === '' ? '' : '\r\n'}# ${title}\r\n${section()}`;
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
  return `${value.toFixed(2)}${UNITS[unit]}`;
}

/** A name inside an INFO line: the characters that would break the line's form are replaced. */
export function infoName(name: string): string {
  return name.replace(/[#:\r\n]/g, '_');
}
