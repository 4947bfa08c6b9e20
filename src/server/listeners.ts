/**
 * Where clients come in: TCP listeners by `bind` and `port`, the Unix socket, and the admission of each connection.
 *
 * Admission, in this order (spec server.md section 1.4): maxclients, protected mode, then the connection counts as received. A refused client gets
 * one line and is closed. `bind` addresses with a leading `-` may be missing on this machine; `*` is all IPv4, `::*` all IPv6 addresses.
 */
import { chmodSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import { strerror } from '../persistence/file-system.js';
import { setAuthenticated } from './authentication.js';
import type { Config } from './config/config.js';
import { IS_UNIX_SOCKET } from './connection-flags.js';
import type { Server } from './server.js';
import { acceptTransports, type Transport } from './transport.js';

const PROTECTED_MODE_ERROR =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. ' +
  'In this mode connections are only accepted from the loopback interface. ' +
  'If you want to connect from external computers to Redis you may adopt one of the following solutions: ' +
  "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, " +
  'however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. ' +
  "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
  "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
  '4) Setup a an authentication password for the default user. ' +
  'NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n';

const MISSING_ADDRESS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND', 'EPROTONOSUPPORT']);

const NO_ADDRESSES: readonly string[] = [];

/** A place to listen at, as `bind` and `port` name it. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The address as the operator wrote it, for the log. */
  readonly name: string;
  /** It may be missing on this machine. */
  readonly isOptional: boolean;
}

export class Listeners {
  receivedCount = 0;
  rejectedCount = 0;
  private readonly server: Server;
  private readonly config: Config;
  private tcp: { readonly at: Endpoint; readonly listener: net.Server }[] = [];
  private unix: net.Server | null = null;
  /** What `infoText` has told, and of what. */
  private shown = { bind: NO_ADDRESSES, port: 0, kinds: 0, text: '' };

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    config.onChange('port', () => this.reopenTcp('Unable to listen on this port. Check server logs.'));
    config.onChange('bind', () => this.reopenTcp('Failed to bind to specified addresses.'));
    config.onChange('proto-max-bulk-len', () => {
      for (const { state } of server.connections.values()) state.bulkBytesMax = config.values.protoMaxBulkLen;
      return null;
    });
    config.onChange('requirepass', () => {
      // A new password concerns new connections; where none is asked for any more nobody is kept waiting for it.
      if (config.values.requirepass === '')
        for (const connection of server.connections.values()) setAuthenticated(connection, true);
      return null;
    });
  }

  /** Opens all listeners. @throws Error with the line for the log when one that must be there cannot be opened */
  async open(): Promise<void> {
    const { port, unixsocket } = this.config.values;
    try {
      for (const at of this.endpoints()) await this.openTcp(at);
    } catch (error) {
      throw new Error(`Failed listening on port ${port} (tcp), aborting.`, { cause: error });
    }
    if (unixsocket !== '') await this.openUnix(unixsocket);
    if (this.tcp.length === 0 && this.unix === null) throw new Error('Configured to not listen anywhere, exiting.');
  }

  close(): void {
    for (const { listener } of this.tcp) listener.close();
    this.tcp = [];
    if (this.unix === null) return;
    this.unix.close();
    this.unix = null;
    this.server.log.notice('Removing the unix socket file.');
    removeFile(this.config.values.unixsocket);
  }

  /** A line per kind of listener, as INFO server shows it. */
  infoText(): string {
    const { bind, port, unixsocket } = this.config.values;
    const kinds = (this.tcp.length > 0 ? 1 : 0) | (this.unix !== null ? 2 : 0);
    if (bind === this.shown.bind && port === this.shown.port && kinds === this.shown.kinds) return this.shown.text;
    let count = 0;
    let text = '';
    if (this.tcp.length > 0)
      text += `listener${count++}:name=tcp,${bind.map((address) => `bind=${address},`).join('')}port=${port}\r\n`;
    if (this.unix !== null) text += `listener${count++}:name=unix,bind=${unixsocket}\r\n`;
    this.shown = { bind, port, kinds, text };
    return text;
  }

  private endpoints(): Endpoint[] {
    const { port, bind } = this.config.values;
    if (port === 0) return [];
    return bind.map((address) => {
      const isOptional = address.startsWith('-');
      const name = isOptional ? address.slice(1) : address;
      const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
      return { host, port, name, isOptional };
    });
  }

  /**
   * Listens where the configuration says now. What stays the same is not touched; connections stay in any case. If a place cannot be had, all is
   * as before. @returns `refusal` in that case, or null
   */
  private async reopenTcp(refusal: string): Promise<string | null> {
    const wanted = this.endpoints();
    const isWanted = ({ host, port }: Endpoint): boolean => wanted.some((at) => at.host === host && at.port === port);
    const isOpen = ({ host, port }: Endpoint): boolean =>
      this.tcp.some(({ at }) => at.host === host && at.port === port);
    const old = this.tcp.map(({ at }) => at);
    // `*` and one address cannot be listened at together, so what goes must go first.
    this.closeTcp((at) => !isWanted(at) && wanted.some(({ port }) => port === at.port));
    try {
      for (const at of wanted) if (!isOpen(at)) await this.openTcp(at);
    } catch {
      this.closeTcp((at) => !old.includes(at));
      for (const at of old) if (!isOpen(at)) await this.openTcp(at).catch(() => {});
      return refusal;
    }
    this.closeTcp((at) => !isWanted(at));
    return null;
  }

  private closeTcp(isToClose: (at: Endpoint) => boolean): void {
    for (const { at, listener } of this.tcp) if (isToClose(at)) listener.close();
    this.tcp = this.tcp.filter(({ at }) => !isToClose(at));
  }

  /** @throws Error of the system, unless the endpoint is optional and simply not there */
  private async openTcp(at: Endpoint): Promise<void> {
    const { host, port, name, isOptional } = at;
    try {
      const options = { host, port, backlog: this.config.values.tcpBacklog, ipv6Only: host.includes(':') };
      this.tcp.push({ at, listener: await this.listen(options, '') });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.server.log.warning(
        `Warning: Could not create server TCP listening socket ${name}:${port}: bind: ${strerror(error)}`,
      );
      if (!(isOptional && MISSING_ADDRESS.has(code ?? ''))) throw error;
    }
  }

  private async openUnix(path: string): Promise<void> {
    removeFile(path);
    try {
      this.unix = await this.listen({ path, backlog: this.config.values.tcpBacklog }, path);
    } catch (error) {
      this.server.log.warning(`Failed opening Unix socket: bind: ${strerror(error)}`);
      throw new Error('Failed listening on unix socket, aborting.', { cause: error });
    }
    if (this.config.values.unixsocketperm !== 0) chmodSync(path, this.config.values.unixsocketperm);
  }

  private listen(options: net.ListenOptions, path: string): Promise<net.Server> {
    return new Promise((resolve, reject) => {
      const listener = net.createServer();
      listener.once('error', reject);
      listener.listen(options, () => {
        listener.off('error', reject);
        acceptTransports(listener, (transport) => this.admit(transport, path));
        resolve(listener);
      });
    });
  }

  private admit(transport: Transport, path: string): void {
    const { server, config } = this;
    const { values } = config;
    transport.localPath = path;
    if (server.connections.size + server.clusterLinkCount() >= values.maxclients) {
      const what = server.cluster === null ? 'clients' : 'clients + cluster connections';
      return this.refuse(transport, `-ERR max number of ${what} reached\r\n`);
    }
    if (values.protectedMode && values.requirepass === '' && path === '' && !isLoopback(transport.remoteHost)) {
      return this.refuse(transport, PROTECTED_MODE_ERROR);
    }
    this.receivedCount++;
    server.acceptBurst.noteAccepted();
    if (path === '' && values.tcpKeepalive > 0) transport.setKeepAlive(values.tcpKeepalive);
    const connection = server.accept(transport);
    if (path !== '') connection.flags |= IS_UNIX_SOCKET;
    if (values.requirepass !== '') setAuthenticated(connection, false);
    connection.state.bulkBytesMax = values.protoMaxBulkLen;
  }

  private refuse(transport: Transport, line: string): void {
    this.rejectedCount++;
    transport.write(Uint8Array.from(Buffer.from(line)));
    transport.end();
  }
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there; whether the name can be used, listening will tell.
  }
}
