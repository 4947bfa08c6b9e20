/** Which arguments of a request are secrets: never shown in MONITOR, SLOWLOG or the log. */
import type { Request } from '../resp/request.js';

const SENSITIVE_DIRECTIVES = new Set(['requirepass', 'masterauth', 'tls-key-file-pass', 'tls-client-key-file-pass']);

/** @returns the first argument that must not be shown; `request.argc` if all may */
export function redactedFrom(commandName: string, request: Request): number {
  const { argc } = request;
  switch (commandName) {
    case 'auth':
      return 1;
    case 'hello':
      return keywordAt(request, 2, 'AUTH', argc);
    case 'migrate': {
      const at = Math.min(keywordAt(request, 6, 'AUTH', argc), keywordAt(request, 6, 'AUTH2', argc));
      return at;
    }
    case 'config|set':
      for (let i = 2; i < argc; i += 2) if (SENSITIVE_DIRECTIVES.has(request.text(i).toLowerCase())) return i + 1;
      return argc;
    default:
      return argc;
  }
}

/** @returns the position behind the keyword, or `argc` */
function keywordAt(request: Request, from: number, keyword: string, argc: number): number {
  for (let i = from; i < argc; i++) if (request.is(i, keyword)) return i + 1;
  return argc;
}
