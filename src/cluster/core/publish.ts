/** PUBLISH reaches every node, SPUBLISH the nodes of this shard; neither is ever forwarded. Source: spec/cluster.md 9.8. */
import { myself } from './nodes.js';
import { broadcastLinks, makeHeader } from './outgoing.js';
import { send, type Turn } from './turn.js';

export function onPublish(turn: Turn, channel: Uint8Array, payload: Uint8Array, sharded: boolean): void {
  const { shardId } = myself(turn.state);
  const links = sharded ? broadcastLinks(turn, (node) => node.shardId === shardId) : broadcastLinks(turn);
  if (links.length === 0) return;
  send(turn, links, { type: sharded ? 'publishshard' : 'publish', header: makeHeader(turn), channel, payload });
}
