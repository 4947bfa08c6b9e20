/** What replicas say to their primary: PSYNC, SYNC, REPLCONF. Source: spec/replication.md sections 8 and 20. Records: replication-records.ts. */
import type { ImageFilter } from '../replication/host.js';
import { CAN_EOF, CAN_PSYNC2, type Replica } from '../replication/replica.js';
import { splitWords } from '../resp/quoted-words.js';
import { IS_MONITOR, IS_PRIMARY_LINK, IS_REPLICA } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const IP_BYTES_MAX = 255;
const NOT_A_FLAG = 'ERR value is out of range, value must between 0 and 1';

export function sync(call: Invocation): void {
  if ((call.connection.flags & (IS_REPLICA | IS_MONITOR)) !== 0) return;
  const replica = acceptReplica(call);
  if (replica !== null) call.server.replication.node.synchronize(replica, null);
}

export function psync(call: Invocation): void {
  if ((call.connection.flags & (IS_REPLICA | IS_MONITOR)) !== 0) return;
  const { node } = call.server.replication;
  const id = call.request.latin1(1);
  if (call.argc > 3 && call.is(3, 'FAILOVER')) {
    if (!node.isReplica) return call.error("ERR PSYNC FAILOVER can't be sent to a master.");
    if (id.toLowerCase() !== node.stream.id) return call.error('ERR PSYNC FAILOVER replid must match my replid.');
    call.server.log.warning(`Failover request received for replid ${id}.`);
    node.becomePrimary();
  }
  const replica = acceptReplica(call);
  if (replica === null) return;
  const offset = call.integer(2);
  if (Number.isNaN(offset)) return replyNotAnInteger(call);
  node.synchronize(replica, { id, offset });
}

/** @returns the client as a replica, or null: the reason was replied */
function acceptReplica(call: Invocation): Replica | null {
  const { server, connection } = call;
  const refusal = server.replication.node.syncRefusal;
  if (refusal !== null) {
    call.error(refusal);
    return null;
  }
  if (server.hasUnsentReplies(connection)) {
    call.error('ERR SYNC and PSYNC are invalid with pending output');
    return null;
  }
  const replica = server.replication.replicaOf(connection);
  if (replica.filter !== null && (replica.capabilities & CAN_EOF) === 0) {
    call.error('ERR Filtered replica requires EOF capability');
    return null;
  }
  return replica;
}

/** Pairs from left to right; one that is wrong stops, those before it stay in force. */
export function replconf(call: Invocation): void {
  if (call.argc % 2 === 0) return replySyntaxError(call);
  const { connection, server } = call;
  const { node } = server.replication;
  const replica = server.replication.replicaOf(connection);
  for (let i = 1; i < call.argc; i += 2) {
    const option = call.text(i);
    const value = i + 1;
    switch (option.toLowerCase()) {
      case 'ack':
        return acknowledge(call, value, replica);
      case 'getack':
        if ((connection.flags & IS_PRIMARY_LINK) !== 0) node.link?.acknowledge();
        return;
      case 'listening-port': {
        const port = call.integer(value);
        if (Number.isNaN(port)) return replyNotAnInteger(call);
        replica.listeningPort = port;
        break;
      }
      case 'ip-address': {
        const length = call.request.lengths[value];
        if (length > IP_BYTES_MAX)
          return call.error(`ERR REPLCONF ip-address provided by replica instance is too long: ${length} bytes`);
        replica.announcedIp = call.text(value);
        break;
      }
      case 'capa':
        if (call.is(value, 'EOF')) replica.capabilities |= CAN_EOF;
        else if (call.is(value, 'PSYNC2')) replica.capabilities |= CAN_PSYNC2;
        break;
      case 'rdb-only': {
        const flag = call.integer(value);
        if (flag !== 0 && flag !== 1)
          return call.error(Number.isNaN(flag) ? 'ERR value is not an integer or out of range' : NOT_A_FLAG);
        replica.wantsImageOnly = flag === 1;
        break;
      }
      case 'rdb-filter-only': {
        const filter = readFilter(call, value);
        if (filter === undefined) return;
        replica.filter = filter;
        break;
      }
      case 'version':
        // Valkey's replicas tell it; nothing depends on it here.
        if (!/^\d+\.\d+\.\d+/.test(call.text(value)))
          return call.error(`ERR Unrecognized version format: ${call.text(value)}`);
        break;
      default:
        return call.error(`ERR Unrecognized REPLCONF option: ${option}`);
    }
  }
  call.reply.ok();
}

/** REPLCONF ACK: no reply, whoever sends it. */
function acknowledge(call: Invocation, index: number, replica: Replica): void {
  if ((call.connection.flags & IS_REPLICA) === 0) return;
  const offset = call.integer(index);
  if (Number.isNaN(offset)) return;
  const hasFsynced = call.argc > index + 2 && call.is(index + 1, 'FACK');
  const fsynced = hasFsynced ? call.integer(index + 2) : 0;
  call.server.replication.node.primary.acknowledged(replica, offset, Number.isNaN(fsynced) ? 0 : fsynced);
}

/** @returns undefined: the error was replied */
function readFilter(call: Invocation, index: number): ImageFilter | undefined {
  const words = splitWords(call.request.latin1(index));
  if (words === null) {
    call.error('ERR Missing rdb-filter-only values');
    return undefined;
  }
  let filter: ImageFilter = 'nothing';
  for (const name of words) {
    if (name.toLowerCase() !== 'functions') {
      call.error(`ERR Unsupported rdb-filter-only option: ${name}`);
      return undefined;
    }
    filter = 'functions';
  }
  return filter;
}
