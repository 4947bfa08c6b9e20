/**
 * The thin layer between a connection and its socket: one shared read buffer for all, writes that go straight to the kernel.
 *
 * An accepted connection is the engine's handle alone (`HandleTransport`). A net.Socket around it would be a third of what a short connection costs: 20 µs,
 * for two streams, their states, their events and their garbage, of which nothing is used here. Connections that we open, and TLS, have a net.Socket
 * (`SocketTransport`); so have accepted ones where the handle or the engine's stream binding is not what we know.
 *
 * Reads go into one buffer for all: what arrives must be consumed, or copied, before `onBytes` returns. The rest of a large argument is read straight to a
 * place of the owner's instead (`readInto`): the engine puts each read where the callback for the one before has told.
 *
 * Writes go to the handle, also where there is a net.Socket: `socket.write` builds a request object, a callback and stream state per call, which costs more
 * than the system call itself (4 µs against 1.5 µs for a short reply).
 *
 * Invariants: (1) bytes given to `write` leave in order; (2) after `write` returns true the caller may reuse the bytes, after false they belong to
 * the transport until it gives them back to their lender; (3) `queuedBytes` counts what the kernel has not taken yet; (4) `onClosed` fires exactly once.
 */
import net from 'node:net';
import { makeReadBuffer } from '../memory/read-buffer.js';

/** One read gets at most this much, or, after `readsLong` was set, LONG_READ_BYTES. */
export const READ_BYTES = 64 * 1024;
export const LONG_READ_BYTES = 512 * 1024;

interface StreamBinding {
  WriteWrap: new () => WriteRequest;
  kReadBytesOrError: number;
  kLastWriteWasAsync: number;
  streamBaseState: Int32Array;
}

interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  /** Whose it is while the kernel has not taken all, and what is being written. */
  transport: Transport | null;
  bytes: Uint8Array | null;
  lender: Lender | null;
}

/** Who wants to know when the kernel has taken bytes that a transport has kept. */
export interface Lender {
  giveBack(bytes: Uint8Array): void;
}

/** What the engine knows of a connection; of a Unix socket without what concerns TCP. */
interface StreamHandle {
  readonly fd?: number;
  onread?: (this: StreamHandle, data: ArrayBuffer | undefined) => unknown;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** For reads from now on, until `onread` returns another. */
  useUserBuffer(bytes: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  close(closed: () => void): void;
  setNoDelay?(isOn: boolean): number;
  setKeepAlive?(isOn: boolean, seconds: number): number;
  getpeername?(address: SocketAddress): number;
  getsockname?(address: SocketAddress): number;
}

interface SocketAddress {
  address?: string | undefined;
  family?: string;
  port?: number | undefined;
}

interface HandleServer {
  _handle: { onconnection: (status: number, handle: StreamHandle | undefined) => void } | null;
}

function loadBinding(): StreamBinding | null {
  try {
    const binding = (process as unknown as { binding(name: string): Partial<StreamBinding> }).binding('stream_wrap');
    const isKnown =
      typeof binding.WriteWrap === 'function' &&
      binding.streamBaseState !== undefined &&
      binding.kReadBytesOrError !== undefined &&
      binding.kLastWriteWasAsync !== undefined;
    return isKnown ? (binding as StreamBinding) : null;
  } catch {
    return null;
  }
}

const binding = loadBinding();

export interface TransportOwner {
  /** Bytes `bytes[0 … length)` arrived. The buffer is used again after the return, unless it is what `readInto` was told. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** No more bytes will arrive; `onClosed` follows. */
  onEnding(): void;
  /** The kernel took everything that was queued. */
  onDrained(): void;
  onClosed(): void;
}

const NO_OWNER: TransportOwner = { onBytes() {}, onEnding() {}, onDrained() {}, onClosed() {} };

export abstract class Transport {
  owner: TransportOwner = NO_OWNER;
  queuedBytes = 0;
  isClosed = false;
  /** Set by the owner: whether longer reads are of use, as its requests are longer than READ_BYTES but copied all the same. */
  readsLong = false;
  /** Path of the Unix socket that the peer connected to, if it is one. */
  localPath = '';
  /** null: `write` goes another way. */
  protected abstract readonly handle: StreamHandle | null;
  /** What `remoteAddress`, `localAddress` and `descriptor` have said: they do not change. */
  private remoteText = '';
  protected localText = '';
  private knownDescriptor = -1;
  private endsWhenDrained = false;
  private isClosing = false;

  /**
   * @param lender gets the bytes back if they were kept
   * @returns      true when the kernel took all; false when `bytes` were kept and are the transport's now, until it gives them back
   */
  write(bytes: Uint8Array, lender: Lender | null = null): boolean {
    const { handle } = this;
    if (this.isClosing || handle === null || binding === null) return true;
    const request = spareRequest ?? Transport.newRequest(binding);
    spareRequest = null;
    const error = handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.destroy();
      return true;
    }
    if (binding.streamBaseState[binding.kLastWriteWasAsync] === 0) {
      spareRequest = request;
      return true;
    }
    request.transport = this;
    request.bytes = bytes;
    request.lender = lender;
    this.queuedBytes += bytes.length;
    return false;
  }

  /** Closes once everything queued has been written. */
  end(): void {
    if (this.queuedBytes > 0) {
      this.endsWhenDrained = true;
    } else if (!this.isClosing) {
      this.isClosing = true;
      this.finishStream();
    }
  }

  /** Closes at once. */
  destroy(): void {
    if (this.isClosed) return;
    this.isClosing = true;
    this.closeStream();
  }

  /**
   * Has the next read go to a place of the owner's. To be called while the owner is told of a read, and for that read only. The place must stay the owner's,
   * and unused, until the read or the connection's end.
   * @returns false if there is no such way: then it goes to the shared buffer
   */
  readInto(_place: Uint8Array): boolean {
    return false;
  }

  abstract pause(): void;
  abstract resume(): void;
  abstract setNoDelay(isOn: boolean): void;
  abstract setKeepAlive(seconds: number): void;

  /** The peer's IP address; undefined for a Unix socket. */
  get remoteHost(): string | undefined {
    return this.remote.address;
  }

  /** `ip:port` of the peer (`[ip]:port` for IPv6); empty for a Unix socket. */
  get remoteAddress(): string {
    if (this.remoteText === '') this.remoteText = formatAddress(this.remote);
    return this.remoteText;
  }

  get localAddress(): string {
    if (this.localText === '') this.localText = formatAddress(this.local);
    return this.localText;
  }

  /** The socket's file descriptor, −1 if unknown. */
  get descriptor(): number {
    if (this.knownDescriptor < 0) this.knownDescriptor = this.handle?.fd ?? -1;
    return this.knownDescriptor;
  }

  protected abstract get remote(): SocketAddress;
  protected abstract get local(): SocketAddress;
  /** Closes the socket, what was written has left; `closed` follows. */
  protected abstract finishStream(): void;
  /** Closes the socket as it is, unless it is closed already; `closed` follows. */
  protected abstract closeStream(): void;

  protected written(count: number): void {
    this.queuedBytes -= count;
    if (this.queuedBytes > 0 || this.isClosing) return;
    if (this.endsWhenDrained) this.end();
    else this.owner.onDrained();
  }

  protected closed(): void {
    if (this.isClosed) return;
    this.isClosing = true;
    this.isClosed = true;
    this.owner.onClosed();
  }

  private static newRequest(stream: StreamBinding): WriteRequest {
    const request = new stream.WriteWrap();
    request.transport = null;
    request.bytes = null;
    request.lender = null;
    request.oncomplete = (status) => {
      const { transport, bytes, lender } = request;
      request.transport = null;
      request.bytes = null;
      request.lender = null;
      if (transport !== null && bytes !== null) transport.wrote(bytes, lender, status);
    };
    return request;
  }

  /** The engine has written what the kernel did not take at once. */
  private wrote(bytes: Uint8Array, lender: Lender | null, status: number): void {
    lender?.giveBack(bytes);
    this.written(bytes.length);
    if (status !== 0) this.destroy();
  }
}

/**
 * A request that nobody uses: the engine looks at one only if the kernel does not take all at once. So one does for nearly all writes of all transports; one
 * each would be 2 µs of a short connection, and half a KiB of an idle one.
 */
let spareRequest: WriteRequest | null = null;

/** A connection that was accepted: its handle, without a net.Socket. */
class HandleTransport extends Transport {
  protected readonly handle: StreamHandle;
  private peer: SocketAddress | null = null;
  private isHandleClosed = false;
  /** Where the engine puts the next read. It knows but the address: this is what keeps the memory. */
  private target = readBytes;
  /** The owner's wish for the next read. */
  private place: Uint8Array | null = null;

  /** @param localAddress as `localAddress` tells it; empty if only the kernel knows */
  constructor(stream: StreamBinding, handle: StreamHandle, localAddress: string) {
    super();
    this.handle = handle;
    this.localText = localAddress;
    const { streamBaseState, kReadBytesOrError } = stream;
    handle.onread = () => {
      const length = streamBaseState[kReadBytesOrError];
      if (length > 0) return this.received(length);
      if (length < 0) {
        // The end of the stream, or an error (reset, broken pipe), which is the peer's affair: either way it is over.
        this.owner.onEnding();
        this.destroy();
      }
      return undefined;
    };
    handle.useUserBuffer(readBytes);
  }

  /** @returns the buffer for the next read, if it is another than for this one */
  private received(length: number): Uint8Array | undefined {
    const { target } = this;
    const isShared = target === readBytes || target === sharedBytes;
    this.owner.onBytes(isShared ? sharedBytes : target, length);
    const next = this.place ?? (this.readsLong ? sharedBytes : readBytes);
    this.place = null;
    if (next === target) return undefined;
    this.target = next;
    return next;
  }

  override readInto(place: Uint8Array): boolean {
    this.place = place;
    return true;
  }

  pause(): void {
    if (!this.isHandleClosed) this.handle.readStop();
  }

  resume(): void {
    if (!this.isHandleClosed) this.handle.readStart();
  }

  setNoDelay(isOn: boolean): void {
    if (!this.isHandleClosed) this.handle.setNoDelay?.(isOn);
  }

  setKeepAlive(seconds: number): void {
    if (!this.isHandleClosed) this.handle.setKeepAlive?.(true, seconds);
  }

  protected get remote(): SocketAddress {
    if (this.peer === null) {
      this.peer = { address: undefined, family: '', port: 0 };
      if (!this.isHandleClosed) this.handle.getpeername?.(this.peer);
    }
    return this.peer;
  }

  protected get local(): SocketAddress {
    const address: SocketAddress = {};
    if (!this.isHandleClosed) this.handle.getsockname?.(address);
    return address;
  }

  protected finishStream(): void {
    this.closeStream();
  }

  protected closeStream(): void {
    if (this.isHandleClosed) return;
    this.isHandleClosed = true;
    this.handle.close(() => this.closed());
  }
}

/** A connection behind a net.Socket: one that we opened, or TLS. */
export class SocketTransport extends Transport {
  protected readonly handle: StreamHandle | null;
  private readonly socket: net.Socket;

  constructor(socket: net.Socket) {
    super();
    this.socket = socket;
    const handle = (socket as unknown as { _handle: StreamHandle | null })._handle;
    this.handle =
      binding !== null && handle !== null && typeof handle.writeBuffer === 'function' && !('encrypted' in socket)
        ? handle
        : null;
    // Errors of a connection (reset, broken pipe) are the peer's affair: `close` follows and is all that matters.
    socket.on('error', () => {});
    socket.on('close', () => this.closed());
    socket.on('end', () => {
      this.owner.onEnding();
      this.destroy();
    });
  }

  override write(bytes: Uint8Array, lender: Lender | null = null): boolean {
    if (this.handle !== null || this.isClosed) return super.write(bytes, lender);
    this.queuedBytes += bytes.length;
    let isKept = false;
    this.socket.write(bytes, () => {
      if (isKept) lender?.giveBack(bytes);
      this.written(bytes.length);
    });
    isKept = this.socket.writableLength !== 0;
    return !isKept;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  setNoDelay(isOn: boolean): void {
    this.socket.setNoDelay(isOn);
  }

  setKeepAlive(seconds: number): void {
    this.socket.setKeepAlive(true, seconds * 1000);
  }

  protected get remote(): SocketAddress {
    return { address: this.socket.remoteAddress, port: this.socket.remotePort };
  }

  protected get local(): SocketAddress {
    return { address: this.socket.localAddress, port: this.socket.localPort };
  }

  protected finishStream(): void {
    this.socket.end();
    this.socket.destroySoon();
  }

  protected closeStream(): void {
    this.socket.destroy();
  }
}

/** One read buffer for all transports of the process. */
const sharedBytes = makeReadBuffer(LONG_READ_BYTES);
const readBytes = sharedBytes.subarray(0, READ_BYTES);

/**
 * Makes `server` hand out transports that share one read buffer. Call once it listens.
 * @param accept gets each transport; it sets the owner before the next turn of the event loop
 */
export function acceptTransports(server: net.Server, accept: (transport: Transport) => void): void {
  const handle = (server as unknown as HandleServer)._handle;
  const stream = binding;
  if (stream === null || handle === null || typeof handle.onconnection !== 'function') {
    server.on('connection', (socket) => accept(wrapSocket(socket)));
    return;
  }
  const localAddress = addressOfAccepted(server);
  handle.onconnection = (status, clientHandle) => {
    if (status !== 0 || clientHandle === undefined) return;
    clientHandle.setNoDelay?.(true);
    const transport = new HandleTransport(stream, clientHandle, localAddress);
    accept(transport);
    transport.resume();
  };
}

/**
 * Our side of all connections that the listener accepts, if it listens at one address: CLIENT LIST of thousands need not ask the kernel for each, 3 µs a
 * time. Empty if it listens at all of them, or is no TCP listener.
 */
function addressOfAccepted(server: net.Server): string {
  const at = server.address();
  const isOneAddress = at !== null && typeof at === 'object' && at.address !== '0.0.0.0' && at.address !== '::';
  return isOneAddress ? formatAddress(at) : '';
}

/**
 * Has what arrives handed to the owner without the way through net.Socket (its timer, its state, its own callback: 0.3 µs a read); the end of the
 * stream and errors still go that way.
 */
function readDirectly(stream: StreamBinding, handle: StreamHandle, transport: Transport): void {
  const { onread } = handle;
  if (typeof onread !== 'function') return;
  const { streamBaseState, kReadBytesOrError } = stream;
  handle.onread = (data) => {
    const length = streamBaseState[kReadBytesOrError];
    if (length > 0 && data === undefined) {
      transport.owner.onBytes(sharedBytes, length);
      return undefined;
    }
    transport.owner.onEnding();
    return onread.call(handle, data);
  };
}

/**
 * Connects to a server as a client that reads into the shared buffer, too.
 * @param connected  gets the transport, or the error that `connect` met; it sets the owner before it returns
 * @returns          what gives up the attempt: neither is called then
 */
export function connectTransport(
  options: net.NetConnectOpts,
  connected: (transport: Transport | null, error: Error | null) => void,
): { destroy(): void } {
  let transport: Transport | null = null;
  const socket = net.connect({
    ...options,
    onread: {
      buffer: readBytes,
      callback: (length: number) => {
        transport?.owner.onBytes(sharedBytes, length);
        return true;
      },
    },
  });
  const onError = (error: Error): void => connected(null, error);
  socket.once('error', onError);
  socket.once('connect', () => {
    socket.off('error', onError);
    socket.setNoDelay(true);
    transport = new SocketTransport(socket);
    const handle = (socket as unknown as { _handle: StreamHandle | null })._handle;
    if (binding !== null && handle !== null) readDirectly(binding, handle, transport);
    connected(transport, null);
  });
  return socket;
}

/** A transport over a socket that exists already (TLS, or connected by us): reads come as buffers of their own. */
export function wrapSocket(socket: net.Socket): Transport {
  socket.setNoDelay(true);
  const transport = new SocketTransport(socket);
  socket.on('data', (bytes) =>
    transport.owner.onBytes(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length),
  );
  return transport;
}

function formatAddress({ address, port }: SocketAddress): string {
  if (address === undefined) return '';
  // A dual-stack listener sees IPv4 peers as mapped addresses.
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
