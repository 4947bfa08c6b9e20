/** Handshake, addresses, forgetting, gossip about third nodes, extensions, links. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { NodeFlag } from '../../../src/cluster/core/message.js';
import { hasNoAddress, isFailed, isInHandshake } from '../../../src/cluster/core/nodes.js';
import { idOf, Lone, slotsOf } from './lone.js';

test('CLUSTER MEET makes one entry per address, connects and sends MEET', () => {
  const lone = new Lone();
  assert.equal(lone.ask('meet', '10.0.0.9', '7001'), 'OK');
  assert.equal(lone.ask('meet', '10.0.0.9', '7001', '17001'), 'OK');
  assert.equal(lone.state.nodes.size, 2);
  lone.tick();
  const connect = lone.effects.find((effect) => effect.kind === 'connect');
  assert(connect?.kind === 'connect');
  assert.deepEqual([connect.ip, connect.port], ['10.0.0.9', 17001]);
  lone.input({ kind: 'link-up', link: connect.link, remoteIp: '10.0.0.9', localIp: '10.0.0.100' });
  const [send] = lone.effects.filter((effect) => effect.kind === 'send');
  assert(send?.kind === 'send');
  assert.equal(send.message.type, 'meet');
});

test('the first answer gives the entry its real id; role, slots and gossip wait for the next message', () => {
  const lone = new Lone();
  lone.admin('meet', '10.0.0.9', '7001');
  lone.tick();
  const link = lone.state.lastLinkId;
  lone.input({ kind: 'link-up', link, remoteIp: '10.0.0.9', localIp: '10.0.0.100' });
  const stranger = new Lone();
  const node = stranger.peer('b', { slots: [1], configEpoch: 3 });
  const pong = { ...stranger.ping(node), type: 'pong' } as const;
  lone.input({ kind: 'message', link, message: pong });
  const known = lone.state.nodes.get(node.id)!;
  assert.equal(isInHandshake(known), false);
  assert.equal(known.slotCount, 0);
  assert.equal(known.pongReceivedAtMs, lone.nowMs);
  lone.input({ kind: 'message', link, message: pong });
  assert.equal(known.slotCount, 1);
});

test('a handshake that gets no answer is given up after the node timeout', () => {
  const lone = new Lone();
  lone.admin('meet', '10.0.0.9', '7001');
  lone.tick(1000);
  assert.equal(lone.state.nodes.size, 2);
  lone.tick(100);
  assert.equal(lone.state.nodes.size, 1);
  assert(lone.kinds().includes('disconnect'));
});

test('MEET from a stranger is answered and answered back; PING from a stranger is only answered', () => {
  const lone = new Lone();
  const stranger = new Lone();
  const node = stranger.peer('b');
  const link = lone.accept('10.0.0.9');
  lone.input({ kind: 'message', link, message: stranger.ping(node) });
  assert.deepEqual(lone.kinds(), ['persist', 'send'], 'the own address is learned from it, too');
  assert.equal(lone.me.ip, '10.0.0.100');
  assert.equal(lone.state.nodes.size, 1);
  lone.input({ kind: 'message', link, message: { ...stranger.ping(node), type: 'meet' } });
  assert.equal(lone.state.nodes.size, 2);
  lone.tick();
  const connect = lone.effects.find((effect) => effect.kind === 'connect');
  assert(connect?.kind === 'connect' && connect.ip === '10.0.0.9' && connect.port === 17000);
});

test('a node that meets itself finds out', () => {
  const lone = new Lone();
  lone.admin('meet', '10.0.0.100', '7000');
  lone.tick();
  const link = lone.state.lastLinkId;
  lone.input({ kind: 'link-up', link, remoteIp: '10.0.0.100', localIp: '10.0.0.100' });
  const own = { ...lone.ping(lone.me), type: 'pong' } as const;
  lone.input({ kind: 'message', link, message: own });
  assert.equal(lone.state.nodes.size, 1);
});

test('another node at a known address: the entry loses its address and the link is closed', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1] });
  const other = lone.ping(a, { sender: idOf('x') });
  lone.receive(a, { ...other, type: 'pong' }, 'outbound');
  assert(hasNoAddress(a));
  assert.equal(a.ip, '');
  assert.equal(a.outbound, null);
  assert(lone.logs()[0]!.startsWith('PONG contains mismatching sender ID'));
});

test('an accepted link that names another sender than before is closed', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  lone.receive(a, lone.ping(a, { sender: idOf('x') }));
  assert.equal(a.inbound, null);
  assert.deepEqual(lone.kinds(), ['disconnect']);
});

test('a ping from a new address moves the node there; replication follows if it is my primary', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 1 });
  lone.admin('replicate', a.id);
  lone.receive(a, lone.ping(a, { ip: '10.9.9.9', port: 7009, busPort: 17009 }));
  assert.deepEqual([a.ip, a.tcpPort, a.busPort, a.outbound], ['10.9.9.9', 7009, 17009, null]);
  const replicate = lone.effects.find((effect) => effect.kind === 'replicate');
  assert.deepEqual(replicate, { kind: 'replicate', node: a.id, ip: '10.9.9.9', port: 7009 });
});

test('gossip of a member introduces nodes, that of a stranger does not', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  const entry = { ...lone.gossipAbout(a), node: idOf('n'), ip: '10.0.0.77', flags: NodeFlag.Primary | NodeFlag.Myself };
  const link = lone.accept('10.0.0.9');
  const stranger = new Lone();
  lone.input({ kind: 'message', link, message: stranger.ping(stranger.peer('s'), {}, [entry]) });
  assert.equal(lone.state.nodes.has(idOf('n')), false);
  lone.receive(a, lone.ping(a, {}, [entry]));
  const node = lone.state.nodes.get(idOf('n'))!;
  assert.equal(node.ip, '10.0.0.77');
  assert.equal(node.flags, NodeFlag.Primary, 'a flag that is not about the node itself is left out');
});

test('a forgotten node is not brought back by gossip for a minute, but by MEET at once', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  const b = lone.peer('b', { slots: [1] });
  const entry = lone.gossipAbout(b);
  assert.equal(lone.ask('forget', b.id), 'OK');
  assert.equal(lone.state.slotOwners[1], null);
  lone.receive(a, lone.ping(a, {}, [entry]));
  assert.equal(lone.state.nodes.has(b.id), false);
  assert.equal(lone.ask('forget', b.id), 'OK', 'it is forgotten already');
  lone.nowMs += 60_001;
  lone.receive(a, lone.ping(a, {}, [entry]));
  assert(lone.state.nodes.has(b.id));
});

test('a forgotten node is told to peers that take extensions, and forgotten by those who hear of it', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  const b = lone.peer('b');
  const me = lone.state.myId;
  const ttl = (node: string) => [{ kind: 'forgotten-node', node, ttlS: 30 }] as const;
  lone.receive(a, lone.ping(a, {}, [], [...ttl(me), ...ttl(idOf('u')), ...ttl(b.id)]));
  assert.equal(lone.state.nodes.has(b.id), false);
  assert.deepEqual([...lone.state.forgotten.keys()], [b.id], 'unknown nodes and myself are not put on the list');
  lone.receive(a, lone.ping(a));
  const [pong] = lone.sentTo(a);
  assert(pong?.type === 'pong');
  assert.deepEqual(pong.extensions, [
    { kind: 'forgotten-node', node: b.id, ttlS: 30 },
    { kind: 'shard-id', shardId: lone.me.shardId },
  ]);
});

test('extensions of 7.2 go only to peers that have set the extension bit; the host name goes to all', () => {
  const lone = new Lone({ announceHostname: 'here.example', announceHumanNodename: 'my-node' });
  lone.input({ kind: 'configure', options: lone.state.options });
  const old = lone.peer('a');
  lone.receive(old, lone.ping(old, { extensionData: false }, [], []));
  const [toOld] = lone.sentTo(old);
  assert(toOld?.type === 'pong');
  assert.deepEqual(toOld.extensions, [{ kind: 'hostname', hostname: 'here.example' }]);
  assert.equal(toOld.header.extensionData, true);
  const young = lone.peer('b');
  lone.receive(young, lone.ping(young));
  const [toYoung] = lone.sentTo(young);
  assert(toYoung?.type === 'pong');
  assert.deepEqual(
    toYoung.extensions.map((extension) => extension.kind),
    ['hostname', 'human-nodename', 'shard-id'],
  );
});

test('a host name that is no longer announced is removed', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  lone.receive(a, lone.ping(a, {}, [], [{ kind: 'hostname', hostname: 'a.example' }]));
  assert.equal(a.hostname, 'a.example');
  lone.receive(a, lone.ping(a));
  assert.equal(a.hostname, '');
});

test('a replica is in the shard of its primary, and a replica of a primary that changes its shard follows', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 1 });
  const r = lone.peer('r', { replicaOf: a });
  lone.admin('replicate', a.id);
  lone.receive(a, lone.ping(a, {}, [], [{ kind: 'shard-id', shardId: idOf('9') }]));
  assert.deepEqual([a.shardId, r.shardId, lone.me.shardId], [idOf('9'), idOf('9'), idOf('9')]);
});

test('failure needs the reports of a majority of voting primaries; others do not count', () => {
  const lone = new Lone();
  lone.admin('addslots', '100');
  const a = lone.peer('a', { slots: [1], configEpoch: 1 });
  const b = lone.peer('b', { slots: [2], configEpoch: 2 });
  const empty = lone.peer('e', { configEpoch: 3 });
  const replica = lone.peer('r', { replicaOf: a });
  const c = lone.peer('c', { slots: [3], configEpoch: 4 });
  lone.state.size = 4;
  a.flags |= NodeFlag.Suspected;
  const report = () => [lone.gossipAbout(a, { flags: NodeFlag.Primary | NodeFlag.Suspected })];
  for (const node of [empty, replica, b]) lone.receive(node, lone.ping(node, {}, report()));
  assert(!isFailed(a), 'b and I are two of four');
  lone.nowMs += 2001;
  lone.receive(c, lone.ping(c, {}, report()));
  assert(!isFailed(a), 'the report of b is too old');
  lone.receive(b, lone.ping(b, {}, report()));
  assert(isFailed(a));
  const fail = lone.sentTo(c).find((message) => message.type === 'fail');
  assert(fail?.type === 'fail' && fail.failed === a.id);
});

test('a report is withdrawn when the reporter sees the node again', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1] });
  const b = lone.peer('b', { slots: [2] });
  lone.receive(b, lone.ping(b, {}, [lone.gossipAbout(a, { flags: 5 })]));
  assert.equal(a.failureReports.size, 1);
  lone.receive(b, lone.ping(b, {}, [lone.gossipAbout(a)]));
  assert.equal(a.failureReports.size, 0);
});

test('a failed primary with slots is taken back after two node timeouts, one without slots at once', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1] });
  const e = lone.peer('e');
  for (const node of [a, e]) {
    node.flags |= NodeFlag.Failed;
    node.failedAtMs = lone.nowMs;
  }
  const pong = (node: typeof a) => lone.receive(node, { ...lone.ping(node), type: 'pong' }, 'outbound');
  pong(a);
  pong(e);
  assert(isFailed(a));
  assert(!isFailed(e));
  lone.nowMs += 2001;
  pong(a);
  assert(!isFailed(a));
});

test('a pong that others saw counts, unless it is from the future', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  const b = lone.peer('b');
  lone.nowMs += 10_000;
  const nowS = Math.floor(lone.now.unixMs / 1000);
  lone.receive(b, lone.ping(b, {}, [lone.gossipAbout(a, { pongReceivedS: nowS + 5 })]));
  assert.equal(a.pongReceivedAtMs, lone.nowMs - 10_000);
  lone.receive(b, lone.ping(b, {}, [lone.gossipAbout(a, { pongReceivedS: nowS })]));
  assert.equal(a.pongReceivedAtMs, nowS * 1000 - lone.now.unixMs + lone.nowMs);
});

test('a node nobody answers for is suspected after the node timeout, and asked again on a new connection before', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1] });
  let dropped = false;
  for (let ms = 0; ms < 3000 && (a.flags & NodeFlag.Suspected) === 0; ms += 100) {
    lone.tick();
    dropped ||= lone.kinds().includes('disconnect');
  }
  assert(dropped);
  assert.notEqual(a.flags & NodeFlag.Suspected, 0);
  assert(a.failureReports.size === 0);
});

test('a connection that brings no pong is replaced in the end, although the node goes on pinging on its own', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1] });
  const first = a.outbound;
  let replacedAfterMs = 0;
  for (let ms = 0; ms < 5000 && replacedAfterMs === 0; ms += 100) {
    lone.tick();
    lone.receive(a, lone.ping(a));
    if (a.outbound !== first) replacedAfterMs = ms;
  }
  assert(replacedAfterMs > 2000 && replacedAfterMs < 3500, `replaced after ${replacedAfterMs} ms`);
});

test('messages for strangers and on closed links change nothing', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  const message = lone.ping(a, { slots: slotsOf(1) });
  lone.input({ kind: 'message', link: 424242, message });
  assert.deepEqual(lone.effects, []);
  lone.input({ kind: 'malformed', link: 424242, frame: { ok: false, fatal: true, typeCode: 0, reason: 'x' } });
  assert.deepEqual(lone.effects, []);
  lone.input({ kind: 'malformed', link: a.inbound!, frame: { ok: false, fatal: true, typeCode: 0, reason: 'x' } });
  assert.deepEqual(lone.kinds(), ['disconnect']);
});

test('strangers that say nothing cannot hold any number of links', () => {
  const lone = new Lone();
  const first = lone.accept('10.0.0.9');
  for (let i = 0; i < 2000; i += 1) lone.accept('10.0.0.9');
  assert(!lone.state.links.has(first));
  assert(lone.state.links.size <= 1024);
});
