/** -x and -X: an argument that comes from stdin, to its end and with its bytes unchanged. */
import { type CommandLine, UsageError } from './command-line.js';

/** @returns the words with stdin in its place. Throws UsageError where the tag of -X is none of them. */
export async function withStdin(words: readonly Buffer[], { stdinIsLast, stdinTag }: CommandLine): Promise<Buffer[]> {
  if (stdinIsLast) return [...words, await readStdin()];
  if (stdinTag === null) return [...words];
  const at = words.findIndex((word) => word.equals(Buffer.from(stdinTag)));
  const content = await readStdin();
  if (at < 0) throw new UsageError('Using -X option but stdin tag not match.');
  return words.with(at, content);
}

/** @returns everything on stdin, to its end */
export async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
