/** Runs a mode that needs a server: connects, and tells what went wrong with server or connection, so that the mode may just throw. */
import { ClientError } from '../../client/client-error.js';
import type { CommandLine } from '../command-line.js';
import { lossText, type Session } from '../session.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { ModeFailure } from './key-scan.js';

/** @returns the exit code: what `body` gives, or 1 */
export async function withServer(
  line: CommandLine,
  terminal: Terminal,
  body: (session: Session) => Promise<number>,
): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  try {
    return await body(session);
  } catch (error) {
    if (error instanceof ModeFailure) terminal.writeError(`${error.message}\n`);
    else if (error instanceof ClientError) terminal.writeError(`Error: ${lossText(error)}\n`);
    else throw error;
    return 1;
  } finally {
    session.disconnect();
  }
}
