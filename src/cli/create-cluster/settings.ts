/**
 * The settings of `slotmesh-create-cluster`, and the file `config.sh` that changes them: `NAME=value` lines as a shell reads them, without expansions (it
 * is read, not run). Source: spec/cli.md section 4.1.
 */

export interface Settings {
  /** The first node is at the next port. */
  port: number;
  timeoutMs: number;
  nodes: number;
  replicas: number;
  host: string;
  protectedMode: string;
  /** Further words for every server's command line. */
  additionalOptions: string[];
  /** Folder with `redis-server`; null: our server. */
  binPath: string | null;
  /** The server's command; null: by `binPath`. Ours alone. */
  server: string[] | null;
}

export function defaultSettings(): Settings {
  return {
    port: 30_000,
    timeoutMs: 2000,
    nodes: 6,
    replicas: 1,
    host: '127.0.0.1',
    protectedMode: 'yes',
    additionalOptions: [],
    binPath: null,
    server: null,
  };
}

/** A line that is no assignment; the file is a script of which only assignments have a meaning here. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

const SETTERS: Readonly<Record<string, (settings: Settings, value: string) => void>> = {
  BIN_PATH: (settings, value) => {
    settings.binPath = value;
  },
  SERVER: (settings, value) => {
    settings.server = words(value);
  },
  CLUSTER_HOST: (settings, value) => {
    settings.host = value;
  },
  PORT: (settings, value) => {
    settings.port = whole('PORT', value);
  },
  TIMEOUT: (settings, value) => {
    settings.timeoutMs = whole('TIMEOUT', value);
  },
  NODES: (settings, value) => {
    settings.nodes = whole('NODES', value);
  },
  REPLICAS: (settings, value) => {
    settings.replicas = whole('REPLICAS', value);
  },
  PROTECTED_MODE: (settings, value) => {
    settings.protectedMode = value;
  },
  ADDITIONAL_OPTIONS: (settings, value) => {
    settings.additionalOptions = words(value);
  },
};

/** Applies the text of a config.sh. Unknown names are passed over, as a shell would. Throws a ConfigError. */
export function applyConfig(settings: Settings, text: string): void {
  for (const [at, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const match = /^(?:export\s+)?([A-Za-z_]\w*)=(?:"([^"]*)"|'([^']*)'|([^\s#]*))\s*(?:#.*)?$/.exec(trimmed);
    if (match === null) throw new ConfigError(`config.sh, line ${at + 1}: "${trimmed}" is no NAME=value`);
    const [, name = '', quoted, literal, plain] = match;
    if (Object.hasOwn(SETTERS, name)) SETTERS[name]!(settings, quoted ?? literal ?? plain ?? '');
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 0)
    throw new ConfigError(`config.sh: ${name} wants a whole number, not "${text}"`);
  return value;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
