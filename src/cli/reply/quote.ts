/**
 * Ways to write a byte string with printable characters. All texts here and in format.ts are *byte texts*: one character (0–255) per byte, so that
 * any bytes pass through unchanged; they become bytes again where they are written (`Buffer.from(text, 'latin1')`). Source: spec/cli.md section 1.12.
 */
import { quote } from '../../resp/quoted-words.js';

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
};

/** `"a\x00\n"`: as the server's log and the shell write strings. */
export function repr(bytes: Buffer): string {
  return quote(bytes.toString('latin1'));
}

/** A JSON string, with bytes above 0x7f as they are: whether they are UTF-8 is not looked at. */
export function jsonString(bytes: Buffer): string {
  const escaped = bytes
    .toString('latin1')
    .replace(/[\x00-\x1f"\\]/g, (char) => JSON_ESCAPES[char] ?? `\\u00${hex(char)}`);
  return `"${escaped}"`;
}

/** The repr form within a JSON string: whoever decodes the JSON has a text that says which bytes are meant. */
export function quotedJsonString(bytes: Buffer): string {
  return `"${repr(bytes).slice(1, -1).replaceAll('\\', '\\\\')}"`;
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0');
}
