/**
 * The numbers of the RDB format (spec/persistence.md 1.6 and 2). Both tables are append-only: the ids stand in files on disk and in replication
 * streams of every version.
 */
export const Opcode = {
  FUNCTION2: 0xf5,
  /** Redis 7.0 release candidates only; refused. */
  FUNCTION_PRE_RELEASE: 0xf6,
  MODULE_AUX: 0xf7,
  IDLE: 0xf8,
  FREQ: 0xf9,
  AUX: 0xfa,
  RESIZEDB: 0xfb,
  EXPIRETIME_MS: 0xfc,
  EXPIRETIME: 0xfd,
  SELECTDB: 0xfe,
  EOF: 0xff,
} as const;

export const RdbType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  ZSET_2: 5,
  MODULE_PRE_RELEASE: 6,
  MODULE_2: 7,
  HASH_ZIPMAP: 9,
  LIST_ZIPLIST: 10,
  SET_INTSET: 11,
  ZSET_ZIPLIST: 12,
  HASH_ZIPLIST: 13,
  LIST_QUICKLIST: 14,
  STREAM: 15,
  HASH_LISTPACK: 16,
  ZSET_LISTPACK: 17,
  LIST_QUICKLIST_2: 18,
  STREAM_2: 19,
  SET_LISTPACK: 20,
  STREAM_3: 21,
  /** 22 and 23 were in use before Redis 7.4 was finished, and 22 means something else in Valkey 9: both are refused. */
  HASH_METADATA: 24,
  HASH_LISTPACK_EX: 25,
} as const;

/** Names as the offline checker prints them; index = type id, `unknown` for ids without one. */
const TYPE_NAMES: readonly string[] = [
  'string',
  'list-linked',
  'set-hashtable',
  'zset-v1',
  'hash-hashtable',
  'zset-v2',
  'module-pre-release',
  'module-value',
  '',
  'hash-zipmap',
  'list-ziplist',
  'set-intset',
  'zset-ziplist',
  'hash-ziplist',
  'quicklist',
  'stream',
  'hash-listpack',
  'zset-listpack',
  'quicklist-v2',
  'stream-v2',
  'set-listpack',
  'stream-v3',
  '',
  '',
  'hash-hashtable-md',
  'hash-listpackex-md',
];

/** AUX field with times of hash fields, of ours alone (timed-hash-rdb.ts). */
export const FIELD_TIMES_AUX = 'slotmesh-field-times';

/** Highest version that is read; a file or payload above it is refused whatever it contains. */
export const RDB_VERSION_MAX = 12;
/** What is written unless a value needs more: Redis 7.0 loads and replicates it. */
export const RDB_VERSION = 10;
/** What is written if a hash has fields with times. */
export const RDB_VERSION_FIELD_TIMES = 12;
/** Files of this version and above end with eight bytes of checksum. */
export const RDB_VERSION_WITH_CHECKSUM = 5;

export function isKnownType(type: number): boolean {
  return type >= 0 && type < TYPE_NAMES.length && TYPE_NAMES[type] !== '';
}

export function typeName(type: number): string {
  return isKnownType(type) ? TYPE_NAMES[type]! : 'unknown';
}

/** @returns the lowest version whose readers know this type */
export function versionOfType(type: number): number {
  if (type >= RdbType.HASH_METADATA) return RDB_VERSION_FIELD_TIMES;
  return type >= RdbType.SET_LISTPACK ? 11 : RDB_VERSION;
}
