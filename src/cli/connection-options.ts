/**
 * The options that all tools share: which server, as whom, encrypted or not. One table entry serves the scan of the command line and the help. An option
 * that wants a value counts only when a word follows it. Source: spec/cli.md section 1.2.
 */
import { atoi } from './c-numbers.js';
import { type ConnectionSettings, hostOf } from './connection-settings.js';
import type { TlsSettings } from './tls-settings.js';
import { applyUri } from './uri.js';

/** The part of a tool's command line that these options fill. */
export interface ConnectionLine {
  readonly connection: ConnectionSettings;
  /** Counts when `connection.tls` is set, which --tls and rediss:// do. */
  readonly tls: TlsSettings;
  hasPasswordOption: boolean;
}

/** @template Line the command line that the option changes */
export interface Option<Line> {
  readonly names: readonly string[];
  /** How the help calls the value; '' for a flag. */
  readonly value: string;
  /** Lines of the help. */
  readonly help: readonly string[];
  readonly set: (line: Line, value: string) => void;
}

/** @param form the names, separated by commas, then the value's name in angle brackets if there is one */
export function option<Line>(form: string, help: string, set: (line: Line, value: string) => void): Option<Line> {
  const [, names, value] = /^([^<]+?)(?: <(.+)>)?$/.exec(form)!;
  return { names: names!.split(', '), value: value ?? '', help: help.split('\n'), set };
}

/** Column in which the explanations begin. */
const HELP_COLUMN = 34;

/** The option as a line (or more) of the help. */
export function formatOption({ names, value, help }: Pick<Option<never>, 'names' | 'value' | 'help'>): string {
  const form = `  ${names.join(', ')}${value === '' ? '' : ` <${value}>`}`;
  const indent = ' '.repeat(HELP_COLUMN);
  const [first, ...more] = help;
  const head = form.length < HELP_COLUMN ? form.padEnd(HELP_COLUMN) : `${form}\n${indent}`;
  return [head + first, ...more.map((text) => indent + text)].join('\n');
}

function tls(form: string, help: string, set: (tls: TlsSettings, value: string) => void): Option<ConnectionLine> {
  return option(form, help, (line, value) => set(line.tls, value));
}

function setPassword(line: ConnectionLine, password: string): void {
  line.connection.password = password;
  line.hasPasswordOption = true;
}

function setPort(line: ConnectionLine, value: string): void {
  line.connection.port = atoi(value);
}

export const SERVER_OPTIONS: readonly Option<ConnectionLine>[] = [
  option('-h <host>', 'host of the server (127.0.0.1)', (line, value) => {
    line.connection.host = hostOf(value);
  }),
  option('-p <port>', 'its port (6379)', setPort),
  option('-s <path>', 'its Unix socket; host and port do not count then', (line, value) => {
    line.connection.socketPath = value;
  }),
  option('-u <uri>', 'redis://[[user:]password@][host[:port]][/db]; rediss:// for TLS', applyUri),
  option('-a, --pass <password>', 'password; the environment variable REDISCLI_AUTH hides it better', setPassword),
  option('--user <name>', 'user of the password; the default user without it', (line, value) => {
    line.connection.username = value;
  }),
];

export const TLS_OPTIONS: readonly Option<ConnectionLine>[] = [
  option('--tls', 'encrypt the connection', (line) => {
    line.connection.tls = line.tls;
  }),
  tls('--sni <host>', 'server name to ask for', (settings, value) => {
    settings.serverName = value;
  }),
  tls('--cacert <file>', 'certificates to trust', (settings, value) => {
    settings.caFile = value;
  }),
  tls('--cacertdir <folder>', "files with certificates to trust (the system's, without both)", (settings, value) => {
    settings.caFolder = value;
  }),
  tls('--insecure', "accept any server's certificate", (settings) => {
    settings.isInsecure = true;
  }),
  tls('--cert <file>', 'certificate to show the server', (settings, value) => {
    settings.certFile = value;
  }),
  tls('--key <file>', 'its private key', (settings, value) => {
    settings.keyFile = value;
  }),
  tls('--tls-ciphers <list>', 'ciphers up to TLS 1.2, as OpenSSL writes them', (settings, value) => {
    settings.ciphers = value;
  }),
  tls('--tls-ciphersuites <list>', 'cipher suites of TLS 1.3', (settings, value) => {
    settings.cipherSuites = value;
  }),
];
