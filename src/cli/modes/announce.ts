/** REPLCONF: what a replica says about itself before it asks for the data. Told on stderr, as it may take a while until there is more to tell. */
import { textOf } from '../reply/reply-node.js';
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';

/** @returns whether the server takes it; it need not: an older one does without. Rejects with a ClientError when the connection ends. */
export async function announce(session: Session, terminal: Terminal, name: string, value: string): Promise<boolean> {
  terminal.writeError(`sending REPLCONF ${name} ${value}\n`);
  const reply = await session.ask('REPLCONF', name, value);
  if (reply.kind !== 'error') return true;
  terminal.writeError(`REPLCONF ${name} error: ${textOf(reply)}\n`);
  return false;
}
