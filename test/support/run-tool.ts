/** Runs a command-line tool to its end: the real one, or ours of the same name. Output is byte text: one character per byte. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './tools.js';

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  /** Written to stdin, which is then closed. Default: nothing. */
  readonly input?: string | Uint8Array;
  /** Besides PATH. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** A program with leading arguments. */
export type Tool = readonly [program: string, ...args: string[]];

export const realCli: Tool = ['redis-cli'];
export const ourCli: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-cli.js')];
export const ourBenchmark: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-benchmark.js')];

/** Then the tool is killed, which is a failure that shows what it has written. */
const TIMEOUT_MS = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export function runTool(
  tool: Tool,
  args: readonly (string | number)[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const { input = '', env = {}, cwd } = options;
  const [program, ...leading] = tool;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...leading, ...args.map(String)],
      {
        encoding: 'latin1',
        env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_BYTES_MAX,
        ...(cwd === undefined ? {} : { cwd }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        if (error?.killed)
          reject(
            new Error(`${error.message}\nkilled, for it took too long or wrote too much:\n${stdout.slice(-4000)}`),
          );
        else resolve({ code, stdout, stderr });
      },
    );
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}
