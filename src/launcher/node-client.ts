/** A client connection to one node of a local cluster, for the few administrative commands, whose replies are all text or numbers. */
import type { NodeAddress } from '../client/cluster-client.js';
import { RespClient } from '../client/resp-client.js';

export class NodeClient {
  private constructor(
    readonly address: NodeAddress,
    private readonly client: RespClient,
  ) {}

  /**
   * @param password empty: none
   * @param timeoutMs for connecting, and for each reply
   * Rejects with a ClientError, or with a ReplyError when the password is wrong.
   */
  static async connect(address: NodeAddress, password: string, timeoutMs: number): Promise<NodeClient> {
    const { host, port } = address;
    const client = await RespClient.connect({
      host,
      port,
      connectTimeoutMs: timeoutMs,
      commandTimeoutMs: timeoutMs,
      ...(password === '' ? {} : { password }),
    });
    return new NodeClient(address, client);
  }

  /** @returns a simple string, a bulk string, or a number as text. Rejects with the ReplyError if the server answers one. */
  async call(...args: string[]): Promise<string> {
    return String(await this.client.call(...args));
  }

  /** Asks the node to shut down. Resolves when the connection has ended, which is the answer; rejects with a ReplyError when the node refuses. */
  async shutDown(timeoutMs: number): Promise<void> {
    try {
      await this.client.request(['SHUTDOWN'], { timeoutMs });
    } catch (error) {
      if (!this.client.isClosed) throw error;
    }
  }

  close(): void {
    this.client.close();
  }
}
