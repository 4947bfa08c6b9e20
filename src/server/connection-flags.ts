/**
 * Flags of a connection's session. They have a file of their own because nearly everything in the server asks for some of them.
 */

/** Session flags. Those in GATE_FLAGS make the pipeline take its full set of checks. */
export const IS_MONITOR = 1 << 0;
export const IS_REPLICA = 1 << 1;
export const IS_PRIMARY_LINK = 1 << 2;
export const IS_PUBSUB = 1 << 3;
export const IN_MULTI = 1 << 4;
export const IS_BLOCKED = 1 << 5;
export const CLOSE_AFTER_REPLY = 1 << 6;
export const IS_UNIX_SOCKET = 1 << 7;
export const CLUSTER_READONLY = 1 << 8;
export const CLUSTER_ASKING = 1 << 9;
export const NO_EVICT = 1 << 10;
export const NO_TOUCH = 1 << 11;
export const REPLY_OFF = 1 << 12;
export const REPLY_SKIP_NEXT = 1 << 13;
export const REPLY_SKIP = 1 << 14;
export const NEEDS_AUTH = 1 << 15;
/** Its request waits for CLIENT PAUSE to end. */
export const IS_PAUSED = 1 << 16;
/** It wants to hear of changes of keys: CLIENT TRACKING. */
export const IS_TRACKING = 1 << 17;
/** A command has taken over the buffer of its pending input: what follows goes on in another one. */
export const INPUT_IS_GIVEN = 1 << 18;
/** Its input waits until connections that come at the same time have been accepted. */
export const INPUT_WAITS = 1 << 19;

export const GATE_FLAGS =
  IS_MONITOR |
  IS_REPLICA |
  IS_PRIMARY_LINK |
  IS_PUBSUB |
  IS_TRACKING |
  IN_MULTI |
  REPLY_OFF |
  REPLY_SKIP_NEXT |
  REPLY_SKIP |
  NEEDS_AUTH |
  CLUSTER_ASKING |
  NO_TOUCH;
