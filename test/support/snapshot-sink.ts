/** For sinks of snapshots in which no value is large enough to come in parts. */
export function noLargeEntry(): never {
  throw new Error('no value of this test is large');
}
