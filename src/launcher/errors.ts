/** What goes wrong when a cluster is run on this machine, in words for the person who typed the command. */

export type LauncherErrorCode =
  | 'USAGE'
  | 'PORT_IN_USE'
  | 'ALREADY_RUNNING'
  | 'NOT_RUNNING'
  | 'FOREIGN_FOLDER'
  | 'DAMAGED_FOLDER'
  | 'OTHER_SETTINGS'
  | 'NO_CLUSTER'
  | 'SERVER_NOT_STARTED'
  | 'NODE_DIED'
  | 'NODE_UNREACHABLE'
  | 'NODE_REFUSED'
  | 'NOT_HEALTHY'
  | 'NOT_STOPPED'
  | 'FILE_SYSTEM';

export class LauncherError extends Error {
  /**
   * @param code stable, for programs
   * @param message what is the matter, naming the thing: one sentence
   * @param advice what to do about it, one line each
   */
  constructor(
    readonly code: LauncherErrorCode,
    message: string,
    readonly advice: readonly string[] = [],
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'LauncherError';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
