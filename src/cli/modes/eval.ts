/** --eval: a script from a file, with keys and arguments from the command line: `--eval file key1 key2 , argument1`. */
import { readFileSync } from 'node:fs';
import { strerror } from '../../persistence/file-system.js';
import { argumentBytes } from '../argument-bytes.js';
import type { CommandLine } from '../command-line.js';
import type { Session } from '../session.js';
import { createRunner, createSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';

const SEPARATOR = Buffer.from(',');

export async function runEval(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = createSession(line, terminal);
  if (!(await session.connect())) return 1;
  let script: Buffer;
  try {
    script = readFileSync(line.evalFile!);
  } catch (error) {
    terminal.writeError(`Can't open file '${line.evalFile}': ${strerror(error)}\n`);
    session.disconnect();
    return 1;
  }
  const request = evalRequest(script, argumentBytes(line.command));
  if (line.debugsLua) return debug(session, request, line, terminal);
  const runner = createRunner(session, line, terminal, { isShell: false, hasSubscribedMode: false });
  const isAnswered = await runner.run(request, 1);
  session.disconnect();
  return isAnswered ? 0 : 1;
}

/** Steps through the script; when it is over, the user is in the shell. */
async function debug(session: Session, request: Buffer[], line: CommandLine, terminal: Terminal): Promise<number> {
  const { LuaDebugger } = await import('./lua-debugger.js');
  const { openShell } = await import('../shell/shell.js');
  const luaDebugger = new LuaDebugger(session, terminal, request, line.debugsLuaInSync);
  if (await luaDebugger.start()) {
    line.output = 'standard';
    await openShell(session, line, terminal, luaDebugger);
  }
  session.disconnect();
  return 0;
}

/** EVAL with what stands before the first word that is just a comma as keys, what stands behind it as arguments. */
function evalRequest(script: Buffer, words: readonly Buffer[]): Buffer[] {
  const comma = words.findIndex((word) => word.equals(SEPARATOR));
  const keys = comma < 0 ? words : words.slice(0, comma);
  const others = comma < 0 ? [] : words.slice(comma + 1);
  return [Buffer.from('EVAL'), script, Buffer.from(String(keys.length)), ...keys, ...others];
}
