/**
 * The same command line with the real redis-cli and with ours, against the same server: stdout, stderr and exit code must be equal to the byte. What tells
 * times, or the tool's own version, cannot be compared so.
 */
import assert from 'node:assert/strict';
import { ourCli, realCli, runTool, type Tool, type ToolOptions, type ToolResult } from '../support/run-tool.js';
import { type ServerProcess, temporaryFolder } from '../support/server-process.js';

/** Where the tools run. */
export const folder = temporaryFolder('transcripts');

/** Words separated by blanks, or a list where they hold blanks. */
export type CommandWords = string | readonly string[];

/** Runs the words with both tools, after `prepare`, and compares everything. */
export async function compare(
  words: CommandWords,
  options: ToolOptions = {},
  prepare = async () => {},
): Promise<ToolResult> {
  const args = typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words;
  const run = async (tool: Tool): Promise<ToolResult> => {
    await prepare();
    return runTool(tool, args, { cwd: folder, ...options });
  };
  const expected = await run(realCli);
  const actual = await run(ourCli);
  const story = `redis-cli ${args.join(' ')}${options.input === undefined ? '' : ` < ${JSON.stringify(String(options.input).slice(0, 200))}`}`;
  assert.deepEqual(linesOf(actual), linesOf(expected), story);
  return actual;
}

/**
 * As lists of lines: a difference then shows as the lines that differ. Some messages of redis-cli keep the CR of the reply they quote; how the end of a
 * connection shows is chance: as end of file, reset, or broken pipe.
 */
function linesOf({ code, stdout, stderr }: ToolResult): unknown {
  const settled = stderr.replaceAll(/Connection reset by peer|Broken pipe/g, 'Server closed the connection');
  return { code, stdout: stdout.split('\n'), stderr: settled.split(/\r?\n/) };
}

/** `compare` at a server whose data set is empty before each run. */
export function compareOnEmpty(server: ServerProcess, words: CommandWords, options?: ToolOptions): Promise<ToolResult> {
  return compare(at(server.port, words), options, async () => {
    await server.call('FLUSHALL');
  });
}

/** The words, for the server at that port. */
export function at(port: number, words: CommandWords): string[] {
  return ['-p', String(port), ...(typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words)];
}
