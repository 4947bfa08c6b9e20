/** What the benchmark asks a server before it loads it: two settings that explain much of its speed. */
import { type Reply, ReplyError } from '../../resp/reply-reader.js';
import { addressText, type ConnectionSettings, connectErrorLine, openConnection } from '../connection-settings.js';
import type { HostConfig } from './report.js';
import { BenchmarkError } from './run-test.js';

/**
 * @param warn  gets a line when a server does not tell
 * @throws BenchmarkError when it cannot be reached or refuses the credentials: no test could succeed
 */
export async function fetchHostConfig(
  settings: ConnectionSettings,
  warn: (text: string) => void,
): Promise<HostConfig | null> {
  let replies: Reply[];
  try {
    // The database is selected for the load only.
    const client = await openConnection({ ...settings, database: 0, protocol: 2 });
    replies = await client.pipeline([
      ['CONFIG', 'GET', 'save'],
      ['CONFIG', 'GET', 'appendonly'],
    ]);
    client.close();
  } catch (error) {
    if (error instanceof ReplyError) throw refusal(settings, error);
    throw new BenchmarkError(`${connectErrorLine(settings, error)}\nWARNING: Could not fetch server CONFIG`);
  }
  const values = replies.map((reply) => {
    if (reply instanceof ReplyError && reply.code === 'NOAUTH') throw refusal(settings, reply);
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : null;
  });
  const [save, appendonly] = values;
  if (save !== null && save !== undefined && appendonly !== null && appendonly !== undefined)
    return { save, appendonly };
  warn('WARNING: Could not fetch server CONFIG');
  return null;
}

function refusal(settings: ConnectionSettings, error: ReplyError): BenchmarkError {
  return new BenchmarkError(`Node ${addressText(settings)} replied with error:\n${error.message}`);
}
