/** What client names, library names and versions may consist of: printable ASCII without spaces. Source: spec server.md section 5.2. */

export const NAME_ERROR = 'ERR Client names cannot contain spaces, newlines or special characters.';

export function isClientName(text: string): boolean {
  return /^[!-~]*$/.test(text);
}
