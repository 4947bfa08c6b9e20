/** The reply of `<COMMAND> HELP`: the frame of spec server.md section 18.4 around a container's own lines. */
import type { Handler } from './command.js';

/** @param lines usage lines, each followed by its description lines, which begin with four spaces */
export function helpReply(name: string, lines: readonly string[]): Handler {
  const all = [
    `${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    'HELP',
    '    Prints this help.',
  ];
  return (call) => {
    call.reply.array(all.length);
    for (const line of all) call.reply.status(line);
  };
}
