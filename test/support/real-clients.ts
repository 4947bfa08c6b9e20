/** The two Redis clients of npm that most people use, behind one small interface, so that the same tests run with both. */
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import type { ServerProcess } from './server-process.js';

/** What the tests ask of a client. Errors are the client's own. */
export interface RealClient {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
  /** One command with its first key (the client routes by it). */
  command(key: string, name: string, ...args: string[]): Promise<unknown>;
  /** All commands in one go; the keys share a tag where the client wants that. */
  pipeline(commands: readonly (readonly string[])[]): Promise<unknown[]>;
  /** MULTI … EXEC; the keys share a tag. */
  transaction(commands: readonly (readonly string[])[]): Promise<unknown[]>;
  close(): Promise<void>;
}

export interface RealClientOptions {
  /** Send reads to replicas. */
  readonly readFromReplicas?: boolean;
}

export type ConnectRealClient = (nodes: readonly ServerProcess[], options?: RealClientOptions) => Promise<RealClient>;

export const realClients: Record<string, ConnectRealClient> = {
  ioredis: connectIoredis,
  'node-redis': connectNodeRedis,
};

async function connectIoredis(nodes: readonly ServerProcess[], options: RealClientOptions = {}): Promise<RealClient> {
  const password = nodes[0]!.password;
  const cluster = new Cluster(
    nodes.map((node) => ({ host: '127.0.0.1', port: node.port })),
    {
      lazyConnect: true,
      scaleReads: options.readFromReplicas ? 'slave' : 'master',
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      retryDelayOnTryAgain: 50,
      redisOptions: { ...(password === undefined ? {} : { password }), maxRetriesPerRequest: 2, commandTimeout: 5000 },
    },
  );
  cluster.on('error', () => {});
  await cluster.connect();
  const run = async (batch: ReturnType<typeof cluster.pipeline>): Promise<unknown[]> => {
    const results = await batch.exec();
    return results!.map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
  };
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    command: (_key, name, ...args) => cluster.call(name, ...args),
    pipeline: (commands) => run(cluster.pipeline(commands.map(lowerCased))),
    transaction: (commands) => run(cluster.multi(commands.map(lowerCased))),
    close: async () => cluster.disconnect(),
  };
}

/** ioredis finds the commands of a batch by their lower-case names. */
function lowerCased(command: readonly string[]): string[] {
  return [command[0]!.toLowerCase(), ...command.slice(1)];
}

async function connectNodeRedis(nodes: readonly ServerProcess[], options: RealClientOptions = {}): Promise<RealClient> {
  const password = nodes[0]!.password;
  const socket = { connectTimeout: 2000, reconnectStrategy: (retries: number) => Math.min(50 * retries, 500) };
  const cluster = createCluster({
    rootNodes: nodes.map((node) => ({ url: `redis://127.0.0.1:${node.port}` })),
    defaults: { ...(password === undefined ? {} : { password }), socket },
    useReplicas: options.readFromReplicas ?? false,
    topologyRefreshOnReconnectionAttemptStrategy: 200,
  });
  cluster.on('error', () => {});
  await cluster.connect();
  const command = (key: string, name: string, ...args: string[]) =>
    cluster.sendCommand(key, name.toUpperCase() === 'GET', [name, ...args]);
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    command,
    // node-redis writes the commands of one turn of the event loop together.
    pipeline: (commands) => Promise.all(commands.map((args) => command(args[1]!, args[0]!, ...args.slice(1)))),
    transaction: async (commands) => {
      const multi = cluster.multi(commands[0]![1]);
      for (const args of commands) multi.addCommand(args[1], false, [...args]);
      return (await multi.exec()) as unknown[];
    },
    close: async () => cluster.destroy(),
  };
}
