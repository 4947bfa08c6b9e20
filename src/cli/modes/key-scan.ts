/** SCAN over the whole keyspace, batch by batch: what --scan and the samplings of keys have in common. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arg } from '../../client/encode-command.js';
import type { CommandLine } from '../command-line.js';
import { textOf } from '../reply/reply-node.js';
import type { Session } from '../session.js';

const PAUSE_EVERY_SCANS = 100;
/** Begins a scan; as a reply it ends it. */
const FIRST_CURSOR = '0';

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

/**
 * The scan of a keyspace. Its next request is known as soon as a batch is there: it can go out together with what is asked about the keys, so that a
 * batch costs one round trip.
 */
export class KeyScan {
  readonly #session: Session;
  readonly #pace: ScanPace;
  readonly #options: readonly Arg[];
  #cursor: string | null = FIRST_CURSOR;
  #scans = 0;

  constructor(session: Session, { pattern, scanCount }: CommandLine, pace: ScanPace) {
    this.#session = session;
    this.#pace = pace;
    this.#options = [
      ...(pattern === null ? [] : ['MATCH', pattern]),
      ...(scanCount === null ? [] : ['COUNT', scanCount]),
    ];
  }

  /** What is to be sent for the next batch, after the pause that is due: nothing if there is none. */
  async nextRequest(): Promise<Arg[][]> {
    if (this.#cursor === null) return [];
    const { everyScans, pauseMs } = this.#pace;
    if (pauseMs > 0 && this.#scans > 0 && this.#scans % everyScans === 0) await sleep(pauseMs);
    this.#scans++;
    return [['SCAN', this.#cursor, ...this.#options]];
  }

  /** The batch whose request was sent; null if there was none. Throws ModeFailure, or a ClientError when the connection ends. */
  async nextBatch(): Promise<Buffer[] | null> {
    if (this.#cursor === null) return null;
    const reply = await this.#session.nextReply();
    if (reply.kind === 'error') throw new ModeFailure(`SCAN error: ${textOf(reply)}`);
    const [next, keys] = reply.items;
    if (keys?.kind !== 'array') throw new ModeFailure('Non ARRAY response from SCAN!');
    const cursor = textOf(next!);
    this.#cursor = cursor === FIRST_CURSOR ? null : cursor;
    return keys.items.map((key) => key.bytes);
  }
}

/** DBSIZE: for percentages. Throws ModeFailure. */
export async function databaseSize(session: Session): Promise<number> {
  const reply = await session.ask('DBSIZE');
  if (reply.kind === 'error') throw new ModeFailure(`Couldn't determine DBSIZE: ${textOf(reply)}`);
  if (reply.kind !== 'integer') throw new ModeFailure('Non INTEGER response from DBSIZE!');
  return Number(reply.bytes.toString('latin1'));
}
