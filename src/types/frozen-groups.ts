/**
 * The consumer groups of a stream as they were at one moment, in the order of their names. What is small is copied, the pending entries are read as they
 * were (frozen-ids.ts): `GroupStore.look` and `freeze` make it.
 */
import { StreamId } from '../memory/stream-id.js';
import type { FrozenIds } from './frozen-ids.js';
import type { StreamConsumer, StreamGroup, StreamGroups } from './stream-group.js';

export interface FrozenConsumer {
  readonly name: Uint8Array;
  readonly seenAtMs: number;
  readonly owned: FrozenIds;
}

export interface FrozenGroup {
  readonly name: Uint8Array;
  readonly lastId: StreamId;
  readonly entriesRead: bigint;
  readonly pending: FrozenIds;
  readonly consumers: readonly FrozenConsumer[];
}

export class FrozenGroups {
  readonly groups: readonly FrozenGroup[];

  constructor(
    groups: StreamGroups,
    pendingOf: (group: StreamGroup) => FrozenIds,
    ownedOf: (consumer: StreamConsumer) => FrozenIds,
  ) {
    this.groups = groups.inOrder().map((group) => {
      const { name, entriesRead } = group;
      const lastId = new StreamId();
      lastId.copy(group.lastId);
      const consumers = group.consumers
        .inOrder()
        .map((consumer) => ({ name: consumer.name, seenAtMs: consumer.seenAtMs, owned: ownedOf(consumer) }));
      return { name, lastId, entriesRead, pending: pendingOf(group), consumers };
    });
  }

  /** All trees of pending and of owned entries. */
  *trees(): Generator<FrozenIds> {
    for (const { pending, consumers } of this.groups) {
      yield pending;
      for (const { owned } of consumers) yield owned;
    }
  }
}
