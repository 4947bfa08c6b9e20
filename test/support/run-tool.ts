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
  /** Default 30 s; then the tool is killed, and the code is null. */
  readonly timeoutMs?: number;
}

/** A program with leading arguments. */
export type Tool = readonly [program: string, ...args: string[]];

export const realCli: Tool = ['redis-cli'];
export const ourCli: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-cli.js')];
export const ourBenchmark: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-benchmark.js')];

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export function runTool(
  tool: Tool,
  args: readonly (string | number)[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const { input = '', env = {}, cwd, timeoutMs = 30_000 } = options;
  const [program, ...leading] = tool;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...leading, ...args.map(String)],
      {
        encoding: 'latin1',
        env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_BYTES_MAX,
        ...(cwd === undefined ? {} : { cwd }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}
