/** Keyspace events: the case tables once more, for what a subscriber to every event hears. */
import { bitmaps } from './cases/bitmaps.js';
import { events, loading } from './cases/events.js';
import { setting as expiry } from './cases/expiry.js';
import { geo } from './cases/geo.js';
import { hashes } from './cases/hashes.js';
import { hyperLogLogs } from './cases/hyperloglogs.js';
import { basics, dump } from './cases/keys.js';
import { lists } from './cases/lists.js';
import { sets } from './cases/sets.js';
import { storing } from './cases/sort.js';
import { streamGroups } from './cases/stream-groups.js';
import { streams } from './cases/streams.js';
import { ranges, set as strings } from './cases/strings.js';
import { queueing } from './cases/transactions.js';
import { zsets } from './cases/zsets.js';
import { compareEventsWithRealServer } from './harness.js';
import type { CaseGroup } from './steps.js';

/** Since 7.2 a consumer is made, and told of, by the attempt to read or claim; 7.0 makes it when there is something to give. */
const CONSUMERS_OF_72 = ['RESP of a transaction', 'a consumer is made when it tries to read'];

function without(group: CaseGroup, names: readonly string[]): CaseGroup {
  return { ...group, cases: Object.fromEntries(Object.entries(group.cases).filter(([name]) => !names.includes(name))) };
}

const groups = [
  strings,
  ranges,
  basics,
  dump,
  expiry,
  ...bitmaps,
  ...hyperLogLogs,
  ...lists,
  ...hashes,
  ...sets,
  ...zsets,
  ...geo,
  storing,
  ...[...streams, ...streamGroups].map((group) => without(group, CONSUMERS_OF_72)),
  queueing,
  events,
];

compareEventsWithRealServer(groups);
// The first file of the log holds commands alone.
compareEventsWithRealServer([loading], { appendonly: 'yes', 'aof-use-rdb-preamble': 'no' });
