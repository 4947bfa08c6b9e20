/** The description of a cluster that `backup` leaves beside the data, in redis-cli's form of JSON. Pure. Source: spec/cli.md section 2.14. */
import type { ManagedNode } from './managed-node.js';
import { rangesOf } from './slot-set.js';

/** @param errorCount problems found by the check; not in the file where there were none */
export function formatNodesJson(nodes: readonly ManagedNode[], errorCount: number): string {
  return `[\n${nodes.map((node) => `  ${formatNode(node, errorCount)}`).join(',\n')}\n]`;
}

function formatNode(node: ManagedNode, errorCount: number): string {
  const ranges = rangesOf(node.slots).map(({ first, last }) => (first === last ? `[${first}]` : `[${first},${last}]`));
  const fields = [
    `"name": "${node.id}"`,
    `"host": ${JSON.stringify(node.host)}`,
    `"port": ${node.port}`,
    `"replicate": ${node.primaryId === '' ? 'null' : `"${node.primaryId}"`}`,
    `"slots": [${ranges.join(',')}]`,
    `"slots_count": ${node.slots.size}`,
    `"flags": "${node.flags.join(',')}"`,
    `"current_epoch": ${node.configEpoch}`,
    ...(errorCount > 0 ? [`"cluster_errors": ${errorCount}`] : []),
    ...openSlotFields('migrating', node.migrating),
    ...openSlotFields('importing', node.importing),
  ];
  return `{\n${fields.map((field) => `    ${field}`).join(',\n')}\n  }`;
}

function openSlotFields(name: string, slots: ReadonlyMap<number, string>): string[] {
  const entries = [...slots].map(([slot, nodeId]) => `"${slot}": "${nodeId}"`);
  return entries.length === 0 ? [] : [`"${name}": {${entries.join(',')}}`];
}
