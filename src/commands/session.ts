/** The session of a connection: PING, ECHO, SELECT, AUTH, HELLO, RESET, QUIT. Source: spec server.md section 2. */
import { fixedReply } from '../resp/reply-writer.js';
import { authenticate, setAuthenticated, WRONG_PASSWORD } from '../server/authentication.js';
import {
  CLUSTER_ASKING,
  CLUSTER_READONLY,
  IS_MONITOR,
  IS_PRIMARY_LINK,
  IS_PUBSUB,
  IS_REPLICA,
  NEEDS_AUTH,
  NO_EVICT,
  NO_TOUCH,
  REPLY_OFF,
  REPLY_SKIP,
  REPLY_SKIP_NEXT,
} from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { REDIS_VERSION } from '../version.js';
import { isClientName, NAME_ERROR } from './client-name.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const INT32_MAX = 0x7fffffff;
const PONG = fixedReply('+PONG');

export function ping(call: Invocation): void {
  if (call.argc > 2) return call.error("ERR wrong number of arguments for 'ping' command");
  if ((call.connection.flags & IS_PUBSUB) !== 0 && call.reply.protocol === 2) {
    call.reply.array(2);
    call.reply.bulkText('pong');
    if (call.argc === 2) call.replyArgument(1);
    else call.reply.bulkText('');
    return;
  }
  if (call.argc === 2) call.replyArgument(1);
  else call.reply.raw(PONG);
}

export function echo(call: Invocation): void {
  call.replyArgument(1);
}

export function select(call: Invocation): void {
  const index = call.integer(1);
  if (Number.isNaN(index)) return replyNotAnInteger(call);
  if (Math.abs(index) > INT32_MAX) {
    return call.error(`ERR value is out of range, value must between ${-INT32_MAX - 1} and ${INT32_MAX}`);
  }
  if (call.server.cluster !== null && index !== 0) return call.error('ERR SELECT is not allowed in cluster mode');
  if (call.keyspace.databases[index] === undefined) return call.error('ERR DB index is out of range');
  call.connection.databaseIndex = index;
  call.reply.ok();
}

export function quit(call: Invocation): void {
  call.reply.ok();
  call.connection.closeAfterReply();
}

export function auth(call: Invocation): void {
  const { request, connection } = call;
  if (call.argc > 3) return replySyntaxError(call);
  const isNamed = call.argc === 3;
  if (!isNamed && call.server.config.values.requirepass === '') {
    return call.error(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  }
  const user = isNamed ? request.latin1(1) : 'default';
  if (authenticate(connection, user, request.latin1(isNamed ? 2 : 1))) call.reply.ok();
  else call.error(WRONG_PASSWORD);
}

/** The options are all read before anything is changed, so that a refused HELLO leaves name and protocol as they were. */
export function hello(call: Invocation): void {
  const { request, connection } = call;
  let protocol = 0;
  let next = 1;
  if (call.argc > 1) {
    protocol = call.integer(next++);
    if (Number.isNaN(protocol)) return call.error('ERR Protocol version is not an integer or out of range');
    if (protocol < 2 || protocol > 3) return call.error('NOPROTO unsupported protocol version');
  }
  let user: string | null = null;
  let password = '';
  let name: string | null = null;
  while (next < call.argc) {
    const remaining = call.argc - next - 1;
    if (call.is(next, 'AUTH') && remaining >= 2) {
      user = request.latin1(next + 1);
      password = request.latin1(next + 2);
      next += 3;
    } else if (call.is(next, 'SETNAME') && remaining >= 1) {
      name = request.latin1(next + 1);
      if (!isClientName(name)) return call.error(NAME_ERROR);
      next += 2;
    } else {
      return call.reply.byteError(`ERR Syntax error in HELLO option '${request.cText(next)}'`);
    }
  }
  if (user !== null && !authenticate(connection, user, password)) return call.error(WRONG_PASSWORD);
  if ((connection.flags & NEEDS_AUTH) !== 0) {
    return call.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== null) connection.name = name;
  if (protocol !== 0) connection.protocol = protocol;
  call.reply.protocol = connection.protocol;
  replyHello(call);
}

function replyHello(call: Invocation): void {
  const { reply, connection, server } = call;
  reply.map(7);
  reply.bulkText('server');
  reply.bulkText('redis');
  reply.bulkText('version');
  reply.bulkText(REDIS_VERSION);
  reply.bulkText('proto');
  reply.integer(connection.protocol);
  reply.bulkText('id');
  reply.integer(connection.id);
  reply.bulkText('mode');
  reply.bulkText(server.cluster === null ? 'standalone' : 'cluster');
  reply.bulkText('role');
  reply.bulkText(server.isReplica ? 'replica' : 'master');
  reply.bulkText('modules');
  reply.array(0);
}

const SESSION_FLAGS =
  IS_MONITOR | CLUSTER_ASKING | CLUSTER_READONLY | REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT | NO_TOUCH | NO_EVICT;

export function reset(call: Invocation): void {
  const { connection, server } = call;
  const isMonitor = (connection.flags & IS_MONITOR) !== 0;
  if ((connection.flags & IS_PRIMARY_LINK) !== 0 || ((connection.flags & IS_REPLICA) !== 0 && !isMonitor)) {
    return call.error('ERR can only reset normal client connections');
  }
  if (isMonitor) server.stopMonitoring(connection);
  server.discard(connection);
  server.pubsub.unsubscribeAll(connection);
  server.tracking.disable(connection);
  connection.flags &= ~SESSION_FLAGS;
  connection.databaseIndex = 0;
  connection.protocol = 2;
  connection.name = '';
  connection.user = 'default';
  setAuthenticated(connection, server.config.values.requirepass === '');
  call.reply.protocol = 2;
  call.reply.status('RESET');
}
