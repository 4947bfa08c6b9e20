/** Every connection that a subcommand has opened: however it ends, they are closed with it. */
import type { RespClient } from '../../client/resp-client.js';
import { ReplyError } from '../../resp/reply-reader.js';
import { atNode, type ConnectionSettings, connectErrorLine, openConnection } from '../connection-settings.js';
import { Failure, NodeRefusal } from './failure.js';
import { ManagedNode } from './managed-node.js';

export interface ConnectionWords {
  failure(settings: ConnectionSettings, error: unknown): Failure;
  connected(address: string): void;
}

const redisCliWords: ConnectionWords = {
  failure: (settings, error) =>
    error instanceof ReplyError
      ? new NodeRefusal(`${settings.host}:${settings.port}`, error.message)
      : new Failure('stderr', connectErrorLine(settings, error)),
  connected: () => {},
};

export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #words: ConnectionWords;
  readonly #clients = new Set<RespClient>();
  #isClosed = false;

  /** @param settings credentials and TLS; host and port do not count */
  constructor(settings: ConnectionSettings, words: ConnectionWords = redisCliWords) {
    this.#settings = settings;
    this.#words = words;
  }

  /**
   * Connects to a node. Fails with a Failure.
   * @param settings for a server that is reached in another way than the cluster
   */
  async open(host: string, port: number, settings = this.#settings): Promise<ManagedNode> {
    const there = atNode(settings, host, port);
    let client: RespClient;
    try {
      client = await openConnection(there, { replies: 'bytes', onClose: () => this.#clients.delete(client) });
    } catch (error) {
      throw this.#words.failure(there, error);
    }
    this.#words.connected(`${host}:${port}`);
    if (this.#isClosed) client.close();
    else this.#clients.add(client);
    return new ManagedNode(host, port, client, () => this.open(host, port, settings));
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.close();
  }
}
