/**
 * The process title: `proc-title-template` with its variables filled in.
 *
 * Source: spec/server.md 28.2.
 */

export interface TitleVariables {
  /** argv[0], or the role of a child process */
  readonly title: string;
  /** `<first address or *>:<port>`, or `unixsocket:<path>` */
  readonly listenAddr: string;
  /** `[cluster]`, `[sentinel]` or empty */
  readonly serverMode: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly unixsocket: string;
  /** `-` if there is none */
  readonly configFile: string;
}

const FIELDS: ReadonlyMap<string, keyof TitleVariables> = new Map([
  ['title', 'title'],
  ['listen-addr', 'listenAddr'],
  ['server-mode', 'serverMode'],
  ['port', 'port'],
  ['tls-port', 'tlsPort'],
  ['unixsocket', 'unixsocket'],
  ['config-file', 'configFile'],
]);

/** @returns whether every `{…}` names a variable and is closed, and the template is not empty */
export function isTitleTemplate(template: string): boolean {
  return (
    template !== '' &&
    !template.replace(/\{([^{}]*)\}/g, (all, name: string) => (FIELDS.has(name) ? '' : all)).includes('{')
  );
}

/** Fills in a template that `isTitleTemplate` accepts; blanks at both ends are cut. */
export function expandTitle(template: string, variables: TitleVariables): string {
  const fill = (_: string, name: string) => String(variables[FIELDS.get(name)!]);
  return template.replace(/\{([^{}]*)\}/g, fill).trim();
}
