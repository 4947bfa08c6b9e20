// Third part of the build: the engine's code cache of the server's bundle. Node then starts the server with a bit more than half of the CPU time (220 ms instead
// of 400) and 2 MiB less: it finds the functions that a start takes, and those of the first commands of each kind, compiled to bytecode.
//
// The engine compiles a function when it is first called, and what it has compiled by now goes into the cache. So a server runs here for a moment, as a node
// of a cluster, and is asked for a little of everything; functions that few servers need stay out, as each takes memory. A Node of another version refuses
// the cache and reads the bundle as before.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { isNodePortFree } from '../dist/src/launcher/ports.js';

const BUNDLE = fileURLToPath(new URL('../dist/bundle/server.script.js', import.meta.url));
const CACHE = fileURLToPath(new URL('../dist/bundle/server.cache', import.meta.url));
/** The bus is 10,000 above, and both below the ports that systems give to clients. */
const PORTS_FROM = 16000;
const PORTS_TO = 22000;

/** What the server is asked for. */
const REQUESTS = `
  PING; HELLO 3; HELLO 2; COMMAND DOCS; COMMAND; COMMAND DOCS get; COMMAND INFO get; INFO; INFO all; CONFIG GET *; CLIENT LIST; CLIENT INFO; SLOWLOG GET; ROLE
  CLUSTER ADDSLOTSRANGE 0 16383; CLUSTER INFO; CLUSTER NODES; CLUSTER SLOTS; CLUSTER SHARDS
  SET k v; GET k; SET k v EX 100; EXPIRE k 100; TTL k; INCR n; MSET {t}a 1 {t}b 2; MGET {t}a {t}b; APPEND k x; SCAN 0
  HSET h f v; HGETALL h; LPUSH l a b; LRANGE l 0 -1; LPOP l; SADD s a b; SMEMBERS s; ZADD z 1 a 2 b; ZRANGE z 0 -1
  XADD x * f v; XRANGE x - +; MULTI; INCR n; EXEC; TYPE k; DBSIZE; DUMP h; OBJECT ENCODING h; DEL k; INFO all
  SUBSCRIBE c; UNSUBSCRIBE c; PUBLISH c m; nonsense; GET; FLUSHALL`
  .split(/[;\n]/)
  .map((request) => request.trim())
  .filter((request) => request !== '');

async function freePort() {
  for (let port = PORTS_FROM; port < PORTS_TO; port++) if (await isNodePortFree(port)) return port;
  throw new Error(`no free port between ${PORTS_FROM} and ${PORTS_TO}`);
}

/** Runs a server from the bundle in this process. @returns the script, with all that has been compiled */
async function practise() {
  const folder = mkdtempSync(join(tmpdir(), 'slotmesh-code-cache-'));
  process.on('exit', () => {
    rmSync(folder, { recursive: true, force: true });
    // Also where the server gives up by itself: the bundle is good without a cache.
    process.exitCode = 0;
  });
  const port = await freePort();
  const settings = {
    port,
    dir: folder,
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    save: '',
    logfile: join(folder, 'log'),
  };
  process.argv.splice(
    2,
    process.argv.length,
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  );
  const script = new Script(readFileSync(BUNDLE, 'latin1'), { filename: BUNDLE });
  const require = createRequire(BUNDLE);
  // The cache is good for the engine's settings at this moment; those of the server are made after its code has been loaded.
  const withoutTuning = (name) => (name === 'node:v8' ? { ...v8, setFlagsFromString() {} } : require(name));
  await script.runInThisContext()(withoutTuning, pathToFileURL(BUNDLE));
  const socket = connect(port, '127.0.0.1');
  for (const request of REQUESTS) {
    const answered = once(socket, 'data');
    socket.write(`${request}\r\n`);
    await answered;
  }
  return script;
}

rmSync(CACHE, { force: true });
try {
  const script = await practise();
  writeFileSync(CACHE, script.createCachedData());
} catch (error) {
  // The server starts without it, too.
  console.warn(`No code cache was made: ${error.message}`);
}
process.exit(0);
