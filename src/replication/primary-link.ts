/**
 * The link of a replica to its primary: connecting, the handshake, the image, the stream (spec/replication.md sections 2 to 7).
 *
 *   connect ─tick→ connecting → handshake ─┬─ full ──▶ sync ─image in place─▶ connected
 *      ▲                                   └─ continue ─────────────────────▶ connected
 *      ├── any failure before the verdict: the next tick tries again
 *      └── a failure in sync or connected: tries again at once
 *
 * Invariants: (1) `stream.offset` is behind the last command applied, so a PSYNC can always ask for the byte after it; (2) `resumeDb` is not null iff
 * the data set is that of `stream.id` at `stream.offset`; (3) after `stop` nothing of this link touches anything.
 */
import { encodeCommand } from '../client/encode-command.js';
import { Handshake, type HandshakeStep } from './handshake.js';
import type { PrimarySocket, PrimaryStream, PrimaryStreamListener, ReplicationHost, SocketOwner } from './host.js';
import { beginImageLoad, type ImageLoad } from './image-load.js';
import { ImageReceiver, LineReader, parseImageHeader } from './image-receiver.js';
import type { StreamId } from './stream-id.js';

export type LinkState = 'connect' | 'connecting' | 'handshake' | 'sync' | 'connected';

/** What the link does to the rest of replication. */
export interface PrimaryLinkOwner {
  /** The primary goes on under another id: replicas of ours have to learn it. */
  historyRenamed(): void;
  /** Our data set is about to be another one: replicas of ours have to come again, our backlog is void. */
  detach(): void;
  /** Our data set is now that of the primary; `stream` says where it stands. */
  imageLoaded(): void;
  /** The primary goes on from where we are. */
  resumed(): void;
  /** Commands of the stream were applied: `bytes[start … end)`, to be counted and passed on. */
  relay(bytes: Uint8Array, start: number, end: number): void;
  /** `state` has changed. */
  linkChanged(): void;
  /** The verdict on our PSYNC, if it asked for a failover. */
  failoverAnswered(isAccepted: boolean): void;
}

const PING_LINE_BYTES_MAX = 256;
const HEADER_LINE_BYTES_MAX = 1024;
/** A line that has begun must end within this time. */
const LINE_TIMEOUT_MS = 5000;
const KEEPALIVE_MS = 1000;
const NEWLINE = Buffer.from('\n');

export class PrimaryLink implements SocketOwner, PrimaryStreamListener {
  readonly host: string;
  readonly port: number;
  state: LinkState = 'connect';
  /** Monotonic ms: when the link went down; −∞ if it never was up. */
  downSinceMs = Number.NEGATIVE_INFINITY;
  /** Monotonic ms of the last bytes from the primary, or of the last step. */
  heardAtMs = performance.now();
  /** Database that the stream had selected when the link went down; null: nothing to go on with. */
  resumeDb: number | null;
  /** The next PSYNC asks the primary to take our role: FAILOVER. */
  isFailover = false;
  /** Bytes received from primaries, image included. */
  inputBytes = 0;
  /** Of the image: −1 before its header, 0 if the primary did not tell. */
  imageBytes = -1;
  private readonly server: ReplicationHost;
  private readonly stream: StreamId;
  private readonly owner: PrimaryLinkOwner;
  /** The link before this one; it may still be installing an image. */
  private predecessor: PrimaryLink | null;
  private isStopped = false;
  private cancelConnect: (() => void) | null = null;
  private socket: PrimarySocket | null = null;
  private lines: LineReader | null = null;
  private lineSinceMs = 0;
  private handshake: Handshake | null = null;
  /** The history that an image on its way belongs to. */
  private imageId = '';
  private imageOffset = 0;
  private isPrePsync = false;
  private receiver: ImageReceiver | null = null;
  private load: ImageLoad | null = null;
  /** A complete image is being put in place. That cannot be stopped. */
  isInstalling = false;
  private keepalive: NodeJS.Timeout | null = null;
  private execution: PrimaryStream | null = null;
  /** `stream.offset` when the execution was opened. */
  private baseOffset = 0;

  constructor(
    address: { host: string; port: number },
    server: ReplicationHost,
    stream: StreamId,
    owner: PrimaryLinkOwner,
    resumeDb: number | null,
    predecessor: PrimaryLink | null,
  ) {
    this.host = address.host;
    this.port = address.port;
    this.server = server;
    this.stream = stream;
    this.owner = owner;
    this.resumeDb = resumeDb;
    this.predecessor = predecessor;
  }

  get isConnected(): boolean {
    return this.state === 'connected';
  }

  /** Offsets of the stream: bytes read, and bytes of commands executed, exact even while one runs. */
  get readOffset(): number {
    return this.execution === null ? this.stream.offset : this.baseOffset + this.execution.receivedBytes;
  }

  get appliedOffset(): number {
    return this.execution === null ? this.stream.offset : this.baseOffset + this.execution.appliedBytes;
  }

  get receivedImageBytes(): number {
    return this.receiver?.receivedBytes ?? 0;
  }

  connect(): void {
    if (this.state !== 'connect' || this.isStopped || this.predecessor?.isInstalling) return;
    this.predecessor = null;
    this.server.log.notice(`Connecting to MASTER ${this.host}:${this.port}`);
    this.setState('connecting');
    this.server.log.notice('MASTER <-> REPLICA sync started');
    this.cancelConnect = this.server.connect(this.host, this.port, {
      connected: (socket) => this.connected(socket),
      failed: (reason) => {
        if (this.isStopped) return;
        this.server.log.warning(`Error condition on socket for SYNC: ${reason}`);
        this.abandon(false);
      },
    });
  }

  /** Ends the link for good. @returns what a next link can go on with: see `resumeDb` */
  stop(): number | null {
    this.isStopped = true;
    if (this.isInstalling) this.resumeDb = null;
    else if (this.execution !== null && this.resumeDb !== null) this.resumeDb = this.execution.selectedDb;
    this.release();
    return this.resumeDb;
  }

  /** Drops the connection, if there is one, as if the primary had. */
  drop(): void {
    if (this.execution !== null) {
      const { execution } = this;
      this.closed(true);
      execution.close();
    } else if (this.state !== 'connect') {
      this.abandon(this.state === 'sync');
    }
  }

  /** To be called every second. */
  tick(timeoutMs: number): void {
    switch (this.state) {
      case 'connect':
        return this.connect();
      case 'connecting':
      case 'handshake':
      case 'sync':
        if (!this.isInstalling && this.isOverdue(timeoutMs)) this.startAgain();
        return;
      case 'connected':
        if (performance.now() - this.heardAtMs <= timeoutMs) return this.acknowledge();
        this.server.log.warning('MASTER timeout: no data nor PING received...');
        this.drop();
    }
  }

  /** Whether nothing has come for too long, before the stream, or the rest of a line. */
  private isOverdue(timeoutMs: number): boolean {
    const nowMs = performance.now();
    if (nowMs - this.heardAtMs > timeoutMs) return true;
    return this.lines?.hasPart === true && nowMs - this.lineSinceMs > LINE_TIMEOUT_MS;
  }

  private startAgain(): void {
    this.server.log.warning(
      this.state === 'sync'
        ? "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value."
        : 'Timeout connecting to the MASTER...',
    );
    this.abandon(false);
    this.connect();
  }

  /** Tells the primary how far we are. */
  acknowledge(): void {
    if (this.execution === null || this.isPrePsync) return;
    const fsynced = this.server.fsyncedOffset;
    const words = ['REPLCONF', 'ACK', String(this.appliedOffset)];
    if (fsynced >= 0) words.push('FACK', String(fsynced));
    this.execution.write(encodeCommand(words));
  }

  // --- the socket before the stream

  onBytes(bytes: Uint8Array, length: number): void {
    this.heardAtMs = performance.now();
    this.inputBytes += length;
    let at = 0;
    while (at < length && this.socket !== null) {
      if (this.receiver !== null) {
        at = this.receiveImage(bytes, at, length);
        continue;
      }
      if (this.lines === null) {
        // The stream counts these bytes itself.
        this.inputBytes -= length - at;
        return this.execution!.receive(bytes.slice(at, length), length - at);
      }
      if (!this.lines.hasPart) this.lineSinceMs = this.heardAtMs;
      const next = this.lines.read(bytes, at, length);
      if (next === -1) return;
      if (next === -2) return this.fail('the primary sent a line that is too long');
      at = next;
      this.handleLine(this.lines.take());
    }
  }

  onEnding(): void {}

  onDrained(): void {}

  onClosed(): void {
    this.socket = null;
    if (this.isStopped || this.state === 'connect' || this.isInstalling) return;
    this.server.log.warning(
      this.state === 'sync'
        ? 'I/O error trying to sync with MASTER: connection lost'
        : 'Master closed connection before the handshake was over',
    );
    const wasSync = this.state === 'sync';
    this.abandon(false);
    if (wasSync) this.connect();
  }

  private connected(socket: PrimarySocket): void {
    this.cancelConnect = null;
    if (this.isStopped) return socket.destroy();
    this.socket = socket;
    socket.owner = this;
    this.heardAtMs = performance.now();
    this.server.log.notice('Non blocking connect for SYNC fired the event.');
    this.lines = new LineReader(PING_LINE_BYTES_MAX);
    this.handshake = new Handshake(
      this.server.options,
      () => ({
        resume: this.resumeDb === null ? null : { id: this.stream.id, offset: this.stream.offset + 1 },
        isFailover: this.isFailover,
      }),
      (text) => this.server.log.notice(text),
    );
    this.setState('handshake');
    socket.write(this.handshake.greeting());
  }

  private handleLine(line: string): void {
    if (this.handshake === null) this.handleHeader(line);
    else this.handleStep(this.handshake.line(line));
  }

  private handleStep(step: HandshakeStep): void {
    const { log } = this.server;
    switch (step.kind) {
      case 'wait':
        return;
      case 'send':
        this.socket!.write(step.bytes);
        return;
      case 'failed':
        log.warning(step.reason);
        this.answerFailover(false);
        if (!this.isStopped) this.abandon(false);
        return;
      case 'full':
        log.notice(`Full resync from master: ${step.id}:${step.offset}`);
        this.answerFailover(true);
        this.awaitImage(step.id, step.offset, false);
        return;
      case 'sync':
        if (this.isFailover) {
          this.answerFailover(false);
          if (this.isStopped) return;
        }
        this.socket!.write(step.bytes);
        this.awaitImage('', -1, true);
        return;
      case 'continue':
        this.goOn(step.id);
    }
  }

  private goOn(id: string): void {
    const { log } = this.server;
    if (this.resumeDb === null) {
      // It was asked for everything.
      this.fail('the primary goes on with a stream that was not asked for');
      return;
    }
    log.notice('Successful partial resynchronization with master.');
    if (id !== '' && id !== this.stream.id) {
      this.stream.shift(id);
      log.notice(`Master replication ID changed to ${id}`);
      this.owner.historyRenamed();
    }
    log.notice('MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.');
    this.answerFailover(true);
    this.openStream(this.resumeDb);
    this.owner.resumed();
  }

  // --- the image

  private awaitImage(id: string, offset: number, isPrePsync: boolean): void {
    this.handshake = null;
    this.lines = new LineReader(HEADER_LINE_BYTES_MAX);
    this.imageId = id;
    this.imageOffset = offset;
    this.isPrePsync = isPrePsync;
    this.imageBytes = -1;
    this.setState('sync');
  }

  private handleHeader(line: string): void {
    const { log } = this.server;
    if (line === '') return;
    if (line.startsWith('-')) return this.fail(`MASTER aborted replication with an error: ${line.slice(1)}`);
    const header = parseImageHeader(line);
    if (header === null) {
      return this.fail(
        `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`,
      );
    }
    const load = beginImageLoad({
      host: this.server,
      totalBytes: header.length,
      isSameHistory: this.imageId === this.stream.id,
      detach: () => {
        this.resumeDb = null;
        this.owner.detach();
      },
      onReady: () => this.socket?.resume(),
    });
    const where = load.isParsing ? 'to parser' : 'to disk';
    log.notice(
      header.mark === null
        ? `MASTER <-> REPLICA sync: receiving ${header.length} bytes from master ${where}`
        : `MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF ${where}`,
    );
    this.imageBytes = Math.max(0, header.length);
    this.load = load;
    this.lines = null;
    this.receiver = new ImageReceiver(header, (bytes, start, end) => load.take(bytes, start, end));
    this.keepAlive();
    if (this.receiver.isComplete) this.install(this.receiver, new Uint8Array(0), header.mark !== null);
  }

  /** @returns offset behind the bytes consumed */
  private receiveImage(bytes: Uint8Array, start: number, end: number): number {
    const { receiver, load } = this;
    const at = receiver!.feed(bytes, start, end);
    if (load!.failure !== null) {
      this.fail(`Failed trying to load the MASTER synchronization DB: ${load!.failure}`);
      return end;
    }
    if (receiver!.isComplete) {
      this.install(receiver!, bytes.slice(at, end), receiver!.hasMark);
      return end;
    }
    if (load!.isBusy) this.socket!.pause();
    return at;
  }

  /** @param rest what has arrived of the stream behind the image */
  private install(receiver: ImageReceiver, rest: Uint8Array, hasMark: boolean): void {
    const { server } = this;
    const socket = this.socket!;
    // What the primary sends from now on waits in the kernel.
    socket.pause();
    this.isInstalling = true;
    void this.load!.finish().then((selectedDb) => {
      this.isInstalling = false;
      this.load = null;
      this.receiver = null;
      this.stopKeepalive();
      if (this.isStopped) return;
      if (selectedDb === null) return this.retryNow();
      server.log.notice(`MASTER <-> REPLICA sync: Finished with success (${receiver.receivedBytes} bytes)`);
      this.adoptImage(selectedDb);
      this.owner.imageLoaded();
      if (this.socket === null) return this.retryNow();
      this.openStream(selectedDb);
      if (hasMark) this.acknowledge();
      socket.resume();
      if (rest.length > 0) this.execution!.receive(rest, rest.length);
    });
  }

  private adoptImage(selectedDb: number): void {
    if (this.imageId !== '') {
      this.stream.adopt(this.imageId, this.imageOffset);
      this.resumeDb = selectedDb;
      return;
    }
    // The primary did not say in which history the image stands.
    this.stream.renew();
    this.stream.offset = 0;
    this.resumeDb = null;
  }

  /** The primary must not think that we are dead while we load. */
  private keepAlive(): void {
    this.keepalive = setInterval(() => {
      if (this.isInstalling || this.load?.isParsing) this.socket?.write(NEWLINE);
    }, KEEPALIVE_MS);
  }

  private stopKeepalive(): void {
    if (this.keepalive !== null) clearInterval(this.keepalive);
    this.keepalive = null;
  }

  // --- the stream

  private openStream(selectedDb: number): void {
    this.handshake = null;
    this.lines = null;
    this.baseOffset = this.stream.offset;
    this.heardAtMs = performance.now();
    this.execution = this.server.openStream(this.socket!, selectedDb, this);
    this.setState('connected');
  }

  received(count: number): void {
    this.heardAtMs = performance.now();
    this.inputBytes += count;
  }

  applied(bytes: Uint8Array, start: number, end: number): void {
    this.owner.relay(bytes, start, end);
  }

  closed(canResume: boolean): void {
    const { log } = this.server;
    const selectedDb = this.execution!.selectedDb;
    this.execution = null;
    this.socket = null;
    if (this.isStopped) return;
    log.warning('Connection with master lost.');
    if (canResume && this.resumeDb !== null) {
      log.notice('Caching the disconnected master state.');
      this.resumeDb = selectedDb;
    } else {
      this.resumeDb = null;
    }
    this.retryNow();
  }

  // --- ends

  private fail(reason: string): void {
    this.server.log.warning(reason);
    const wasSync = this.state === 'sync';
    this.abandon(false);
    if (wasSync) this.connect();
  }

  private retryNow(): void {
    this.abandon(true);
  }

  /** Gives the present connection up. */
  private abandon(reconnectsNow: boolean): void {
    this.release();
    this.setState('connect');
    if (reconnectsNow) {
      this.server.log.notice(`Reconnecting to MASTER ${this.host}:${this.port}`);
      this.connect();
    }
  }

  private release(): void {
    this.cancelConnect?.();
    this.cancelConnect = null;
    this.handshake = null;
    this.lines = null;
    this.receiver = null;
    this.stopKeepalive();
    if (this.load !== null && !this.isInstalling) {
      this.load.abort();
      this.load = null;
    }
    const { socket, execution } = this;
    this.execution = null;
    this.socket = null;
    execution?.close();
    if (socket !== null && execution === null) socket.destroy();
  }

  private answerFailover(isAccepted: boolean): void {
    if (!this.isFailover) return;
    this.isFailover = false;
    this.owner.failoverAnswered(isAccepted);
  }

  private setState(state: LinkState): void {
    if (this.state === 'connected' && state !== 'connected') this.downSinceMs = performance.now();
    this.state = state;
    this.owner.linkChanged();
  }
}
