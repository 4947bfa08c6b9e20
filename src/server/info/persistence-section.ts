/** INFO persistence. Fields and order: spec persistence.md section 9.5. */
import type { Persistence } from '../persistence.js';
import type { Server } from '../server.js';

export function persistenceLines(server: Server, persistence: Persistence): string[] {
  const { rdb, aof, loading, snapshots } = persistence;
  persistence.countChanges();
  const { running } = snapshots;
  const status = (isOk: boolean): string => (isOk ? 'ok' : 'err');
  const flag = (is: boolean): number => (is ? 1 : 0);
  const { keyCount = 0, deliveredCount = 0 } = running ?? {};
  const lines = [
    `loading:${flag(loading !== null && !server.isAsyncLoading)}`,
    `async_loading:${flag(server.isAsyncLoading)}`,
    'current_cow_peak:0',
    'current_cow_size:0',
    'current_cow_size_age:0',
    `current_fork_perc:${(keyCount === 0 ? 0 : (deliveredCount * 100) / keyCount).toFixed(2)}`,
    `current_save_keys_processed:${deliveredCount}`,
    `current_save_keys_total:${keyCount}`,
    `rdb_changes_since_last_save:${rdb.changes}`,
    `rdb_bgsave_in_progress:${flag(rdb.isSaving)}`,
    `rdb_last_save_time:${rdb.lastSaveSeconds}`,
    `rdb_last_bgsave_status:${status(rdb.lastBackgroundSaveOk)}`,
    `rdb_last_bgsave_time_sec:${rdb.lastBackgroundSaveDuration}`,
    `rdb_current_bgsave_time_sec:${rdb.currentDuration}`,
    `rdb_saves:${rdb.saveCount}`,
    'rdb_last_cow_size:0',
    `rdb_last_load_keys_expired:${persistence.lastExpiredCount}`,
    `rdb_last_load_keys_loaded:${persistence.lastLoadedCount}`,
    `aof_enabled:${flag(aof.state !== 'off')}`,
    `aof_rewrite_in_progress:${flag(aof.isRewriting)}`,
    `aof_rewrite_scheduled:${flag(aof.isRewriteScheduled)}`,
    `aof_last_rewrite_time_sec:${aof.lastRewriteDuration}`,
    `aof_current_rewrite_time_sec:${aof.currentRewriteDuration}`,
    `aof_last_bgrewrite_status:${status(aof.lastRewriteOk)}`,
    `aof_rewrites:${aof.rewriteCount}`,
    `aof_rewrites_consecutive_failures:${aof.consecutiveFailures}`,
    `aof_last_write_status:${status(aof.refusal === null)}`,
    'aof_last_cow_size:0',
    'module_fork_in_progress:0',
    'module_fork_last_cow_size:0',
  ];
  if (aof.state !== 'off') {
    lines.push(
      `aof_current_size:${aof.currentBytes}`,
      `aof_base_size:${aof.baseBytes}`,
      `aof_pending_rewrite:${flag(aof.isRewriteScheduled)}`,
      `aof_buffer_length:${aof.appender.buffer.length}`,
      `aof_pending_bio_fsync:${aof.appender.pendingFsyncCount}`,
      `aof_delayed_fsync:${aof.appender.delayedFsyncCount}`,
    );
  }
  if (loading !== null) {
    const percent = loading.totalBytes === 0 ? 0 : (loading.loadedBytes * 100) / loading.totalBytes;
    const elapsed = (Date.now() - loading.startedAtMs) / 1000;
    const eta = percent === 0 ? 1 : Math.max(1, Math.round((elapsed * (100 - percent)) / percent));
    lines.push(
      `loading_start_time:${Math.floor(loading.startedAtMs / 1000)}`,
      `loading_total_bytes:${loading.totalBytes}`,
      'loading_rdb_used_mem:0',
      `loading_loaded_bytes:${loading.loadedBytes}`,
      `loading_loaded_perc:${percent.toFixed(2)}`,
      `loading_eta_seconds:${eta}`,
    );
  }
  return lines;
}
