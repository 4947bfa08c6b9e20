/** The primaries of a cluster as targets of the load, each with a hash tag that leads to it (spec/cli.md section 5.6). */
import { parseClusterNodes } from '../../client/cluster-nodes.js';
import type { RespClient } from '../../client/resp-client.js';
import { keySlot, SLOT_COUNT } from '../../keyspace/key-slot.js';
import type { Target } from './workload.js';

export interface ClusterNode extends Target {
  readonly id: string;
}

const TAG_LETTERS = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
/** Bytes between the braces; a shorter tag is filled up with `}`, which ends it. */
const TAG_BYTES = 3;

/**
 * Asks one node for the primaries that have slots.
 * @param host  of that node, for its own line has no address before it has met others
 * @param warn  gets a line for each primary without slots
 */
export async function fetchClusterNodes(
  client: RespClient,
  host: string,
  warn: (text: string) => void,
): Promise<ClusterNode[]> {
  const lines = parseClusterNodes(String(await client.call('CLUSTER', 'NODES')));
  const nodes: ClusterNode[] = [];
  for (const line of lines) {
    if (!line.isPrimary || line.hasFailed) continue;
    const address = { host: line.host === '' ? host : line.host, port: line.port };
    const first = line.slots[0];
    if (first === undefined) warn(`WARNING: Master node ${address.host}:${address.port} has no slots, skipping...`);
    else nodes.push({ ...address, id: line.id, path: '', tag: tagOfSlot(first.first) });
  }
  return nodes;
}

let tags: readonly string[] | null = null;

/** A tag of three bytes whose hash slot is this one: there is one for every slot. */
export function tagOfSlot(slot: number): string {
  tags ??= findTags();
  return tags[slot]!;
}

/** The first text for each slot, short ones first. */
function findTags(): string[] {
  const found = new Array<string>(SLOT_COUNT).fill('');
  for (let texts = [''], length = 1; length <= TAG_BYTES; length++) {
    texts = texts.flatMap((text) => TAG_LETTERS.map((letter) => text + letter));
    for (const text of texts) {
      const slot = keySlot(text);
      if (found[slot] === '') found[slot] = text.padEnd(TAG_BYTES, '}');
    }
  }
  return found;
}
