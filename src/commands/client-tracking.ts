/** CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR. Source: spec server.md section 5.7. Records: client-records.ts. */
import type { Connection } from '../server/connection.js';
import { IS_TRACKING } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { NAME_BYTES_MAX } from '../server/pubsub.js';
import type { TrackingOptions } from '../server/tracking.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const SWITCH_BROADCASTING =
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.";
const SWITCH_OPTION =
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.";

export function clientTracking(call: Invocation): void {
  const { connection, server } = call;
  const prefixes: string[] = [];
  const options = parseOptions(call, prefixes);
  if (options === null) return;
  if (call.is(2, 'OFF')) {
    server.tracking.disable(connection);
    return call.reply.ok();
  }
  if (!call.is(2, 'ON')) return replySyntaxError(call);
  const error = conflict(connection, options, prefixes);
  if (error !== null) return call.reply.byteError(error);
  server.tracking.enable(connection, options, prefixes);
  call.reply.ok();
}

export function clientCaching(call: Invocation): void {
  const { tracker } = call.connection;
  if ((call.connection.flags & IS_TRACKING) === 0 || tracker === null) {
    return call.error(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  }
  const isYes = call.is(2, 'YES');
  if (!isYes && !call.is(2, 'NO')) return replySyntaxError(call);
  if (isYes && !tracker.options.isOptIn)
    return call.error('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
  if (!isYes && !tracker.options.isOptOut)
    return call.error('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
  tracker.isCachingGiven = true;
  call.reply.ok();
}

export function clientGetredir(call: Invocation): void {
  call.reply.integer(redirectionOf(call.connection));
}

/** @returns the id of the connection that invalidations go to; 0 for none, −1 without tracking */
function redirectionOf({ flags, tracker }: Connection): number {
  return (flags & IS_TRACKING) === 0 ? -1 : tracker!.options.redirectId;
}

export function clientTrackinginfo(call: Invocation): void {
  const { connection, reply } = call;
  const words = stateOf(connection);
  reply.map(3);
  reply.bulkText('flags');
  reply.set(words.length);
  for (const word of words) reply.bulkText(word);
  reply.bulkText('redirect');
  reply.integer(redirectionOf(connection));
  reply.bulkText('prefixes');
  const prefixes = [...(connection.tracker?.prefixes ?? [])].sort();
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.bulkBytes(Buffer.from(prefix, 'latin1'));
}

function stateOf({ flags, tracker }: Connection): string[] {
  if ((flags & IS_TRACKING) === 0 || tracker === null) return ['off'];
  const { options, isCachingGiven, isRedirectBroken } = tracker;
  const words = ['on'];
  if (options.isBroadcasting) words.push('bcast');
  if (options.isOptIn) words.push('optin', ...(isCachingGiven ? ['caching-yes'] : []));
  if (options.isOptOut) words.push('optout', ...(isCachingGiven ? ['caching-no'] : []));
  if (options.isNoLoop) words.push('noloop');
  if (isRedirectBroken) words.push('broken_redirect');
  return words;
}

/** @returns null after an error reply */
function parseOptions(call: Invocation, prefixes: string[]): TrackingOptions | null {
  let redirectId = 0;
  let isBroadcasting = false;
  let isOptIn = false;
  let isOptOut = false;
  let isNoLoop = false;
  for (let i = 3; i < call.argc; i++) {
    const hasNext = i + 1 < call.argc;
    if (call.is(i, 'REDIRECT') && hasNext) {
      if (redirectId !== 0) return refuse(call, 'ERR A client can only redirect to a single other client');
      redirectId = call.integer(++i);
      if (Number.isNaN(redirectId)) {
        replyNotAnInteger(call);
        return null;
      }
      if (!call.server.connections.has(redirectId))
        return refuse(call, 'ERR The client ID you want redirect to does not exist');
    } else if (call.is(i, 'BCAST')) {
      isBroadcasting = true;
    } else if (call.is(i, 'OPTIN')) {
      isOptIn = true;
    } else if (call.is(i, 'OPTOUT')) {
      isOptOut = true;
    } else if (call.is(i, 'NOLOOP')) {
      isNoLoop = true;
    } else if (call.is(i, 'PREFIX') && hasNext) {
      if (call.request.lengths[++i] > NAME_BYTES_MAX) return refuse(call, 'ERR prefix is too long');
      prefixes.push(call.request.latin1(i));
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  return { redirectId, isBroadcasting, isOptIn, isOptOut, isNoLoop };
}

function refuse(call: Invocation, error: string): null {
  call.error(error);
  return null;
}

/** @returns the error (without minus) if the options do not go together, or not with those in force */
function conflict(connection: Connection, options: TrackingOptions, prefixes: readonly string[]): string | null {
  const { isBroadcasting, isOptIn, isOptOut } = options;
  const isOn = (connection.flags & IS_TRACKING) !== 0;
  const current = isOn ? connection.tracker!.options : null;
  if (!isBroadcasting && prefixes.length > 0) return 'ERR PREFIX option requires BCAST mode to be enabled';
  if (current !== null && current.isBroadcasting !== isBroadcasting) return SWITCH_BROADCASTING;
  if (isBroadcasting && (isOptIn || isOptOut)) return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  if (isOptIn && isOptOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (current !== null && ((isOptIn && current.isOptOut) || (isOptOut && current.isOptIn))) return SWITCH_OPTION;
  return isBroadcasting ? overlap(connection, prefixes) : null;
}

/** A key must not be told twice: no prefix of a client may be the beginning of another. */
function overlap(connection: Connection, prefixes: readonly string[]): string | null {
  const existing = [...(connection.tracker?.prefixes ?? [])].sort();
  for (const [at, prefix] of prefixes.entries()) {
    for (const other of existing) if (isOverlap(prefix, other)) return overlapError(prefix, 'an existing', other);
    for (const other of prefixes.slice(at + 1))
      if (isOverlap(prefix, other)) return overlapError(prefix, 'another provided', other);
  }
  return null;
}

function isOverlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function overlapError(prefix: string, which: string, other: string): string {
  return `ERR Prefix '${prefix}' overlaps with ${which} prefix '${other}'. Prefixes for a single client must not overlap.`;
}
