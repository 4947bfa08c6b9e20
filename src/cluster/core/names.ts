/**
 * Texts that come from peers and operators and end up in messages and nodes.conf lines, where a blank or a comma would do damage: addresses, host names,
 * human node names; and IP literals, parsed and brought to their normal form without the help of a socket library.
 */

/** The longest text an address may have on the bus (46 bytes with the NUL). */
const IP_LENGTH_MAX = 45;

/** True if the text can stand in a nodes.conf address field: an IP literal, or a name some users announce in its place; empty = unknown. */
export function isAddressText(text: string): boolean {
  return text.length <= IP_LENGTH_MAX && /^[0-9A-Za-z.:_%-]*$/.test(text);
}

/** The longest host name and the longest human node name, in characters of one byte. */
export const NAME_LENGTH_MAX = 255;

/** True for what `cluster-announce-hostname` takes: fewer than 256 letters, digits, hyphens, dots. */
export function isHostname(text: string): boolean {
  return text.length <= NAME_LENGTH_MAX && /^[0-9A-Za-z.-]*$/.test(text);
}

/**
 * True for a human node name that a nodes.conf line can hold: no blanks, quotes, commas, equals signs or other separators. Bytes above 127 (UTF-8) are
 * fine; they are one character each here.
 */
export function isHumanNodename(text: string): boolean {
  return text.length <= NAME_LENGTH_MAX && /^[0-9A-Za-z._/\\`\x80-\xff-]*$/.test(text);
}

/** The normal form of an IPv4 or IPv6 literal (`2001:DB8:0:0::1` → `2001:db8::1`), or null if the text is none. */
export function normalizeIp(text: string): string | null {
  if (parseIpv4(text) !== null) return text;
  const groups = parseIpv6(text);
  return groups === null ? null : formatIpv6(groups);
}

/** Four dotted decimal numbers 0–255 without leading zeros, as one list; null if the text is something else. */
function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseIpv6(text: string): number[] | null {
  if (text.length > IP_LENGTH_MAX) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  if (halves.length === 1) return head.length === 8 ? head : null;
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups between colons; the last may be a dotted IPv4 address (two groups) if `mayEndInIpv4`. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i]!;
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const bytes = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : null;
    if (bytes === null) return null;
    groups.push(bytes[0]! * 256 + bytes[1]!, bytes[2]! * 256 + bytes[3]!);
  }
  return groups;
}

/** The first longest run of at least two zero groups becomes `::`; mapped IPv4 addresses keep their dotted tail. */
function formatIpv6(groups: number[]): string {
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${groups[6]! >> 8}.${groups[6]! & 255}.${groups[7]! >> 8}.${groups[7]! & 255}`;
  }
  let best = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > bestLength) {
      best = start;
      bestLength = length;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}
