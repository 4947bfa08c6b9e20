/** A peer that is a function from a request to the bytes of its reply: for tests of what clients do with each answer. */
import { createServer, type Server, type Socket } from 'node:net';
import { ReplyReader } from '../../src/resp/reply-reader.js';

/** The bytes to send, or null to send nothing. The socket is there for those that misbehave. */
export type Responder = (args: string[], socket: Socket) => string | null;

export interface FakeServer {
  readonly port: number;
  /** Every request received, in order, as its words joined by blanks. */
  readonly requests: string[];
  /** Closes all connections. */
  disconnect(): void;
  close(): Promise<void>;
}

/** Listens on a port of the kernel's choice (nothing else needs to know it before). */
export async function fakeServer(respond: Responder): Promise<FakeServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const reader = new ReplyReader();
    socket.on('data', (bytes) => {
      reader.feed(bytes);
      for (let result = reader.next(); result?.kind === 'reply'; result = reader.next()) {
        const args = result.value as string[];
        requests.push(args.join(' '));
        const reply = respond(args, socket);
        if (reply !== null) socket.write(reply);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    requests,
    disconnect,
    close: () => {
      disconnect();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
