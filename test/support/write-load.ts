/**
 * A load of writes against a cluster that remembers what was acknowledged. Every key is written once, with a value that can be told from the key, so that
 * afterwards each acknowledged write can be asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterClient, type ClusterClientCounters } from '../../src/client/cluster-client.js';
import { ReplyError } from '../../src/resp/reply-reader.js';
import type { ServerProcess } from './server-process.js';

/** Long enough that nothing but a failure ends a write, on a machine that is busy with other things. */
const REPLY_TIMEOUT_MS = 30_000;
const RETRY_FOR_MS = 60_000;

export interface WriteLoad {
  readonly acknowledgedCount: number;
  readonly counters: ClusterClientCounters;
  /** Stops writing and waits for the writes under way. Errors that were no redirections are in `errors`. */
  stop(): Promise<void>;
  readonly errors: readonly string[];
  /** Asks the cluster for every acknowledged key; returns those that are missing or wrong. */
  findLost(): Promise<string[]>;
  /** Ends everything at once, also while writes are under way. */
  close(): void;
}

/** Starts `writers` loops, each of which writes one key after another, with a short breath in between: a load, not a flood that slows everything else down. */
export async function startWriteLoad(
  nodes: readonly ServerProcess[],
  options: { prefix: string; writers?: number },
): Promise<WriteLoad> {
  const { prefix, writers = 4 } = options;
  const password = nodes[0]!.password;
  const client = await ClusterClient.connect({
    seeds: nodes.map((node) => ({ host: '127.0.0.1', port: node.port })),
    ...(password === undefined ? {} : { password }),
    connectTimeoutMs: REPLY_TIMEOUT_MS,
    commandTimeoutMs: REPLY_TIMEOUT_MS,
    retryForMs: RETRY_FOR_MS,
  });
  const acknowledged: string[] = [];
  const errors: string[] = [];
  let running = true;
  let next = 0;

  const write = async (): Promise<void> => {
    while (running) {
      const key = `${prefix}:${next++}`;
      try {
        if ((await client.call('SET', key, `value of ${key}`)) === 'OK') acknowledged.push(key);
      } catch (error) {
        errors.push(`${key}: ${error instanceof ReplyError ? error.message : error}`);
      }
      await sleep(1);
    }
  };
  const loops = Array.from({ length: writers }, write);

  return {
    get acknowledgedCount() {
      return acknowledged.length;
    },
    counters: client.counters,
    errors,
    stop: async () => {
      running = false;
      await Promise.all(loops);
    },
    findLost: async () => {
      const lost: string[] = [];
      for (let start = 0; start < acknowledged.length; start += 1000) {
        const keys = acknowledged.slice(start, start + 1000);
        const values = await client.pipeline(keys.map((key) => ['GET', key]));
        for (const [at, key] of keys.entries())
          if (values[at] !== `value of ${key}`) lost.push(`${key}: ${values[at]}`);
      }
      return lost;
    },
    close: () => {
      running = false;
      client.close();
    },
  };
}
