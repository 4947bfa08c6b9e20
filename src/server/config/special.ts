/**
 * The directives that are no plain kind: lists, flags, and the few whose lines add up. One function each, so that the tables stay tables.
 *
 * Source: spec/server.md 4.1, 6.2, 6.6, 10; spec/persistence.md 9.1; forms compared with the real server in the tests.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { strerror } from '../../persistence/file-system.js';
import { quote } from '../../resp/quoted-words.js';
import {
  NOTIFY_EVICTED,
  NOTIFY_EXPIRED,
  NOTIFY_GENERIC,
  NOTIFY_HASH,
  NOTIFY_KEY_MISS,
  NOTIFY_KEYEVENT,
  NOTIFY_KEYSPACE,
  NOTIFY_LIST,
  NOTIFY_MODULE,
  NOTIFY_NEW,
  NOTIFY_SET,
  NOTIFY_STREAM,
  NOTIFY_STRING,
  NOTIFY_ZSET,
} from '../notify-classes.js';
import { accept, type Directive, directive, refuse, type Traits } from './directive.js';
import { decodePath, encodePath } from './kinds.js';
import { formatMemory, parseInteger, parseLooseInteger, parseMemory } from './numbers.js';

export interface SavePoint {
  /** at least 1 */
  readonly seconds: number;
  readonly changes: number;
}

/** `save`: lines add up within one start-up, the first one discards the defaults, `save ""` discards what came before it. */
export function savePoints(
  initial: readonly SavePoint[],
  summary: string,
  traits: Traits,
): Directive<readonly SavePoint[]> {
  const show = (points: readonly SavePoint[]) => points.map((point) => `${point.seconds} ${point.changes}`);
  return directive(
    {
      type: 'save points',
      range: 'pairs of seconds and changes, or ""',
      defaultText: show(initial).join(' '),
      defaultValue: initial,
      multiArg: true,
      parse(words, { current, repeated }) {
        const points = repeated && words.length > 0 ? [...current] : [];
        if (words.length % 2 !== 0) return refuse('Invalid save parameters');
        for (let at = 0; at < words.length; at += 2) {
          const seconds = parseLooseInteger(words[at]!);
          const changes = parseLooseInteger(words[at + 1]!);
          if (seconds === null || changes === null || seconds < 1n || changes < 0n)
            return refuse('Invalid save parameters');
          points.push({ seconds: Number(seconds), changes: Number(changes) });
        }
        return accept(show(points).join(' '), points);
      },
      rewrite(_text, points) {
        if (points.length === 0) return [{ words: '""', force: true }];
        return show(points).map((words) => ({ words, force: true }));
      },
    },
    summary,
    traits,
  );
}

export interface OutputLimit {
  /** bytes; 0: none */
  readonly hard: number;
  readonly soft: number;
  /** how long the soft limit may be exceeded */
  readonly softSeconds: number;
}

export interface OutputLimits {
  readonly normal: OutputLimit;
  readonly replica: OutputLimit;
  readonly pubsub: OutputLimit;
}

const OUTPUT_CLASSES = ['normal', 'replica', 'pubsub'] as const;

/** `client-output-buffer-limit class hard soft seconds …`: the classes that are named change, the others stay. */
export function outputLimits(initial: OutputLimits, summary: string): Directive<OutputLimits> {
  // CONFIG GET says "slave" for the replica class, a rewritten file says "replica"; both are read.
  const show = (limits: OutputLimits) =>
    OUTPUT_CLASSES.map((name) => {
      const { hard, soft, softSeconds } = limits[name];
      return `${name === 'replica' ? 'slave' : name} ${hard} ${soft} ${softSeconds}`;
    });
  const shownInitially = show(initial);
  return directive(
    {
      type: 'output limits',
      range: 'class (normal, replica, pubsub), hard limit, soft limit, soft seconds; repeated',
      defaultText: shownInitially.join(' '),
      defaultValue: initial,
      multiArg: true,
      parse(words, { current }) {
        if (words.length % 4 !== 0) return refuse('Wrong number of arguments in buffer limit configuration.');
        const limits = { ...current };
        for (let at = 0; at < words.length; at += 4) {
          const name = OUTPUT_CLASSES.find((known) => known === words[at]!.toLowerCase().replace(/^slave$/, 'replica'));
          if (name === undefined) return refuse('Invalid client class specified in buffer limit configuration.');
          const hard = parseMemory(words[at + 1]!);
          const soft = parseMemory(words[at + 2]!);
          const seconds = parseLooseInteger(words[at + 3]!);
          if (hard === null || soft === null || seconds === null || seconds < 0n || seconds > 2n ** 53n) {
            return refuse('Error in hard, soft or soft_seconds setting in buffer limit configuration.');
          }
          limits[name] = { hard: Number(hard), soft: Number(soft), softSeconds: Number(seconds) };
        }
        return accept(show(limits).join(' '), limits);
      },
      rewrite(_text, limits) {
        const shown = show(limits);
        return OUTPUT_CLASSES.map((name, index) => {
          const { hard, soft, softSeconds } = limits[name];
          const words = `${name} ${formatMemory(BigInt(hard))} ${formatMemory(BigInt(soft))} ${softSeconds}`;
          return { words, force: shown[index] !== shownInitially[index] };
        });
      },
    },
    summary,
    {},
  );
}

const BIND_ADDRESSES_MAX = 16;

/** `bind`: addresses as given; a leading `-` marks one that may be missing on this machine. None: no TCP listener. */
export function bindAddresses(initial: readonly string[], summary: string): Directive<readonly string[]> {
  const defaultText = initial.join(' ');
  return directive(
    {
      type: 'addresses',
      range: `up to ${BIND_ADDRESSES_MAX} addresses`,
      defaultText,
      defaultValue: initial,
      multiArg: true,
      parse(words) {
        if (words.length > BIND_ADDRESSES_MAX) return refuse('Too many bind addresses specified.');
        const addresses = words.length === 1 && words[0] === '' ? [] : words;
        return accept(addresses.join(' '), [...addresses]);
      },
      rewrite(text, addresses) {
        if (text === defaultText) return [];
        return [{ words: addresses.map(asWord).join(' ') || '""', force: true }];
      },
    },
    summary,
    {},
  );
}

/** `oom-score-adj-values`: one number each for a primary, a replica, and a child process. */
export function oomScoreValues(
  initial: readonly number[],
  summary: string,
  traits: Traits,
): Directive<readonly number[]> {
  const defaultText = initial.join(' ');
  return directive(
    {
      type: 'three integers',
      range: '-2000 to 2000 each',
      defaultText,
      defaultValue: initial,
      multiArg: true,
      parse(words) {
        if (words.length !== 3) return refuse('wrong number of arguments');
        const values: number[] = [];
        for (const word of words) {
          const value = parseLooseInteger(word);
          if (value === null || value < -2000n || value > 2000n) {
            return refuse('Invalid oom-score-adj-values, elements must be between -2000 and 2000.');
          }
          values.push(Number(value));
        }
        return accept(values.join(' '), values);
      },
    },
    summary,
    traits,
  );
}

/** Percentages are shown with at most six decimals, trailing zeros cut. */
export function percentiles(initial: readonly number[], summary: string): Directive<readonly number[]> {
  const defaultText = initial.join(' ');
  return directive(
    {
      type: 'percentages',
      range: '0.0 to 100.0 each, or ""',
      defaultText,
      defaultValue: initial,
      multiArg: true,
      parse(words) {
        const values: number[] = [];
        for (const word of words) {
          const value = word === '' ? Number.NaN : Number(word);
          if (Number.isNaN(value)) return refuse('Invalid latency-tracking-info-percentiles parameters');
          if (value < 0 || value > 100) {
            return refuse('latency-tracking-info-percentiles parameters should sit between [0.0,100.0]');
          }
          values.push(Number(value.toFixed(6)));
        }
        return accept(values.join(' '), values);
      },
      rewrite: (text) => [{ words: text === '' ? '""' : text, force: true }],
    },
    summary,
    {},
  );
}

/** Letters in the order in which they are shown; `A` stands for the first ten. */
const NOTIFY_TYPES: readonly (readonly [string, number])[] = [
  ['g', NOTIFY_GENERIC],
  ['$', NOTIFY_STRING],
  ['l', NOTIFY_LIST],
  ['s', NOTIFY_SET],
  ['h', NOTIFY_HASH],
  ['z', NOTIFY_ZSET],
  ['x', NOTIFY_EXPIRED],
  ['e', NOTIFY_EVICTED],
  ['t', NOTIFY_STREAM],
  ['d', NOTIFY_MODULE],
];
const NOTIFY_REST: readonly (readonly [string, number])[] = [
  ['K', NOTIFY_KEYSPACE],
  ['E', NOTIFY_KEYEVENT],
  ['m', NOTIFY_KEY_MISS],
  ['n', NOTIFY_NEW],
];
const NOTIFY_ALL_TYPES = NOTIFY_TYPES.reduce((bits, [, bit]) => bits | bit, 0);
const NOTIFY_LETTERS: ReadonlyMap<string, number> = new Map([['A', NOTIFY_ALL_TYPES], ...NOTIFY_TYPES, ...NOTIFY_REST]);

export function keyspaceEvents(summary: string): Directive<number> {
  const show = (bits: number): string => {
    const all = (bits & NOTIFY_ALL_TYPES) === NOTIFY_ALL_TYPES;
    const letters = all ? NOTIFY_REST : [...NOTIFY_TYPES, ...NOTIFY_REST];
    const shown = letters.filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter);
    return (all ? 'A' : '') + shown.join('');
  };
  return directive(
    {
      type: 'event classes',
      range: 'letters of Ag$lshzxeKEtmdn',
      defaultText: '',
      defaultValue: 0,
      parse(words) {
        let bits = 0;
        for (const letter of words[0]!) {
          const bit = NOTIFY_LETTERS.get(letter);
          if (bit === undefined) return refuse("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
          bits |= bit;
        }
        return accept(show(bits), bits);
      },
      rewrite: (text) => [{ words: quote(text), force: text !== '' }],
    },
    summary,
    {},
  );
}

export interface ShutdownOptions {
  readonly save: boolean;
  readonly nosave: boolean;
  readonly now: boolean;
  readonly force: boolean;
}

const SHUTDOWN_WORDS = ['default', 'save', 'nosave', 'now', 'force'] as const;

export function shutdownOptions(summary: string): Directive<ShutdownOptions> {
  const choice = SHUTDOWN_WORDS.join(', ');
  return directive(
    {
      type: 'enum, combined',
      range: choice,
      defaultText: 'default',
      defaultValue: { save: false, nosave: false, now: false, force: false },
      multiArg: true,
      parse(words) {
        const given = new Set<string>(words.map((word) => word.toLowerCase()));
        const unknown = [...given].some((word) => !(SHUTDOWN_WORDS as readonly string[]).includes(word));
        if (unknown || given.size === 0) return refuse(`argument(s) must be one of the following: ${choice}`);
        if (given.has('save') && given.has('nosave')) {
          return refuse("shutdown options SAVE and NOSAVE can't be used simultaneously");
        }
        const flags = SHUTDOWN_WORDS.filter((word) => word !== 'default' && given.has(word));
        return accept(flags.join(' ') || 'default', {
          save: given.has('save'),
          nosave: given.has('nosave'),
          now: given.has('now'),
          force: given.has('force'),
        });
      },
    },
    summary,
    {},
  );
}

export interface PrimaryAddress {
  readonly host: string;
  /** 0 to 65535 */
  readonly port: number;
}

/** `replicaof host port`, or `no one`. In cluster mode nodes.conf keeps the roles, so Config.rewrite leaves the line out there. */
export function primaryAddress(summary: string, traits: Traits): Directive<PrimaryAddress | null> {
  return directive<PrimaryAddress | null>(
    {
      type: 'host and port',
      range: '<host> <port>, or no one',
      defaultText: '',
      defaultValue: null,
      multiArg: true,
      parse(words) {
        if (words.length !== 2) return refuse('wrong number of arguments');
        if (words[0]!.toLowerCase() === 'no' && words[1]!.toLowerCase() === 'one') return accept('', null);
        const port = parseInteger(words[1]!);
        if (port === null || port < 0n || port > 65535n) return refuse('Invalid master port');
        return accept(`${words[0]} ${port}`, { host: words[0]!, port: Number(port) });
      },
      rewrite: (_text, address) =>
        address === null ? [] : [{ words: `${asWord(address.host)} ${address.port}`, force: true }],
    },
    summary,
    traits,
  );
}

/** `dir`: shown and kept as an absolute path, refused unless it is a directory. */
export function workingDirectory(summary: string, traits: Traits): Directive<string> {
  return directive(
    {
      type: 'path',
      range: '',
      defaultText: '',
      defaultValue: '',
      parse(words, { directory }) {
        if (words[0] === '') return refuse('No such file or directory');
        const absolute = resolve(directory, decodePath(words[0]!));
        try {
          if (!statSync(absolute).isDirectory()) return refuse('Not a directory');
        } catch (error) {
          return refuse(strerror(error));
        }
        return accept(encodePath(absolute), absolute);
      },
      rewrite: (text) => [{ words: quote(text), force: true }],
    },
    summary,
    traits,
  );
}

/** `text` as one word: as it is where that is safe, else quoted. A host name with a line break in it must not become two lines of a file. */
function asWord(text: string): string {
  return /^[!#-&(-[\]-~]+$/.test(text) ? text : quote(text);
}
