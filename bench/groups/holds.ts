/**
 * How long one large command holds the server, so that no other client is served: the CPU time of its main thread, which other processes leave alone.
 *
 * Both servers have the same data and take turns, command by command. The first call of its kind counts alone: it pays for code that is not compiled yet
 * and for memory that is fresh.
 */
import { RespClient } from '../../src/client/resp-client.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { type Row, rowIdOf, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest, withBoth } from '../server-under-test.js';
import { type HeldCommand, WORKLOADS, type Workload } from './held-commands.js';

const MAX_REPLY_BYTES = 2 ** 31;

/** A server with a workload's data. */
interface Prepared {
  server: ServerUnderTest;
  client: RespClient;
  /** DUMP of the key `value`, if there is one. */
  payload: Buffer | null;
}

const idOf = ({ id }: Workload, { title }: HeldCommand): string => rowIdOf(`hold-${id}`, title);

export const commandHolds: GroupRunner = {
  rowIds: WORKLOADS.flatMap((workload) => workload.commands.map((command) => idOf(workload, command))),
  run: async (context) => {
    const rows: Row[] = [];
    for (const workload of WORKLOADS) {
      const wanted = workload.commands.filter((command) => context.wants(idOf(workload, command)));
      if (wanted.length > 0) rows.push(...(await measureWorkload(context, workload, wanted)));
    }
    return {
      title: 'How long one command holds the server',
      method:
        "CPU time of the server's main thread; a PING takes a few tenths of a millisecond of it. `value` has a million elements, or 20,000, or 64 MB; `value2` shares half of them. " +
        'The first call is one pair.',
      rows,
    };
  },
};

async function measureWorkload(
  context: BenchContext,
  workload: Workload,
  commands: readonly HeldCommand[],
): Promise<Row[]> {
  const rows: Row[] = [];
  const start = (contender: Contender) =>
    ServerUnderTest.start(contender, { directives: [['enable-debug-command', 'yes']] });
  await withBoth(start, context, async (ours, theirs) => {
    const clients: RespClient[] = [];
    const prepare = async (server: ServerUnderTest): Promise<Prepared> => {
      await workload.prepare(server);
      clients.push(...((await workload.connect?.(server)) ?? []));
      const client = await RespClient.connect({ port: server.port, replies: 'bytes', maxReplyBytes: MAX_REPLY_BYTES });
      clients.push(client);
      return { server, client, payload: (await client.call('DUMP', 'value')) as Buffer | null };
    };
    try {
      const [candidate, baseline] = [await prepare(ours), await prepare(theirs)];
      for (const command of commands) {
        const id = idOf(workload, command);
        const title = `${workload.title}: ${command.title}`;
        const { pairs } = context.options;
        const measure = () => measureCommand({ id, title }, command, candidate, baseline, workload.warmUps, pairs);
        rows.push(...(await context.attempt(id, measure)));
      }
    } finally {
      for (const client of clients) client.close();
    }
  });
  return rows;
}

async function measureCommand(
  { id, title }: Pick<Row, 'id' | 'title'>,
  command: HeldCommand,
  candidate: Prepared,
  baseline: Prepared,
  warmUps: number,
  pairs: number,
): Promise<Row> {
  const call = async (side: Prepared) => ({ held: await callOnce(side, command) });
  const first = await runPairs(1, candidate, baseline, call);
  if (warmUps > 0) await runPairs(warmUps, candidate, baseline, call);
  const again = await runPairs(pairs, candidate, baseline, call);
  const spec = { unit: 'ms', better: 'lower', goal: 1, isCharted: false } as const;
  return {
    id,
    title,
    measures: [summarize({ ...spec, name: 'again' }, again.held), summarize({ ...spec, name: 'first' }, first.held)],
  };
}

/** @returns CPU time, ms, that the server's main thread takes for the command, without what prepares it */
async function callOnce({ server, client, payload }: Prepared, command: HeldCommand): Promise<number> {
  await client.pipeline(command.before?.() ?? []);
  await server.freed();
  return server.mainThreadMsOf(() => client.request(command.request?.(payload!) ?? command.title.split(' ')));
}
