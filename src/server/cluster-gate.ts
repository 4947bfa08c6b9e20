/**
 * The cluster's say in each request: finds the keys, and asks `cluster/redirect.ts` where they must be served. Source: spec/cluster.md 9.1, 9.2.
 *
 * `serves` is for the usual case and costs a request the CRC of its key and one byte of a table; `redirect` decides everything else.
 */
import type { Cluster } from '../cluster/cluster.js';
import { type KeyAt, type RedirectPolicy, type RedirectQuery, redirect, redirectBlocked } from '../cluster/redirect.js';
import { type Command, WRITE } from '../commands/command.js';
import { findKeys } from '../commands/keys.js';
import { hashAhead, keyHashResult, slotOfKey } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Request } from '../resp/request.js';
import { SlotKeys } from './cluster-keys.js';
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { CLUSTER_READONLY } from './connection-flags.js';
import type { ClusterGate } from './interfaces.js';
import type { Transaction } from './transaction.js';

const SHARD_PUBSUB = new Set(['ssubscribe', 'sunsubscribe', 'spublish']);

export class SlotGate implements ClusterGate {
  readonly node: Cluster;
  readonly slotKeys: SlotKeys;
  private readonly keyspace: Keyspace;
  private readonly config: Config;
  private readonly served: Uint8Array;

  constructor(node: Cluster, keyspace: Keyspace, config: Config) {
    this.node = node;
    this.slotKeys = new SlotKeys(keyspace);
    this.keyspace = keyspace;
    this.config = config;
    this.served = node.served.bytes;
  }

  serves(request: Request, command: Command): boolean {
    const { firstKey, lastKey } = command;
    if (!command.hasPlainKeys || firstKey >= request.argc) return false;
    if (firstKey === 0) return true;
    if (firstKey !== lastKey) return this.servesAll(request, command);
    const { bytes, starts, lengths } = request;
    hashAhead(bytes, starts[firstKey], lengths[firstKey]);
    return this.served[keyHashResult.slot] !== 0;
  }

  private servesAll(request: Request, command: Command): boolean {
    const { bytes, starts, lengths, argc } = request;
    const { firstKey, keyStep } = command;
    const slot = slotOfKey(bytes, starts[firstKey], lengths[firstKey]);
    if (this.served[slot] === 0) return false;
    const lastKey = command.lastKey < 0 ? argc + command.lastKey : command.lastKey;
    for (let i = firstKey + keyStep; i <= lastKey; i += keyStep) {
      if (i >= argc || slotOfKey(bytes, starts[i], lengths[i]) !== slot) return false;
    }
    return true;
  }

  redirect(connection: Connection, request: Request, command: Command, isAsking: boolean): string | null {
    const query = this.queryOf(connection, request, command, isAsking);
    if (query === null || query.keys.length === 0) return null;
    const redirection = redirect(this.node.state, query, this.policy, (key) => this.exists(key));
    if (redirection?.startsWith('ASK ')) this.node.makeDurable();
    return redirection;
  }

  redirectBlocked(connection: Connection, command: Command, key: Uint8Array): string | null {
    const isReadOnly = (connection.flags & CLUSTER_READONLY) !== 0 && (command.flags & WRITE) === 0;
    return redirectBlocked(this.node.state, slotOfKey(key, 0, key.length), isReadOnly, this.policy);
  }

  private queryOf(connection: Connection, request: Request, command: Command, isAsking: boolean): RedirectQuery | null {
    const isReadOnlyClient = (connection.flags & CLUSTER_READONLY) !== 0;
    const isWrite = (command.flags & WRITE) !== 0;
    const name = command.fullName;
    if (name !== 'exec') {
      return {
        keys: keysOf(command, request),
        isWrite,
        anyWrite: isWrite,
        isShardPubsub: SHARD_PUBSUB.has(name),
        isMigrate: name === 'migrate',
        isAsking,
        isReadOnlyClient,
      };
    }
    const { transaction } = connection;
    if (transaction === null) return null;
    return {
      keys: keysOfAll(transaction),
      isWrite: false,
      anyWrite: (transaction.anyFlags & WRITE) !== 0,
      isShardPubsub: false,
      isMigrate: false,
      isAsking,
      isReadOnlyClient,
    };
  }

  private get policy(): RedirectPolicy {
    const { values } = this.config;
    return {
      allowReadsWhenDown: values.clusterAllowReadsWhenDown,
      allowPubsubShardWhenDown: values.clusterAllowPubsubshardWhenDown,
      endpointType: values.clusterPreferredEndpointType,
    };
  }

  private exists({ bytes, start, length }: KeyAt): boolean {
    const { keyspace } = this;
    const ref = keyspace.databases[0].find(bytes, start, length);
    if (ref === 0) return false;
    const expireAtMs = keyspace.entries.expireAtMs(ref);
    return expireAtMs === 0 || keyspace.nowMs <= expireAtMs;
  }
}

/** The keys and shard channels of a request. Where the arguments make no sense there are none, and the command itself will say so. */
function keysOf(command: Command, request: Request): KeyAt[] {
  const { bytes, starts, lengths, argc } = request;
  const { firstKey } = command;
  if (command.hasPlainKeys && firstKey > 0 && firstKey === command.lastKey && firstKey < argc)
    return [{ bytes, start: starts[firstKey], length: lengths[firstKey] }];
  const keys: KeyAt[] = [];
  for (const { position } of findKeys(command, request, true) ?? [])
    keys.push({ bytes, start: starts[position], length: lengths[position] });
  return keys;
}

function keysOfAll(transaction: Transaction): KeyAt[] {
  const keys: KeyAt[] = [];
  for (let i = 0; i < transaction.count; i++)
    for (const key of keysOf(transaction.command(i), transaction.request(i))) keys.push(key);
  return keys;
}
