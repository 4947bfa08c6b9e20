/**
 * Scans the command line of slotmesh-cli, from left to right and once, as redis-cli does: no `--option=value`, no bundles of letters, no `--`; a later
 * option overrides an earlier one; the first word that neither is an option nor begins with `-` is the command, with all that follows. `--cluster` takes
 * words up to the next one with `-`; if there were none, a later run of words. Source: spec/cli.md sections 1.1, 1.4 and 1.8.
 */
import { type CommandLine, defaultCommandLine, MODES, UsageError } from './command-line.js';
import { OPTIONS } from './options.js';
import { usage, versionLine } from './usage.js';

/** What the scan comes to: a command line, or a text to print and an exit code. */
export type Scanned =
  | { readonly kind: 'ready'; readonly line: CommandLine }
  | { readonly kind: 'ended'; readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/**
 * @param argv what follows the program's name
 * @param toolName the program as the user called it, for advice
 */
export function scanArguments(argv: readonly string[], environment: NodeJS.ProcessEnv, toolName: string): Scanned {
  const line = defaultCommandLine();
  line.clusterOptions.yes = environment['REDISCLI_CLUSTER_YES'] === '1';
  try {
    new Scanner(argv, line).scan();
    checkCombinations(line, toolName);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const warnings = line.warnings.map((text) => `${text}\n`).join('');
    const text = `${error.message}\n`;
    return error.exitCode === 0
      ? { kind: 'ended', exitCode: 0, stdout: text, stderr: warnings }
      : { kind: 'ended', exitCode: error.exitCode, stdout: '', stderr: warnings + text };
  }
  takePasswordFrom(environment, line);
  line.mode = chooseMode(line);
  return { kind: 'ready', line };
}

class Scanner {
  #at = 0;
  #hasWeights = false;

  constructor(
    private readonly argv: readonly string[],
    private readonly line: CommandLine,
  ) {}

  scan(): void {
    const { argv, line } = this;
    for (; this.#at < argv.length; this.#at++) {
      const word = argv[this.#at]!;
      if (this.#isOption(word)) continue;
      if (word.startsWith('-')) throw new UsageError(`Unrecognized option or bad number of args for: '${word}'`);
      if (!line.requested.has('cluster')) {
        line.command = argv.slice(this.#at);
        return;
      }
      const words = this.#takeWords();
      if (line.clusterWords.length === 1) line.clusterWords.push(...words);
    }
  }

  /** Handles the option at the current position, leaving that at its last word. */
  #isOption(word: string): boolean {
    const isLast = this.#at === this.argv.length - 1;
    if (word === '--help' || (word === '-h' && isLast)) throw new UsageError(usage(), 0);
    if (word === '-v' || word === '--version') throw new UsageError(versionLine(), 0);
    if (word === '--cluster') this.#onCluster(isLast);
    else if (word === '--cluster-weight' && !isLast) this.#onWeights();
    else return this.#isTabled(word, isLast);
    return true;
  }

  #isTabled(word: string, isLast: boolean): boolean {
    const option = OPTIONS.get(word);
    if (option === undefined || (option.value !== '' && isLast)) return false;
    option.set(this.line, option.value === '' ? '' : this.argv[++this.#at]!);
    return true;
  }

  #onCluster(isLast: boolean): void {
    if (this.line.requested.has('cluster') || isLast) throw new UsageError(usage());
    this.line.requested.add('cluster');
    this.line.clusterWords = [this.argv[++this.#at]!];
    this.#at++;
    this.line.clusterWords.push(...this.#takeWords());
  }

  #onWeights(): void {
    if (this.#hasWeights)
      throw new UsageError(
        'WARNING: you cannot use --cluster-weight more than once.\n' +
          'You can set more weights by adding them as a space-separated list, ie:\n--cluster-weight n1=w n2=w',
      );
    this.#hasWeights = true;
    const { argv, line } = this;
    while (this.#at + 1 < argv.length && argv[this.#at + 1]!.includes('=') && !argv[this.#at + 1]!.startsWith('--'))
      line.clusterOptions.weights.push(argv[++this.#at]!);
  }

  /** The words from here up to one that begins with `-`; the position is left at the last of them. */
  #takeWords(): string[] {
    const start = this.#at;
    let end = start;
    while (end < this.argv.length && !this.argv[end]!.startsWith('-')) end++;
    this.#at = end - 1;
    return this.argv.slice(start, end);
  }
}

/** In this order, for the first one found is told. */
function checkCombinations(line: CommandLine, toolName: string): void {
  const { connection } = line;
  if (connection.port < 0 || connection.port > 65535) throw new UsageError('Invalid server port.');
  if (connection.socketPath !== null && line.followsRedirects)
    throw new UsageError('Options -c and -s are mutually exclusive.');
  if (line.forcesResp2 && line.forcesResp3) throw new UsageError('Options -2 and -3 are mutually exclusive.');
  if (line.debugsLua && line.evalFile === null)
    throw new UsageError(
      `Options --ldb and --ldb-sync-mode require --eval.\nTry ${toolName} --help for more information.`,
    );
  if (line.hasPasswordOption && !line.silencesPasswordWarning)
    line.warnings.push(
      "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.",
    );
  if (line.wantsWholeRdb && line.wantsFunctionsRdb)
    throw new UsageError('Option --functions-rdb and --rdb are mutually exclusive.');
  if (line.stdinIsLast && line.stdinTag !== null) throw new UsageError('Options -x and -X are mutually exclusive.');
}

function takePasswordFrom(environment: NodeJS.ProcessEnv, { connection }: CommandLine): void {
  connection.password ??= environment['REDISCLI_AUTH'] ?? null;
}

function chooseMode({ requested, command }: CommandLine): CommandLine['mode'] {
  if (command.length > 0) requested.add('command');
  else if (!requested.has('eval')) requested.add('interactive');
  return MODES.find((mode) => requested.has(mode))!;
}
