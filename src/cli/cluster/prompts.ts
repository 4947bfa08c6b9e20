/** Questions to the user. Prompts end without a line feed; an input that has ended answers none of them. Source: spec/cli.md section 2.3. */
import type { Terminal } from '../terminal.js';

/** Only an answer that begins with `yes`, in small letters, is one. */
export async function accepts(terminal: Terminal, question: string): Promise<boolean> {
  return ((await terminal.readLine(question)) ?? '').startsWith('yes');
}

export function acceptsByTyping(terminal: Terminal, question: string): Promise<boolean> {
  return accepts(terminal, `${question} (type 'yes' to accept): `);
}
