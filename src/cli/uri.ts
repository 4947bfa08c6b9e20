/**
 * `redis://[[user:]password@][host[:port]][/db]` and `rediss://` (TLS). What is missing keeps its value. The first `@` ends the credentials, which are
 * percent-encoded. An IPv6 address stands in brackets. Source: spec/cli.md section 1.6.
 */
import { atoi } from './c-numbers.js';
import { UsageError } from './command-line.js';
import type { ConnectionLine } from './connection-options.js';

export function applyUri(line: ConnectionLine, uri: string): void {
  const scheme = /^rediss?:\/\//i.exec(uri)?.[0];
  if (scheme === undefined) throw new UsageError('Invalid URI scheme');
  const { connection } = line;
  if (scheme.length === 'rediss://'.length) connection.tls = line.tls;
  let rest = uri.slice(scheme.length);
  const at = rest.indexOf('@');
  if (at >= 0) {
    const credentials = rest.slice(0, at);
    const colon = credentials.indexOf(':');
    if (colon >= 0) connection.username = percentDecode(credentials.slice(0, colon));
    connection.password = percentDecode(credentials.slice(colon + 1));
    line.hasPasswordOption = true;
    rest = rest.slice(at + 1);
  }
  const [, bracketed, plain, port, path] = /^(?:\[([^\]]*)\]|([^:/]*))(?::([^/]*))?(?:\/(.*))?/s.exec(rest)!;
  const host = bracketed ?? plain ?? '';
  if (host !== '') connection.host = host;
  if (port !== undefined) connection.port = atoi(port);
  if (path !== undefined && path !== '') connection.database = atoi(path);
}

function percentDecode(text: string): string {
  const bytes: number[] = [];
  const encoded = Buffer.from(text).toString('latin1');
  for (let at = 0; at < encoded.length; at++) {
    if (encoded[at] !== '%') {
      bytes.push(encoded.charCodeAt(at));
      continue;
    }
    if (at + 1 === encoded.length) throw new UsageError('Incomplete URI encoding');
    const hex = encoded.slice(at + 1, at + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) throw new UsageError('Illegal character in URI encoding');
    bytes.push(Number.parseInt(hex, 16));
    at += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}
