/**
 * A connection on which we ask for the server's data set as a replica does: the request, the lines before the image, then the image and whatever
 * follows, in pieces. Framing and end mark are the receiver's in replication/; here it is driven by a socket. Source: spec/replication.md section 4.
 */
import type { Socket } from 'node:net';
import { ClientError } from '../client/client-error.js';
import { type ImageHeader, ImageReceiver, LineReader, parseImageHeader } from '../replication/image-receiver.js';

/** Longest line before an image. Errors are lines, too. */
const LINE_BYTES_MAX = 64 * 1024;

/** The server's answer was an error, or no image at all. */
export class SyncRefused extends Error {
  readonly code = 'SYNC_REFUSED';
}

export class ReplicaStream {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  /** Received and not yet used. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * Sends the request and reads up to the image's header; null: there is no image, the stream goes on (`+CONTINUE`).
   * Throws SyncRefused with the server's line, or a ClientError when the connection ends.
   */
  async request(bytes: Uint8Array): Promise<ImageHeader | null> {
    this.#socket.write(bytes);
    const lines = new LineReader(LINE_BYTES_MAX);
    for (;;) {
      const end = lines.read(this.#rest, 0, this.#rest.length);
      if (end === -2) throw new SyncRefused('the answer is no image');
      if (end === -1) {
        this.#rest = await this.#receive();
        continue;
      }
      this.#rest = this.#rest.subarray(end);
      const line = lines.take();
      // A server that prepares an image sends empty lines, lest the connection seem dead.
      if (line === '' || line.startsWith('+FULLRESYNC')) continue;
      if (line.startsWith('+CONTINUE')) return null;
      const header = parseImageHeader(line);
      if (header === null) throw new SyncRefused(line);
      return header;
    }
  }

  /** Reads the image to its end; `consume` gets it piece by piece. @returns its bytes, without the mark */
  async readImage(
    header: ImageHeader,
    consume: (bytes: Uint8Array, start: number, end: number) => void,
  ): Promise<number> {
    const receiver = new ImageReceiver(header, consume);
    while (!receiver.isComplete) {
      if (this.#rest.length === 0) this.#rest = await this.#receive();
      const end = receiver.feed(this.#rest, 0, this.#rest.length);
      this.#rest = this.#rest.subarray(end);
    }
    return receiver.receivedBytes;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** What comes next, in pieces as it comes. Throws a ClientError when the connection ends. */
  async read(): Promise<Buffer> {
    const bytes = this.#rest.length > 0 ? this.#rest : await this.#receive();
    this.#rest = Buffer.alloc(0);
    return bytes;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #receive(): Promise<Buffer> {
    let result: IteratorResult<Buffer>;
    try {
      result = await this.#chunks.next();
    } catch (error) {
      throw new ClientError('CONNECTION_CLOSED', (error as Error).message, error);
    }
    if (result.done === true) throw new ClientError('CONNECTION_CLOSED', 'The server closed the connection');
    return result.value;
  }
}
