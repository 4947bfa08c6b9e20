/**
 * Random sequences of commands, sent as one pipeline to both servers: every reply must be the same bytes (or as equal as
 * its command says), and in the end both must hold the same data by
 * DEBUG DIGEST, also after DEBUG RELOAD. In RESP3 the keyspace events must be the same, too, in the same order. A failing sequence is shrunk to the commands that matter; the seed that fast-check prints with it replays it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import type { RespClient } from '../../src/client/resp-client.js';
import { fc } from '../support/property.js';
import type { ServerConfig } from '../support/server-process.js';
import { longRun, needsServers, type RealServerKind, serversUnderTest } from '../support/tools.js';
import { type Comparison, exact } from './comparisons.js';
import { Eavesdroppers } from './events.js';
import { compareDigests, useServers } from './harness.js';

const RUNS = longRun ? 5000 : 60;
const COMMANDS_PER_RUN = 100;

/** How the replies to a command are compared: where the order of elements is free, it says so. */
export type ComparisonOf = (command: readonly string[]) => Comparison;

/** A command, or several that go together. */
export type Line = readonly string[] | readonly (readonly string[])[];

/** Declares the test that both servers, given `config`, stay equal through sequences of these commands. `oracleKind` is the real one. */
export function staysEqual(
  name: string,
  command: fc.Arbitrary<Line>,
  config: ServerConfig = {},
  comparisonOf: ComparisonOf = () => exact,
  oracleKind: RealServerKind = 'redis',
): void {
  for (const kind of serversUnderTest()) {
    describe(`${kind} and ${oracleKind} stay equal`, { skip: needsServers(oracleKind, kind) }, () => {
      const servers = useServers(kind, config, oracleKind);
      for (const protocol of [2, 3] as const) {
        test(`through random ${name} commands, RESP${protocol}`, async () => {
          const clients: RespClient[] = [];
          for (const server of [servers().oracle, servers().subject])
            clients.push(await server.connect({ protocol, replies: 'raw' }));
          const [oracle, subject] = clients as [RespClient, RespClient];
          const eavesdroppers = protocol === 3 ? await Eavesdroppers.attach(servers()) : null;
          const sequence = fc.array(command, { maxLength: COMMANDS_PER_RUN, size: 'max' });
          try {
            await fc.assert(
              fc.asyncProperty(sequence, (lines) =>
                runBoth(oracle, subject, lines.flatMap(commandsOf), comparisonOf, eavesdroppers),
              ),
              { numRuns: RUNS },
            );
          } finally {
            eavesdroppers?.close();
            for (const client of clients) client.close();
          }
        });
      }
    });
  }
}

function commandsOf(line: Line): (readonly string[])[] {
  return (typeof line[0] === 'string' ? [line] : line) as (readonly string[])[];
}

/**
 * Runs a sequence from an empty server on, and fails if anything differs: a reply, an event, or the data in the end.
 * @param around the state of the connections, which FLUSHALL leaves: made before the sequence, and ended behind it
 */
export async function runBoth(
  oracle: RespClient,
  subject: RespClient,
  commands: readonly (readonly string[])[],
  comparisonOf: ComparisonOf,
  eavesdroppers: Eavesdroppers | null,
  around: { before: Arg[][]; after: Arg[][] } = { before: [], after: [] },
): Promise<void> {
  const fresh: Arg[][] = [...around.before, ['FLUSHALL']];
  await Promise.all([oracle.pipeline(fresh), subject.pipeline(fresh)]);
  // What a failed run has left.
  await eavesdroppers?.compare();
  const bytes = commands.map((args) => args.map((arg) => Buffer.from(arg, 'latin1')));
  const [expected, actual] = (await Promise.all([oracle.pipeline(bytes), subject.pipeline(bytes)])) as [
    Buffer[],
    Buffer[],
  ];
  for (const [at, reply] of expected.entries()) {
    const wrong = comparisonOf(commands[at]!)(reply, actual[at]!);
    if (wrong !== null) assert.fail(`${JSON.stringify(commands[at])}: ${wrong}`);
  }
  await Promise.all([oracle.pipeline(around.after), subject.pipeline(around.after)]);
  assert.equal((await eavesdroppers?.compare()) ?? null, null);
  assert.equal(await compareDigests(oracle, subject), null);
}
