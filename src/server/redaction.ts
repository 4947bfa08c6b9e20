/** Which arguments of a request are secrets: never shown in MONITOR, SLOWLOG or the log. */
import type { Request } from '../resp/request.js';
import type { Config } from './config/config.js';

const NO_SECRETS: ReadonlySet<number> = new Set();

/** @returns the positions of the arguments that must not be shown */
export function secretsOf(commandName: string, request: Request, config: Config): ReadonlySet<number> {
  const { argc } = request;
  switch (commandName) {
    case 'auth':
      return new Set([1, 2]);
    case 'hello':
      return behindKeyword(request, 2, 'AUTH', 2);
    case 'migrate':
      return new Set([...behindKeyword(request, 6, 'AUTH', 1), ...behindKeyword(request, 6, 'AUTH2', 2)]);
    case 'config|set': {
      const values = new Set<number>();
      for (let i = 2; i < argc; i += 2) if (config.isSensitive(request.text(i))) values.add(i + 1);
      return values;
    }
    default:
      return NO_SECRETS;
  }
}

/** @returns the positions of `count` arguments behind the keyword, wherever it stands from `from` on */
function behindKeyword(request: Request, from: number, keyword: string, count: number): ReadonlySet<number> {
  for (let i = from; i < request.argc; i++)
    if (request.is(i, keyword)) return new Set(Array.from({ length: count }, (_, at) => i + 1 + at));
  return NO_SECRETS;
}
