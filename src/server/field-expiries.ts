/**
 * Fields of hashes that go because their time has come: they go by HDEL, so that the append-only file and replicas, even those that know no such times,
 * need no clock of their own; and they are told as keyspace events.
 */
import type { Database } from '../keyspace/database.js';
import type { FieldExpiryListener } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { NOTIFY_GENERIC, NOTIFY_HASH } from './notify-classes.js';
import type { Server } from './server.js';

const HDEL_WORD = new TextEncoder().encode('HDEL');

export class FieldExpiries implements FieldExpiryListener {
  private readonly server: Server;
  /** Fields to come of the record under way, and its database. */
  private restCount = 0;
  private database = 0;

  constructor(server: Server) {
    this.server = server;
  }

  expiring(db: Database, ref: Ref, count: number): void {
    const { propagation, keyspace, tracking } = this.server;
    tracking.goesByItself();
    if (!propagation.isActive) return;
    const { entries } = keyspace;
    this.restCount = count;
    this.database = db.index;
    propagation.begin(2 + count);
    propagation.word(HDEL_WORD, 0, HDEL_WORD.length);
    propagation.word(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
  }

  field(bytes: Uint8Array, start: number, length: number): void {
    const { propagation } = this.server;
    if (!propagation.isActive) return;
    propagation.word(bytes, start, length);
    if (--this.restCount === 0) propagation.end(this.database);
  }

  expired(db: Database, ref: Ref, isEmpty: boolean): void {
    const { keyspaceEvents } = this.server;
    keyspaceEvents.entry(NOTIFY_HASH, 'hexpired', db, ref);
    if (isEmpty) keyspaceEvents.entry(NOTIFY_GENERIC, 'del', db, ref);
  }
}
