/** Requests as RESP arrays of bulk strings: the one form that every server of the family accepts. */

/** An argument of a command. Strings go out as UTF-8, numbers in their decimal text, byte arrays as they are. */
export type Arg = string | number | bigint | Uint8Array;

const CR = 0x0d;
const LF = 0x0a;
/** `$` or `*`, the digits of a safe integer, CRLF. */
const HEADER_BYTES_MAX = 19;
const LINE_END_BYTES = 2;

/** The bytes of one request. */
export function encodeCommand(args: readonly Arg[]): Buffer {
  return encodeCommands([args]);
}

/** The bytes of several requests, one after the other. Written into one buffer: a tool that asks about each of a million keys spends its time here. */
export function encodeCommands(commands: readonly (readonly Arg[])[]): Buffer {
  let room = 0;
  for (const args of commands) {
    room += HEADER_BYTES_MAX;
    for (const arg of args) room += HEADER_BYTES_MAX + byteLength(arg) + LINE_END_BYTES;
  }
  const bytes = Buffer.allocUnsafe(room);
  let at = 0;
  for (const args of commands) {
    at += bytes.write(`*${args.length}\r\n`, at, 'latin1');
    for (const arg of args) {
      const length = byteLength(arg);
      at += bytes.write(`$${length}\r\n`, at, 'latin1');
      if (arg instanceof Uint8Array) bytes.set(arg, at);
      else bytes.write(String(arg), at, 'utf8');
      at += length;
      bytes[at++] = CR;
      bytes[at++] = LF;
    }
  }
  return bytes.subarray(0, at);
}

function byteLength(arg: Arg): number {
  return arg instanceof Uint8Array ? arg.length : Buffer.byteLength(String(arg));
}
