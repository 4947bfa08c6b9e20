/** --stat: a line each second about keys, memory, clients, requests and child processes, from INFO. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandLine } from '../command-line.js';
import { textOf } from '../reply/reply-node.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';
import { askPersistently } from './reconnect.js';

const DEFAULT_INTERVAL_MS = 1000;
const HEADER_EVERY_LINES = 20;
/** As many databases are counted; a server may have more. */
const DATABASE_COUNT = 20;
const HEADER =
  '------- data ------ --------------------- load -------------------- - child -\n' +
  'keys       mem      clients blocked requests            connections          \n';

export async function runStat(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  let earlierRequests: number | null = null;
  for (let lineCount = 0; ; lineCount++) {
    const reply = await askPersistently(session, terminal, 'INFO');
    if (reply.kind === 'error') {
      terminal.writeError(`ERROR: ${textOf(reply)}\n`);
      return 1;
    }
    if (lineCount % HEADER_EVERY_LINES === 0) terminal.write(HEADER);
    const info = parseInfo(textOf(reply));
    terminal.write(statLine(info, earlierRequests));
    earlierRequests = numberIn(info, 'total_commands_processed');
    await sleep(line.intervalMs || DEFAULT_INTERVAL_MS);
  }
}

/** @param earlierRequests the count at the line before, null at the first one */
function statLine(info: ReadonlyMap<string, string>, earlierRequests: number | null): string {
  let keys = 0;
  for (let database = 0; database < DATABASE_COUNT; database++)
    keys += Number(/^keys=(\d+)/.exec(info.get(`db${database}`) ?? '')?.[1] ?? 0);
  const requests = numberIn(info, 'total_commands_processed');
  const columns = [
    String(keys).padEnd(11),
    humanBytes(numberIn(info, 'used_memory')).padEnd(8),
    ` ${numberIn(info, 'connected_clients')}`.padEnd(8),
    String(numberIn(info, 'blocked_clients')).padEnd(8),
    `${requests} (+${requests - (earlierRequests ?? requests)})`.padEnd(19),
    ` ${numberIn(info, 'total_connections_received')}`.padEnd(12),
    childText(info),
  ];
  return `${columns.join('')}\n`;
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function numberIn(info: ReadonlyMap<string, string>, field: string): number {
  return Number(info.get(field) ?? 0);
}

function childText(info: ReadonlyMap<string, string>): string {
  if (numberIn(info, 'loading') === 1) return 'LOAD';
  const isSaving = numberIn(info, 'rdb_bgsave_in_progress') === 1;
  const isRewriting = numberIn(info, 'aof_rewrite_in_progress') === 1;
  return [isSaving ? 'SAVE' : '', isRewriting ? 'AOF' : ''].filter((text) => text !== '').join('+');
}

function humanBytes(bytes: number): string {
  const units = ['B', 'K', 'M', 'G'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${units[unit]}`;
}
