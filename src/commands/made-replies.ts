/**
 * Replies of COMMAND and COMMAND DOCS that the build has made (scripts/bundle.mjs): files beside the server's bundle.
 *
 * Invariant: the bundle knows its files by a digest of their content. Those that another build has put in their place while a server runs are not found; the
 * reply is then put together as if there were no files.
 */
import { readFileSync } from 'node:fs';

/** The folder of the files, from the bundle's own; only defined in the bundle. */
declare const MADE_REPLIES: string | undefined;

/** @returns the file's bytes; null if there is none */
export function readMadeReply(name: string): Uint8Array | null {
  if (typeof MADE_REPLIES === 'undefined') return null;
  try {
    const bytes = readFileSync(new URL(`${MADE_REPLIES}${name}`, import.meta.url));
    // A plain view: loops over bytes do not meet one class more.
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch {
    return null;
  }
}
