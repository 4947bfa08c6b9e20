/**
 * TLS options of the tools, and their files read into what Node's `tls.connect` takes. Versions below TLS 1.2 are not offered, as Node does by default;
 * the peer's chain is verified, its host name is not (redis-cli does not either: nodes are known by addresses).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';

/** null stands for "not given". */
export interface TlsSettings {
  serverName: string | null;
  caFile: string | null;
  caFolder: string | null;
  /** Do not verify the server's certificate. */
  isInsecure: boolean;
  certFile: string | null;
  keyFile: string | null;
  /** OpenSSL cipher list, TLS 1.2. */
  ciphers: string | null;
  /** TLS 1.3. */
  cipherSuites: string | null;
}

export function defaultTls(): TlsSettings {
  return {
    serverName: null,
    caFile: null,
    caFolder: null,
    isInsecure: false,
    certFile: null,
    keyFile: null,
    ciphers: null,
    cipherSuites: null,
  };
}

/** A certificate file or cipher list that cannot be used; the message has redis-cli's words. */
export class TlsSetupError extends Error {
  readonly code = 'TLS_SETUP';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TlsSetupError';
  }
}

/** TLS 1.3 has its own names; OpenSSL knows them by this beginning. */
const TLS13_SUITE = /^TLS_/;

/** Reads the files and checks that TLS can use them. Throws TlsSetupError. */
export async function tlsOptions(settings: TlsSettings): Promise<ConnectionOptions> {
  const { createSecureContext, rootCertificates } = await import('node:tls');
  const { serverName, caFile, caFolder, certFile, keyFile } = settings;
  const ca = [
    ...(caFile === null ? [] : [readOr('Invalid CA Certificate File/Directory', caFile)]),
    ...(caFolder === null ? [] : readFolder(caFolder)),
  ];
  if (settings.cipherSuites?.split(':').some((name) => !TLS13_SUITE.test(name)))
    throw new TlsSetupError('Error while setting cypher suites');
  const cipherList = [settings.cipherSuites, settings.ciphers].filter((list) => list !== null).join(':');
  let own: ConnectionOptions = {};
  /** Takes the options over if OpenSSL can use them together with those taken before. */
  const take = (problem: string, options: ConnectionOptions): void => {
    own = { ...own, ...options };
    try {
      createSecureContext(own);
    } catch (error) {
      throw new TlsSetupError(problem, error);
    }
  };
  if (certFile !== null) take('Invalid client certificate', { cert: readOr('Invalid client certificate', certFile) });
  if (keyFile !== null) take('Invalid private key', { key: readOr('Invalid private key', keyFile) });
  if (cipherList !== '') take('Error while configuring ciphers', { ciphers: cipherList });
  if (ca.length > 0) take('Invalid CA Certificate File/Directory', { ca });
  return {
    ...own,
    ca: ca.length > 0 ? ca : systemRoots(rootCertificates),
    rejectUnauthorized: !settings.isInsecure,
    checkServerIdentity: () => undefined,
    ...(serverName === null ? {} : { servername: serverName }),
  };
}

/** Where distributions keep the certificates that the machine trusts. Node has a list of its own, which an administrator cannot extend. */
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

function systemRoots(builtIn: readonly string[]): (string | Buffer)[] {
  for (const path of SYSTEM_BUNDLES) {
    try {
      return [readFileSync(path)];
    } catch {
      // Not this distribution.
    }
  }
  return [...builtIn];
}

function readFolder(folder: string): Buffer[] {
  try {
    const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const contents = names.map(({ name }) => readFileSync(join(folder, name)));
    return contents.filter((content) => content.includes('CERTIFICATE-----'));
  } catch (error) {
    throw new TlsSetupError('Invalid CA Certificate File/Directory', error);
  }
}

function readOr(problem: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TlsSetupError(problem, error);
  }
}
