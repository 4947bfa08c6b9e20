/**
 * Keys of a writable replica that its own clients gave an expiry: its primary knows nothing of them and will never delete them, so the replica does
 * (spec/replication.md 21.6). All others wait for their primary.
 *
 * A key is remembered by name and looked up when it is looked at: it may be gone, persistent, or another one by then.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { EXPIRY_HIDE, type ExpiryObserver, type Keyspace } from './keyspace.js';

/** Keys looked at in one step. */
const STEP_KEYS = 64;

export class LocalExpiries implements ExpiryObserver {
  private readonly space: Keyspace;
  /** By database number and name. */
  private readonly keys = new Map<string, { readonly index: number; readonly key: Uint8Array }>();
  private rest: Iterator<[string, { index: number; key: Uint8Array }]> | null = null;

  constructor(space: Keyspace) {
    this.space = space;
  }

  get count(): number {
    return this.keys.size;
  }

  given(db: Database, ref: Ref): void {
    // The primary's stream runs while nothing expires.
    if (this.space.expiryMode !== EXPIRY_HIDE) return;
    const { entries } = this.space;
    const start = entries.keyStart(ref);
    const key = entries.view(ref).slice(start, start + entries.keyLength(ref));
    this.keys.set(`${db.index}:${Buffer.from(key).toString('latin1')}`, { index: db.index, key });
  }

  clear(): void {
    this.keys.clear();
    this.rest = null;
  }

  /** Looks at the next keys and deletes those whose time has come. */
  step(): void {
    const { space } = this;
    this.rest ??= this.keys.entries();
    for (let i = 0; i < STEP_KEYS; i++) {
      const next = this.rest.next();
      if (next.done === true) {
        this.rest = null;
        return;
      }
      const [id, { index, key }] = next.value;
      const db = space.databases[index];
      const ref = db.find(key, 0, key.length);
      const expireAtMs = ref === 0 ? 0 : space.entries.expireAtMs(ref);
      if (expireAtMs > space.nowMs) continue;
      this.keys.delete(id);
      if (expireAtMs !== 0) space.expire(db, ref);
    }
  }
}
