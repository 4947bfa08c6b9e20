/**
 * What happens when one of our own invariants does not hold, or an exception was forgotten: the log gets a report, and the process ends. It must not go
 * on: a wrong node is worse than a missing one.
 *
 * The frame of the report is the one that log scanners know from Redis. Source: spec/server.md 28.4.
 */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import type { Config } from '../config/config.js';
import type { Logger } from '../log.js';

/** A crash that somebody asked for, by DEBUG. */
export class RequestedCrash extends Error {
  readonly code = 'SLOTMESH_REQUESTED_CRASH';
  /** By which the process is to end. */
  readonly signal: 'SIGABRT' | 'SIGSEGV';

  constructor(message: string, signal: 'SIGABRT' | 'SIGSEGV') {
    super(message);
    this.signal = signal;
  }
}

/** The report on `error`, as raw lines. */
export function crashReport(error: unknown): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const memory = process.memoryUsage();
  return [
    '',
    '',
    '=== REDIS BUG REPORT START: Cut & paste starting from here ===',
    what,
    ...causes(error),
    '------ VERSIONS ------',
    `slotmesh ${SLOTMESH_VERSION}, redis ${REDIS_VERSION}, node ${process.version}, ${process.platform} ${process.arch}`,
    '------ MEMORY ------',
    Object.entries(memory)
      .map(([name, bytes]) => `${name}:${bytes}`)
      .join(' '),
    '=== REDIS BUG REPORT END. Make sure to include from START to END. ===',
    '',
    '',
  ].join('\n');
}

function causes(error: unknown): string[] {
  const lines: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < 8; depth++) {
    lines.push(`caused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}

/** @param cleanUp  the last thing to do: removing the pid file */
export function reportCrashes(config: Config, log: Logger, cleanUp: () => void): void {
  process.on('uncaughtException', (error) => {
    const { crashLogEnabled, useExitOnPanic } = config.values;
    log.warning(`Crashed by an internal error: ${error instanceof Error ? error.message : String(error)}`);
    if (crashLogEnabled) log.raw(crashReport(error));
    cleanUp();
    if (useExitOnPanic) process.exit(1);
    if (error instanceof RequestedCrash && error.signal === 'SIGSEGV') process.kill(process.pid, error.signal);
    else process.abort();
  });
}
