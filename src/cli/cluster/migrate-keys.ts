/**
 * Moves the keys of one slot from node to node, with as many MIGRATE as it takes; the slot's state is somebody else's business (move-slot.ts).
 * Source: spec/cli.md section 2.9, steps 3 and 4 and the table of errors.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ReplyError } from '../../resp/reply-reader.js';
import type { ConnectionSettings } from '../connection-settings.js';
import type { BatchSize } from './batch-size.js';
import type { ClusterOptions } from './contract.js';
import type { Dialect } from './dialect.js';
import { NodeLost, NodeRefusal } from './failure.js';
import type { ManagedNode } from './managed-node.js';
import type { Output } from './output.js';
import { isUnassigned } from './slot-repairs.js';

export interface KeyMove {
  readonly slot: number;
  readonly source: ManagedNode;
  readonly target: ManagedNode;
}

export interface MigrationSettings {
  readonly options: ClusterOptions;
  readonly connection: ConnectionSettings;
  readonly output: Output;
  readonly dialect: Dialect;
  /** Slots that nobody serves may be given to the target, and keys that are on both sides with equal values are no obstacle to anybody's moving. */
  readonly isFix: boolean;
  /** Sizes of the batches; null: as many keys as the user said. */
  readonly batchSize: BatchSize | null;
  /** Moves that go on side by side: each waits for the others' batches as well as for its own. */
  readonly laneCount: number;
  onMigrated(keyCount: number): void;
}

/** The reason why keys did not move; empty where it is told already. */
export class MigrationFailure extends Error {}

/** Key names asked for in one go. */
const NAMES_PER_QUESTION = 1000;
const SAMPLED_ONE_IN = 8;
const SMALL_BYTES = 1024;
/** How long a node may take to see that all slots are covered again; Redis waits up to 5 s after some failures. */
const RECOVERY_MS = 6000;
const RECOVERY_POLL_MS = 100;
/** The digest that DEBUG DIGEST-VALUE gives of a key that is not there. */
const NO_VALUE = '0'.repeat(40);

/** Throws a MigrationFailure. Keys that arrive at the source meanwhile are moved too: it ends when the source has none. */
export async function migrateKeys(move: KeyMove, settings: MigrationSettings): Promise<void> {
  const { options, batchSize } = settings;
  const nameCount = batchSize === null ? options.pipeline : NAMES_PER_QUESTION;
  for (;;) {
    const keys = await keyNames(move, nameCount, settings);
    if (keys.length === 0) return;
    const sizes = batchSize === null ? null : await sizesOf(keys, move.source);
    for (let start = 0; start < keys.length; ) {
      const count = batchSize === null || sizes === null ? options.pipeline : batchSize.next(sizes, start);
      const batch = keys.slice(start, start + count);
      const beganAtMs = performance.now();
      await migrateBatch(move, batch, settings);
      batchSize?.learn((performance.now() - beganAtMs) / settings.laneCount, batch.length);
      settings.onMigrated(batch.length);
      start += batch.length;
    }
  }
}

async function keyNames(
  { slot, source }: KeyMove,
  count: number,
  { output }: MigrationSettings,
): Promise<readonly Buffer[]> {
  try {
    return (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, count)) as Buffer[];
  } catch (error) {
    throw tellAndFail(error, output);
  }
}

/**
 * Bytes of each key with its value; null: the node does not tell. Where every eighth key is small, all are taken to be: asking about each would cost as
 * much as a third of the move. Among the others few can be large then (ten are not seen in one case of four), about what redis-cli puts into one
 * MIGRATE whatever their size.
 */
async function sizesOf(keys: readonly Buffer[], source: ManagedNode): Promise<number[] | null> {
  const sample = await memoryUsage(
    keys.filter((_, at) => at % SAMPLED_ONE_IN === 0),
    source,
  );
  if (sample === null) return null;
  const largest = Math.max(...sample);
  return largest <= SMALL_BYTES ? keys.map(() => largest) : memoryUsage(keys, source);
}

async function memoryUsage(keys: readonly Buffer[], source: ManagedNode): Promise<number[] | null> {
  const replies = await source.pipeline(keys.map((key) => ['MEMORY', 'USAGE', key]));
  return replies.some((reply) => reply instanceof ReplyError) ? null : replies.map(Number);
}

async function migrateBatch(move: KeyMove, keys: readonly Buffer[], settings: MigrationSettings): Promise<void> {
  const { source, target } = move;
  const { output, options } = settings;
  try {
    await migrate(move, keys, settings, false);
    return;
  } catch (error) {
    if (!(error instanceof NodeRefusal)) throw tellRefusal(error, settings);
    if (!error.reply.includes('BUSYKEY')) {
      if (!(await isUnassigned(source, move.slot))) throw tellRefusal(error, settings);
      if (settings.isFix) await claimForTarget(move, output);
      await migrate(move, keys, settings, false).catch((again) => {
        throw tellRefusal(again, settings);
      });
      return;
    }
  }
  output.write('\n');
  output.warn('*** Target key exists');
  if (!options.replace) {
    output.warn('*** Checking key values on both nodes...');
    const differing = await differingKeys(source, target, keys, output);
    if (differing.length > 0) throw failWithDiffering(move, differing, output);
  }
  output.warn('*** Replacing target keys...');
  await migrate(move, keys, settings, true).catch((error) => {
    throw tellRefusal(error, settings);
  });
}

/** MIGRATE, and again for a while where `fix` has just given the target a slot and the target does not call the cluster healthy yet. */
async function migrate(
  move: KeyMove,
  keys: readonly Buffer[],
  settings: MigrationSettings,
  isReplacing: boolean,
): Promise<void> {
  const givesUpAtMs = performance.now() + (settings.isFix ? RECOVERY_MS : 0);
  for (;;) {
    try {
      return await migrateOnce(move, keys, settings, isReplacing);
    } catch (error) {
      const isRecovering = error instanceof NodeRefusal && error.reply.includes('CLUSTERDOWN');
      if (!isRecovering || performance.now() >= givesUpAtMs) throw error;
    }
    await sleep(RECOVERY_POLL_MS);
  }
}

async function migrateOnce(
  { source, target }: KeyMove,
  keys: readonly Buffer[],
  { options, connection: { username, password } }: MigrationSettings,
  isReplacing: boolean,
): Promise<void> {
  const credentials = password === null ? [] : username === null ? ['AUTH', password] : ['AUTH2', username, password];
  await source.request([
    'MIGRATE',
    target.host,
    target.port,
    '',
    0,
    options.timeoutMs,
    ...(isReplacing ? ['REPLACE'] : []),
    ...credentials,
    'KEYS',
    ...keys,
  ]);
}

async function claimForTarget({ slot, source, target }: KeyMove, output: Output): Promise<void> {
  output.warn(`*** Slot was not served, setting owner to node ${target.address}.`);
  await source.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
}

/** Those that both nodes have, with different values. */
async function differingKeys(
  source: ManagedNode,
  target: ManagedNode,
  keys: readonly Buffer[],
  output: Output,
): Promise<Buffer[]> {
  const question = ['DEBUG', 'DIGEST-VALUE', ...keys];
  try {
    const [here, there] = await Promise.all([source.request(question), target.request(question)]);
    const digest = (digests: unknown, at: number): string => String((digests as unknown[])[at]);
    return keys.filter((_, at) => {
      const [ours, theirs] = [digest(here, at), digest(there, at)];
      return ours !== theirs && ours !== NO_VALUE && theirs !== NO_VALUE;
    });
  } catch (error) {
    const failure = tellAndFail(error, output);
    output.error('*** Value check failed!');
    throw failure;
  }
}

function failWithDiffering({ source, target }: KeyMove, keys: readonly Buffer[], output: Output): MigrationFailure {
  output.error(
    `*** Found ${keys.length} key(s) in both source node and target node having different values.\n` +
      `    Source node: ${source.address}\n    Target node: ${target.address}\n    Keys(s):`,
  );
  for (const key of keys) output.error(`    - ${key}`);
  output.error(
    'Please fix the above key(s) manually and try again or relaunch the command \n' +
      'with --cluster-replace option to force key overriding.',
  );
  return new MigrationFailure('');
}

/** Prints what the source said to MIGRATE. */
function tellRefusal(error: unknown, { output, dialect }: MigrationSettings): MigrationFailure {
  if (!(error instanceof NodeRefusal)) return tellAndFail(error, output);
  output.write('\n');
  output.error(dialect.migrateRefused(error));
  return new MigrationFailure(error.reply);
}

/** Prints a node's refusal. */
function tellAndFail(error: unknown, output: Output): MigrationFailure {
  if (error instanceof NodeRefusal) {
    output.error(error.message);
    return new MigrationFailure(error.reply);
  }
  if (error instanceof NodeLost) {
    output.complain(error.message);
    return new MigrationFailure('');
  }
  throw error;
}
