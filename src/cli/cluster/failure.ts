/**
 * How a subcommand ends early. The reason is told where the error is caught, once, in `runClusterManager`; code that can go on after a refusal catches it
 * itself.
 */
import type { Level } from './output.js';

/** The subcommand cannot go on: `text` is printed at its level (or to stderr) and the exit code is 1. */
export class Failure extends Error {
  constructor(
    /** `stderr`: uncoloured, to the error stream; `silent`: all is said already. */
    readonly level: Level | 'stderr' | 'silent',
    text: string,
  ) {
    super(text);
    this.name = 'Failure';
  }
}

/** Everything has been said. */
export function silentFailure(): Failure {
  return new Failure('silent', '');
}

/** A node answered a command with an error; the text is redis-cli's line for it. */
export class NodeRefusal extends Failure {
  constructor(
    readonly address: string,
    /** The error as the node gave it. */
    readonly reply: string,
  ) {
    super('error', `Node ${address} replied with error:\n${reply}`);
    this.name = 'NodeRefusal';
  }
}

/** The connection to a node ended before it answered. */
export class NodeLost extends Failure {
  constructor(
    readonly address: string,
    reason: string,
  ) {
    super('stderr', `Lost the connection to ${address}: ${reason}`);
    this.name = 'NodeLost';
  }
}
