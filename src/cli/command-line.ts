/** What a command line of slotmesh-cli asks for: the record that the scanner fills and every mode reads. */
import { type ClusterOptions, defaultClusterOptions } from './cluster/contract.js';
import { type ConnectionSettings, defaultConnection } from './connection-settings.js';
import { defaultTls, type TlsSettings } from './tls-settings.js';

/** What is done; where several are asked for, the first of this list. */
export const MODES = [
  'cluster',
  'latency',
  'latency-dist',
  'replica',
  'rdb',
  'pipe',
  'bigkeys',
  'memkeys',
  'hotkeys',
  'stat',
  'scan',
  'lru-test',
  'intrinsic-latency',
  'hint-test',
  'interactive',
  'eval',
  'command',
] as const;
export type Mode = (typeof MODES)[number];

/** Forms of a reply: `standard` is the one for people. */
export type OutputMode = 'standard' | 'raw' | 'csv' | 'json' | 'quoted-json';

export interface CommandLine {
  mode: Mode;
  /** Modes asked for by options; `mode` is chosen from them at the end of the scan. */
  readonly requested: Set<Mode>;
  readonly connection: ConnectionSettings;
  /** Counts when `connection.tls` is set, which --tls and rediss:// do. */
  readonly tls: TlsSettings;
  /** The words from the command's name on: always the last words of the command line. */
  command: string[];
  /** -2 and -3, as far as given. */
  forcesResp2: boolean;
  forcesResp3: boolean;
  /** --json: HELLO 3, and no failure if the server does not know it. */
  wantsResp3ForJson: boolean;
  asksPassword: boolean;
  hasPasswordOption: boolean;
  silencesPasswordWarning: boolean;
  /** Negative: for ever. */
  repeat: number;
  intervalMs: number;
  /** null: by whether stdout is a terminal. */
  output: OutputMode | null;
  elementDelimiter: string;
  replyDelimiter: string;
  /** null: by whether stdout is a terminal. */
  showsPushes: boolean | null;
  followsRedirects: boolean;
  failsOnError: boolean;
  /** -x: stdin is the last argument. */
  stdinIsLast: boolean;
  /** -X: stdin takes the place of the first argument equal to this. */
  stdinTag: string | null;
  unquotesArguments: boolean;
  /** --latency-history. */
  keepsLatencyHistory: boolean;
  isMonochrome: boolean;
  lruTestKeys: number;
  /** `-`: stdout. */
  rdbFile: string;
  /** --rdb and --functions-rdb, which exclude each other. */
  wantsWholeRdb: boolean;
  wantsFunctionsRdb: boolean;
  pipeTimeoutS: number;
  /** --memkeys-samples; null: the server's default. */
  memorySamples: number | null;
  pattern: Uint8Array | null;
  /** SCAN … COUNT; null: the server's default. */
  scanCount: number | null;
  intrinsicLatencyS: number;
  evalFile: string | null;
  debugsLua: boolean;
  debugsLuaInSync: boolean;
  /** After --cluster: the subcommand and its positional arguments. */
  clusterWords: string[];
  readonly clusterOptions: ClusterOptions;
  /** --test_hint: the words typed, and --test_hint_file. */
  hintInput: string | null;
  hintFile: string | null;
  /** Lines for stderr that do not stop the program. */
  readonly warnings: string[];
}

export function defaultCommandLine(): CommandLine {
  return {
    mode: 'interactive',
    requested: new Set(),
    connection: defaultConnection(),
    tls: defaultTls(),
    command: [],
    forcesResp2: false,
    forcesResp3: false,
    wantsResp3ForJson: false,
    asksPassword: false,
    hasPasswordOption: false,
    silencesPasswordWarning: false,
    repeat: 1,
    intervalMs: 0,
    output: null,
    elementDelimiter: '\n',
    replyDelimiter: '\n',
    showsPushes: null,
    followsRedirects: false,
    failsOnError: false,
    stdinIsLast: false,
    stdinTag: null,
    unquotesArguments: false,
    keepsLatencyHistory: false,
    isMonochrome: false,
    lruTestKeys: 0,
    rdbFile: '',
    wantsWholeRdb: false,
    wantsFunctionsRdb: false,
    pipeTimeoutS: 30,
    memorySamples: null,
    pattern: null,
    scanCount: null,
    intrinsicLatencyS: 0,
    evalFile: null,
    debugsLua: false,
    debugsLuaInSync: false,
    clusterWords: [],
    clusterOptions: defaultClusterOptions(),
    hintInput: null,
    hintFile: null,
    warnings: [],
  };
}

/** Ends the scan. The text goes to stdout where the exit code is 0, else to stderr. */
export class UsageError extends Error {
  readonly code = 'USAGE';

  constructor(
    text: string,
    readonly exitCode = 1,
  ) {
    super(text);
    this.name = 'UsageError';
  }
}
