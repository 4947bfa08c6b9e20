/**
 * INFO: the sections, their order, and who fills them. Source: spec server.md section 17.
 *
 * A section is a function that gives its lines; parts of the server register theirs with `provide`. Values are computed when asked for.
 */

/** `field:value` lines of one section, without line ends. */
export type InfoSection = () => string[];

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
      if (text !== '') text += '\r\n';
      text += `# ${title}\r\n`;
      for (const line of section()) text += `${line}\r\n`;
    }
    return text;
  }
}

/** Bytes as INFO's `_human` fields show them: `1.50M`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  for (const unit of 'KMGT') {
    if (value < 1024) return `${value.toFixed(2)}${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(2)}P`;
}

/** A name inside an INFO line: the characters that would break the line's form are replaced. */
export function infoName(name: string): string {
  return name.replace(/[#:\r\n]/g, '_');
}
