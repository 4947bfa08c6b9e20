/**
 * Keyspace events where commands do not come from clients: at replicas, whose events are those of the stream, while data sets are loaded, and where
 * keys migrate; beside the real server.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { events } from '../oracle/cases/events.js';
import { hashes } from '../oracle/cases/hashes.js';
import { lists } from '../oracle/cases/lists.js';
import { sets } from '../oracle/cases/sets.js';
import { set as strings } from '../oracle/cases/strings.js';
import { zsets } from '../oracle/cases/zsets.js';
import { Eavesdroppers } from '../oracle/events.js';
import { words } from '../oracle/steps.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const GROUPS = [events, strings, ...lists, ...hashes, ...sets, ...zsets];

/** The commands of the case tables that need no second look. */
function commandsOf(): Buffer[][] {
  const lines = GROUPS.flatMap(({ cases }) => Object.values(cases)).flatMap((steps) => ['SELECT 0', ...steps]);
  return lines
    .filter((line) => typeof line === 'string')
    .filter((line) => !/^(CONFIG|DEBUG RELOAD|FLUSHALL)/.test(line))
    .map(words);
}

async function caughtUp(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  await waitFor(
    async () => {
      const [mine, theirs] = await Promise.all([replica.info('replication'), primary.info('replication')]);
      return mine['master_link_status'] === 'up' && mine['slave_repl_offset'] === theirs['master_repl_offset'];
    },
    { what: `${replica.port} to have caught up` },
  );
}

for (const kind of serversUnderTest()) {
  test(`the events of a ${kind} replica are those of a real one`, { skip: needsServers('redis', kind) }, async () => {
    for (const primaryKind of new Set(['redis', kind] as const)) {
      const quiet = { 'repl-ping-replica-period': 3600 };
      const options = ([primaryKind, 'redis', kind] as const).map((each) => ({ kind: each, config: quiet }));
      await withServers(options, async (servers) => {
        const [primary, oracle, subject] = servers as [ServerProcess, ServerProcess, ServerProcess];
        const eavesdroppers = await Eavesdroppers.attach({ oracle, subject });
        try {
          // A data set that comes as a whole is no news.
          await primary.call('MSET', 'a', '1', 'b', '2');
          for (const replica of [oracle, subject]) await replica.call('REPLICAOF', '127.0.0.1', primary.port);
          for (const replica of [oracle, subject]) await caughtUp(primary, replica);
          assert.equal(await eavesdroppers.compare(), null);
          const client = await primary.connect({ replies: 'raw' });
          await client.pipeline(commandsOf());
          for (const replica of [oracle, subject]) await caughtUp(primary, replica);
          assert.equal(await eavesdroppers.compare(), null);
          client.close();
        } finally {
          eavesdroppers.close();
        }
      });
    }
  });

  test(`${kind} tells of keys that migrate as redis-server does`, { skip: needsServers('redis', kind) }, async () => {
    await withServers([{ kind: 'redis' }, { kind }, { kind: 'redis' }, { kind }], async (servers) => {
      const [oracle, subject, oracleTarget, subjectTarget] = servers as [
        ServerProcess,
        ServerProcess,
        ServerProcess,
        ServerProcess,
      ];
      const here = await Eavesdroppers.attach({ oracle, subject });
      const there = await Eavesdroppers.attach({ oracle: oracleTarget, subject: subjectTarget });
      try {
        for (const [source, target] of [
          [oracle, oracleTarget],
          [subject, subjectTarget],
        ] as const) {
          const migrate = (...words: string[]) => source.call('MIGRATE', '127.0.0.1', target.port, ...words);
          await source.call('RPUSH', 'l', 'a', 'b');
          await source.call('MSET', 'x', '1', 'y', '2', 'z', '3');
          await migrate('l', '0', '60000');
          await migrate('', '0', '60000', 'COPY', 'KEYS', 'x', 'none', 'y');
          await migrate('', '0', '60000', 'REPLACE', 'KEYS', 'x', 'y', 'z');
        }
        assert.equal(await here.compare(), null);
        assert.equal(await there.compare(), null);
      } finally {
        here.close();
        there.close();
      }
    });
  });

  test(`${kind} loads in silence`, { skip: needsServers('redis', kind) }, async () => {
    await withServers([{ kind: 'redis' }, { kind }], async (servers) => {
      const [oracle, subject] = servers as [ServerProcess, ServerProcess];
      const eavesdroppers = await Eavesdroppers.attach({ oracle, subject });
      try {
        for (const server of servers) {
          await server.call('MSET', 'a', '1', 'b', '2');
          await server.call('RPUSH', 'l', '1', '2');
          await server.call('SET', 'soon', 'gone', 'PX', '1');
          await server.call('DEBUG', 'SLEEP', '0.005');
          await server.call('DEBUG', 'RELOAD');
        }
        assert.equal(await eavesdroppers.compare(), null);
      } finally {
        eavesdroppers.close();
      }
    });
  });
}
