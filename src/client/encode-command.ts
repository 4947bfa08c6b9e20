/** Requests as RESP arrays of bulk strings: the one form that every server of the family accepts. */

/** An argument of a command. Strings go out as UTF-8, numbers in their decimal text, byte arrays as they are. */
export type Arg = string | number | bigint | Uint8Array;

const CRLF = '\r\n';

/** The bytes of one request. */
export function encodeCommand(args: readonly Arg[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}${CRLF}`)];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}${CRLF}`), bytes as Buffer, Buffer.from(CRLF));
  }
  return Buffer.concat(parts);
}
