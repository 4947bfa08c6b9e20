/** The table of the subcommands: their arguments and options as `help` lists them, and what runs them. */
import { addNode } from './commands/add-node.js';
import { backup } from './commands/backup.js';
import { call } from './commands/call.js';
import { check } from './commands/check.js';
import { create } from './commands/create.js';
import { delNode } from './commands/del-node.js';
import { fix } from './commands/fix.js';
import { printHelp } from './commands/help.js';
import { importKeys } from './commands/import.js';
import { info } from './commands/info.js';
import { rebalance } from './commands/rebalance.js';
import { reshard } from './commands/reshard.js';
import { setTimeout } from './commands/set-timeout.js';
import type { Subcommand } from './context.js';

const ENTRY = '<host:port> or <host> <port> - separated by either colon or space';

export const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ['create', { form: 'host1:port1 ... hostN:portN', options: ['replicas <arg>'], minWords: 2, run: create }],
  ['check', { form: ENTRY, options: ['search-multiple-owners'], minWords: 1, run: check }],
  ['info', { form: ENTRY, options: [], minWords: 1, run: info }],
  [
    'fix',
    {
      form: ENTRY,
      options: ['search-multiple-owners', 'fix-with-unreachable-masters'],
      minWords: 1,
      run: fix,
    },
  ],
  [
    'reshard',
    {
      form: ENTRY,
      options: ['from <arg>', 'to <arg>', 'slots <arg>', 'yes', 'timeout <arg>', 'pipeline <arg>', 'replace'],
      minWords: 1,
      run: reshard,
    },
  ],
  [
    'rebalance',
    {
      form: ENTRY,
      options: [
        'weight <node1=w1...nodeN=wN>',
        'use-empty-masters',
        'timeout <arg>',
        'simulate',
        'pipeline <arg>',
        'threshold <arg>',
        'replace',
      ],
      minWords: 1,
      run: rebalance,
    },
  ],
  [
    'add-node',
    {
      form: 'new_host:new_port existing_host:existing_port',
      options: ['slave', 'master-id <arg>'],
      minWords: 2,
      maxWords: 2,
      run: addNode,
    },
  ],
  ['del-node', { form: 'host:port node_id', options: [], minWords: 2, maxWords: 2, run: delNode }],
  [
    'call',
    { form: 'host:port command arg arg .. arg', options: ['only-masters', 'only-replicas'], minWords: 2, run: call },
  ],
  ['set-timeout', { form: 'host:port milliseconds', options: [], minWords: 2, maxWords: 2, run: setTimeout }],
  [
    'import',
    {
      form: 'host:port',
      options: ['from <arg>', 'from-user <arg>', 'from-pass <arg>', 'from-askpass', 'copy', 'replace'],
      minWords: 1,
      maxWords: 1,
      run: importKeys,
    },
  ],
  ['backup', { form: 'host:port backup_directory', options: [], minWords: 2, maxWords: 2, run: backup }],
  ['help', { form: '', options: [], minWords: 0, run: ({ output }) => printHelp(output, SUBCOMMANDS) }],
]);
