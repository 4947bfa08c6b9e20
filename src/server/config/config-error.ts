/**
 * A configuration that the server cannot start with. The text is the one that operators know from Redis.
 *
 * Source: spec/server.md 6.4.8.
 */
import { REDIS_VERSION } from '../../version.js';

export interface ConfigPlace {
  /** counted from 1; lines from standard input and options follow those of the file */
  readonly line: number;
  readonly text: string;
}

export class ConfigError extends Error {
  readonly code = 'SLOTMESH_CONFIG';
  /** What goes to standard error; empty if the message belongs into the log as a warning (a file that cannot be opened). */
  readonly report: string;

  /** @param place  the line at fault; null if the fault is in no single line; undefined if no line could be read at all */
  constructor(reason: string, place: ConfigPlace | null | undefined) {
    super(reason);
    this.name = 'ConfigError';
    if (place === undefined) {
      this.report = '';
      return;
    }
    const lines = ['', `*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***`];
    if (place !== null) lines.push(`Reading the configuration file, at line ${place.line}`, `>>> '${place.text}'`);
    this.report = `${[...lines, reason].join('\n')}\n`;
  }
}
