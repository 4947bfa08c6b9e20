/**
 * The numbers of the RDB format (spec/persistence.md 1.6 and 2). Both tables are append-only: the ids stand in files on disk and in replication
 * streams of every version.
 */
export const Opcode = {
  /** Redis 7.4 and later, in cluster mode: the slot of the keys that follow, how many they are and how many have a time. */
  SLOT_INFO: 0xf4,
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
  /** In Valkey 9. It and 23 were in use otherwise before Redis 7.4 was finished, which is refused. */
  HASH_VOLATILE_ITEMS: 22,
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
  'hash-volatile-items',
  '',
  'hash-hashtable-md',
  'hash-listpackex-md',
];

/** In HASH_VOLATILE_ITEMS the time of a field that has none. */
export const NO_VOLATILE_TIME = -1;

/** AUX field with times of hash fields, of ours alone (timed-hash-rdb.ts). */
export const FIELD_TIMES_AUX = 'slotmesh-field-times';

/** Highest version of Redis that is read; a file or payload above it is refused whatever it contains, unless it is Valkey's. */
export const RDB_VERSION_MAX = 12;
/** The version of Valkey 9, which is not followed by one of Redis: its files begin with `VALKEY080`. */
export const RDB_VERSION_VALKEY = 80;
/** What is written unless a value needs more: Redis 7.0 loads and replicates it. */
export const RDB_VERSION = 10;
/** What is written if a hash has fields with times. */
export const RDB_VERSION_FIELD_TIMES = 12;
/** Files of this version and above end with eight bytes of checksum. */
export const RDB_VERSION_WITH_CHECKSUM = 5;

/** What files of Redis and of Valkey begin with, before the version. */
const MAGICS = ['REDIS', 'VALKEY'] as const;
/** So many bytes tell whether a file is an RDB. */
export const RDB_MAGIC_BYTES = 5;
/** Magic and version. */
export const RDB_HEADER_BYTES = 9;

/** Whether a file that begins with these bytes (at least RDB_MAGIC_BYTES) is to be taken for an RDB. */
export function isRdbMagic(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, RDB_MAGIC_BYTES).toString('latin1');
  return MAGICS.some((magic) => magic.startsWith(text));
}

/** @returns the version that a header (RDB_HEADER_BYTES) tells, 0 if it tells none; −1 if it is no header of an RDB */
export function versionOfHeader(header: string): number {
  const magic = MAGICS.find((each) => header.startsWith(each));
  return magic === undefined ? -1 : Number.parseInt(header.slice(magic.length), 10) || 0;
}

/** Whether files and payloads of this version are read. */
export function isReadableVersion(version: number): boolean {
  return version <= RDB_VERSION_MAX || version === RDB_VERSION_VALKEY;
}

export function isKnownType(type: number): boolean {
  return type >= 0 && type < TYPE_NAMES.length && TYPE_NAMES[type] !== '';
}

/** Whether a file or payload of a version may have this type. */
export function isTypeOf(version: number, type: number): boolean {
  return isKnownType(type) && (type !== RdbType.HASH_VOLATILE_ITEMS || version === RDB_VERSION_VALKEY);
}

export function typeName(type: number): string {
  return isKnownType(type) ? TYPE_NAMES[type]! : 'unknown';
}

/** @returns the lowest version whose readers know this type */
export function versionOfType(type: number): number {
  if (type === RdbType.HASH_VOLATILE_ITEMS) return RDB_VERSION_VALKEY;
  if (type >= RdbType.HASH_METADATA) return RDB_VERSION_FIELD_TIMES;
  return type >= RdbType.SET_LISTPACK ? 11 : RDB_VERSION;
}
