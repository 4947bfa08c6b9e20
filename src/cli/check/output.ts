/** What both checkers need of the process. */
import { writeSync } from 'node:fs';
import { basename } from 'node:path';

const STDOUT = 1;

/** Writes a line at once: a report that is cut off shows how far the check came. A reader that went away ends the tool. */
export function print(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT, bytes, at);
    } catch (error) {
      // A pipe that is full for now.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(1);
    }
  }
}

/**
 * The program as the user called it.
 * @param name  behind `slotmesh`, if that is what was called
 */
export function toolName(name: string): string {
  const called = basename(process.argv[1] ?? '', '.js');
  return called === 'slotmesh' ? `slotmesh ${name}` : called;
}
