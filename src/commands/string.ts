/** String commands. Source: spec server.md section 21, propagation in persistence.md section 8.2. */
import { EMBSTR_BYTES_MAX, ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW, TYPE_STRING } from '../keyspace/entry.js';
import type { Invocation } from '../server/invocation.js';
import { isInt64Text } from '../types/number.js';
import { type CommandRecord, DENYOOM, FAST, keyRange, READONLY, WRITE } from './command.js';
import { replyWrongType } from './replies.js';

function get(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) call.reply.null();
  else if (call.entries.type(ref) !== TYPE_STRING) replyWrongType(call);
  else call.replyValue(ref);
}

function set(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.lookupWrite(bytes, starts[1], lengths[1]);
  const length = lengths[2];
  const encoding = isInt64Text(bytes, starts[2], length)
    ? ENCODING_INT
    : length <= EMBSTR_BYTES_MAX
      ? ENCODING_EMBSTR
      : ENCODING_RAW;
  call.db.setString(ref, bytes, starts[1], lengths[1], bytes, starts[2], length, encoding, 0);
  call.keyspace.dirty++;
  call.reply.ok();
}

export const stringCommands: readonly CommandRecord[] = [
  {
    name: 'get',
    arity: 2,
    flags: READONLY | FAST,
    keys: [keyRange(['RO', 'access'], 1, 1)],
    acl: ['string'],
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the string value of a key.',
    complexity: 'O(1)',
    arguments: [{ name: 'key', type: 'key', keySpec: 0 }],
    handler: get,
  },
  {
    name: 'set',
    arity: -3,
    flags: WRITE | DENYOOM,
    keys: [keyRange(['RW', 'access', 'update', 'variable_flags'], 1, 1)],
    acl: ['string'],
    group: 'string',
    since: '1.0.0',
    summary: "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
    complexity: 'O(1)',
    handler: set,
  },
];
