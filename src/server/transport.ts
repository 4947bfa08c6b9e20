/**
 * The thin layer between a connection and its socket: one shared read buffer for all, writes that go straight to the kernel.
 *
 * Reads use net.Socket's `onread` with one buffer for every socket: what arrives must be consumed, or copied, before the callback returns.
 * Writes go to the socket's handle: `socket.write` builds a request object, a callback and stream state per call, which costs more than the system
 * call itself (4 µs against 1.5 µs for a short reply). Where the handle or the engine's stream binding is not what we know, or the socket is TLS,
 * `socket.write` is used.
 *
 * Invariants: (1) bytes given to `write` leave in order; (2) after `write` returns true the caller may reuse the bytes, after false they belong to
 * the transport; (3) `queuedBytes` counts what the kernel has not taken yet; (4) `onClosed` fires exactly once.
 */
import net from 'node:net';

/** Bytes of the shared read buffer: one read gets at most this much. */
const READ_BYTES = 64 * 1024;

interface StreamBinding {
  WriteWrap: new () => WriteRequest;
  kReadBytesOrError: number;
  kLastWriteWasAsync: number;
  streamBaseState: Int32Array;
}

interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  handle: unknown;
  bytes: Uint8Array | null;
}

interface StreamHandle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  onread?: (this: StreamHandle, data: ArrayBuffer | undefined) => unknown;
  setNoDelay?(on: boolean): number;
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
  /** Bytes `bytes[0 … length)` arrived; the buffer is used again after the return. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** No more bytes will arrive; `onClosed` follows. */
  onEnding(): void;
  /** The kernel took everything that was queued. */
  onDrained(): void;
  onClosed(): void;
}

const NO_OWNER: TransportOwner = { onBytes() {}, onEnding() {}, onDrained() {}, onClosed() {} };

export class Transport {
  owner: TransportOwner = NO_OWNER;
  queuedBytes = 0;
  isClosed = false;
  readonly socket: net.Socket;
  private readonly handle: StreamHandle | null;
  private request: WriteRequest | null = null;
  private endsWhenDrained = false;
  /** Path of the Unix socket that the peer connected to, if it is one. */
  localPath = '';

  constructor(socket: net.Socket) {
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

  /** @returns true when the kernel took all; false when `bytes` were kept (or dropped, as the peer is gone) and are the transport's now */
  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true;
    if (this.handle === null || binding === null) return this.writeSlowly(bytes);
    const request = this.request ?? this.newRequest(binding);
    this.request = null;
    const error = this.handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.destroy();
      return true;
    }
    if (binding.streamBaseState[binding.kLastWriteWasAsync] === 0) {
      this.request = request;
      return true;
    }
    request.bytes = bytes;
    this.queuedBytes += bytes.length;
    return false;
  }

  /** Closes once everything queued has been written. */
  end(): void {
    if (this.isClosed) return;
    if (this.queuedBytes === 0) {
      this.socket.end();
      this.socket.destroySoon();
    } else {
      this.endsWhenDrained = true;
    }
  }

  /** Closes at once. */
  destroy(): void {
    if (!this.isClosed) this.socket.destroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** `ip:port` of the peer (`[ip]:port` for IPv6); empty for a Unix socket. */
  get remoteAddress(): string {
    return formatAddress(this.socket.remoteAddress, this.socket.remotePort);
  }

  get localAddress(): string {
    return formatAddress(this.socket.localAddress, this.socket.localPort);
  }

  /** The socket's file descriptor, −1 if unknown. */
  get descriptor(): number {
    return (this.handle as { fd?: number } | null)?.fd ?? -1;
  }

  private newRequest(stream: StreamBinding): WriteRequest {
    const request = new stream.WriteWrap();
    request.handle = this.handle;
    request.bytes = null;
    request.oncomplete = (status) => {
      const count = request.bytes?.length ?? 0;
      request.bytes = null;
      this.written(count);
      if (status !== 0) this.destroy();
    };
    return request;
  }

  private writeSlowly(bytes: Uint8Array): boolean {
    const count = bytes.length;
    this.queuedBytes += count;
    this.socket.write(bytes, () => this.written(count));
    if (this.socket.writableLength > 0) return false;
    return true;
  }

  private written(count: number): void {
    this.queuedBytes -= count;
    if (this.queuedBytes > 0 || this.isClosed) return;
    if (this.endsWhenDrained) this.end();
    else this.owner.onDrained();
  }

  private closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.onClosed();
  }
}

/** One read buffer for all transports of the process. */
const sharedBytes = new Uint8Array(READ_BYTES);

/**
 * Makes `server` hand out transports that share one read buffer. Call once it listens.
 * @param accept gets each transport; it sets the owner before the next turn of the event loop
 */
export function acceptTransports(server: net.Server, accept: (transport: Transport) => void): void {
  const handle = (server as unknown as HandleServer)._handle;
  if (handle === null || typeof handle.onconnection !== 'function') {
    server.on('connection', (socket) => accept(wrapSocket(socket)));
    return;
  }
  // net.Server makes its sockets without `onread`, the option that avoids a buffer per read; so the sockets are made here.
  handle.onconnection = (status, clientHandle) => {
    if (status !== 0 || clientHandle === undefined) return;
    clientHandle.setNoDelay?.(true);
    let transport: Transport | null = null;
    const socket = new net.Socket({
      handle: clientHandle,
      onread: {
        buffer: sharedBytes,
        callback: (length: number) => {
          transport?.owner.onBytes(sharedBytes, length);
          return true;
        },
      },
    } as net.SocketConstructorOpts);
    transport = new Transport(socket);
    if (binding !== null) readDirectly(binding, clientHandle, transport);
    accept(transport);
    socket.read(0);
  };
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
 */
export function connectTransport(
  options: net.NetConnectOpts,
  connected: (transport: Transport | null, error: Error | null) => void,
): void {
  let transport: Transport | null = null;
  const socket = net.connect({
    ...options,
    onread: {
      buffer: sharedBytes,
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
    transport = new Transport(socket);
    const handle = (socket as unknown as { _handle: StreamHandle | null })._handle;
    if (binding !== null && handle !== null) readDirectly(binding, handle, transport);
    connected(transport, null);
  });
}

/** A transport over a socket that exists already (TLS, or connected by us): reads come as buffers of their own. */
export function wrapSocket(socket: net.Socket): Transport {
  socket.setNoDelay(true);
  const transport = new Transport(socket);
  socket.on('data', (bytes) =>
    transport.owner.onBytes(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length),
  );
  return transport;
}

function formatAddress(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '';
  // A dual-stack listener sees IPv4 peers as mapped addresses.
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
