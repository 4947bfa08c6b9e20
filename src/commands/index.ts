/** All commands of the server, by group. */
import { adminCommands } from './admin-records.js';
import { bitmapCommands } from './bitmap-records.js';
import { blockingCommands } from './blocking-records.js';
import { clientCommands } from './client-records.js';
import { clusterCommands } from './cluster-records.js';
import type { CommandRecord } from './command.js';
import { configCommands } from './config-records.js';
import { dumpCommands } from './dump-records.js';
import { expireCommands } from './expire-records.js';
import { genericCommands } from './generic-records.js';
import { geoCommands } from './geo-records.js';
import { hashExpireCommands } from './hash-expire-records.js';
import { hashCommands } from './hash-records.js';
import { hyperLogLogCommands } from './hyperloglog-records.js';
import { introspectionCommands } from './introspection-records.js';
import { listCommands } from './list-records.js';
import { migrateCommands } from './migrate-records.js';
import { objectCommands } from './object-records.js';
import { pubsubCommands } from './pubsub-records.js';
import { replicationCommands } from './replication-records.js';
import { serverCommands } from './server-records.js';
import { sessionCommands } from './session-records.js';
import { setCommands } from './set-records.js';
import { sortCommands } from './sort-records.js';
import { streamGroupCommands } from './stream-group-records.js';
import { streamCommands } from './stream-records.js';
import { stringCommands } from './string-records.js';
import { transactionCommands } from './transaction-records.js';
import { zsetCombineCommands } from './zset-combine-records.js';
import { zsetRangeCommands } from './zset-range-records.js';
import { zsetCommands } from './zset-records.js';

export const allCommands: readonly CommandRecord[] = [
  ...sessionCommands,
  ...adminCommands,
  ...serverCommands,
  ...clientCommands,
  ...configCommands,
  ...introspectionCommands,
  ...transactionCommands,
  ...clusterCommands,
  ...stringCommands,
  ...bitmapCommands,
  ...hyperLogLogCommands,
  ...listCommands,
  ...zsetCommands,
  ...zsetRangeCommands,
  ...zsetCombineCommands,
  ...geoCommands,
  ...blockingCommands,
  ...hashCommands,
  ...hashExpireCommands,
  ...setCommands,
  ...streamCommands,
  ...streamGroupCommands,
  ...genericCommands,
  ...sortCommands,
  ...expireCommands,
  ...objectCommands,
  ...dumpCommands,
  ...migrateCommands,
  ...pubsubCommands,
  ...replicationCommands,
];
