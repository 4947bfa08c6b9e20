/**
 * The bytes of a pipeline, made once and sent again and again; only what stands for a random number or a hash tag is overwritten in place.
 *
 *   command  … __rand_int__ …          12 decimal digits, drawn anew for every occurrence before each sending
 *            … {tag} …                 the three letters between the braces, so that the key lies in a slot of the node
 *   batch    command × pipeline
 */
import { encodeCommand } from '../../client/encode-command.js';
import type { NumberSource } from './number-source.js';

const RANDOM_PLACEHOLDER = '__rand_int__';
const TAG_PLACEHOLDER = '{tag}';
/** Digits of a random number: as long as its placeholder. */
const RANDOM_DIGITS = RANDOM_PLACEHOLDER.length;
const ZERO = 0x30;

/** What is sent: an inline line as it is, or a command of these words. */
export type Command = { readonly inline: string } | { readonly words: readonly (string | Buffer)[] };

export function encodeRequest(command: Command): Buffer {
  return 'inline' in command ? Buffer.from(command.inline) : encodeCommand(command.words);
}

export class RequestBatch {
  readonly bytes: Uint8Array;
  private readonly randomStarts: Int32Array;
  /** Of the three bytes inside the braces. */
  private readonly tagStarts: Int32Array;

  /** @param request  one command, encoded */
  constructor(request: Uint8Array, pipeline: number) {
    const bytes = Buffer.alloc(request.length * pipeline, request);
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.randomStarts = startsOf(bytes, RANDOM_PLACEHOLDER, 0);
    this.tagStarts = startsOf(bytes, TAG_PLACEHOLDER, 1);
  }

  get hasRandomNumbers(): boolean {
    return this.randomStarts.length > 0;
  }

  get hasTag(): boolean {
    return this.tagStarts.length > 0;
  }

  /** Draws every random number anew, from 0 to below `range`. */
  randomize(source: NumberSource, range: number): void {
    const { bytes, randomStarts } = this;
    for (let i = 0; i < randomStarts.length; i++) writeDigits(bytes, randomStarts[i]!, source.below(range));
  }

  /** @param tag  three bytes */
  setTag(tag: string): void {
    for (const start of this.tagStarts) for (let i = 0; i < tag.length; i++) this.bytes[start + i] = tag.charCodeAt(i);
  }
}

function startsOf(bytes: Buffer, placeholder: string, shift: number): Int32Array {
  const starts: number[] = [];
  for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder, at + placeholder.length))
    starts.push(at + shift);
  return Int32Array.from(starts);
}

function writeDigits(bytes: Uint8Array, start: number, value: number): void {
  let rest = value;
  for (let at = start + RANDOM_DIGITS - 1; at >= start; at--) {
    const tens = Math.floor(rest / 10);
    bytes[at] = ZERO + rest - tens * 10;
    rest = tens;
  }
}
