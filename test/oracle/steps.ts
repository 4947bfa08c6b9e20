/**
 * The language of the case tables. A case is a name and a list of steps; a step sends something to both servers and compares. A plain string is a
 * command whose replies must be the same bytes:
 *
 *   'SET with EX and PX is a syntax error': ['SET k v EX 1 PX 1', 'EXISTS k'],
 *   'TTL counts seconds':                   ['SET k v EX 100', near('TTL k', 20)],
 *
 * Words are separated by blanks; "…" keeps blanks and knows \" \\ \n \r \t \xHH.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCommand } from '../../src/client/encode-command.js';
import type { RespClient } from '../../src/client/resp-client.js';
import * as compare from './comparisons.js';

/** The two ends of one named connection. */
export interface Pair {
  readonly oracle: RespClient;
  readonly subject: RespClient;
}

/** What a step may use. */
export interface Stage {
  readonly protocol: 2 | 3;
  /** The subject is a real server too (the tables check themselves that way), so it does not know what 7.2 does otherwise. */
  readonly subjectIsOracle: boolean;
  /** Connections are made when first used; `main` is the one of plain steps. */
  pair(name: string): Promise<Pair>;
  /** Bytes to each server on a fresh connection; what came back until the server closed it. */
  untilClosed(bytes: Buffer): Promise<[oracle: Buffer, subject: Buffer]>;
}

export interface Step {
  readonly title: string;
  /** It is told to the subject alone. */
  readonly isOurs?: true;
  /** null, or what is wrong. */
  run(stage: Stage): Promise<string | null>;
}

export type StepLike = string | Step;

/** How long `until` tries; only a failure takes that long. */
const UNTIL_TIMEOUT_MS = 60_000;

/** Cases by name. */
export type Cases = Record<string, readonly StepLike[]>;

export interface CaseGroup {
  readonly name: string;
  /** Commands that the subject must know for this group; where it does not, the group is skipped by name. */
  readonly requires?: readonly string[];
  readonly cases: Cases;
}

export function toStep(step: StepLike): Step {
  return typeof step === 'string' ? command(step, compare.exact) : step;
}

const sorted = (text: string) => command(text, compare.sorted);
const near = (text: string, tolerance: number) => command(text, compare.near(tolerance));
const rounded = (text: string, digits: number) => command(text, compare.rounded(digits));
const lengthOnly = (text: string) => command(text, compare.lengthOnly);
const shape = (text: string) => command(text, compare.shape);
const errorCode = (text: string) => command(text, compare.errorCode);
const captured = (text: string, pattern: RegExp) => command(text, compare.captured(pattern));
const bothMatch = (text: string, pattern: RegExp) => command(text, compare.bothMatch(pattern));
const setUp = (text: string) => command(text, compare.anything);

export { bothMatch, captured, errorCode, lengthOnly, near, rounded, setUp, shape, sorted };

/** The same step on another connection. */
export function on(name: string, step: StepLike): Step {
  const inner = toStep(step);
  return {
    title: `${name}: ${inner.title}`,
    run: (stage) => inner.run({ ...stage, pair: (other) => stage.pair(other === 'main' ? name : other) }),
  };
}

/** Where 7.2 differs from the real 7.0.15 on purpose: ours must answer these bytes (latin1); the real server is not asked. */
export function since72(text: string, expected: string, expectedInResp3 = expected): Step {
  return {
    title: text,
    isOurs: true,
    run: async (stage) => {
      if (stage.subjectIsOracle) return null;
      const { subject } = await stage.pair('main');
      const reply = await subject.request(words(text));
      const wanted = stage.protocol === 2 ? expected : expectedInResp3;
      return compare.exact(Buffer.from(wanted, 'latin1'), reply as Buffer)?.replace('real:', '7.2: ') ?? null;
    },
  };
}

/** Sends the command again and again until both servers answer these bytes (latin1); fails after a minute. */
export function until(text: string, expected: string): Step {
  return {
    title: text,
    run: async (stage) => {
      const pair = await stage.pair('main');
      const giveUpAtMs = performance.now() + UNTIL_TIMEOUT_MS;
      for (;;) {
        const [oracle, subject] = await both(pair, encodeCommand(words(text)), 1);
        if ([oracle, subject].every((raw) => raw.toString('latin1') === expected)) return null;
        if (performance.now() > giveUpAtMs)
          return `not ${JSON.stringify(expected)} in time:${compare.exact(oracle, subject) ?? compare.show(oracle)}`;
        await sleep(10);
      }
    },
  };
}

/** Raw bytes (latin1) on the main connection, answered by `replyCount` replies, which must be the same bytes. */
export function raw(bytes: string, replyCount: number): Step {
  return {
    title: JSON.stringify(bytes),
    run: async (stage) => {
      const [oracle, subject] = await both(await stage.pair('main'), Buffer.from(bytes, 'latin1'), replyCount);
      return compare.exact(oracle, subject);
    },
  };
}

/** Raw bytes (latin1) on a connection of their own, to which both servers answer the same and then hang up. */
export function closes(bytes: string): Step {
  return {
    title: bytes.length > 80 ? `${JSON.stringify(bytes.slice(0, 80))}… (${bytes.length} bytes)` : JSON.stringify(bytes),
    run: async (stage) => compare.exact(...(await stage.untilClosed(Buffer.from(bytes, 'latin1')))),
  };
}

/** Iterates a SCAN-like command to the end on both servers; the sets of what they returned must be equal (cursors and order are free). */
export function scanned(name: string, options = ''): Step {
  return {
    title: `${name} <cursor> ${options}, to the end`,
    run: async (stage) => {
      const pair = await stage.pair('main');
      const [left, right] = await Promise.all(
        [pair.oracle, pair.subject].map((client) => scanAll(client, words(name), words(options))),
      );
      return JSON.stringify(left) === JSON.stringify(right)
        ? null
        : `\n      real: ${JSON.stringify(left)}\n      ours: ${JSON.stringify(right)}`;
    },
  };
}

async function scanAll(client: RespClient, name: Buffer[], options: Buffer[]): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const reply = compare.decode((await client.request([...name, cursor, ...options])) as Buffer);
    if (!Array.isArray(reply)) return [`no array: ${reply}`];
    cursor = String(reply[0]);
    for (const element of reply[1] as string[]) found.add(element);
  } while (cursor !== '0');
  return [...found].sort();
}

/** A command with a comparison. */
export function command(text: string, comparison: compare.Comparison): Step {
  return {
    title: text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text,
    run: async (stage) => comparison(...(await both(await stage.pair('main'), encodeCommand(words(text)), 1))),
  };
}

async function both(pair: Pair, bytes: Buffer, replyCount: number): Promise<[oracle: Buffer, subject: Buffer]> {
  const answers = await Promise.all([pair.oracle, pair.subject].map((client) => client.exchange(bytes, replyCount)));
  return answers.map((replies) => Buffer.concat(replies as Buffer[])) as [Buffer, Buffer];
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** The words of a line, as latin1 bytes. */
export function words(line: string): Buffer[] {
  const found: Buffer[] = [];
  for (const [, quoted, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    const text =
      bare ??
      quoted!.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex, char) =>
        hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (ESCAPES[char] ?? char),
      );
    found.push(Buffer.from(text, 'latin1'));
  }
  return found;
}

/** The steps for each of some texts, which are quoted for the table. */
export function forEach(texts: readonly string[], steps: (quoted: string) => string[]): string[] {
  return texts.flatMap((text) => steps(`"${text}"`));
}
