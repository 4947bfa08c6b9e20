/** The virtual network keeps what TCP promises, and no more. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Agenda } from '../../src/sim/agenda.js';
import { Dice } from '../../src/sim/dice.js';
import { Network, type Socket, type SocketHandler } from '../../src/sim/network.js';

const A = 0;
const B = 1;
const ADDRESS_OF_B = { ip: '10.0.0.1', port: 7000 };

/** Two hosts, one listening; everything that is heard is noted with its time. */
function pair(jitterMs = 0) {
  const agenda = new Agenda();
  const latency = { baseMs: 10, jitterMs, spikeOneIn: 0, spikeMs: 0 };
  const network = new Network<number>(agenda, new Dice(1), latency);
  const heard: string[] = [];
  const accepted: Socket<number>[] = [];
  const listener = (name: string): SocketHandler<number> => ({
    opened: () => heard.push(`${agenda.nowMs} ${name} opened`),
    received: (_socket, message) => heard.push(`${agenda.nowMs} ${name} ${message}`),
    closed: (_socket, reason) => heard.push(`${agenda.nowMs} ${name} closed: ${reason}`),
  });
  network.assignIp(A, '10.0.0.0');
  network.assignIp(B, ADDRESS_OF_B.ip);
  const listen = (): void => network.listen(B, ADDRESS_OF_B, listener('b'), (socket) => accepted.push(socket));
  const connect = (): Socket<number> => network.connect(A, '10.0.0.0', ADDRESS_OF_B, listener('a'));
  return { agenda, network, heard, accepted, listen, connect };
}

test('what is sent before the connection is there arrives after it, in order', () => {
  const { agenda, heard, listen, connect } = pair(30);
  listen();
  const socket = connect();
  for (let i = 0; i < 20; i += 1) socket.send(i);
  agenda.runUntil(1000);
  const numbers = heard.filter((line) => line.includes(' b ')).map((line) => Number(line.split(' ')[2]));
  assert.deepEqual(numbers, [...Array(20).keys()]);
});

test('a connection is refused by a host without listener, and gets no answer from one without power', () => {
  const { agenda, network, heard, connect } = pair();
  connect();
  agenda.runUntil(100);
  assert.deepEqual(heard, ['20 a closed: Connection refused']);
  network.cutPower(B);
  connect();
  agenda.runUntil(60_000);
  assert.equal(heard.length, 1);
  agenda.runUntil(200_000);
  assert.match(heard[1]!, /a closed: Connection timed out/);
});

test('a blocked path holds messages back, in its direction only', () => {
  const { agenda, network, heard, accepted, listen, connect } = pair();
  listen();
  const socket = connect();
  agenda.runUntil(100);
  network.block(A, B);
  network.block(A, B);
  socket.send(1);
  socket.send(2);
  accepted[0]!.send(3);
  agenda.runUntil(1000);
  network.unblock(A, B);
  agenda.runUntil(2000);
  assert.deepEqual(heard, ['20 a opened', '110 a 3']);
  assert.equal(socket.queuedCount, 2);
  network.unblock(A, B);
  agenda.runUntil(3000);
  assert.deepEqual(
    heard.slice(2).map((line) => line.split(' ').slice(1).join(' ')),
    ['b 1', 'b 2'],
  );
});

test('a broken connection loses what is under way, and both ends hear of it once', () => {
  const { agenda, network, heard, accepted, listen, connect } = pair();
  listen();
  const socket = connect();
  agenda.runUntil(100);
  socket.send(1);
  accepted[0]!.send(2);
  network.breakConnection(socket);
  socket.send(3);
  agenda.runUntil(1000);
  assert.deepEqual(heard.slice(1).sort(), [
    '110 a closed: Connection reset by peer',
    '110 b closed: Connection reset by peer',
  ]);
  assert.equal(network.drops.get('connection broke'), 2);
});

test('a host that had no power resets the connections that its peers still use', () => {
  const { agenda, network, heard, listen, connect } = pair();
  listen();
  const socket = connect();
  agenda.runUntil(100);
  network.cutPower(B);
  socket.send(1);
  agenda.runUntil(5000);
  assert.deepEqual(heard, ['20 a opened']);
  network.restorePower(B);
  agenda.runUntil(6000);
  assert.match(heard[1]!, /a closed: Connection reset by peer/);
});

test('what a closing end has sent arrives before the end of the connection, or not at all', () => {
  const outcomes = new Set<string>();
  const { agenda, heard, listen, connect } = pair();
  listen();
  for (let i = 0; i < 20; i += 1) {
    const socket = connect();
    agenda.runUntil(agenda.nowMs + 100);
    heard.length = 0;
    socket.send(1);
    socket.close();
    agenda.runUntil(agenda.nowMs + 100);
    outcomes.add(heard.map((line) => line.replace(/^\d+ /, '')).join(', '));
  }
  assert.deepEqual([...outcomes].sort(), [
    'b 1, b closed: Connection closed by peer',
    'b closed: Connection closed by peer',
  ]);
});
