/**
 * How to reach the server, as the options of a tool give it, and opening connections by it. The interactive shell greets step by step and lives on when
 * AUTH is refused (session.ts); everything else takes `openConnection`, for which a refused greeting is a failed connection.
 */
import { ClientError } from '../client/client-error.js';
import { RespClient, type RespClientOptions } from '../client/resp-client.js';
import { strerror } from '../persistence/file-system.js';
import { ReplyError } from '../resp/reply-reader.js';
import { type TlsSettings, TlsSetupError, tlsOptions } from './tls-settings.js';

export interface ConnectionSettings {
  host: string;
  port: number;
  /** Path of a Unix socket; host and port do not count then. */
  socketPath: string | null;
  /** Counts only with a password. */
  username: string | null;
  password: string | null;
  /** null: no encryption. */
  tls: TlsSettings | null;
  protocol: 2 | 3;
  database: number;
  /** 0: as long as the operating system tries. */
  connectTimeoutMs: number;
}

/** What the options start from. A new record each time: the caller changes it. */
export function defaultConnection(): ConnectionSettings {
  return {
    host: '127.0.0.1',
    port: 6379,
    socketPath: null,
    username: null,
    password: null,
    tls: null,
    protocol: 2,
    database: 0,
    connectTimeoutMs: 0,
  };
}

/** The host that a word names: an IPv6 address may stand in brackets, as it does in a URI. */
export function hostOf(word: string): string {
  return /^\[(.*)\]$/.exec(word)?.[1] ?? word;
}

/** The same way to connect (credentials, TLS, protocol), to another node. */
export function atNode(settings: ConnectionSettings, host: string, port: number): ConnectionSettings {
  return { ...settings, host, port, socketPath: null };
}

/**
 * Connects and greets: AUTH, SELECT, HELLO as the settings want. Rejects with a ClientError (not reached), a ReplyError (greeting refused) or a
 * TlsSetupError (certificate files unusable); `connectErrorLine` words each of them.
 */
export async function openConnection(
  settings: ConnectionSettings,
  overrides: RespClientOptions = {},
): Promise<RespClient> {
  const { username, password } = settings;
  return RespClient.connect({
    ...(await socketOptions(settings)),
    protocol: settings.protocol,
    database: settings.database,
    ...(password === null ? {} : { password }),
    ...(password === null || username === null ? {} : { username }),
    ...overrides,
  });
}

/** The part of the options that says where and how to connect, without the greeting. */
export async function socketOptions(settings: ConnectionSettings): Promise<RespClientOptions> {
  const { host, port, socketPath, tls, connectTimeoutMs } = settings;
  return {
    ...(socketPath === null ? { host, port } : { path: socketPath }),
    ...(tls === null ? {} : { tls: await tlsOptions(tls) }),
    connectTimeoutMs,
  };
}

/** `host:port`, or the socket's path. */
export function addressText({ host, port, socketPath }: ConnectionSettings): string {
  return socketPath ?? `${host}:${port}`;
}

/** The line that tells why there is no connection, without line end: `Could not connect to Redis at 127.0.0.1:6379: Connection refused`. */
export function connectErrorLine(settings: ConnectionSettings, error: unknown): string {
  if (error instanceof ReplyError) return `AUTH failed: ${error.message}`;
  if (error instanceof TlsSetupError) return `Could not negotiate a TLS connection: ${error.message}`;
  return `Could not connect to Redis at ${addressText(settings)}: ${systemErrorText(error)}`;
}

/** What the operating system, or OpenSSL, says about a connection that failed: `Connection refused`. */
export function systemErrorText(error: unknown): string {
  if (error instanceof ClientError) {
    if (error.code === 'CONNECT_TIMEOUT') return 'Connection timed out';
    if (error.code === 'CONNECTION_CLOSED' && error.cause === undefined) return 'Server closed the connection';
    return error.cause === undefined ? error.message : systemErrorText(error.cause);
  }
  // A name with several addresses fails with all their errors; the last one tried counts.
  if (error instanceof AggregateError && error.errors.length > 0) return systemErrorText(error.errors.at(-1));
  if (!(error instanceof Error)) return String(error);
  if ('reason' in error && typeof error.reason === 'string') return `SSL_connect failed: ${error.reason}`;
  const code = 'code' in error ? String(error.code) : '';
  if (CERTIFICATE_CODES.test(code)) return `SSL_connect failed: certificate verify failed (${error.message})`;
  return RESOLVER_TEXTS[code] ?? strerror(error);
}

/** Codes that Node gives to what OpenSSL's verification found: SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_HAS_EXPIRED … */
const CERTIFICATE_CODES = /CERT|ISSUER|CRL|CHAIN|LEAF/;

/** Texts of gai_strerror(3) for the codes with which Node reports a name that cannot be resolved. */
const RESOLVER_TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
  EAI_FAIL: 'Non-recoverable failure in name resolution',
  EHOSTUNREACH: 'No route to host',
  EPIPE: 'Broken pipe',
};
