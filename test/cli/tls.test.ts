/** Encrypted connections to a real redis-server, beside the real redis-cli where that speaks TLS. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort } from '../support/ports.js';
import { ourBenchmark, ourCli, realCli, runTool, type ToolOptions } from '../support/run-tool.js';
import { ServerProcess, temporaryFolder } from '../support/server-process.js';
import { needs } from '../support/tools.js';

const folder = temporaryFolder('tls');
const file = (name: string): string => join(folder, name);

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
}

/** A certificate of the authority `ca`, and its key. */
function makeCertificate(name: string): void {
  const keyType = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  if (name === 'ca') {
    openssl('req', '-x509', ...keyType, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=ca');
    return;
  }
  openssl('req', ...keyType, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key'],
    ...['-CAcreateserial', '-out', `${name}.crt`, '-days', '2'],
  );
}

suite('TLS', { skip: needs('redis-server', 'redis-cli', 'openssl', 'slotmesh') }, () => {
  let server: ServerProcess | undefined;
  let port: number;

  before(async () => {
    for (const name of ['ca', 'server', 'client']) makeCertificate(name);
    port = await freePort();
    server = await ServerProcess.start({
      kind: 'redis',
      config: {
        'tls-port': port,
        'tls-cert-file': file('server.crt'),
        'tls-key-file': file('server.key'),
        'tls-ca-cert-file': file('ca.crt'),
        'tls-auth-clients': 'optional',
      },
    });
  });
  after(() => server?.dispose());

  const run = (args: readonly string[], options: ToolOptions = {}) =>
    runTool(ourCli, ['-p', port, ...args], { cwd: folder, ...options });

  test('a server is trusted by its authority, or without asking; TLS 1.2 and 1.3, with and without our own certificate', async () => {
    for (const words of [
      '--tls --cacert ca.crt',
      '--tls --cacertdir .',
      '--tls --insecure',
      '--tls --cacert ca.crt --cert client.crt --key client.key --sni server',
      '--tls --cacert ca.crt --tls-ciphersuites TLS_AES_128_GCM_SHA256',
      '--tls --cacert ca.crt --tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256',
      '-u rediss://127.0.0.1 --cacert ca.crt',
    ]) {
      const [first, ...rest] = words.split(' ');
      const args = first === '-u' ? [first, `${rest[0]}:${port}`, ...rest.slice(1)] : [first!, ...rest];
      assert.deepEqual(await run([...args, 'ping']), { code: 0, stdout: 'PONG\n', stderr: '' }, words);
    }
  });

  test('modes that take the connection over', async () => {
    const options = ['--tls', '--cacert', 'ca.crt'];
    const piped = await run([...options, '--pipe'], { input: 'set a b\r\nget a\r\n' });
    assert.match(piped.stdout, /errors: 0, replies: 2\n$/);
    const { code, stderr } = await run([...options, '--rdb', 'dump.rdb']);
    assert.equal(code, 0, stderr);
  });

  test('the benchmark, in one thread and in two; what it cannot trust it does not load', async () => {
    const load = (...args: string[]) =>
      runTool(ourBenchmark, ['-p', port, '--tls', ...args, '-n', '40', '-c', '4', '-q', '-t', 'set'], { cwd: folder });
    for (const threads of [[], ['--threads', '2']]) {
      await server!.call('CONFIG', 'RESETSTAT');
      const { code, stdout, stderr } = await load('--cacert', 'ca.crt', ...threads);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /SET: [\d.]+ requests per second, p50=[\d.]+ msec\n/);
      assert.match(await server!.text('INFO', 'commandstats'), /cmdstat_set:calls=40,/);
    }
    const refused = await load();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /SSL_connect failed: certificate verify failed/);
  });

  test('what cannot be used or trusted is told in the words of redis-cli', async () => {
    for (const words of [
      '--cacert nofile',
      '--cacert ca.crt --cert nofile',
      '--cacert ca.crt --cert client.crt --key nofile',
      '--cacert ca.crt --cert client.crt --key server.key',
      '--cacert ca.crt --tls-ciphers bogus',
      '--cacert ca.crt --tls-ciphersuites bogus',
      '',
    ]) {
      const args = ['--tls', ...words.split(' ').filter((word) => word !== ''), 'ping'];
      const expected = await runTool(realCli, ['-p', port, ...args], { cwd: folder });
      const actual = await run(args);
      assert.equal(actual.code, expected.code);
      // The real one tells some twice, and does not give the reason why a certificate is not trusted.
      const [expectedLine] = expected.stderr.split('\n');
      assert.equal(actual.stderr.replace(/ \(.*\)\n$/, '\n'), `${expectedLine}\n`, words);
    }
  });
});
