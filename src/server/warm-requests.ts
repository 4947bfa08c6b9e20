/** Brings what requests are about to need into the cache: the entries of their keys, all at once (`lookahead.ts` tells why). Nothing depends on it but time. */
import type { Database } from '../keyspace/database.js';
import { WARM_MAX } from '../memory/bucket-chains.js';

/** Keys of one call. */
const keyStarts = new Int32Array(WARM_MAX);
const keyLengths = new Int32Array(WARM_MAX);

/**
 * Warms the keys of the requests from number `from` to before `end`, at most WARM_MAX; word 1 of each is taken for the key. All are in `bytes`, which must
 * stay until `forgetHashAhead`.
 * @param firstWords the words of request number i are those from `firstWords[i]` to before `firstWords[i + 1]`
 */
export function warmRequests(
  db: Database,
  bytes: Uint8Array,
  firstWords: Int32Array,
  from: number,
  end: number,
  wordStarts: Int32Array,
  wordLengths: Int32Array,
): void {
  let count = 0;
  for (let i = from; i < end; i++) {
    const word = firstWords[i] + 1;
    if (word >= firstWords[i + 1]) continue;
    keyStarts[count] = wordStarts[word];
    keyLengths[count++] = wordLengths[word];
  }
  if (count > 1) db.warm(bytes, keyStarts, keyLengths, count);
}
