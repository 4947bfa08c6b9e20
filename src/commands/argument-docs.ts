/** Descriptions of arguments that many commands share, for COMMAND DOCS, and short ways to write others. */
import type { ArgumentDoc } from './command.js';

export const KEY: ArgumentDoc = { name: 'key', type: 'key', keySpec: 0 };
export const KEYS: ArgumentDoc = { ...KEY, flags: ['multiple'] };
export const NUMKEYS: ArgumentDoc = { name: 'numkeys', type: 'integer' };
/** `COUNT n`, which may be left out. */
export const COUNT_OPTION: ArgumentDoc = { name: 'count', type: 'integer', token: 'COUNT', flags: ['optional'] };

/** The word itself, as it is typed. */
export function word(token: string, more: Partial<ArgumentDoc> = {}): ArgumentDoc {
  return { name: token.toLowerCase(), type: 'pure-token', token, ...more };
}

/** A word that may be left out. */
export function option(token: string): ArgumentDoc {
  return word(token, { flags: ['optional'] });
}

/** When something is to end: a time in one of four ways, or another word in its place. */
export function expiration(other: string): ArgumentDoc {
  return {
    name: 'expiration',
    type: 'oneof',
    flags: ['optional'],
    arguments: [
      { name: 'seconds', type: 'integer', token: 'EX' },
      { name: 'milliseconds', type: 'integer', token: 'PX' },
      { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
      { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
      word(other),
    ],
  };
}

/** One of several words. */
export function choice(name: string, tokens: readonly string[], more: Partial<ArgumentDoc> = {}): ArgumentDoc {
  return { name, type: 'oneof', ...more, arguments: tokens.map((token) => word(token)) };
}
