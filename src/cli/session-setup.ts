/** Session and runner as the options want them: what all modes that talk to a server begin with. */
import type { CommandLine, OutputMode } from './command-line.js';
import { CommandRunner } from './command-runner.js';
import { type Resp3Wish, Session } from './session.js';
import type { Terminal } from './terminal.js';

export function createSession(line: CommandLine, terminal: Terminal): Session {
  return new Session(line.connection, resp3Wish(line), terminal);
}

/** For modes that are of no use without a server. What is wrong has been told when null comes back. */
export async function connectedSession(line: CommandLine, terminal: Terminal): Promise<Session | null> {
  const session = createSession(line, terminal);
  return (await session.connect()) ? session : null;
}

export function createRunner(
  session: Session,
  line: CommandLine,
  terminal: Terminal,
  use: { isShell: boolean; hasSubscribedMode: boolean },
): CommandRunner {
  return new CommandRunner(session, terminal, {
    ...use,
    format: {
      mode: outputMode(line, terminal),
      elementDelimiter: line.elementDelimiter,
      replyDelimiter: line.replyDelimiter,
    },
    followsRedirects: line.followsRedirects,
    failsOnError: line.failsOnError && !use.isShell,
    showsPushes: line.showsPushes ?? terminal.isOutputTty,
    intervalMs: line.intervalMs,
  });
}

/** Without an option: for people on a terminal, as they are into a pipe or file. */
export function outputMode(line: CommandLine, terminal: Terminal): OutputMode {
  return line.output ?? (terminal.isOutputTty ? 'standard' : 'raw');
}

function resp3Wish({ forcesResp2, forcesResp3, wantsResp3ForJson }: CommandLine): Resp3Wish {
  if (forcesResp3) return 'demanded';
  return wantsResp3ForJson && !forcesResp2 ? 'if-known' : 'no';
}
