/** `jit-warmup yes`: what is practised before the start succeeds, and leaves no trace in what the server shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFields, type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';

/** What a client finds in a server that has just started. */
async function traces(server: ServerProcess): Promise<unknown> {
  const fields = parseFields(await server.text('INFO', 'everything'));
  const counters = [
    'total_connections_received',
    'total_commands_processed',
    'total_error_replies',
    'keyspace_hits',
    'expired_keys',
    'slowlog_len',
  ];
  return [
    await server.call('DBSIZE'),
    Object.keys(fields).filter((name) => name.startsWith('cmdstat_') || name.startsWith('errorstat_')),
    counters.map((name) => [name, fields[name]]),
  ];
}

test('a server practises its commands and shows none of them', { skip: needsServers('slotmesh') }, async () => {
  const practising = { kind: 'slotmesh', config: { 'jit-warmup': 'yes', 'rename-command': 'SET STORE' } } as const;
  await withServers([practising, { kind: 'slotmesh' }], async ([practised, plain]) => {
    await practised!.untilLogged(/JIT warm-up: \d{5,} commands practised in [\d.]+ seconds\n.*Server initialized/);
    assert.doesNotMatch(practised!.output, /# JIT warm-up/, 'something failed');
    assert.deepEqual(await traces(practised!), await traces(plain!));
    // The renamed command is practised under its own name.
    assert.equal(await practised!.call('STORE', 'key', 'value'), 'OK');
    await assert.rejects(practised!.call('SET', 'key', 'value'), /unknown command/);
  });
});
