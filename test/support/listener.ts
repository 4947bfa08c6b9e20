/** A client that only listens: it subscribes and keeps what it is sent. */
import type { RespClient } from '../../src/client/resp-client.js';
import type { ServerProcess } from './server-process.js';
import { waitFor } from './wait-for.js';

export class Listener {
  /** Each push as its words: `message channel text`. The confirmations of the start are not among them. */
  readonly heard: string[] = [];
  private client: RespClient | null = null;

  /** @param commands subscriptions, as `SUBSCRIBE a b`; it is subscribed to all when this settles */
  static async start(server: ServerProcess, ...commands: string[]): Promise<Listener> {
    const listener = new Listener();
    const { heard } = listener;
    listener.client = await server.connect({
      protocol: 3,
      onPush: (value) => heard.push((value as unknown[]).map(String).join(' ')),
    });
    let count = 0;
    for (const command of commands) {
      const words = command.split(' ');
      count += words.length - 1;
      listener.tell(...words);
    }
    await waitFor(() => heard.length === count, { what: 'the subscriptions', detail: () => heard.join('; ') });
    heard.length = 0;
    return listener;
  }

  /** Sends a command whose answer is a push, if there is one. */
  tell(...words: string[]): void {
    // As a reply it never comes, and fails when the client is closed.
    this.client!.call(words[0]!, ...words.slice(1)).catch(() => {});
  }

  /** Waits until it has heard so many pushes since the last time. @returns them */
  async hear(count: number): Promise<string[]> {
    const { heard } = this;
    await waitFor(() => heard.length >= count, {
      what: `${count} messages`,
      intervalMs: 2,
      detail: () => heard.join('; '),
    });
    return heard.splice(0);
  }

  close(): void {
    this.client?.close();
  }
}
