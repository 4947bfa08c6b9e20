/** For modes that go on for ever: a server that went away is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../../client/client-error.js';
import type { Arg } from '../../client/encode-command.js';
import type { ReplyNode } from '../reply/reply-node.js';
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';

const RETRY_MS = 1000;

/** `session.ask` that connects again, however long it takes, when the connection has ended. */
export async function askPersistently(session: Session, terminal: Terminal, ...args: Arg[]): Promise<ReplyNode> {
  for (;;) {
    try {
      return await session.ask(...args);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      session.disconnect();
      await reconnect(session, terminal);
    }
  }
}

async function reconnect(session: Session, terminal: Terminal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    terminal.write(`\r\x1b[0KReconnecting... ${attempt}\r`);
    if (await session.connect(true)) break;
    await sleep(RETRY_MS);
  }
  terminal.write('\r\x1b[0K');
}
