/** Records of the transaction commands. */
import { KEYS } from './argument-docs.js';
import { ALLOW_BUSY, type CommandRecord, FAST, keyRange, LOADING, NOSCRIPT, SKIP_SLOWLOG, STALE } from './command.js';
import { discard, exec, multi, unwatch, watch } from './transaction.js';

export const transactionCommands: readonly CommandRecord[] = [
  {
    name: 'multi',
    arity: 1,
    flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    acl: ['transaction'],
    group: 'transactions',
    since: '1.2.0',
    summary: 'Mark the start of a transaction block',
    complexity: 'O(1)',
    handler: multi,
  },
  {
    name: 'exec',
    arity: 1,
    flags: NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
    acl: ['transaction'],
    group: 'transactions',
    since: '1.2.0',
    summary: 'Execute all commands issued after MULTI',
    complexity: 'Depends on commands in the transaction',
    handler: exec,
  },
  {
    name: 'discard',
    arity: 1,
    flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    acl: ['transaction'],
    group: 'transactions',
    since: '2.0.0',
    summary: 'Discard all commands issued after MULTI',
    complexity: 'O(N), when N is the number of queued commands',
    handler: discard,
  },
  {
    name: 'watch',
    arity: -2,
    flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    keys: [keyRange(['RO'], 1, -1)],
    acl: ['transaction'],
    group: 'transactions',
    since: '2.2.0',
    summary: 'Watch the given keys to determine execution of the MULTI/EXEC block',
    complexity: 'O(1) for every key.',
    arguments: [KEYS],
    handler: watch,
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
    acl: ['transaction'],
    group: 'transactions',
    since: '2.2.0',
    summary: 'Forget about all watched keys',
    complexity: 'O(1)',
    handler: unwatch,
  },
];
