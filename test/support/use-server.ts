/** One server for all tests of a suite, and connections that end with each test. */
import { after, afterEach, before } from 'node:test';
import { RawConnection } from './raw-connection.js';
import { type ServerOptions, ServerProcess } from './server-process.js';

export interface ServerInUse {
  /** The server; there only while tests run. */
  readonly process: ServerProcess;
  /** A socket to it, which is closed after the test. */
  connect(): Promise<RawConnection>;
}

/** Starts a server before the tests of the enclosing suite and ends it afterwards. */
export function useServer(options: ServerOptions): ServerInUse {
  let server: ServerProcess | null = null;
  const connections: RawConnection[] = [];
  before(async () => {
    server = await ServerProcess.start(options);
  });
  afterEach(() => {
    for (const connection of connections.splice(0)) connection.close();
  });
  after(() => server?.dispose());
  return {
    get process() {
      return server!;
    },
    async connect() {
      const connection = await RawConnection.connect({ host: '127.0.0.1', port: server!.port });
      connections.push(connection);
      return connection;
    },
  };
}
