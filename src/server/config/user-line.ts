/**
 * `user` lines of a configuration file. There are no access control lists yet, so the only user is the default one, who may do everything; a line
 * that says just that is fine (CONFIG REWRITE of Redis always writes one), any other is refused, because passing over it would open the server.
 */
import { createHash } from 'node:crypto';

/** In the order in which Redis writes them; `sanitize-payload` since 7.2. */
const UNRESTRICTED = ['~*', '&*', '+@all'];

/** @returns the reason of a refusal, or null */
export function checkUserLine(words: readonly string[], requirepass: string): string | null {
  const [name, ...rules] = words;
  const credential =
    requirepass === '' ? 'nopass' : `#${createHash('sha256').update(requirepass, 'latin1').digest('hex')}`;
  const wanted = ['on', credential, ...UNRESTRICTED].join(' ');
  const given = rules.filter((rule) => rule !== 'sanitize-payload').join(' ');
  if (name === 'default' && given === wanted) return null;
  return `Error in user declaration '${name}': users other than an unrestricted default user are not supported`;
}
