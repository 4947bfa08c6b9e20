/**
 * --lru-test: how often a cache of limited memory has what is asked for. Batches of SET and GET over a number of keys of which a few are used most, by a
 * power law; a line each second.
 */
import { ClientError } from '../../client/client-error.js';
import { ReplyError } from '../../resp/reply-reader.js';
import type { CommandLine } from '../command-line.js';
import { openConnection } from '../connection-settings.js';
import { lossText } from '../session.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';

const CYCLE_MS = 1000;
const BATCH_COMMANDS = 250;
/** About one fifth of the keys gets four fifths of the uses. */
const POWER = 6.2;
const VALUE_LETTERS = 5;

export async function runLruTest(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  session.disconnect();
  try {
    const client = await openConnection(line.connection);
    for (;;) {
      let hits = 0;
      let misses = 0;
      const startedAtMs = performance.now();
      while (performance.now() - startedAtMs < CYCLE_MS) {
        const sets = Array.from({ length: BATCH_COMMANDS }, () => ['SET', randomKey(line.lruTestKeys), randomValue()]);
        tellErrors(await client.pipeline(sets), terminal);
        const gets = Array.from({ length: BATCH_COMMANDS }, () => ['GET', randomKey(line.lruTestKeys)]);
        const values = await client.pipeline(gets);
        tellErrors(values, terminal);
        for (const value of values) {
          if (value === null) misses++;
          else if (!(value instanceof ReplyError)) hits++;
        }
      }
      const total = hits + misses;
      const share = (count: number): string => `${count} (${((100 * count) / Math.max(1, total)).toFixed(2)}%)`;
      terminal.write(`${total} Gets/sec | Hits: ${share(hits)} | Misses: ${share(misses)}\n`);
    }
  } catch (error) {
    if (!(error instanceof ClientError || error instanceof ReplyError)) throw error;
    terminal.writeError(`Error: ${error instanceof ClientError ? lossText(error) : error.message}\n`);
    return 1;
  }
}

function tellErrors(replies: readonly unknown[], terminal: Terminal): void {
  for (const reply of replies) if (reply instanceof ReplyError) terminal.write(`${reply.message}\n`);
}

function randomKey(keyCount: number): string {
  return `lru:${powerLaw(1, Math.max(1, keyCount), POWER)}`;
}

/** A whole number from `min` to `max`; small ones are the more likely the greater `power` is. */
function powerLaw(min: number, max: number, power: number): number {
  const top = (max + 1) ** (power + 1);
  const bottom = min ** (power + 1);
  const drawn = ((top - bottom) * Math.random() + bottom) ** (1 / (power + 1));
  return max - Math.trunc(drawn) + min;
}

function randomValue(): string {
  let value = '';
  for (let letter = 0; letter < VALUE_LETTERS; letter++)
    value += String.fromCharCode(0x41 + Math.trunc(Math.random() * 26));
  return value;
}
