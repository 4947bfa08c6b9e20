/**
 * Up to which size a collection is kept in its packed form (listpack, intset): the values of the configuration directives of the same names, for
 * all that builds collections: commands, loaders, RESTORE. Source: spec server.md section 13, persistence.md section 3.2.
 */

/** Bytes of a node of a list for −1 to −5. */
const LIST_NODE_BYTES = [4096, 8192, 16384, 32768, 65536];
/** No node that is limited by its count grows beyond this. */
const COUNTED_NODE_BYTES_MAX = 8192;
/** A list that is limited by its count and shrinks becomes packed with more bytes than a node of its own may have; here, up to the largest node. */
const COUNTED_PACKED_BYTES_MAX = Math.max(...LIST_NODE_BYTES);
const NO_LIMIT = 0x7fffffff;

export class PackingLimits {
  hashListpackEntries = 512;
  hashListpackValueBytes = 64;
  setIntsetEntries = 512;
  setListpackEntries = 128;
  setListpackValueBytes = 64;
  zsetListpackEntries = 128;
  zsetListpackValueBytes = 64;
  /** Of one node of a list, as `listListpackSize` has it. */
  listNodeElements = NO_LIMIT;
  listNodeBytes = LIST_NODE_BYTES[1];
  /** Of the only node of a list that may become packed again. */
  listPackedBytes = LIST_NODE_BYTES[1];
  /** Of one node of a stream; 0 = no limit of entries, and 1 GiB. */
  streamNodeEntries = 100;
  streamNodeBytes = 4096;

  /** Whether texts of these lengths may stand in a packed hash, as field and value. */
  allowsHashPair(fieldLength: number, valueLength: number): boolean {
    return fieldLength <= this.hashListpackValueBytes && valueLength <= this.hashListpackValueBytes;
  }

  /** Of one node of a list: elements if not negative, −1 to −5 for 4 to 64 KiB. */
  set listListpackSize(size: number) {
    this.listNodeElements = size >= 0 ? Math.max(1, size) : NO_LIMIT;
    this.listNodeBytes =
      size >= 0 ? COUNTED_NODE_BYTES_MAX : LIST_NODE_BYTES[Math.min(-size, LIST_NODE_BYTES.length) - 1];
    this.listPackedBytes = size >= 0 ? COUNTED_PACKED_BYTES_MAX : this.listNodeBytes;
  }
}
