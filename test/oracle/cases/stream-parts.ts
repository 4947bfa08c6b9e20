/** What the cases of streams and of their consumer groups share. IDs are given, as those of the clock would differ. */
import { command } from '../steps.js';
import { timeless } from '../timeless.js';

export const GROUP_COMMANDS = ['XREAD', 'XREADGROUP', 'XACK', 'XPENDING', 'XCLAIM', 'XAUTOCLAIM', 'XGROUP', 'XINFO'];

export const timed = (text: string) => command(text, timeless);
export const added = (key: string, ...ids: (string | number)[]) => ids.map((id) => `XADD ${key} ${id} f v${id}`);
export const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
/** A stream of 5 with a group to which 3 are delivered. */
export const delivered = [...added('s', ...upTo(5)), 'XGROUP CREATE s g 0', 'XREADGROUP GROUP g c COUNT 3 STREAMS s >'];

export const ID_TEXTS = [
  '',
  '-',
  '+',
  '*',
  '$',
  '>',
  '(',
  '(5',
  '((5',
  '[5',
  '(-',
  '(+',
  '5-',
  '-5',
  '5-5-5',
  '5--5',
  '5-+5',
  '5- 5',
  ' 5',
  '5 ',
  '+5',
  '005',
  '5-005',
  '0x5',
  '5-*',
  '5-**',
  '*-5',
  '5.5',
  '5\\x00zz',
  '5-1\\x00-zz',
  '5-\\x001',
  '5-\\t1',
  '5-\\x0b1',
  '9--05',
  '18446744073709551615',
  '18446744073709551616',
  '18446744073709551615-18446744073709551615',
  '(18446744073709551615-18446744073709551615',
  '0-0',
  '(0-0',
  '1-18446744073709551615',
  '1-18446744073709551616',
  '00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005',
];
