/** Every connection that a subcommand has opened: however it ends, they are closed with it. */
import type { RespClient } from '../../client/resp-client.js';
import { ReplyError } from '../../resp/reply-reader.js';
import { atNode, type ConnectionSettings, connectErrorLine, openConnection } from '../connection-settings.js';
import { Failure, NodeRefusal } from './failure.js';
import { ManagedNode } from './managed-node.js';

export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #clients = new Set<RespClient>();
  #isClosed = false;

  /** @param settings credentials and TLS; host and port do not count */
  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /**
   * Connects to a node. Fails with a Failure whose text is redis-cli's for it.
   * @param settings for a server that is reached in another way than the cluster
   */
  async open(host: string, port: number, settings = this.#settings): Promise<ManagedNode> {
    const there = atNode(settings, host, port);
    let client: RespClient;
    try {
      client = await openConnection(there, { replies: 'bytes', onClose: () => this.#clients.delete(client) });
    } catch (error) {
      if (error instanceof ReplyError) throw new NodeRefusal(`${host}:${port}`, error.message);
      throw new Failure('stderr', connectErrorLine(there, error));
    }
    if (this.#isClosed) client.close();
    else this.#clients.add(client);
    return new ManagedNode(host, port, client, () => this.open(host, port, settings));
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.close();
  }
}
