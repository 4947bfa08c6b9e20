/** Replication as INFO shows it, and ROLE's view of its state. Fields and order: spec/replication.md section 22. */
import { fieldLines } from '../resp/field-lines.js';
import type { ReplicationOptions } from './host.js';
import type { PrimaryLink } from './primary-link.js';
import type { Replication } from './replication.js';

/** Lines of INFO replication, each with its CR and LF. */
export function replicationText(replication: Replication, options: ReplicationOptions): string {
  const { link, primary, stream, failover } = replication;
  const { backlog, replicas } = primary;
  let text = link === null ? 'role:master\r\n' : `role:slave\r\n${linkText(link, replication.offset, options)}`;
  text += `connected_slaves:${replicas.length}\r\n`;
  if (options.minReplicasToWrite > 0 && options.minReplicasMaxLag > 0)
    text += `min_slaves_good_slaves:${primary.goodReplicaCount}\r\n`;
  const nowMs = Date.now();
  for (const [index, replica] of replicas.entries()) {
    if (replica.stateName === '') continue;
    text += `slave${index}:ip=${replica.ip},port=${replica.listeningPort},state=${replica.stateName},offset=${replica.ackOffset},lag=${replica.lagSeconds(nowMs)}\r\n`;
  }
  text += fieldLines`\
master_failover_state:${failover.state}\r
master_replid:${stream.id}\r
master_replid2:${stream.id2}\r
master_repl_offset:${replication.offset}\r
second_repl_offset:${stream.secondOffset}\r
repl_backlog_active:${backlog === null ? 0 : 1}\r
repl_backlog_size:${options.replBacklogSize}\r
repl_backlog_first_byte_offset:${backlog?.firstOffset ?? 0}\r
repl_backlog_histlen:${backlog?.length ?? 0}\r
`;
  return text;
}

function linkText(link: PrimaryLink, offset: number, options: ReplicationOptions): string {
  const nowMs = performance.now();
  const silentSeconds = Math.floor((nowMs - link.heardAtMs) / 1000);
  const isSyncing = link.state === 'sync';
  let text = fieldLines`\
master_host:${link.host}\r
master_port:${link.port}\r
master_link_status:${link.isConnected ? 'up' : 'down'}\r
master_last_io_seconds_ago:${link.isConnected ? silentSeconds : -1}\r
master_sync_in_progress:${isSyncing ? 1 : 0}\r
slave_read_repl_offset:${link.readOffset}\r
slave_repl_offset:${offset}\r
`;
  if (isSyncing) {
    const total = link.imageBytes;
    const received = link.receivedImageBytes;
    const percent = total > 0 ? (received * 100) / total : 0;
    text += fieldLines`\
master_sync_total_bytes:${total}\r
master_sync_read_bytes:${received}\r
master_sync_left_bytes:${total - received}\r
master_sync_perc:${total < 0 ? '-0.00' : percent.toFixed(2)}\r
master_sync_last_io_seconds_ago:${silentSeconds}\r
`;
  }
  if (!link.isConnected) {
    const downSeconds =
      link.downSinceMs === Number.NEGATIVE_INFINITY ? -1 : Math.floor((nowMs - link.downSinceMs) / 1000);
    text += `master_link_down_since_seconds:${downSeconds}\r\n`;
  }
  text += fieldLines`\
slave_priority:${options.replicaPriority}\r
slave_read_only:${options.replicaReadOnly ? 1 : 0}\r
replica_announced:${options.replicaAnnounced ? 1 : 0}\r
`;
  return text;
}
