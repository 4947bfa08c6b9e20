/**
 * The oracle: the real redis-server and the server under test get the same bytes, and what they answer is compared. Each group of cases runs in RESP2 and
 * in RESP3; each case starts with empty databases and with connections of its own.
 */
import { connect as connectSocket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { type ServerConfig, ServerProcess, withOutput } from '../support/server-process.js';
import { needsServers, type RealServerKind, type ServerKind, serversUnderTest } from '../support/tools.js';
import { decode } from './comparisons.js';
import { Eavesdroppers } from './events.js';
import { type CaseGroup, type Pair, type Stage, type StepLike, toStep } from './steps.js';

const PROTOCOLS = [2, 3] as const;
/** Until a server hangs up that is to. */
const CLOSE_TIMEOUT_MS = 60_000;
/** Failures shown per group; the first ones tell enough. */
const FAILURES_SHOWN = 25;
/** Differences shown per case. */
const DIFFERENCES_SHOWN = 4;

export interface Servers {
  readonly oracle: ServerProcess;
  readonly subject: ServerProcess;
}

/** Declares the tests of these groups, for each server under test. `config` is given to both servers. */
export function compareWithRealServer(groups: readonly CaseGroup[], config: ServerConfig = {}): void {
  for (const kind of serversUnderTest()) {
    describe(`${kind} answers as redis-server does`, { skip: needsServers('redis', kind) }, () => {
      const servers = useServers(kind, config);
      for (const group of groups) {
        for (const protocol of PROTOCOLS) {
          test(`${group.name}, RESP${protocol}`, async (context) => {
            const missing = await missingCommands(servers(), group.requires ?? []);
            if (missing.length > 0) context.skip(`the server does not know ${missing.join(', ')} yet`);
            else await runGroup(group, protocol, servers());
          });
        }
      }
    });
  }
}

/**
 * Declares the tests that the keyspace events of these groups' steps are the same, in the same order, for each server under test. What the servers reply
 * is not compared.
 */
export function compareEventsWithRealServer(groups: readonly CaseGroup[], config: ServerConfig = {}): void {
  for (const kind of serversUnderTest()) {
    describe(`${kind} publishes the events that redis-server publishes`, { skip: needsServers('redis', kind) }, () => {
      const servers = useServers(kind, config);
      for (const group of groups) {
        test(group.name, async (context) => {
          const missing = await missingCommands(servers(), group.requires ?? []);
          if (missing.length > 0) return context.skip(`the server does not know ${missing.join(', ')} yet`);
          const eavesdroppers = await Eavesdroppers.attach(servers());
          try {
            await runGroup(group, 2, servers(), eavesdroppers);
          } finally {
            eavesdroppers.close();
          }
        });
      }
    });
  }
}

/** Starts the two servers before the tests of the enclosing suite and ends them afterwards. */
export function useServers(
  kind: ServerKind,
  config: ServerConfig = {},
  oracle: RealServerKind = 'redis',
): () => Servers {
  const servers: ServerProcess[] = [];
  before(async () => {
    for (const each of [oracle, kind]) servers.push(await ServerProcess.start({ kind: each, config }));
  });
  after(() => Promise.all(servers.map((server) => server.dispose())));
  return () => ({ oracle: servers[0]!, subject: servers[1]! });
}

async function missingCommands(servers: Servers, names: readonly string[]): Promise<string[]> {
  const known = await Promise.all(names.map((name) => servers.subject.call('COMMAND', 'INFO', name)));
  return names.filter((_, at) => (known[at] as unknown[])[0] === null);
}

/** @param eavesdroppers compare the events of each step, in the place of its replies */
async function runGroup(
  group: CaseGroup,
  protocol: 2 | 3,
  servers: Servers,
  eavesdroppers: Eavesdroppers | null = null,
): Promise<void> {
  const failures: string[] = [];
  for (const [name, steps] of Object.entries(group.cases)) {
    const failure = await runCase(steps, protocol, servers, eavesdroppers);
    if (failure !== null) failures.push(`  ${name}\n    ${failure}`);
    if (!servers.subject.isRunning) {
      failures.push('  the server has ended');
      break;
    }
  }
  if (failures.length === 0) return;
  const shown = failures.slice(0, FAILURES_SHOWN).join('\n');
  const error = new Error(`${failures.length} of ${Object.keys(group.cases).length} cases differ:\n${shown}`);
  throw servers.subject.isRunning ? error : withOutput(error, [servers.subject]);
}

async function runCase(
  steps: readonly StepLike[],
  protocol: 2 | 3,
  servers: Servers,
  eavesdroppers: Eavesdroppers | null,
): Promise<string | null> {
  const pairs = new Map<string, Promise<Pair>>();
  const stage: Stage = {
    protocol,
    subjectIsOracle: servers.subject.kind === 'redis',
    pair: (name) => {
      const connecting = pairs.get(name) ?? connectPair(servers, protocol);
      pairs.set(name, connecting);
      return connecting;
    },
    untilClosed: (bytes) =>
      Promise.all([untilClosed(servers.oracle.port, bytes), untilClosed(servers.subject.port, bytes)]),
  };
  await Promise.all([servers.oracle.call('FLUSHALL'), servers.subject.call('FLUSHALL')]);
  try {
    // All steps are taken, also after a difference: the last ones may put settings back.
    const differences: string[] = [];
    for (const each of steps) {
      const step = toStep(each);
      let wrong = await step.run(stage).catch((error) => `failed: ${error}`);
      if (eavesdroppers !== null) wrong = await eavesdroppers.compare(step.isOurs === true);
      if (wrong !== null) differences.push(`${step.title}: ${wrong}`);
    }
    if (differences.length === 0) return null;
    const more = differences.length - DIFFERENCES_SHOWN;
    return `${differences.slice(0, DIFFERENCES_SHOWN).join('\n    ')}${more > 0 ? `\n    and ${more} more` : ''}`;
  } finally {
    for (const connecting of pairs.values()) {
      const pair = await connecting.catch(() => null);
      pair?.oracle.close();
      pair?.subject.close();
    }
  }
}

async function connectPair(servers: Servers, protocol: 2 | 3): Promise<Pair> {
  const options = { protocol, replies: 'raw' } as const;
  const [oracle, subject] = await Promise.all([servers.oracle.connect(options), servers.subject.connect(options)]);
  return { oracle, subject };
}

/** Sends bytes and collects the answer until the server hangs up; fails when it does not. */
function untilClosed(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connectSocket({ host: '127.0.0.1', port }, () => socket.write(bytes));
    const answer = () => Buffer.concat(received);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`port ${port} did not hang up; it answered ${JSON.stringify(answer().toString('latin1'))}`));
    }, CLOSE_TIMEOUT_MS);
    socket.on('data', (piece) => received.push(piece));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer());
    });
  });
}

/** Whether both servers hold the same data, by DEBUG DIGEST: null, or what is wrong. */
export async function compareDigests(oracle: RespClient, subject: RespClient): Promise<string | null> {
  const [left, right] = await Promise.all(
    [oracle, subject].map(async (client) => decode((await client.call('DEBUG', 'DIGEST')) as Buffer)),
  );
  return left === right ? null : `the data differ: DEBUG DIGEST ${left} here, ${right} there`;
}
