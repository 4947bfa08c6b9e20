/** A snapshot that runs beside random commands: it must see each key as it was when the snapshot began. */
import assert from 'node:assert/strict';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { Snapshot, SnapshotMarks } from '../../src/keyspace/snapshot.js';
import type { Ref } from '../../src/memory/arena.js';
import type { InProcess } from '../commands/in-process.js';
import { noLargeEntry } from '../support/snapshot-sink.js';

const ROUNDS = 30;
const COMMANDS_BEFORE = 600;
const COMMANDS_PER_ROUND = 60;

export interface RandomCommands {
  readonly server: InProcess;
  /** Executes one. */
  runOne(): void;
  /** Keeps values small enough to be seen whole. */
  beforeRound?(): void;
  /** All of a value that a change can be told by. */
  contentOf(space: Keyspace, ref: Ref): string;
}

export function assertSnapshotsSeeTheirBeginning({ server, runOne, beforeRound, contentOf }: RandomCommands): void {
  const space = server.server.keyspace;
  const marks = new SnapshotMarks();
  for (let i = 0; i < COMMANDS_BEFORE; i++) runOne();
  for (let round = 0; round < ROUNDS; round++) {
    beforeRound?.();
    const expected = new Map<string, string>();
    space.databases[0]!.forEach((ref) => {
      expected.set(nameOf(space, ref), contentOf(space, ref));
    });
    const seen = new Map<string, string>();
    const snapshot = new Snapshot(space, marks, {
      entry: (_, ref) => seen.set(nameOf(space, ref), contentOf(space, ref)),
      largeEntry: noLargeEntry,
    });
    for (let i = 0; i < COMMANDS_PER_ROUND; i++) runOne();
    while (!snapshot.step(1000));
    assert.deepEqual(new Map([...seen].sort()), new Map([...expected].sort()));
  }
}

function nameOf({ entries }: Keyspace, ref: Ref): string {
  const start = entries.keyStart(ref);
  return Buffer.from(entries.view(ref).subarray(start, start + entries.keyLength(ref))).toString();
}
