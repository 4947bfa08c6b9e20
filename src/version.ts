/**
 * The two versions this program speaks of.
 *
 * Clients look at `redis_version` to decide which commands and reply forms they may use, so it names the Redis release whose behaviour is kept.
 * The other is this package's own and equals the one in package.json (a test holds them together: reading a file at every start would cost more).
 */

/** The Redis release whose commands, replies, texts and defaults are kept; shown as `redis_version`, in HELLO, LOLWUT and `--version`. */
export const REDIS_VERSION = '7.2.6';

/** This package's own version, shown as `slotmesh_version`. */
export const SLOTMESH_VERSION = '0.1.0';
