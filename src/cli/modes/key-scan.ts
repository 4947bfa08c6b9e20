/** SCAN over the whole keyspace, batch by batch: what --scan and the samplings of keys have in common. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arg } from '../../client/encode-command.js';
import type { CommandLine } from '../command-line.js';
import { type ReplyNode, textOf } from '../reply/reply-node.js';
import type { Session } from '../session.js';

const PAUSE_EVERY_SCANS = 100;

/** The server refused what the mode cannot do without; the message is the whole line for the user. */
export class ModeFailure extends Error {
  readonly code = 'MODE_FAILURE';
}

export interface ScanPace {
  /** Pause after this many SCANs. */
  readonly everyScans: number;
  readonly pauseMs: number;
}

/** A pause of -i after every hundredth SCAN. */
export function samplingPace({ intervalMs }: CommandLine): ScanPace {
  return { everyScans: PAUSE_EVERY_SCANS, pauseMs: intervalMs };
}

/** The keys of each batch, which may be none. Throws ModeFailure, or a ClientError when the connection ends. */
export async function* scanKeys(session: Session, line: CommandLine, pace: ScanPace): AsyncGenerator<Buffer[]> {
  const { pattern, scanCount } = line;
  const options: Arg[] = [
    ...(pattern === null ? [] : ['MATCH', pattern]),
    ...(scanCount === null ? [] : ['COUNT', scanCount]),
  ];
  let cursor: Arg = '0';
  for (let scans = 1; ; scans++) {
    const reply: ReplyNode = await session.ask('SCAN', cursor, ...options);
    if (reply.kind === 'error') throw new ModeFailure(`SCAN error: ${textOf(reply)}`);
    const [next, keys] = reply.items;
    if (keys?.kind !== 'array') throw new ModeFailure('Non ARRAY response from SCAN!');
    yield keys.items.map((key) => key.bytes);
    cursor = textOf(next!);
    if (cursor === '0') return;
    if (pace.pauseMs > 0 && scans % pace.everyScans === 0) await sleep(pace.pauseMs);
  }
}

/** DBSIZE: for percentages. Throws ModeFailure. */
export async function databaseSize(session: Session): Promise<number> {
  const reply = await session.ask('DBSIZE');
  if (reply.kind === 'error') throw new ModeFailure(`Couldn't determine DBSIZE: ${textOf(reply)}`);
  if (reply.kind !== 'integer') throw new ModeFailure('Non INTEGER response from DBSIZE!');
  return Number(reply.bytes.toString('latin1'));
}
