/** What a subcommand is given. */
import { type ConnectionSettings, hostOf } from '../connection-settings.js';
import type { Terminal } from '../terminal.js';
import type { Connections } from './connections.js';
import type { ClusterOptions } from './contract.js';
import type { Dialect } from './dialect.js';
import { Failure } from './failure.js';
import type { Output } from './output.js';

export interface ManagerContext {
  /** The subcommand's positional arguments. */
  readonly words: readonly string[];
  readonly options: ClusterOptions;
  /** Credentials and TLS; its host and port do not count. */
  readonly connection: ConnectionSettings;
  readonly connections: Connections;
  readonly terminal: Terminal;
  readonly output: Output;
  readonly dialect: Dialect;
}

export interface Address {
  host: string;
  port: number;
}

/** `host:port`, `host:port@bus`; null when it is none. Cut at the last `@`, then at the last `:`, so that `::1:7000` is an address, as is
 * `[::1]:7000`. */
export function parseAddress(text: string): Address | null {
  const at = text.lastIndexOf('@');
  const endpoint = at < 0 ? text : text.slice(0, at);
  const colon = endpoint.lastIndexOf(':');
  if (colon < 0) return null;
  return addressOf(endpoint.slice(0, colon), endpoint.slice(colon + 1));
}

/** The node that a subcommand begins with: `host:port` or `host port`. */
export function entryAddress({ words }: ManagerContext): Address {
  const [first = '', second] = words;
  const address = second === undefined ? parseAddress(first) : addressOf(first, second);
  if (address === null) throw invalidAddress();
  return address;
}

/** The only form for subcommands whose second word is something else. */
export function addressWord(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw invalidAddress();
  return address;
}

function invalidAddress(): Failure {
  return new Failure(
    'stderr',
    '[ERR] Invalid arguments: you need to pass either a valid address (ie. 120.0.0.1:7000) or space separated IP and port (ie. 120.0.0.1 7000)',
  );
}

function addressOf(host: string, portText: string): Address | null {
  const port = Number.parseInt(portText, 10) || 0;
  return port === 0 ? null : { host: hostOf(host), port };
}

export interface Subcommand {
  /** Its arguments, for the help. */
  readonly form: string;
  /** What follows `--cluster-` in those of its options that the help lists; any option may be given with any subcommand. */
  readonly options: readonly string[];
  readonly minWords: number;
  /** Default: any number. */
  readonly maxWords?: number;
  /** @returns the exit code */
  run(context: ManagerContext): Promise<number>;
}
