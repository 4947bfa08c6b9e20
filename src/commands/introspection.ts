/** COMMAND and its subcommands: the command table as clients read it. Source: spec server.md section 18. */
import { ReplyWriter } from '../resp/reply-writer.js';
import { Request } from '../resp/request.js';
import type { Invocation } from '../server/invocation.js';
import { globMatchesText } from '../types/glob.js';
import * as flags from './command.js';
import {
  ADMIN,
  type ArgumentDoc,
  BLOCKING,
  type Command,
  FAST,
  type KeySpec,
  MOVABLE_KEYS,
  PUBSUB,
  READONLY,
  WRITE,
} from './command.js';
import type { CommandTable } from './command-table.js';
import { helpReply } from './help.js';
import { findKeys, hasKeys } from './keys.js';
import { readMadeReply } from './made-replies.js';

/** Flag names in the order in which COMMAND INFO prints them. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [flags.WRITE, 'write'],
  [flags.READONLY, 'readonly'],
  [flags.DENYOOM, 'denyoom'],
  [flags.ADMIN, 'admin'],
  [flags.PUBSUB, 'pubsub'],
  [flags.NOSCRIPT, 'noscript'],
  [flags.BLOCKING, 'blocking'],
  [flags.LOADING, 'loading'],
  [flags.STALE, 'stale'],
  [flags.SKIP_MONITOR, 'skip_monitor'],
  [flags.SKIP_SLOWLOG, 'skip_slowlog'],
  [flags.ASKING, 'asking'],
  [flags.FAST, 'fast'],
  [flags.NO_AUTH, 'no_auth'],
  [flags.NO_MANDATORY_KEYS, 'no_mandatory_keys'],
  [flags.NO_ASYNC_LOADING, 'no_async_loading'],
  [flags.NO_MULTI, 'no_multi'],
  [MOVABLE_KEYS, 'movablekeys'],
  [flags.ALLOW_BUSY, 'allow_busy'],
];

const CATEGORY_ORDER = (
  'keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection ' +
  'transaction scripting'
).split(' ');

function categoriesOf(command: Command): string[] {
  const all = new Set(command.record.acl);
  if ((command.flags & WRITE) !== 0) all.add('write');
  if ((command.flags & READONLY) !== 0) all.add('read');
  if ((command.flags & ADMIN) !== 0) all.add('admin').add('dangerous');
  if ((command.flags & PUBSUB) !== 0) all.add('pubsub');
  if ((command.flags & BLOCKING) !== 0) all.add('blocking');
  all.add((command.flags & FAST) !== 0 ? 'fast' : 'slow');
  return CATEGORY_ORDER.filter((category) => all.has(category));
}

function flagNamesOf(command: Command): string[] {
  return FLAG_NAMES.filter(([flag]) => (command.flags & flag) !== 0).map(([, name]) => name);
}

function writeStatusSet(reply: ReplyWriter, names: readonly string[]): void {
  reply.set(names.length);
  for (const name of names) reply.status(name);
}

function writeInfo(reply: ReplyWriter, command: Command): void {
  const { record } = command;
  reply.array(10);
  reply.bulkText(command.fullName);
  reply.integer(command.arity);
  writeStatusSet(reply, flagNamesOf(command));
  reply.integer(command.firstKey);
  reply.integer(command.lastKey);
  reply.integer(command.keyStep);
  writeStatusSet(
    reply,
    categoriesOf(command).map((category) => `@${category}`),
  );
  reply.set(record.tips?.length ?? 0);
  for (const tip of record.tips ?? []) reply.bulkText(tip);
  reply.set(record.keys?.length ?? 0);
  for (const spec of record.keys ?? []) writeKeySpec(reply, spec);
  const subcommands = [...(command.subcommands?.values() ?? [])];
  reply.set(subcommands.length);
  for (const sub of subcommands) writeInfo(reply, sub);
}

function writeKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    reply.bulkText('notes');
    reply.bulkText(spec.notes);
  }
  reply.bulkText('flags');
  writeStatusSet(reply, spec.flags);
  reply.bulkText('begin_search');
  const { begin, find } = spec;
  if ('index' in begin) writeSearch(reply, 'index', [['index', begin.index]]);
  else if ('keyword' in begin) {
    writeSearch(reply, 'keyword', [
      ['keyword', begin.keyword],
      ['startfrom', begin.startFrom],
    ]);
  } else writeSearch(reply, 'unknown', []);
  reply.bulkText('find_keys');
  if ('lastKey' in find) {
    writeSearch(reply, 'range', [
      ['lastkey', find.lastKey],
      ['keystep', find.step],
      ['limit', find.limit],
    ]);
  } else if ('keyNumIndex' in find) {
    writeSearch(reply, 'keynum', [
      ['keynumidx', find.keyNumIndex],
      ['firstkey', find.firstKey],
      ['keystep', find.step],
    ]);
  } else writeSearch(reply, 'unknown', []);
}

function writeSearch(reply: ReplyWriter, type: string, fields: readonly (readonly [string, string | number])[]): void {
  reply.map(2);
  reply.bulkText('type');
  reply.bulkText(type);
  reply.bulkText('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkText(value);
  }
}

/** Looks a command up by the name in argument `index`: `get`, `config|get`. */
function lookup(call: Invocation, index: number): Command | null {
  const [name, sub] = call.text(index).toLowerCase().split('|');
  const command = call.server.commands.byName.get(name) ?? null;
  if (sub === undefined || command === null) return command;
  return command.subcommands?.get(sub) ?? null;
}

/** @returns the reply of COMMAND (`info`) or COMMAND DOCS about the whole table */
export function describeCommands({ byName }: CommandTable, kind: 'info' | 'docs', protocol: number): Uint8Array {
  const reply = new ReplyWriter();
  reply.protocol = protocol;
  const all = [...byName.values()];
  if (kind === 'docs') {
    writeAllDocs(reply, all);
  } else {
    reply.array(all.length);
    for (const command of all) writeInfo(reply, command);
  }
  return reply.bytes.slice(0, reply.length);
}

/** The reply does not change while the server runs; the build knew all but new names. */
function replyAll({ server, reply }: Invocation, kind: 'info' | 'docs'): void {
  const { commands } = server;
  const name = `${kind}.resp${reply.protocol}`;
  let bytes = commands.replies.get(name);
  if (bytes === undefined) {
    bytes = (commands.isRenamed ? null : readMadeReply(name)) ?? describeCommands(commands, kind, reply.protocol);
    commands.replies.set(name, bytes);
  }
  reply.raw(bytes);
}

export function commandAll(call: Invocation): void {
  replyAll(call, 'info');
}

export function commandInfo(call: Invocation): void {
  if (call.argc === 2) return commandAll(call);
  call.reply.array(call.argc - 2);
  for (let i = 2; i < call.argc; i++) {
    const command = lookup(call, i);
    if (command === null) call.reply.null();
    else writeInfo(call.reply, command);
  }
}

export function commandCount(call: Invocation): void {
  call.reply.integer(call.server.commands.byName.size);
}

export function commandDocs(call: Invocation): void {
  if (call.argc === 2) return replyAll(call, 'docs');
  const selected: Command[] = [];
  for (let i = 2; i < call.argc; i++) {
    const command = lookup(call, i);
    if (command !== null) selected.push(command);
  }
  writeAllDocs(call.reply, selected);
}

function writeAllDocs(reply: ReplyWriter, all: readonly Command[]): void {
  reply.map(all.length);
  for (const command of all) {
    reply.bulkText(command.fullName);
    writeDocs(reply, command);
  }
}

function writeDocs(reply: ReplyWriter, command: Command): void {
  const { record } = command;
  const fields: [string, () => void][] = [];
  const text = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') fields.push([name, () => reply.bulkText(value)]);
  };
  text('summary', record.summary);
  text('since', record.since);
  text('group', record.group);
  text('complexity', record.complexity);
  if (record.docFlags !== undefined) fields.push(['doc_flags', () => writeStatusSet(reply, record.docFlags!)]);
  text('deprecated_since', record.deprecatedSince);
  text('replaced_by', record.replacedBy);
  if (record.history !== undefined) fields.push(['history', () => writeHistory(reply, record.history!)]);
  if (record.arguments !== undefined) fields.push(['arguments', () => writeArguments(reply, record.arguments!)]);
  if (command.subcommands !== null) fields.push(['subcommands', () => writeSubcommandDocs(reply, command)]);
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.bulkText(name);
    write();
  }
}

function writeHistory(reply: ReplyWriter, history: readonly (readonly [string, string])[]): void {
  reply.set(history.length);
  for (const [version, change] of history) {
    reply.array(2);
    reply.bulkText(version);
    reply.bulkText(change);
  }
}

function writeSubcommandDocs(reply: ReplyWriter, command: Command): void {
  reply.map(command.subcommands!.size);
  for (const sub of command.subcommands!.values()) {
    reply.bulkText(sub.fullName);
    writeDocs(reply, sub);
  }
}

function writeArguments(reply: ReplyWriter, all: readonly ArgumentDoc[]): void {
  reply.array(all.length);
  for (const argument of all) {
    const fields: [string, () => void][] = [
      ['name', () => reply.bulkText(argument.name)],
      ['type', () => reply.bulkText(argument.type)],
    ];
    const { keySpec, token, summary, since, deprecatedSince, flags: argumentFlags, arguments: inner } = argument;
    if (keySpec !== undefined) fields.push(['key_spec_index', () => reply.integer(keySpec)]);
    if (token !== undefined) fields.push(['token', () => reply.bulkText(token)]);
    if (summary !== undefined) fields.push(['summary', () => reply.bulkText(summary)]);
    if (since !== undefined) fields.push(['since', () => reply.bulkText(since)]);
    if (deprecatedSince !== undefined) fields.push(['deprecated_since', () => reply.bulkText(deprecatedSince)]);
    if (argumentFlags !== undefined) fields.push(['flags', () => writeStatusSet(reply, argumentFlags)]);
    if (inner !== undefined) fields.push(['arguments', () => writeArguments(reply, inner)]);
    reply.map(fields.length);
    for (const [name, write] of fields) {
      reply.bulkText(name);
      write();
    }
  }
}

export function commandList(call: Invocation): void {
  let keep: (command: Command) => boolean;
  if (call.argc === 2) {
    keep = () => true;
  } else if (call.argc === 5 && call.is(2, 'FILTERBY')) {
    const value = call.text(4);
    if (call.is(3, 'MODULE')) keep = () => false;
    else if (call.is(3, 'ACLCAT')) keep = (command) => categoriesOf(command).includes(value.toLowerCase());
    else if (call.is(3, 'PATTERN')) keep = (command) => globMatchesText(value.toLowerCase(), command.fullName);
    else return call.error('ERR syntax error');
  } else {
    return call.error('ERR syntax error');
  }
  const names: string[] = [];
  for (const command of call.server.commands.all) if (keep(command)) names.push(command.fullName);
  call.reply.array(names.length);
  for (const name of names) call.reply.bulkText(name);
}

/** The request that the arguments from `index` on would be; null if an error has been replied. */
function innerRequest(call: Invocation): { command: Command; request: Request } | null {
  const request = new Request(call.argc);
  request.bytes = call.request.bytes;
  for (let i = 2; i < call.argc; i++) request.push(call.request.starts[i], call.request.lengths[i]);
  let command = call.server.commands.find(request.bytes, request.starts[0], request.lengths[0]);
  if (command !== null && command.subcommands !== null && request.argc > 1) {
    command = command.subcommands.get(request.text(1).toLowerCase()) ?? null;
  }
  if (command === null) {
    call.error('ERR Invalid command specified');
    return null;
  }
  if (!hasKeys(command) && command.record.findKeys === undefined) {
    call.error('ERR The command has no key arguments');
    return null;
  }
  if (command.arity > 0 ? request.argc !== command.arity : request.argc < -command.arity) {
    call.error('ERR Invalid number of arguments specified for command');
    return null;
  }
  return { command, request };
}

export function commandGetkeys(call: Invocation): void {
  replyKeys(call, false);
}

export function commandGetkeysandflags(call: Invocation): void {
  replyKeys(call, true);
}

function replyKeys(call: Invocation, withFlags: boolean): void {
  const inner = innerRequest(call);
  if (inner === null) return;
  const keys = findKeys(inner.command, inner.request);
  if (keys === null || keys.length === 0) return call.error('ERR Invalid arguments specified for command');
  call.reply.array(keys.length);
  for (const { position, flags: keyFlags } of keys) {
    if (withFlags) call.reply.array(2);
    call.reply.bulk(inner.request.bytes, inner.request.starts[position], inner.request.lengths[position]);
    if (withFlags) writeStatusSet(call.reply, keyFlags);
  }
}

export const commandHelp = helpReply('COMMAND', [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
]);
