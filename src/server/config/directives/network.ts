/** Listening, clients and TLS. Columns: default, range, what it does. */
import { isIP } from 'node:net';
import { bool, enumeration, integer, memory, memoryOrPercent, octal, path, string } from '../kinds.js';
import { INT32_MAX, INT64_MAX, UINT32_MAX } from '../numbers.js';
import { bindAddresses, outputLimits } from '../special.js';

const MB = 1024 * 1024;
const PORT = [0n, 65535n] as const;
const COUNT = [0n, INT32_MAX] as const;

/** TLS sockets do not exist here yet. A listener or link that was asked to be encrypted must not silently be plain text. */
const noTls = (wanted: boolean | number) => (wanted ? 'Unable to update TLS configuration. Check server logs.' : null);
const tls = { effect: 'kept' } as const;
const noTlsYet = { ...tls, check: noTls, note: 'TLS is not there yet; turning it on is refused.' } as const;
const tlsFile = { ...tls, reapplied: true } as const;

export const networkDirectives = {
  bind: bindAddresses(['*', '-::*'], 'Addresses to listen on; `-` before one: it may be missing on this machine'),
  'bind-source-addr': string('', 'Local address of outgoing connections', {
    check: (text) => (text === '' || isIP(text) !== 0 ? null : 'argument must be an IP address'),
  }),
  port: integer(6379, PORT, 'TCP port for clients; 0: none'),
  unixsocket: path('', 'Path of a unix socket for clients; empty: none', { immutable: true }),
  unixsocketperm: octal(0, 0o777n, 'Mode of the unix socket; 0: as the umask has it', { immutable: true }),
  'tcp-backlog': integer(511, COUNT, 'Length of the queue of connections not yet accepted', { immutable: true }),
  'tcp-keepalive': integer(300, COUNT, 'Seconds between keep-alive probes on idle connections; 0: none'),
  'protected-mode': bool(true, 'Without a password and explicit `bind`, only local clients are served'),
  timeout: integer(0, COUNT, 'Seconds after which an idle client is disconnected; 0: never'),
  maxclients: integer(10000, [1n, UINT32_MAX], 'Most clients connected at once'),
  'maxmemory-clients': memoryOrPercent(
    INT64_MAX,
    'Memory of all clients together beyond which the largest are disconnected; 0: no limit',
  ),
  'client-query-buffer-limit': memory(1024 * MB, [1024n * 1024n, INT64_MAX], 'Longest query buffer of one client'),
  'client-output-buffer-limit': outputLimits(
    {
      normal: { hard: 0, soft: 0, softSeconds: 0 },
      replica: { hard: 256 * MB, soft: 64 * MB, softSeconds: 60 },
      pubsub: { hard: 32 * MB, soft: 8 * MB, softSeconds: 60 },
    },
    'Pending replies beyond which a client of that class is disconnected',
  ),
  'proto-max-bulk-len': memory(
    512 * MB,
    [1024n * 1024n, INT64_MAX],
    'Longest argument of a command, and longest string',
  ),
  'tracking-table-max-keys': integer(1_000_000, [0n, INT64_MAX], 'Most keys that client-side caching remembers', {
    effect: 'kept',
  }),
  'io-threads': integer(1, [1n, 128n], 'Threads for reading and writing sockets', {
    immutable: true,
    effect: 'kept',
    note: 'All clients are served by one thread.',
  }),
  'io-threads-do-reads': bool(false, 'Whether these threads read, too', { immutable: true, effect: 'kept' }),
  'socket-mark-id': integer(0, [0n, UINT32_MAX], 'Mark on sockets, for routing and filtering', {
    immutable: true,
    effect: 'kept',
    note: 'Node.js has no way to mark a socket.',
  }),

  'tls-port': integer(0, PORT, 'TCP port for TLS clients; 0: none', noTlsYet),
  'tls-cluster': bool(false, 'TLS on the cluster bus', noTlsYet),
  'tls-replication': bool(false, 'TLS towards the primary', noTlsYet),
  'tls-auth-clients': enumeration(['no', 'yes', 'optional'], 'yes', 'Whether clients must show a certificate', tls),
  'tls-cert-file': path('', 'Certificate', tlsFile),
  'tls-key-file': path('', 'Private key of the certificate', tlsFile),
  'tls-key-file-pass': string('', 'Passphrase of the private key', tls),
  'tls-client-cert-file': path('', 'Certificate for outgoing connections', tlsFile),
  'tls-client-key-file': path('', 'Private key for outgoing connections', tlsFile),
  'tls-client-key-file-pass': string('', 'Passphrase of that key', tls),
  'tls-ca-cert-file': path('', 'Certificates of trusted authorities', tlsFile),
  'tls-ca-cert-dir': path('', 'Directory with certificates of trusted authorities', tlsFile),
  'tls-dh-params-file': path('', 'Diffie-Hellman parameters', tlsFile),
  'tls-protocols': string('', 'TLS versions to accept', tls),
  'tls-ciphers': string('', 'Ciphers up to TLS 1.2', tls),
  'tls-ciphersuites': string('', 'Cipher suites of TLS 1.3', tls),
  'tls-prefer-server-ciphers': bool(false, "Whether the server's order of ciphers counts", tls),
  'tls-session-caching': bool(true, 'Whether TLS sessions may be resumed', tls),
  'tls-session-cache-size': integer(20480, COUNT, 'Most TLS sessions remembered', tls),
  'tls-session-cache-timeout': integer(300, COUNT, 'Seconds for which a TLS session is remembered', tls),
};
