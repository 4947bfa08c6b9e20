/**
 * How far a group is in its stream: entries read, and the lag that is left. Entries are counted from the first one that the stream ever had, so both
 * are known only while no deleted entry may lie in between. Source: spec server.md section 24, rule 13; persistence.md 2.12.
 */
import type { Ref } from '../memory/arena.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import type { Streams } from './stream.js';
import { ENTRIES_READ_UNKNOWN, type StreamGroup } from './stream-group.js';

const lastId = new StreamId();
const firstId = new StreamId();
const maxDeletedId = new StreamId();

/** @returns how many entries the stream had ever had up to `id`; ENTRIES_READ_UNKNOWN if that cannot be told */
export function entriesReadUpTo(streams: Streams, ref: Ref, id: StreamId): bigint {
  const added = streams.entriesAdded(ref);
  if (added === 0n) return 0n;
  const length = streams.length(ref);
  streams.lastId(ref, lastId);
  const order = compareIds(id, lastId);
  if (length === 0 && order <= 0) return added;
  if (order === 0) return added;
  if (order > 0) return ENTRIES_READ_UNKNOWN;
  streams.firstId(ref, firstId);
  streams.maxDeletedId(ref, maxDeletedId);
  if (!maxDeletedId.isZero && compareIds(maxDeletedId, firstId) >= 0) return ENTRIES_READ_UNKNOWN;
  const toFirst = compareIds(id, firstId);
  if (toFirst < 0) return added - BigInt(length);
  if (toFirst === 0) return added - BigInt(length) + 1n;
  return ENTRIES_READ_UNKNOWN;
}

/** Whether entries at `id` or behind it may have been deleted. */
function hasDeletedFrom(streams: Streams, ref: Ref, id: StreamId): boolean {
  streams.maxDeletedId(ref, maxDeletedId);
  if (streams.length(ref) === 0 || maxDeletedId.isZero) return false;
  streams.firstId(ref, firstId);
  // What was deleted before the first entry is no gap any more.
  return compareIds(firstId, maxDeletedId) <= 0 && compareIds(id, maxDeletedId) <= 0;
}

/** The group has been given the entry `id`, which is behind all that it was given before. */
export function advance(streams: Streams, ref: Ref, group: StreamGroup, id: StreamId): void {
  if (group.entriesRead !== ENTRIES_READ_UNKNOWN && !hasDeletedFrom(streams, ref, id))
    group.entriesRead = BigInt.asIntN(64, group.entriesRead + 1n);
  else if (streams.entriesAdded(ref) !== 0n) group.entriesRead = entriesReadUpTo(streams, ref, id);
  group.lastId.copy(id);
}

/** @returns how many entries are still to be delivered to the group; null if that cannot be told */
export function lagOf(streams: Streams, ref: Ref, group: StreamGroup): bigint | null {
  const added = streams.entriesAdded(ref);
  if (added === 0n) return 0n;
  if (group.entriesRead !== ENTRIES_READ_UNKNOWN && !hasDeletedFrom(streams, ref, group.lastId))
    return BigInt.asIntN(64, added - group.entriesRead);
  const read = entriesReadUpTo(streams, ref, group.lastId);
  return read === ENTRIES_READ_UNKNOWN ? null : added - read;
}
