/** Keyspace events: the case tables once more, for what a subscriber to every event hears. */

import { bitmaps } from './cases/bitmaps.js';
import { events } from './cases/events.js';
import { setting as expiry } from './cases/expiry.js';
import { geo } from './cases/geo.js';
import { hashes } from './cases/hashes.js';
import { hyperLogLogs } from './cases/hyperloglogs.js';
import { basics, dump } from './cases/keys.js';
import { lists } from './cases/lists.js';
import { sets } from './cases/sets.js';
import { storing } from './cases/sort.js';
import { ranges, set as strings } from './cases/strings.js';
import { queueing } from './cases/transactions.js';
import { zsets } from './cases/zsets.js';
import { compareEventsWithRealServer } from './harness.js';

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
  queueing,
  events,
];

compareEventsWithRealServer(groups);
