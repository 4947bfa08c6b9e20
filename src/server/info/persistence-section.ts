/** INFO persistence. Fields and order: spec persistence.md section 9.5. */
import { fieldLines, twoDecimals } from '../../resp/field-lines.js';
import type { Persistence } from '../persistence.js';
import type { Server } from '../server.js';

export function persistenceText(server: Server, persistence: Persistence): string {
  const { rdb, aof, loading, snapshots } = persistence;
  persistence.countChanges();
  const { running } = snapshots;
  const { keyCount = 0, deliveredCount = 0 } = running ?? {};
  let text = fieldLines`\
loading:${flag(loading !== null && !server.isAsyncLoading)}\r
async_loading:${flag(server.isAsyncLoading)}\r
current_cow_peak:0\r
current_cow_size:0\r
current_cow_size_age:0\r
current_fork_perc:${twoDecimals}${keyCount === 0 ? 0 : (deliveredCount * 100) / keyCount}\r
current_save_keys_processed:${deliveredCount}\r
current_save_keys_total:${keyCount}\r
rdb_changes_since_last_save:${rdb.changes}\r
rdb_bgsave_in_progress:${flag(rdb.isSaving)}\r
rdb_last_save_time:${rdb.lastSaveSeconds}\r
rdb_last_bgsave_status:${status(rdb.lastBackgroundSaveOk)}\r
rdb_last_bgsave_time_sec:${rdb.lastBackgroundSaveDuration}\r
rdb_current_bgsave_time_sec:${rdb.currentDuration}\r
rdb_saves:${rdb.saveCount}\r
rdb_last_cow_size:0\r
rdb_last_load_keys_expired:${persistence.lastExpiredCount}\r
rdb_last_load_keys_loaded:${persistence.lastLoadedCount}\r
aof_enabled:${flag(aof.state !== 'off')}\r
aof_rewrite_in_progress:${flag(aof.isRewriting)}\r
aof_rewrite_scheduled:${flag(aof.isRewriteScheduled)}\r
aof_last_rewrite_time_sec:${aof.lastRewriteDuration}\r
aof_current_rewrite_time_sec:${aof.currentRewriteDuration}\r
aof_last_bgrewrite_status:${status(aof.lastRewriteOk)}\r
aof_rewrites:${aof.rewriteCount}\r
aof_rewrites_consecutive_failures:${aof.consecutiveFailures}\r
aof_last_write_status:${status(aof.refusal === null)}\r
aof_last_cow_size:0\r
module_fork_in_progress:0\r
module_fork_last_cow_size:0\r
`;
  if (aof.state !== 'off') {
    text += fieldLines`\
aof_current_size:${aof.currentBytes}\r
aof_base_size:${aof.baseBytes}\r
aof_pending_rewrite:${flag(aof.isRewriteScheduled)}\r
aof_buffer_length:${aof.appender.buffer.length}\r
aof_pending_bio_fsync:${aof.appender.pendingFsyncCount}\r
aof_delayed_fsync:${aof.appender.delayedFsyncCount}\r
`;
  }
  if (loading !== null) {
    const percent = loading.totalBytes === 0 ? 0 : (loading.loadedBytes * 100) / loading.totalBytes;
    const elapsed = (Date.now() - loading.startedAtMs) / 1000;
    const eta = percent === 0 ? 1 : Math.max(1, Math.round((elapsed * (100 - percent)) / percent));
    text += fieldLines`\
loading_start_time:${Math.floor(loading.startedAtMs / 1000)}\r
loading_total_bytes:${loading.totalBytes}\r
loading_rdb_used_mem:0\r
loading_loaded_bytes:${loading.loadedBytes}\r
loading_loaded_perc:${twoDecimals}${percent}\r
loading_eta_seconds:${eta}\r
`;
  }
  return text;
}

function status(isOk: boolean): string {
  return isOk ? 'ok' : 'err';
}

function flag(isSo: boolean): number {
  return isSo ? 1 : 0;
}
