/** DEBUG: what test suites and client libraries use of it. Source: spec server.md section 16. */
import { randomInt } from 'node:crypto';
import { Digest, digestKeyspace, digestValue } from '../keyspace/digest.js';
import { entryBytes } from '../keyspace/entry.js';
import { standStill } from '../persistence/stand-still.js';
import type { Invocation } from '../server/invocation.js';
import { RequestedCrash } from '../server/process/crash.js';
import { TO_REPLICAS } from '../server/propagation.js';
import { globMatchesText } from '../types/glob.js';
import { stringEncoding } from '../types/string-encoding.js';
import { REDIS_VERSION } from '../version.js';
import {
  debugHtstats,
  debugHtstatsKey,
  debugListpack,
  debugObject,
  debugPackedThreshold,
  debugQuicklist,
  debugSdslen,
} from './debug-values.js';
import { helpReply } from './help.js';
import { replyNotAnInteger, replySubcommandSyntax } from './replies.js';

/** DEBUG is one command to COMMAND INFO; its subcommands are its own affair. */
export function debug(call: Invocation): void {
  const name = call.text(1).toLowerCase();
  const sub = SUBCOMMANDS.get(name);
  const isFit = sub !== undefined && (sub.argc > 0 ? call.argc === sub.argc : call.argc >= -sub.argc);
  if (!isFit) return replySubcommandSyntax(call);
  sub.run(call);
}

interface Subcommand {
  /** As a command's arity. */
  readonly argc: number;
  readonly run: (call: Invocation) => void;
}

function sleep(call: Invocation): void {
  const seconds = Math.max(0, Number.parseFloat(call.text(2)) || 0);
  standStill(seconds * 1000);
  call.reply.ok();
}

function setActiveExpire(call: Invocation): void {
  call.server.cron.isActiveExpireOn = call.integer(2) !== 0;
  call.reply.ok();
}

function digest(call: Invocation): void {
  call.reply.status(digestKeyspace(call.keyspace).toString());
}

function digestValues(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  call.reply.array(call.argc - 2);
  for (let i = 2; i < call.argc; i++) {
    const ref = call.db.lookupUnheard(bytes, starts[i], lengths[i]);
    const digest = new Digest();
    if (ref !== 0) digestValue(call.keyspace, ref, digest);
    call.reply.status(digest.toString());
  }
}

function populate(call: Invocation): void {
  const count = call.integer(2);
  if (Number.isNaN(count) || count < 0) return call.error('ERR value is out of range, must be positive');
  const prefix = call.argc > 3 ? call.request.latin1(3) : 'key';
  const size = call.argc > 4 ? call.integer(4) : -1;
  if (Number.isNaN(size)) return call.error('ERR value is out of range, must be positive');
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(`${prefix}:${i}`, 'latin1');
    if (call.db.find(key, 0, key.length) !== 0) continue;
    const text = Buffer.from(`value:${i}`);
    const value =
      size >= 0 ? Buffer.concat([text, Buffer.alloc(Math.max(0, size - text.length))]).subarray(0, size) : text;
    call.db.setString(0, key, 0, key.length, value, 0, value.length, stringEncoding(value, 0, value.length), 0);
  }
  call.reply.ok();
}

function error(call: Invocation): void {
  // Unlike other errors it keeps its length.
  call.reply.byteError(call.request.latin1(2).replace(/[\r\n]/g, ' '));
}

function log(call: Invocation): void {
  call.server.log.warning(`DEBUG LOG: ${call.text(2)}`);
  call.reply.ok();
}

function protocol(call: Invocation): void {
  const { reply } = call;
  switch (call.text(2).toLowerCase()) {
    case 'string':
      return reply.bulkText('Hello World');
    case 'integer':
      return reply.integer(12345);
    case 'double':
      return reply.doubleText('3.141');
    case 'null':
      return reply.null();
    case 'array':
      reply.array(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
      return;
    case 'set':
      reply.set(3);
      for (let i = 0; i < 3; i++) reply.integer(i);
      return;
    case 'map':
      reply.map(3);
      for (let i = 0; i < 3; i++) {
        reply.integer(i);
        reply.bool(i === 1);
      }
      return;
    case 'attrib':
      if (reply.protocol === 3) {
        reply.attribute(1);
        reply.bulkText('key-popularity');
        reply.array(2);
        reply.bulkText('key:123');
        reply.integer(90);
      }
      return reply.bulkText('Some real reply following the attribute');
    case 'push':
      if (reply.protocol < 3) return call.error('ERR RESP2 is not supported by this command');
      reply.bulkText('Some real reply following the push reply');
      reply.push(2);
      reply.bulkText('server-cpu-usage');
      return reply.integer(42);
    case 'verbatim':
      return reply.verbatim('This is a verbatim\nstring');
    case 'true':
      return reply.bool(true);
    case 'false':
      return reply.bool(false);
    case 'bignum':
      return reply.bigNumberText('1234567999999999999999999999999999999');
    default:
      call.error(
        'ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false',
      );
  }
}

function okay(call: Invocation): void {
  call.reply.ok();
}

/** What an entry takes besides key and value, without and with an expiry time. */
function structsize(call: Invocation): void {
  call.reply.status(`bits:64 entry:${entryBytes(0, 0, false)} expiringentry:${entryBytes(0, 0, true)}`);
}

function setSkipChecksumValidation(call: Invocation): void {
  call.server.persistence.verifiesChecksums = call.text(2) === '0';
  call.reply.ok();
}

function aofFlushSleep(call: Invocation): void {
  const microseconds = call.integer(2);
  if (Number.isNaN(microseconds)) return replyNotAnInteger(call);
  call.server.persistence.flushDelayUs = Math.max(0, microseconds);
  call.reply.ok();
}

function pauseCron(call: Invocation): void {
  call.server.cron.isPaused = call.text(2) !== '0';
  call.reply.ok();
}

function configRewriteForceAll(call: Invocation): void {
  const failure = call.server.config.rewrite([], true);
  if (failure === null) call.reply.ok();
  else call.error(failure);
}

/** Feeds the replicas with a command that is not executed here. */
function replicate(call: Invocation): void {
  const words: Uint8Array[] = [];
  for (let i = 2; i < call.argc; i++) words.push(call.request.view(i));
  call.server.propagation.command(call.db.index, words, TO_REPLICAS);
  call.reply.ok();
}

/** Reply buffers have no size of their own to be watched: there is one for all connections. */
function replyBuffer(call: Invocation): void {
  if (call.is(2, 'PEAK-RESET-TIME')) {
    if (!call.is(3, 'NEVER') && !call.is(3, 'RESET') && Number.isNaN(call.integer(3))) return replyNotAnInteger(call);
    return call.reply.ok();
  }
  if (call.is(2, 'RESIZING')) return call.reply.ok();
  replySubcommandSyntax(call);
}

const MATCH_RUNS = 20_000;

/** Random patterns against random texts: nothing may come of it but true or false, in bounded time. */
function stringMatchTest(call: Invocation): void {
  const letters = 'ab*?[]-^\\';
  const random = (): string => Array.from({ length: randomInt(12) }, () => letters[randomInt(letters.length)]).join('');
  for (let run = 0; run < MATCH_RUNS; run++) globMatchesText(random(), random());
  call.reply.status('Apparently Redis did not crash: test passed');
}

function segfault(): void {
  throw new RequestedCrash(`Redis ${REDIS_VERSION} crashed by signal: 11 (DEBUG SEGFAULT)`, 'SIGSEGV');
}

function panic(): void {
  throw new RequestedCrash('Guru Meditation: DEBUG PANIC called', 'SIGABRT');
}

function failAssertion(): void {
  throw new RequestedCrash("=== ASSERTION FAILED === ==> '1 == 2' is not true (DEBUG ASSERT)", 'SIGABRT');
}

function outOfMemory(): void {
  throw new RequestedCrash('Out Of Memory allocating 9223372036854775807 bytes! (DEBUG OOM)', 'SIGABRT');
}

const help = helpReply('DEBUG', [
  'AOF-FLUSH-SLEEP <microsec>',
  '    Server will sleep before flushing the AOF, this is used for testing.',
  'ASSERT',
  '    Crash by assertion failed.',
  'CHANGE-REPL-ID',
  '    Change the replication IDs of the instance.',
  '    Dangerous: should be used only for testing the replication subsystem.',
  'CONFIG-REWRITE-FORCE-ALL',
  '    Like CONFIG REWRITE but writes all configuration options, including',
  '    keywords not listed in original configuration file or default values.',
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate Redis errors.',
  'LEAK <string>',
  '    Accepted, and nothing leaks.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'HTSTATS <dbid>',
  '    Return hash table statistics of the specified Redis database.',
  'HTSTATS-KEY <key>',
  "    Like HTSTATS but for the hash table stored at <key>'s value.",
  'LOADAOF',
  '    Flush the AOF buffers on disk and reload the AOF in memory.',
  'REPLICATE <string>',
  '    Replicates the provided string to replicas, allowing data divergence.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'OOM',
  '    Crash the server simulating an out-of-memory error.',
  'PANIC',
  '    Crash the server simulating a panic.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix. These are not propagated to",
  '    replicas. Cluster slots are not respected so keys not belonging to the',
  '    current node can be created in cluster mode.',
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'RELOAD [option ...]',
  '    Save the RDB on disk and reload it back to memory. Valid <option> values:',
  '    * MERGE: conflicting keys will be loaded from RDB.',
  '    * NOFLUSH: the existing database will not be removed before load.',
  '    * NOSAVE: the database will be loaded from an existing RDB file.',
  'SDSLEN <key>',
  '    Show low level SDS string info representing `key` and value.',
  'SEGFAULT',
  '    Crash the server with sigsegv.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the',
  '    default.',
  'QUICKLIST-PACKED-THRESHOLD <size>',
  '    Accepted: an element too large for a shared node has one of its own.',
  'SET-SKIP-CHECKSUM-VALIDATION <0|1>',
  "    Enables or disables checksum checks for RDB files and RESTORE's payload.",
  'SLEEP <seconds>',
  '    Stop the server for <seconds>. Decimals allowed.',
  'STRINGMATCH-TEST',
  '    Run a fuzz tester against the matching of glob patterns.',
  'STRUCTSIZE',
  '    Return the size of different core structures.',
  'LISTPACK <key>',
  '    Show low level info about the listpack encoding of <key>.',
  'QUICKLIST <key> [<0|1>]',
  '    Show low level info about the quicklist encoding of <key>.',
  '    The optional argument (0 by default) sets the level of detail',
  'PAUSE-CRON <0|1>',
  '    Stop periodic cron job processing.',
  'REPLYBUFFER PEAK-RESET-TIME <NEVER||RESET|time>',
  '    Accepted: the reply buffer is shared by all clients.',
  'REPLYBUFFER RESIZING <0|1>',
  '    Accepted, likewise.',
]);

const SUBCOMMANDS = new Map<string, Subcommand>([
  ['help', { argc: 2, run: help }],
  ['sleep', { argc: 3, run: sleep }],
  ['set-active-expire', { argc: 3, run: setActiveExpire }],
  ['object', { argc: -3, run: debugObject }],
  ['sdslen', { argc: 3, run: debugSdslen }],
  ['digest', { argc: 2, run: digest }],
  ['digest-value', { argc: -2, run: digestValues }],
  ['populate', { argc: -3, run: populate }],
  ['error', { argc: 3, run: error }],
  ['log', { argc: 3, run: log }],
  ['leak', { argc: 3, run: okay }],
  ['protocol', { argc: 3, run: protocol }],
  ['htstats', { argc: -3, run: debugHtstats }],
  ['htstats-key', { argc: -3, run: debugHtstatsKey }],
  ['listpack', { argc: 3, run: debugListpack }],
  ['quicklist', { argc: -3, run: debugQuicklist }],
  ['quicklist-packed-threshold', { argc: 3, run: debugPackedThreshold }],
  ['structsize', { argc: 2, run: structsize }],
  ['set-skip-checksum-validation', { argc: 3, run: setSkipChecksumValidation }],
  ['aof-flush-sleep', { argc: 3, run: aofFlushSleep }],
  ['pause-cron', { argc: 3, run: pauseCron }],
  ['config-rewrite-force-all', { argc: 2, run: configRewriteForceAll }],
  ['replicate', { argc: -3, run: replicate }],
  ['replybuffer', { argc: 4, run: replyBuffer }],
  ['stringmatch-test', { argc: 2, run: stringMatchTest }],
  ['segfault', { argc: 2, run: segfault }],
  ['panic', { argc: 2, run: panic }],
  ['assert', { argc: 2, run: failAssertion }],
  ['oom', { argc: 2, run: outOfMemory }],
]);

/** Adds subcommands that need parts which this file does not know (persistence, replication, cluster). */
export function addDebugSubcommand(name: string, argc: number, run: (call: Invocation) => void): void {
  SUBCOMMANDS.set(name, { argc, run });
}
