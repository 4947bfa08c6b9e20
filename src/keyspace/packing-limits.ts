/**
 * Up to which size a collection is kept in its packed form (listpack, intset): the values of the configuration directives of the same names, for
 * all that builds collections: commands, loaders, RESTORE. Source: spec server.md section 13, persistence.md section 3.2.
 */
export class PackingLimits {
  hashListpackEntries = 512;
  hashListpackValueBytes = 64;
  setIntsetEntries = 512;
  setListpackEntries = 128;
  setListpackValueBytes = 64;
  zsetListpackEntries = 128;
  zsetListpackValueBytes = 64;
  /** Of one node of a list: elements if positive, −1 to −5 for 4 to 64 KiB. */
  listListpackSize = -2;
  /** Of one node of a stream; 0 = no limit of entries, and 1 GiB. */
  streamNodeEntries = 100;
  streamNodeBytes = 4096;
}
