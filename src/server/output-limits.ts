/**
 * client-output-buffer-limit: closes connections that do not read what they are sent. Source: spec server.md section 4.1.
 *
 * A class has a hard limit (closed at once) and a soft one (closed after that many seconds beyond it without a break). 0 is no limit.
 */
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { IS_MONITOR, IS_PRIMARY_LINK, IS_PUBSUB, IS_REPLICA } from './connection-flags.js';

export type ClientClass = 'normal' | 'replica' | 'pubsub';

export function classOf(connection: Connection): ClientClass {
  const { flags } = connection;
  if ((flags & IS_PRIMARY_LINK) !== 0) return 'normal';
  if ((flags & IS_REPLICA) !== 0 && (flags & IS_MONITOR) === 0) return 'replica';
  return (flags & IS_PUBSUB) !== 0 ? 'pubsub' : 'normal';
}

/** @returns whether the connection has exceeded its limits by `nowMs` and must be closed */
export function exceedsOutputLimit(connection: Connection, config: Config, nowMs: number): boolean {
  const limit = config.values.clientOutputBufferLimit[classOf(connection)];
  const queued = connection.queuedBytes;
  // A replica must at least be able to hold what the backlog could serve.
  const hard =
    limit.hard > 0 && (connection.flags & IS_REPLICA) !== 0
      ? Math.max(limit.hard, config.values.replBacklogSize)
      : limit.hard;
  if (hard > 0 && queued >= hard) return true;
  if (limit.soft === 0 || queued < limit.soft) {
    connection.softLimitSinceMs = 0;
    return false;
  }
  if (connection.softLimitSinceMs === 0) connection.softLimitSinceMs = nowMs;
  return nowMs - connection.softLimitSinceMs > limit.softSeconds * 1000;
}
