/**
 * What the cluster needs of the server around it. `server/cluster-host.ts` implements it; tests bring a small one of their own.
 */
import type { LogLevel } from './core/protocol.js';
import type { KeyspaceView, ReplicationView } from './core/types.js';

export interface ClusterHost {
  log(level: LogLevel, text: string): void;
  /** Ends the process: a node that cannot keep its promises must not go on. Does not return. */
  exit(code: number): never;

  readonly keyspace: KeyspaceView;
  readonly replication: ReplicationView;

  /** Removes every key of these slots, as write commands (propagated to replicas and the append-only file). */
  deleteKeys(slots: readonly number[]): void;
  /** Removes the whole data set. */
  discardDataset(): void;

  becomePrimary(): void;
  /** Follows the primary at this address, also if it already follows another one. */
  replicate(ip: string, port: number): void;
  /** Holds writes, expiry and eviction back for this long, from now; a later call replaces the time. */
  pauseWrites(forMs: number): void;
  resumeWrites(): void;

  /** Gives a message from another node to local subscribers. */
  publish(channel: Uint8Array, payload: Uint8Array, sharded: boolean): void;
  /** Unsubscribes local clients from the shard channels of these slots. */
  dropShardSubscriptions(slots: readonly number[]): void;
  /** Who serves which slot, or whether anything is served, has changed: clients that wait for keys may have to go elsewhere. */
  slotsChanged(): void;
}
