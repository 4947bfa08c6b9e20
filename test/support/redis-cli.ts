/** Runs the real redis-cli. */
import { Child } from './child-process.js';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Written to stdin, which is then closed. Without it stdin is empty. */
  readonly input?: string;
  readonly password?: string;
}

/** Runs `redis-cli args…` to its end. Output carries no colours. Fails only if it does not end in time. */
export async function redisCli(args: readonly (string | number)[], options: CliOptions = {}): Promise<CliResult> {
  const { input = '', password } = options;
  const env = { TERM: 'dumb', ...(password === undefined ? {} : { REDISCLI_AUTH: password }) };
  const child = await Child.start('redis-cli', args.map(String), { env, stdin: 'pipe' });
  child.endInput(input);
  const { code } = await child.untilExit();
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** `redisCli` that must succeed; returns stdout. */
export async function redisCliOk(args: readonly (string | number)[], options: CliOptions = {}): Promise<string> {
  const result = await redisCli(args, options);
  if (result.code !== 0)
    throw new Error(`redis-cli ${args.join(' ')} ended with code ${result.code}\n${describe(result)}`);
  return result.stdout;
}

function describe(result: CliResult): string {
  return `stdout:\n${result.stdout.slice(-4000)}\nstderr:\n${result.stderr.slice(-2000)}`;
}
