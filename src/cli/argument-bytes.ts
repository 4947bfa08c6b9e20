/** The words of the command line as bytes. Node gives them decoded as UTF-8; where that lost something, Linux still has the bytes. */
import { readFileSync } from 'node:fs';

const REPLACEMENT_CHARACTER = '\ufffd';

/** @param words the last words of this process's command line, as Node gave them */
export function argumentBytes(words: readonly string[]): Buffer[] {
  if (words.some((word) => word.includes(REPLACEMENT_CHARACTER))) {
    const exact = lastArguments(words.length);
    if (exact !== null) return exact;
  }
  return words.map((word) => Buffer.from(word));
}

function lastArguments(count: number): Buffer[] | null {
  let commandLine: string;
  try {
    commandLine = readFileSync('/proc/self/cmdline', 'latin1');
  } catch {
    return null;
  }
  // Each argument ends with a NUL.
  const all = commandLine.slice(0, -1).split('\0');
  return all.slice(-count).map((argument) => Buffer.from(argument, 'latin1'));
}
