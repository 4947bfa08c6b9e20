/** The sockets of the bus, with one bus talking to itself or to a plain socket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { Bus, type BusListener } from '../../../src/cluster/bus.js';
import type { BusMessage } from '../../../src/cluster/core/message.js';
import { encodeMessage } from '../../../src/cluster/wire/index.js';
import { freePort } from '../../support/ports.js';
import { waitFor } from '../../support/wait-for.js';

const buses: Bus[] = [];
after(() => {
  for (const bus of buses) bus.stop();
});

/** Writes down what it hears. */
class Recorder implements BusListener {
  readonly events: string[] = [];
  readonly messages: BusMessage[] = [];
  bytesMax = 1024 * 1024;

  linkAccepted(link: number, remoteIp: string): void {
    this.events.push(`accepted ${link} from ${remoteIp}`);
  }
  linkUp(link: number, remoteIp: string): void {
    this.events.push(`up ${link} to ${remoteIp}`);
  }
  linkDown(link: number): void {
    this.events.push(`down ${link}`);
  }
  received(link: number, result: Parameters<BusListener['received']>[1]): void {
    if (result.ok) this.messages.push(result.message);
    this.events.push(result.ok ? `${result.message.type} on ${link}` : `malformed on ${link}`);
  }
  settled(): void {
    this.events.push('settled');
  }
  frameBytesMax(): number {
    return this.bytesMax;
  }
}

async function openBus(): Promise<{ bus: Bus; recorder: Recorder; port: number }> {
  const recorder = new Recorder();
  const bus = new Bus(recorder);
  buses.push(bus);
  const port = await freePort();
  await bus.listen([{ host: '127.0.0.1', isOptional: false }], port);
  return { bus, recorder, port };
}

function message(byte = 0): Uint8Array {
  const slots = new Uint8Array(2048).fill(byte);
  const header = {
    sender: 'a'.repeat(40),
    currentEpoch: 1,
    configEpoch: 1,
    offset: 0,
    slots,
    replicaOf: null,
    ip: '',
    port: 1,
    secondaryPort: 0,
    busPort: 2,
    flags: 17,
    status: 'ok',
    paused: false,
    forceAck: false,
    extensionData: false,
  } as const;
  return encodeMessage({ type: 'ping', header, gossip: [], extensions: [] });
}

test('what is sent before the connection is there waits for it; all messages of one read are settled together', async () => {
  const { bus, recorder, port } = await openBus();
  bus.release();
  bus.connect(7, '127.0.0.1', port);
  const three = Buffer.concat([message(), message(), message()]);
  bus.send([7, 99], three);
  await waitFor(() => recorder.messages.length === 3, { what: 'three messages' });
  assert.ok(recorder.events.includes('up 7 to 127.0.0.1'));
  assert.ok(recorder.events.includes('accepted -1 from 127.0.0.1'));
  await waitFor(() => recorder.events.at(-1) === 'settled', { what: 'the read to be settled' });
});

test('connections wait unread while the bus is held', async () => {
  const { bus, recorder, port } = await openBus();
  const peer = connect(port, '127.0.0.1');
  await once(peer, 'connect');
  peer.write(message());
  bus.connect(1, '127.0.0.1', port);
  await waitFor(() => recorder.events.includes('up 1 to 127.0.0.1'), { what: 'a link' });
  assert.deepEqual(recorder.messages, []);
  bus.release();
  await waitFor(() => recorder.messages.length === 1, { what: 'the message that waited' });
  peer.destroy();
  await waitFor(() => recorder.events.includes('down -1'), { what: 'the end of the link' });
});

test('of a link closed from here nothing is heard any more', async () => {
  const { bus, recorder, port } = await openBus();
  bus.release();
  bus.connect(3, '127.0.0.1', port);
  await waitFor(() => recorder.events.length === 2, { what: 'both ends of the link' });
  bus.close(3);
  await waitFor(() => recorder.events.includes('down -1'), { what: 'the other end to notice' });
  assert.ok(!recorder.events.includes('down 3'));
  assert.equal(bus.queuedBytes(3), 0);
});

test('a refused connection is a link that went down', async () => {
  const { bus, recorder } = await openBus();
  bus.connect(5, '127.0.0.1', await freePort());
  await waitFor(() => recorder.events.includes('down 5'), { what: 'the refusal' });
});

test('a frame longer than the link may send is malformed, whatever follows', async () => {
  const { bus, recorder, port } = await openBus();
  recorder.bytesMax = 2255;
  bus.release();
  const peer = connect(port, '127.0.0.1');
  peer.on('error', () => {});
  peer.write(Buffer.concat([message(), message()]));
  await waitFor(() => recorder.events.includes('malformed on -1'), { what: 'the verdict' });
  assert.deepEqual(recorder.messages, []);
  peer.destroy();
});

test('messages own their bytes: what is read later does not change them', async () => {
  const { bus, recorder, port } = await openBus();
  bus.release();
  bus.connect(1, '127.0.0.1', port);
  bus.send([1], message(0xff));
  await waitFor(() => recorder.messages.length === 1, { what: 'the first message' });
  for (let i = 0; i < 50; i++) bus.send([1], message(0));
  await waitFor(() => recorder.messages.length === 51, { what: 'the others' });
  assert.ok(recorder.messages[0]!.header.slots.every((byte) => byte === 0xff));
});

test('a port in use is an error that names it', async () => {
  const { port } = await openBus();
  const second = new Bus(new Recorder());
  await assert.rejects(second.listen([{ host: '127.0.0.1', isOptional: false }], port), /EADDRINUSE/);
});
