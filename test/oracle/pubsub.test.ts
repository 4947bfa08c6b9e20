/** Pub/sub: what each of several connections receives, byte for byte, from the real server and from ours. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { Conversation } from './conversation.js';
import { useServers } from './harness.js';

/** Which of several subscriptions is served or ended first is chance in Redis: no step depends on it. */
const STORIES: Record<string, readonly string[]> = {
  'channels and patterns': [
    's: SUBSCRIBE a b a',
    's: PSUBSCRIBE a* ?c',
    't: PSUBSCRIBE *',
    'p: PUBLISH a one',
    'p: PUBLISH ab two',
    'p: PUBLISH zz ""',
    'p: PUBLISH "" x',
    'p: PUBLISH "\\x00\\xff\\r\\n" "\\r\\n\\x00"',
    's: UNSUBSCRIBE a',
    's: UNSUBSCRIBE a nothing',
    'p: PUBLISH a three',
    's: PUNSUBSCRIBE a* nothing*',
    's: UNSUBSCRIBE',
    's: PUNSUBSCRIBE',
    's: PUNSUBSCRIBE',
    'p: PUBLISH a four',
    't: PUNSUBSCRIBE *',
    't: UNSUBSCRIBE',
    't: GET k',
    'p: PUBLISH a five',
  ],
  'shard channels are apart': [
    's: SSUBSCRIBE a b a',
    's: SUBSCRIBE a',
    'p: SPUBLISH a one',
    'p: PUBLISH a two',
    'p: SPUBLISH c three',
    's: SUNSUBSCRIBE b nothing',
    's: UNSUBSCRIBE',
    'p: SPUBLISH a four',
    's: SUNSUBSCRIBE',
    's: SUNSUBSCRIBE',
    's: GET k',
  ],
  'PUBSUB tells': [
    's: SUBSCRIBE news.art',
    't: SUBSCRIBE news.art',
    't: PSUBSCRIBE news.* n*',
    's: PSUBSCRIBE n*',
    's: SSUBSCRIBE shard',
    'p: PUBSUB CHANNELS',
    'p: PUBSUB CHANNELS news.*',
    'p: PUBSUB CHANNELS n[a-d]ws',
    'p: PUBSUB NUMSUB',
    'p: PUBSUB NUMSUB news.art none news.art',
    'p: PUBSUB NUMPAT',
    'p: PUBSUB SHARDCHANNELS',
    'p: PUBSUB SHARDCHANNELS s*d',
    'p: PUBSUB SHARDCHANNELS x',
    'p: PUBSUB SHARDNUMSUB shard none',
    'p: PUBSUB SHARDNUMSUB',
    'p: PUBSUB HELP',
  ],
  'arguments are checked': [
    'p: SUBSCRIBE',
    'p: PSUBSCRIBE',
    'p: SSUBSCRIBE',
    'p: PUBLISH a',
    'p: PUBLISH a b c',
    'p: SPUBLISH a',
    'p: PUBSUB',
    'p: PUBSUB NUMPAT x',
    'p: PUBSUB CHANNELS a b',
    'p: PUBSUB SHARDCHANNELS a b',
    'p: PUBSUB HELP x',
    'p: PUBSUB OTHER',
  ],
  'what a subscriber may do': [
    's: SUBSCRIBE a',
    's: GET k',
    's: PUBSUB CHANNELS',
    's: MULTI',
    's: EXEC',
    's: HELLO x',
    's: PING',
    's: PING text',
    's: PING text more',
    's: NOSUCH a b',
    's: UNSUBSCRIBE a',
    's: PING',
    's: SSUBSCRIBE a',
    's: GET k',
    's: RESET',
    's: GET k',
    'p: PUBLISH a x',
    'p: SPUBLISH a x',
  ],
  'RESET forgets in silence': [
    's: SUBSCRIBE a',
    's: PSUBSCRIBE a*',
    's: SSUBSCRIBE a',
    's: RESET',
    'p: PUBSUB CHANNELS',
    'p: PUBSUB NUMPAT',
    'p: PUBSUB SHARDCHANNELS',
  ],
  'a subscriber that quits is gone': ['s: SUBSCRIBE a', 's: QUIT', 'p: PUBLISH a x'],
  'in a transaction': [
    's: MULTI',
    's: SUBSCRIBE a b',
    's: PING',
    's: PING text',
    's: UNSUBSCRIBE a',
    's: PSUBSCRIBE x*',
    's: SSUBSCRIBE a',
    's: PUBSUB NUMPAT',
    's: EXEC',
    'p: PUBLISH b x',
    'q: MULTI',
    'q: PUBLISH b one',
    'q: PUBLISH x1 two',
    'q: EXEC',
  ],
  'keyspace events of others': [
    'p: CONFIG SET notify-keyspace-events KEA',
    's: PSUBSCRIBE __key*__:*',
    'p: SET k v',
    'p: MULTI',
    'p: RPUSH l 1',
    'p: LPOP l',
    'p: EXEC',
    'p: CONFIG SET notify-keyspace-events ""',
    'p: SET k v',
  ],
};

for (const kind of serversUnderTest()) {
  describe(`${kind} publishes as redis-server does`, { skip: needsServers('redis', kind) }, () => {
    const servers = useServers(kind);
    for (const [name, story] of Object.entries(STORIES)) {
      for (const protocol of [2, 3] as const) {
        test(`${name}, RESP${protocol}`, async () => {
          const transcripts = await Promise.all(
            [servers().oracle, servers().subject].map(async (server) => {
              await server.call('FLUSHALL');
              const conversation = new Conversation(server, protocol);
              try {
                for (const line of story) await conversation.say(line);
                return conversation.transcript;
              } finally {
                conversation.close();
              }
            }),
          );
          assert.deepEqual(transcripts[1], transcripts[0]);
        });
      }
    }
  });
}
