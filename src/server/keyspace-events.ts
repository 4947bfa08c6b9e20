/**
 * Keyspace events: commands tell what they did to which key, and those who asked for that class of events hear it by pub/sub, on this node only.
 *
 *   `__keyspace@<db>__:<key>` says the event, `__keyevent@<db>__:<event>` the key.      Source: spec server.md section 10
 *
 * Handlers call `Invocation.notify` at the moment of the change; while a class is off that costs one test.
 *
 * Invariant: `mask` has the bit of a class iff its events are published: iff it is in `notify-keyspace-events`, together with K or E.
 */
import type { Database } from '../keyspace/database.js';
import type { KeyListener } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { latin1Of } from '../resp/request.js';
import { NOTIFY_KEY_MISS, NOTIFY_KEYEVENT, NOTIFY_KEYSPACE, NOTIFY_NEW } from './notify-classes.js';
import { NAME_BYTES_MAX } from './pubsub.js';
import type { Server } from './server.js';

export class KeyspaceEvents implements KeyListener {
  mask = 0;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  /** @param classes the value of `notify-keyspace-events` */
  configure(classes: number): void {
    this.mask = (classes & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT)) === 0 ? 0 : classes;
    this.server.keyspace.setKeyListener((this.mask & (NOTIFY_NEW | NOTIFY_KEY_MISS)) === 0 ? null : this);
  }

  /** Publishes an event of a class that is on. The key is `bytes[start … start + length)`. */
  publish(database: number, event: string, bytes: Uint8Array, start: number, length: number): void {
    const { mask } = this;
    const { pubsub } = this.server;
    if (!pubsub.hasListeners || length > NAME_BYTES_MAX) return;
    if ((mask & NOTIFY_KEYSPACE) !== 0) {
      const channel = Buffer.from(`__keyspace@${database}__:${latin1Of(bytes, start, start + length)}`, 'latin1');
      pubsub.publish(channel, 0, channel.length, Buffer.from(event, 'latin1'), 0, event.length);
    }
    if ((mask & NOTIFY_KEYEVENT) !== 0) {
      const channel = Buffer.from(`__keyevent@${database}__:${event}`, 'latin1');
      pubsub.publish(channel, 0, channel.length, bytes, start, length);
    }
  }

  /** Publishes an event about the key of an entry, if its class is on. */
  entry(type: number, event: string, db: Database, ref: Ref): void {
    if ((this.mask & type) === 0) return;
    const { entries } = this.server.keyspace;
    this.publish(db.index, event, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
  }

  born(db: Database, ref: Ref): void {
    this.entry(NOTIFY_NEW, 'new', db, ref);
  }

  missed(db: Database, key: Uint8Array, start: number, length: number): void {
    if ((this.mask & NOTIFY_KEY_MISS) !== 0) this.publish(db.index, 'keymiss', key, start, length);
  }
}
