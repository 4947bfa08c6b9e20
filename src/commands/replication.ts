/** REPLICAOF, ROLE, FAILOVER, WAIT, WAITAOF, and DEBUG CHANGE-REPL-ID. Source: spec/replication.md sections 14, 17, 19, 22. Records: replication-records.ts. */
import { matches } from '../replication/failover.js';
import { describeConnection } from '../server/client-info.js';
import { IS_REPLICA } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { LOCAL_AOF_OFF, type ReplicaWait } from '../server/replica-waits.js';
import { addDebugSubcommand } from './debug.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const PORT_MAX = 65535;

export function replicaof(call: Invocation): void {
  const { server, connection, reply } = call;
  const { node } = server.replication;
  if (server.cluster !== null) return call.error('ERR REPLICAOF not allowed in cluster mode.');
  if (node.failover.isActive) return call.error('ERR REPLICAOF not allowed while failing over.');
  if (call.is(1, 'NO') && call.is(2, 'ONE')) {
    if (node.isReplica) {
      node.becomePrimary();
      server.log.notice(`MASTER MODE enabled (user request from '${describeConnection(connection)}')`);
    }
    return reply.ok();
  }
  if ((connection.flags & IS_REPLICA) !== 0) return call.error('ERR Command is not valid when client is a replica.');
  const host = call.text(1);
  const port = call.integer(2);
  if (!(port >= 0 && port <= PORT_MAX)) return call.error('ERR Invalid master port');
  const { link } = node;
  if (link !== null && link.host.toLowerCase() === host.toLowerCase() && link.port === port) {
    server.log.notice(
      'REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.',
    );
    return reply.status('OK Already connected to specified master');
  }
  node.replicateOf({ host, port });
  server.log.notice(`REPLICAOF ${host}:${port} enabled (user request from '${describeConnection(connection)}')`);
  reply.ok();
}

export function role(call: Invocation): void {
  const { reply } = call;
  const { node } = call.server.replication;
  const { link } = node;
  if (link !== null) {
    reply.array(5);
    reply.bulkText('slave');
    reply.bulkText(link.host);
    reply.integer(link.port);
    reply.bulkText(link.state);
    reply.integer(link.isConnected ? node.offset : -1);
    return;
  }
  const online = node.replicas.filter((replica) => replica.state === 'online');
  reply.array(3);
  reply.bulkText('master');
  reply.integer(node.offset);
  reply.array(online.length);
  for (const replica of online) {
    reply.array(3);
    reply.bulkText(replica.ip);
    reply.bulkText(String(replica.listeningPort));
    reply.bulkText(String(replica.ackOffset));
  }
}

export function failover(call: Invocation): void {
  const { server } = call;
  const { node } = server.replication;
  if (server.cluster !== null)
    return call.error('ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.');
  if (call.argc === 2 && call.is(1, 'ABORT')) {
    if (!node.failover.isActive) return call.error('ERR No failover in progress.');
    node.failover.abort();
    return call.reply.ok();
  }
  let target: { host: string; port: number } | null = null;
  let timeoutMs = 0;
  let isForced = false;
  for (let i = 1; i < call.argc; i++) {
    if (call.is(i, 'TIMEOUT') && i + 1 < call.argc && timeoutMs === 0) {
      timeoutMs = call.integer(++i);
      if (Number.isNaN(timeoutMs)) return replyNotAnInteger(call);
      if (timeoutMs <= 0) return call.error('ERR FAILOVER timeout must be greater than 0');
    } else if (call.is(i, 'TO') && i + 2 < call.argc && target === null) {
      const port = call.integer(i + 2);
      if (Number.isNaN(port)) return replyNotAnInteger(call);
      target = { host: call.text(i + 1), port };
      i += 2;
    } else if (call.is(i, 'FORCE') && !isForced) {
      isForced = true;
    } else {
      return replySyntaxError(call);
    }
  }
  if (node.failover.isActive) return call.error('ERR FAILOVER already in progress.');
  if (node.isReplica) return call.error('ERR FAILOVER is not valid when server is a replica.');
  if (node.replicas.length === 0) return call.error('ERR FAILOVER requires connected replicas.');
  if (isForced && (timeoutMs === 0 || target === null))
    return call.error('ERR FAILOVER with force option requires both a timeout and target HOST and IP.');
  if (target !== null) {
    const { host, port } = target;
    const replica = node.replicas.find((candidate) => matches(candidate, { host, port }));
    if (replica === undefined) return call.error('ERR FAILOVER target HOST and PORT is not a replica.');
    if (replica.state !== 'online') return call.error('ERR FAILOVER target replica is not online.');
  }
  call.reply.ok();
  node.beginFailover({ target, isForced, timeoutMs });
}

/** @returns milliseconds, or null: the error has been replied */
function readTimeout(call: Invocation, index: number): number | null {
  const timeoutMs = call.integer(index);
  if (timeoutMs >= 0) return timeoutMs;
  call.error(timeoutMs < 0 ? 'ERR timeout is negative' : 'ERR timeout is not an integer or out of range');
  return null;
}

export function wait(call: Invocation): void {
  const { replication } = call.server;
  if (replication.isReplica) {
    return call.error(
      'ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.',
    );
  }
  const replicaCount = call.integer(1);
  if (Number.isNaN(replicaCount)) return replyNotAnInteger(call);
  const timeoutMs = readTimeout(call, 2);
  if (timeoutMs === null) return;
  waitFor(call, timeoutMs, { offset: call.connection.writeOffset, replicaCount, isAof: false, needsLocal: false });
}

export function waitaof(call: Invocation): void {
  const { replication } = call.server;
  const local = call.integer(1);
  if (Number.isNaN(local) || local < 0 || local > 1)
    return call.error('ERR value is out of range, value must between 0 and 1');
  const replicaCount = call.integer(2);
  if (Number.isNaN(replicaCount) || replicaCount < 0) return call.error('ERR value is out of range, must be positive');
  const timeoutMs = readTimeout(call, 3);
  if (timeoutMs === null) return;
  if (replication.isReplica) {
    return call.error(
      'ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.',
    );
  }
  if (local === 1 && !call.server.config.values.appendonly) return call.error(LOCAL_AOF_OFF);
  waitFor(call, timeoutMs, { offset: call.connection.writeOffset, replicaCount, isAof: true, needsLocal: local === 1 });
}

function waitFor(call: Invocation, timeoutMs: number, what: ReplicaWait): void {
  const { waits } = call.server.replication;
  if (waits.isSatisfied(what) || call.connection.isExecuting) waits.reply(what, call.reply);
  else waits.block(call.connection, timeoutMs, what);
}

addDebugSubcommand('change-repl-id', 2, (call) => {
  call.server.replication.node.changeId();
  call.reply.ok();
});
