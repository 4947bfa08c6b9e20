/** nodes.conf: what is written is read back, foreign files are read, damaged ones refused by line. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { NodeFlag } from '../../src/cluster/core/message.js';
import { myself } from '../../src/cluster/core/nodes.js';
import { type ClusterState, DEFAULT_OPTIONS } from '../../src/cluster/core/types.js';
import { encodeNodesConf, loadNodesConf } from '../../src/cluster/nodes-conf.js';
import { fuzzIterations, fuzzSeed, Random } from '../support/fuzz.js';
import { idOf, Lone } from './core/lone.js';

const NOW = { monotonicMs: 5000, unixMs: 1_700_000_000_000 };
const OPTIONS = { ...DEFAULT_OPTIONS, port: 7000 };

function load(text: string, options = OPTIONS) {
  return loadNodesConf(text, options, new Random(1), NOW);
}

function loaded(text: string): ClusterState {
  const result = load(text);
  assert(result.ok, result.ok ? '' : `line ${result.lineNumber}: ${result.reason}`);
  return result.state;
}

function sample(): Lone {
  const lone = new Lone({ port: 7000 });
  const a = lone.peer('a', { slots: [0, 1, 2, 9, 16383], configEpoch: 5 });
  const r = lone.peer('r', { replicaOf: a });
  r.hostname = 'r.example';
  r.humanNodename = 'name-of-r';
  lone.peer('f', { configEpoch: 2 }).flags |= NodeFlag.Failed;
  lone.admin('addslots', '100', '101');
  lone.admin('setslot', '100', 'migrating', a.id);
  lone.admin('setslot', '9', 'importing', a.id);
  lone.admin('meet', '10.0.0.77', '7001');
  lone.state.currentEpoch = 6;
  lone.state.lastVoteEpoch = 4;
  return lone;
}

test('the file has one line per known node in the form of 7.2, then the epochs', () => {
  const lines = encodeNodesConf(sample().state).split('\n');
  const m = idOf('m');
  assert.equal(
    lines[0],
    `${m} :7000@17000,,tls-port=0,shard-id=${m} myself,master - 0 0 0 connected 100-101 [9-<-${idOf('a')}] [100->-${idOf('a')}]`,
  );
  const [ip, ping, pong] = ['10.0.0.2', '0', `${1_700_000_000_000 + 100_000}`];
  assert.equal(
    lines[2],
    `${idOf('r')} ${ip}:7000@17000,r.example,tls-port=0,nodename=name-of-r,shard-id=${idOf('1')} slave ${idOf('a')} ${ping} ${pong} 5 connected`,
  );
  assert.deepEqual(lines.slice(4), ['vars currentEpoch 6 lastVoteEpoch 4', ''], 'a node in handshake is left out');
});

test('what is written is read back', () => {
  const text = encodeNodesConf(sample().state);
  const state = loaded(text);
  assert.equal(state.myId, idOf('m'));
  assert.equal(state.currentEpoch, 6);
  assert.equal(state.lastVoteEpoch, 4);
  assert.equal(state.nodes.get(idOf('r'))!.replicaOf, idOf('a'));
  assert.equal(state.nodes.get(idOf('a'))!.slotCount, 5);
  assert.equal(state.nodes.get(idOf('f'))!.failedAtMs, NOW.monotonicMs);
  assert.equal(state.nodes.get(idOf('r'))!.humanNodename, 'name-of-r');
  const again = encodeNodesConf(state).replace(/ \d{13} /g, ' T ');
  assert.equal(again.replaceAll('disconnected', 'connected'), text.replace(/ \d{13} /g, ' T '));
});

test('a file of 7.0 is read; the missing shard ids are made up, the same within a shard', () => {
  const text =
    `${idOf('a')} 127.0.0.1:7001@17001,a.example master - 0 1700000000000 5 connected 0-5\n` +
    `${idOf('r')} 127.0.0.1:7002@17002 slave ${idOf('a')} 0 0 5 connected\n` +
    `${idOf('m')} :0@0 myself,master - 0 0 3 connected 6\n` +
    'vars currentEpoch 5 lastVoteEpoch 0\n\n\n\n';
  const state = loaded(text);
  const a = state.nodes.get(idOf('a'))!;
  assert.equal(a.hostname, 'a.example');
  assert.equal(a.tcpPort, 7001);
  assert.equal(a.pongReceivedAtMs, NOW.monotonicMs);
  assert.equal(state.nodes.get(idOf('r'))!.shardId, a.shardId);
  assert.match(a.shardId, /^[0-9a-f]{40}$/);
  assert.equal(myself(state).tcpPort, 7000, 'the configuration wins over the file');
});

test('a file of Valkey 8 is read', () => {
  const text =
    `${idOf('m')} 127.0.0.1:7000@17000,,client-ipv4=1.2.3.4,tls-port=7443,shard-id=${idOf('s')} myself,primary - 0 0 1 connected 0-5\n` +
    'vars currentEpoch 1 lastVoteEpoch 0 whatever 7\n';
  const state = loaded(text);
  assert.equal(myself(state).shardId, idOf('s'));
});

test('ports: the main port is the one that is not named', () => {
  const line = (address: string) =>
    `${idOf('m')} :0@0 myself,master - 0 0 0 connected\n${idOf('a')} ${address} master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n`;
  const ports = (address: string, options = OPTIONS) => {
    const result = load(line(address), options);
    assert(result.ok);
    const node = result.state.nodes.get(idOf('a'))!;
    return [node.tcpPort, node.tlsPort, node.busPort];
  };
  assert.deepEqual(ports('1.2.3.4:1'), [1, 0, 10001]);
  assert.deepEqual(ports('1.2.3.4:1', { ...OPTIONS, tlsCluster: true }), [0, 1, 10001]);
  assert.deepEqual(ports('1.2.3.4:1@2,,tls-port=3'), [1, 3, 2]);
  assert.deepEqual(ports('1.2.3.4:1@2,,tcp-port=3'), [3, 1, 2]);
  assert.deepEqual(ports('2001:db8::1:1@2'), [1, 0, 2]);
});

test('nodes that are only mentioned are known by their id', () => {
  const text =
    `${idOf('m')} :0@0 myself,slave ${idOf('p')} 0 0 0 connected [5->-${idOf('q')}]\n` +
    'vars currentEpoch 0 lastVoteEpoch 0\n';
  const state = loaded(text);
  assert.deepEqual([...state.nodes.keys()], [idOf('m'), idOf('p'), idOf('q')]);
  assert.equal(myself(state).replicaOf, idOf('p'));
});

test('currentEpoch is at least the highest config epoch', () => {
  const state = loaded(`${idOf('m')} :0@0 myself,master - 0 0 9 connected\nvars currentEpoch 3 lastVoteEpoch 1\n`);
  assert.equal(state.currentEpoch, 9);
});

test('damaged files are refused, with the line', () => {
  const me = `${idOf('m')} :7000@17000 myself,master - 0 0 0 connected 1-5`;
  const vars = 'vars currentEpoch 1 lastVoteEpoch 0';
  const node = (rest: string) => `${me}\n${idOf('a')} ${rest}\n${vars}\n`;
  const cases: [string, number, string][] = [
    [`${me}\n${vars}`, 2, 'the line is cut off: it has no end'],
    [`${me}\n`, 1, "the file has no 'vars' line"],
    [`${vars}\n`, 1, "no line has the flag 'myself'"],
    [
      `${me}\n${me.replaceAll('m'.repeat(40), idOf('n')).replace(' 1-5', '')}\n${vars}\n`,
      2,
      "a second line has the flag 'myself'",
    ],
    [`${me}\nvars currentEpoch\n`, 2, "a name in the 'vars' line has no value"],
    [`${me}\nvars currentEpoch x lastVoteEpoch 0\n`, 2, "'x' is not an epoch"],
    [node('garbage'), 2, 'the line has 2 fields, a node has at least 8'],
    [node('1.2.3.4 master - 0 0 0 connected'), 2, "the address '1.2.3.4' has no port"],
    [node('1.2.3.4:x@1 master - 0 0 0 connected'), 2, "'1.2.3.4:x@1' has a wrong port"],
    [node('1.2.3.4:1@1,,tls-port master - 0 0 0 connected'), 2, "'tls-port' is not a name with a value"],
    [node('1.2.3.4:1@1,,colour=red master - 0 0 0 connected'), 2, "'colour' is not known"],
    [node('1.2.3.4:1@1,,shard-id=red master - 0 0 0 connected'), 2, "'red' is not a shard ID"],
    [node('1.2.3.4:1@1 boss - 0 0 0 connected'), 2, "'boss' is not a flag"],
    [node('1.2.3.4:1@1 master,slave - 0 0 0 connected'), 2, 'a node is either master or slave'],
    [node('1.2.3.4:1@1 handshake - 0 0 0 connected'), 2, 'a node in handshake has no place in the file'],
    [node('1.2.3.4:1@1 slave xyz 0 0 0 connected'), 2, "'xyz' is not a node ID"],
    [node(`1.2.3.4:1@1 slave ${idOf('a')} 0 0 0 connected`), 2, 'the node is its own primary'],
    [node('1.2.3.4:1@1 master - x 0 0 connected'), 2, "'x' is not a time"],
    [node('1.2.3.4:1@1 master - 0 0 -1 connected'), 2, "'-1' is not an epoch"],
    [node('1.2.3.4:1@1 master - 0 0 0 connected 16384'), 2, "'16384' is not a slot range"],
    [node('1.2.3.4:1@1 master - 0 0 0 connected 9-7'), 2, "'9-7' is not a slot range"],
    [node('1.2.3.4:1@1 master - 0 0 0 connected [7->-x]'), 2, "'[7->-x]' is not an open slot"],
    [node('1.2.3.4:1@1 master - 0 0 0 connected 5'), 2, 'slot 5 is owned by two nodes'],
    [`${me}\n${me.replace('myself,', '').replace(' 1-5', '')}\n${vars}\n`, 2, `the node ${idOf('m')} is listed twice`],
    [`what is this\n${me}\n${vars}\n`, 1, 'the line has 3 fields, a node has at least 8'],
  ];
  for (const [text, lineNumber, reason] of cases) {
    const result = load(text);
    assert(!result.ok, reason);
    assert.deepEqual([result.lineNumber, result.reason], [lineNumber, reason]);
    assert.equal(result.line, text.split('\n')[lineNumber - 1]);
  }
});

const iterations = fuzzIterations(20_000);
const seed = fuzzSeed();

test(`mutated files are loaded or refused, never worse (seed ${seed}, ${iterations} inputs)`, () => {
  const random = new Random(seed);
  const original = encodeNodesConf(sample().state);
  const alphabet = '0123456789abcm ,:@-[]<>=\n\r\t\0\xff';
  for (let i = 0; i < iterations; i += 1) {
    let text = original;
    for (let hits = 1 + random.below(4); hits > 0; hits -= 1) {
      const at = random.below(text.length + 1);
      const end = at + random.below(random.below(4) === 0 ? 200 : 3);
      const insert =
        random.below(3) === 0
          ? original.slice(random.below(original.length)).slice(0, 60)
          : alphabet[random.below(alphabet.length)];
      text = text.slice(0, at) + (random.below(3) === 0 ? '' : insert) + text.slice(end);
    }
    const result = load(text);
    if (!result.ok) {
      assert(result.lineNumber >= 1 && result.lineNumber <= text.split('\n').length);
      continue;
    }
    const again = load(encodeNodesConf(result.state));
    assert(again.ok, again.ok ? '' : `what was loaded can be loaded again: ${again.reason} in ${again.line}`);
  }
});
