/** Shard channels whose slots go to another owner: exactly their subscribers are told, whoever has left before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotOfKey } from '../../src/keyspace/key-hash.js';
import type { Connection } from '../../src/server/connection.js';
import { CHANNEL, Pubsub, SHARD_CHANNEL } from '../../src/server/pubsub.js';

const nameOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const slotOf = (text: string): number => slotOfKey(nameOf(text), 0, text.length);

class Listener {
  subscriptions = null;
  flags = 0;
  protocol = 2;
  heard = '';
  push(bytes: Uint8Array): void {
    this.heard += Buffer.from(bytes).toString().replaceAll('\r\n', ' ');
  }
  takeHeard(): string {
    const { heard } = this;
    this.heard = '';
    return heard;
  }
}

test('the channels of a slot are dropped, and no others', () => {
  const pubsub = new Pubsub();
  const [a, b, c] = [new Listener(), new Listener(), new Listener()];
  const subscribe = (who: Listener, text: string, kind: typeof CHANNEL | typeof SHARD_CHANNEL = SHARD_CHANNEL): void =>
    pubsub.subscribe(who as unknown as Connection, kind, nameOf(text));
  pubsub.dropShardChannels([1, 2]);
  for (const who of [a, b, c]) for (const channel of ['{x}1', '{x}2', '{x}3', 'y']) subscribe(who, channel);
  subscribe(b, '{x}1', CHANNEL);
  // In the middle, at the beginning and at the end of those of the slot.
  for (const who of [a, b, c]) pubsub.unsubscribe(who as unknown as Connection, SHARD_CHANNEL, nameOf('{x}2'));
  pubsub.unsubscribeAll(c as unknown as Connection);
  pubsub.dropShardChannels([slotOf('y') ^ 1]);
  assert.deepEqual([a.takeHeard(), b.takeHeard()], ['', '']);
  pubsub.dropShardChannels([slotOf('{x}1')]);
  const told = '*3 $12 sunsubscribe $4 {x}3 :2 *3 $12 sunsubscribe $4 {x}1 :1 ';
  assert.deepEqual([a.takeHeard(), b.takeHeard(), c.takeHeard()], [told, told, '']);
  assert.deepEqual([pubsub.count(SHARD_CHANNEL), pubsub.count(CHANNEL)], [1, 1]);
  subscribe(c, '{x}2');
  subscribe(c, '{x}1');
  pubsub.unsubscribe(c as unknown as Connection, SHARD_CHANNEL, nameOf('{x}1'));
  pubsub.dropShardChannels([slotOf('{x}1'), slotOf('y')]);
  const y = '*3 $12 sunsubscribe $1 y :0 ';
  assert.deepEqual([a.takeHeard(), b.takeHeard(), c.takeHeard()], [y, y, '*3 $12 sunsubscribe $4 {x}2 :0 ']);
  assert.equal(pubsub.count(SHARD_CHANNEL), 0);
});
