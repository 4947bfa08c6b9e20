/** The table of nodes that `start` and `status` print: primaries in the order of their slots, each with its replicas below it. */
import { formatSlots } from '../client/cluster-nodes.js';
import { isLive, type LiveView, type NodeView } from './node-view.js';

const HEADINGS = ['node', 'role', 'slots', 'keys', 'state', 'pid', 'id'];
const RIGHT_ALIGNED = new Set(['keys', 'pid']);

export function formatNodeTable(views: readonly NodeView[]): string {
  return formatTable([HEADINGS, ...orderedRows(views)]);
}

function orderedRows(views: readonly NodeView[]): string[][] {
  const live = views.filter(isLive);
  const primaries = live.filter((view) => view.self.isPrimary).sort((a, b) => firstSlot(a) - firstSlot(b));
  const rows: string[][] = [];
  const placed = new Set<NodeView>();
  const place = (view: NodeView, row: string[]): void => {
    rows.push(row);
    placed.add(view);
  };
  for (const primary of primaries) {
    place(primary, rowOf(primary, 'primary', formatSlots(primary.self.slots) || 'none'));
    for (const replica of live) {
      if (!placed.has(replica) && replica.self.primaryId === primary.self.id)
        place(replica, rowOf(replica, '└ replica', `of ${primary.address.port}`));
    }
  }
  for (const view of views) {
    if (placed.has(view)) continue;
    if (view.isUp) place(view, rowOf(view, 'replica', `of ${primaryName(view)}`));
    else place(view, [`${view.address.host}:${view.address.port}`, '–', '–', '–', `down: ${view.reason}`, '–', '–']);
  }
  return rows;
}

function rowOf(view: LiveView, role: string, slots: string): string[] {
  return [
    `${view.address.host}:${view.address.port}`,
    role,
    slots,
    String(view.keys),
    stateOf(view),
    String(view.pid),
    `${view.self.id.slice(0, 8)}…`,
  ];
}

function stateOf(view: LiveView): string {
  if (view.isLoading) return 'loading';
  if (!view.isClusterOk) return 'cluster fail';
  return view.self.isPrimary || view.isReplicationUp ? 'ok' : 'link down';
}

function primaryName(view: LiveView): string {
  const primary = view.nodes.find((node) => node.id === view.self.primaryId);
  return primary === undefined ? 'unknown' : String(primary.port);
}

function firstSlot(view: LiveView): number {
  return view.self.slots[0]?.first ?? Number.POSITIVE_INFINITY;
}

/** Columns two blanks apart; the first row holds the headings. */
function formatTable(rows: readonly string[][]): string {
  const headings = rows[0]!;
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row.map((cell, column) =>
        RIGHT_ALIGNED.has(headings[column]!) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      ),
    )
    .map((cells) => `  ${cells.join('  ')}`.trimEnd())
    .join('\n');
}
