/**
 * Where a request must go: served here, or MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN. The order of the decisions is observable: spec/cluster.md 9.2.
 *
 * Nearly all requests of a healthy cluster are for slots that are this node's and stay so. `ServedSlots` answers for them with one byte per slot; the full
 * decision is only made where that byte is 0.
 */
import { slotOfKey } from '../keyspace/key-hash.js';
import { hasNoAddress, isReplica, myself } from './core/nodes.js';
import { differentByte, hasSlot, NO_SLOTS, SLOT_BYTES } from './core/slot-bitmap.js';
import { ownerOf } from './core/slot-table.js';
import { type ClusterNode, type ClusterState, SLOT_COUNT } from './core/types.js';

/**
 * The slots of which every key may be read and written here without a further look: mine, not open, cluster ok. A refresh costs the comparison of two bitmaps,
 * as there is one for every slot of a move.
 */
export class ServedSlots {
  /** 1 = served, by slot. */
  readonly bytes = new Uint8Array(SLOT_COUNT);
  /** What `bytes` was made from: the own slots, and those that were open. */
  private readonly mine = new Uint8Array(SLOT_BYTES);
  private readonly open: number[] = [];

  refresh(state: ClusterState): void {
    const { bytes, mine } = this;
    for (const slot of this.open) bytes[slot] = hasSlot(mine, slot) ? 1 : 0;
    const slots = state.status === 'ok' ? myself(state).slots : NO_SLOTS;
    for (let i = differentByte(mine, slots, 0); i < SLOT_BYTES; i = differentByte(mine, slots, i + 1)) {
      mine[i] = slots[i]!;
      for (let slot = i << 3; slot < (i << 3) + 8; slot += 1) bytes[slot] = hasSlot(mine, slot) ? 1 : 0;
    }
    this.open.length = 0;
    for (const slot of state.migrating.keys()) this.open.push(slot);
    for (const slot of state.importing.keys()) this.open.push(slot);
    for (const slot of this.open) bytes[slot] = 0;
  }
}

/** A key among the arguments of a request, where it lies. */
export interface KeyAt {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** One request, or at EXEC all that was queued. */
export interface RedirectQuery {
  /** In the order of the arguments; shard channels count as keys. */
  readonly keys: readonly KeyAt[];
  /** The request changes data. EXEC itself does not, whatever is queued. */
  readonly isWrite: boolean;
  /** The request, or anything queued, changes data. */
  readonly anyWrite: boolean;
  readonly isShardPubsub: boolean;
  readonly isMigrate: boolean;
  /** The client said ASKING, or the command implies it. */
  readonly isAsking: boolean;
  /** The client said READONLY. */
  readonly isReadOnlyClient: boolean;
}

export type EndpointType = 'ip' | 'hostname' | 'unknown-endpoint';

export interface RedirectPolicy {
  readonly allowReadsWhenDown: boolean;
  readonly allowPubsubShardWhenDown: boolean;
  readonly endpointType: EndpointType;
}

const CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot";
const DOWN = 'CLUSTERDOWN The cluster is down';
const DOWN_FOR_WRITES = 'CLUSTERDOWN The cluster is down and only accepts read commands';
const NOT_SERVED = 'CLUSTERDOWN Hash slot not served';
const TRY_AGAIN = 'TRYAGAIN Multiple keys request during rehashing of slot';

/**
 * @param exists  whether a key is there and not expired, without any effect on it
 * @returns the error without minus, or null: the request is to be served here
 */
export function redirect(
  state: ClusterState,
  query: RedirectQuery,
  policy: RedirectPolicy,
  exists: (key: KeyAt) => boolean,
): string | null {
  const { keys } = query;
  const [first] = keys;
  if (first === undefined) return null;
  const slot = slotOfKey(first.bytes, first.start, first.length);
  const owner = ownerOf(state, slot);
  if (owner === null) return NOT_SERVED;
  const isMine = owner.id === state.myId;
  const target = isMine ? state.migrating.get(slot) : undefined;
  const isMigrating = target !== undefined;
  const isImporting = !isMigrating && state.importing.has(slot);
  let isMultiKey = false;
  for (let i = 1; i < keys.length; i += 1) {
    const key = keys[i]!;
    if (slotOfKey(key.bytes, key.start, key.length) !== slot) return CROSS_SLOT;
    isMultiKey ||= !isSameKey(first, key);
  }

  if (state.status === 'fail') {
    const refusal = refusalWhenDown(query, policy);
    if (refusal !== null) return refusal;
  }
  if ((isMigrating || isImporting) && query.isMigrate) return null;
  if (isMigrating) {
    const missing = missingOf(query, exists);
    if (missing > 0 && missing < keys.length) return TRY_AGAIN;
    if (missing > 0) return `ASK ${slot} ${endpoint(state.nodes.get(target)!, policy.endpointType)}`;
  }
  // A key that comes by RESTORE is alone: whether it is there is for the command to see.
  if (isImporting && query.isAsking) return isMultiKey && missingOf(query, exists) > 0 ? TRY_AGAIN : null;
  const mayReadHere = (query.isReadOnlyClient || query.isShardPubsub) && !query.anyWrite;
  if (mayReadHere && isReplica(myself(state)) && myself(state).replicaOf === owner.id) return null;
  return isMine ? null : moved(state, slot, policy);
}

/** How many keys of the request are not here; shard channels always are. */
function missingOf({ keys, isShardPubsub }: RedirectQuery, exists: (key: KeyAt) => boolean): number {
  if (isShardPubsub) return 0;
  let missing = 0;
  for (const key of keys) if (!exists(key)) missing += 1;
  return missing;
}

function refusalWhenDown(query: RedirectQuery, policy: RedirectPolicy): string | null {
  if (query.isShardPubsub) return policy.allowPubsubShardWhenDown ? null : DOWN;
  if (!policy.allowReadsWhenDown) return DOWN;
  return query.isWrite ? DOWN_FOR_WRITES : null;
}

/**
 * Whether a client that waits for a key must stop waiting, as its slot is no longer served here.
 * @param isReadOnlyClient  the client said READONLY and its command does not write
 * @returns the error without minus, or null
 */
export function redirectBlocked(
  state: ClusterState,
  slot: number,
  isReadOnlyClient: boolean,
  policy: RedirectPolicy,
): string | null {
  if (state.status === 'fail') return DOWN;
  const owner = ownerOf(state, slot);
  if (owner?.id === state.myId || state.importing.has(slot)) return null;
  if (owner === null) return NOT_SERVED;
  if (isReadOnlyClient && myself(state).replicaOf === owner.id) return null;
  return moved(state, slot, policy);
}

function moved(state: ClusterState, slot: number, policy: RedirectPolicy): string {
  return `MOVED ${slot} ${endpoint(ownerOf(state, slot)!, policy.endpointType)}`;
}

/** `host:port` as a client is sent there. */
export function endpoint(node: ClusterNode, type: EndpointType): string {
  return `${endpointHost(node, type) ?? ''}:${hasNoAddress(node) ? 0 : node.tcpPort}`;
}

/** The host by which clients are to reach the node; null = "the one you are connected to". */
export function endpointHost(node: ClusterNode, type: EndpointType): string | null {
  switch (type) {
    case 'ip':
      return node.ip;
    case 'hostname':
      return node.hostname === '' ? '?' : node.hostname;
    case 'unknown-endpoint':
      return null;
  }
}

function isSameKey(a: KeyAt, b: KeyAt): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a.bytes[a.start + i] !== b.bytes[b.start + i]) return false;
  return true;
}
