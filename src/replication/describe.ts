/** Replication as INFO shows it, and ROLE's view of its state. Fields and order: spec/replication.md section 22. */
import type { ReplicationOptions } from './host.js';
import type { PrimaryLink } from './primary-link.js';
import type { Replication } from './replication.js';

/** Lines of INFO replication, without line ends. */
export function replicationLines(replication: Replication, options: ReplicationOptions): string[] {
  const { link, primary, stream, failover } = replication;
  const { backlog, replicas } = primary;
  const lines = [`role:${link === null ? 'master' : 'slave'}`];
  if (link !== null) lines.push(...linkLines(link, replication.offset, options));
  lines.push(`connected_slaves:${replicas.length}`);
  if (options.minReplicasToWrite > 0 && options.minReplicasMaxLag > 0)
    lines.push(`min_slaves_good_slaves:${primary.goodReplicaCount}`);
  const nowMs = Date.now();
  replicas.forEach((replica, index) => {
    if (replica.stateName === '') return;
    lines.push(
      `slave${index}:ip=${replica.ip},port=${replica.listeningPort},state=${replica.stateName},offset=${replica.ackOffset},lag=${replica.lagSeconds(nowMs)}`,
    );
  });
  lines.push(
    `master_failover_state:${failover.state}`,
    `master_replid:${stream.id}`,
    `master_replid2:${stream.id2}`,
    `master_repl_offset:${replication.offset}`,
    `second_repl_offset:${stream.secondOffset}`,
    `repl_backlog_active:${backlog === null ? 0 : 1}`,
    `repl_backlog_size:${options.replBacklogSize}`,
    `repl_backlog_first_byte_offset:${backlog?.firstOffset ?? 0}`,
    `repl_backlog_histlen:${backlog?.length ?? 0}`,
  );
  return lines;
}

function linkLines(link: PrimaryLink, offset: number, options: ReplicationOptions): string[] {
  const nowMs = performance.now();
  const silentSeconds = Math.floor((nowMs - link.heardAtMs) / 1000);
  const isSyncing = link.state === 'sync';
  const lines = [
    `master_host:${link.host}`,
    `master_port:${link.port}`,
    `master_link_status:${link.isConnected ? 'up' : 'down'}`,
    `master_last_io_seconds_ago:${link.isConnected ? silentSeconds : -1}`,
    `master_sync_in_progress:${isSyncing ? 1 : 0}`,
    `slave_read_repl_offset:${link.readOffset}`,
    `slave_repl_offset:${offset}`,
  ];
  if (isSyncing) {
    const total = link.imageBytes;
    const received = link.receivedImageBytes;
    const percent = total > 0 ? (received * 100) / total : 0;
    lines.push(
      `master_sync_total_bytes:${total}`,
      `master_sync_read_bytes:${received}`,
      `master_sync_left_bytes:${total - received}`,
      `master_sync_perc:${total < 0 ? '-0.00' : percent.toFixed(2)}`,
      `master_sync_last_io_seconds_ago:${silentSeconds}`,
    );
  }
  if (!link.isConnected) {
    const downSeconds =
      link.downSinceMs === Number.NEGATIVE_INFINITY ? -1 : Math.floor((nowMs - link.downSinceMs) / 1000);
    lines.push(`master_link_down_since_seconds:${downSeconds}`);
  }
  lines.push(
    `slave_priority:${options.replicaPriority}`,
    `slave_read_only:${options.replicaReadOnly ? 1 : 0}`,
    `replica_announced:${options.replicaAnnounced ? 1 : 0}`,
  );
  return lines;
}
