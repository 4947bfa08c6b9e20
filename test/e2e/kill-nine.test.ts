/**
 * kill -9 at random moments loses nothing that the persistence policy promised.
 *
 * One connection writes a numbered sequence of commands; number n is `SET k:<n mod KEYS> n`, or a transaction of two SETs, or an INCR. So the data after a
 * restart tell up to which number P the server remembers, and every key must be what the first P commands made of it: a gap, a half transaction or a
 * repeated command shows. P must reach what was promised:
 *
 *   appendfsync always, no    every acknowledged command (what is written but not synced survives the process)
 *   appendfsync everysec      every command acknowledged two seconds before the kill
 *   snapshots only            what was acknowledged when the last completed BGSAVE was asked for
 *
 * Rewrites and snapshots run at random moments. SLOTMESH_TEST_KILLS sets the number of kills per policy, SLOTMESH_FUZZ_SEED replays a run's plan.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arg, encodeCommands } from '../../src/client/encode-command.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerConfig, type ServerProcess, withServers } from '../support/server-process.js';
import { longRun, needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const KILLS = Number(process.env['SLOTMESH_TEST_KILLS'] ?? (longRun ? 300 : 10));
const KEYS = 500;
/** Commands sent and not yet answered. */
const IN_FLIGHT = 32;
/** So many keys besides, so that snapshots and rewrites take long enough to be killed in the middle. */
const FILLER_KEYS = 20000;
const EVERYSEC_WINDOW_MS = 2000;

type Policy = 'always' | 'everysec' | 'no' | 'snapshot';
const policies: Record<Policy, ServerConfig> = {
  always: { appendonly: 'yes', appendfsync: 'always' },
  everysec: { appendonly: 'yes', appendfsync: 'everysec' },
  no: { appendonly: 'yes', appendfsync: 'no' },
  snapshot: { appendonly: 'no' },
};

for (const kind of serversUnderTest()) {
  for (const [policy, config] of Object.entries(policies) as [Policy, ServerConfig][]) {
    const name = policy === 'snapshot' ? 'with snapshots only' : `with appendfsync ${policy}`;
    test(`${kind} ${name}: ${KILLS} kills at random moments lose nothing that was promised`, {
      skip: needsServers(kind),
    }, async () => {
      const seed = fuzzSeed();
      const random = new Random(seed);
      await withServers([{ kind, config }], async ([server]) => {
        let remembered = 0;
        let lostInWindow = 0;
        for (let kill = 1; kill <= KILLS; kill++) {
          const context = `kill ${kill} of ${KILLS}, replay with SLOTMESH_FUZZ_SEED=${seed}`;
          const { promised, acknowledged } = await writeUntilKilled(server!, policy, remembered, random);
          await server!.restart();
          const kept = await rememberedBy(server!, context);
          assert.ok(
            kept >= promised,
            `${context}: ${promised} commands were promised, ${kept} are there (${acknowledged} were acknowledged)`,
          );
          lostInWindow += Math.max(0, acknowledged - kept);
          remembered = kept;
        }
        console.log(
          `  ${remembered} commands survived; ${lostInWindow} acknowledged ones were lost where the policy allows it; seed ${seed}`,
        );
      });
    });
  }
}

/** Command number n of the sequence: most are plain, every 10th a transaction, every 7th counts. */
function commandsOf(n: number): Arg[][] {
  if (n % 10 === 0) return [['MULTI'], ['SET', 'pair:left', n], ['SET', 'pair:right', n], ['EXEC']];
  if (n % 7 === 0) return [['INCR', 'counter']];
  return [['SET', `k:${n % KEYS}`, n]];
}

/** Runs the sequence on from `from`, with rewrites and snapshots, until the kill. Returns how much of it had been promised at that moment. */
async function writeUntilKilled(
  server: ServerProcess,
  policy: Policy,
  from: number,
  random: Random,
): Promise<{ promised: number; acknowledged: number }> {
  const client = await server.connect();
  await client.call('DEBUG', 'POPULATE', FILLER_KEYS, 'filler', 20);
  const isLong = policy === 'everysec' && random.below(4) === 0;
  const killAfterMs = isLong ? EVERYSEC_WINDOW_MS + 200 + random.below(800) : 10 + random.below(350);
  const acknowledgements: { count: number; atMs: number }[] = [];
  let acknowledged = from;
  let sent = from;
  let promisedBySnapshot = from;
  let killed = false;

  const write = async (): Promise<void> => {
    for (;;) {
      const n = ++sent;
      const commands = commandsOf(n);
      await client.exchange(encodeCommands(commands), commands.length);
      // Replies come in order, so that this one says that all before it are acknowledged.
      acknowledged = Math.max(acknowledged, n);
      acknowledgements.push({ count: acknowledged, atMs: performance.now() });
    }
  };
  const background = async (): Promise<void> => {
    while (!killed) {
      await sleep(random.below(60));
      if (policy === 'snapshot') promisedBySnapshot = await snapshot(server, () => acknowledged);
      else await server.call('BGREWRITEAOF').catch(() => {});
    }
  };
  // Each loop ends with the connection.
  const loops = [...Array.from({ length: IN_FLIGHT }, write), background()].map((loop) => loop.catch(() => {}));
  await sleep(killAfterMs);
  if (policy !== 'snapshot' && random.below(8) === 0) await rewriteEnd(server);
  const killedAtMs = performance.now();
  const atKill = acknowledged;
  killed = true;
  await server.kill();
  await Promise.all(loops);
  client.close();

  if (policy === 'snapshot') return { promised: promisedBySnapshot, acknowledged };
  if (policy !== 'everysec') return { promised: atKill, acknowledged };
  const safe = acknowledgements.findLast(({ atMs }) => atMs < killedAtMs - EVERYSEC_WINDOW_MS);
  return { promised: safe?.count ?? from, acknowledged };
}

/**
 * Waits until a rewrite has ended since the server's start: now and then one must, or the log grows by a file with each kill, and starts take longer and longer
 * where the machine is so busy that no rewrite ends by itself.
 */
async function rewriteEnd(server: ServerProcess): Promise<void> {
  await waitFor(async () => (await server.info('persistence'))['aof_last_rewrite_time_sec'] !== '-1', {
    what: 'a rewrite to end',
    timeoutMs: 60_000,
  });
}

/** Takes a snapshot in the background and waits for it. Returns what had been acknowledged when it was asked for. */
async function snapshot(server: ServerProcess, acknowledged: () => number): Promise<number> {
  const before = acknowledged();
  const savesBefore = (await server.info('persistence'))['rdb_saves'];
  await server.call('BGSAVE');
  for (;;) {
    const persistence = await server.info('persistence');
    if (persistence['rdb_bgsave_in_progress'] === '0' && persistence['rdb_saves'] !== savesBefore) return before;
    await sleep(5);
  }
}

/** How many commands of the sequence the data stand for; fails if they are not exactly what those commands made. */
async function rememberedBy(server: ServerProcess, context: string): Promise<number> {
  const keys = Array.from({ length: KEYS }, (_, at) => `k:${at}`);
  const values = ((await server.call('MGET', ...keys)) as (string | null)[]).map(Number);
  const [left, right, counter] = (
    (await server.call('MGET', 'pair:left', 'pair:right', 'counter')) as (string | null)[]
  ).map(Number);
  assert.equal(left, right, `${context}: both halves of a transaction or none`);
  // A counting command leaves no number behind, so that the last one may show in the counter only.
  let count = Math.max(left!, ...values);
  if (counter! > countersUpTo(count)) count++;

  assert.equal(counter, countersUpTo(count), `${context}: the counter after ${count} commands`);
  assert.equal(left, count - (count % 10), `${context}: the last transaction of ${count} commands`);
  for (const [at, value] of values.entries())
    assert.equal(value, lastPlainUpTo(count, at), `${context}: k:${at} after ${count} commands`);
  return count;
}

/** How many of the first `count` commands are INCR. */
function countersUpTo(count: number): number {
  return Math.floor(count / 7) - Math.floor(count / 70);
}

/** The largest plain command number up to `count` that wrote `k:<at>`, or 0. */
function lastPlainUpTo(count: number, at: number): number {
  for (let n = count - ((((count - at) % KEYS) + KEYS) % KEYS); n > 0; n -= KEYS)
    if (n % 10 !== 0 && n % 7 !== 0) return n;
  return 0;
}
