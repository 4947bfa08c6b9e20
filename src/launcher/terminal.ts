/** Where the commands print to, and how they call themselves in advice; replaced in tests. */
import { basename } from 'node:path';

export interface Terminal {
  /** Writes a line. */
  print(text: string): void;
  /** Writes a line to the error stream. */
  complain(text: string): void;
  /** How the user starts this tool: `slotmesh` when it is installed as a command, else `npx slotmesh`. */
  toolName: string;
}

export function processTerminal(): Terminal {
  // A reader that went away (`| head`) must not take the launcher, and so the cluster's clean stop, with it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    toolName: basename(process.argv[1] ?? '') === 'slotmesh' ? 'slotmesh' : 'npx slotmesh',
  };
}
