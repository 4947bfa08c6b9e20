/**
 * The slow log: the last commands that took longer than `slowlog-log-slower-than` microseconds. Source: spec server.md section 15.
 *
 * Invariants: (1) newest first, at most `slowlog-max-len` entries; (2) an entry holds at most 32 arguments of at most 128 bytes each (and what was
 * left out, in words), so a giant request cannot be kept alive by it; (3) secrets are not kept.
 */
import type { Request } from '../resp/request.js';
import type { Config } from './config/config.js';
import { secretsOf } from './redaction.js';

const ARGUMENTS_MAX = 32;
const ARGUMENT_BYTES_MAX = 128;
const REDACTED = Buffer.from('(redacted)');

export interface SlowEntry {
  readonly id: number;
  readonly unixSeconds: number;
  readonly microseconds: number;
  readonly args: readonly Uint8Array[];
  readonly address: string;
  readonly clientName: string;
}

export class SlowLog {
  entries: SlowEntry[] = [];
  private nextId = 0;

  add(
    request: Request,
    commandName: string,
    microseconds: number,
    address: string,
    clientName: string,
    config: Config,
  ): void {
    const entry: SlowEntry = {
      id: this.nextId++,
      unixSeconds: Math.floor(Date.now() / 1000),
      microseconds: Math.round(microseconds),
      args: abridge(request, commandName, config),
      address,
      clientName,
    };
    this.entries.unshift(entry);
    this.trim(config.values.slowlogMaxLen);
  }

  trim(entriesMax: number): void {
    if (this.entries.length > entriesMax) this.entries.length = entriesMax;
  }

  clear(): void {
    this.entries = [];
  }
}

function abridge(request: Request, commandName: string, config: Config): Uint8Array[] {
  const secrets = secretsOf(commandName, request, config);
  const isTooMany = request.argc > ARGUMENTS_MAX;
  const kept = isTooMany ? ARGUMENTS_MAX - 1 : request.argc;
  const args: Uint8Array[] = [];
  for (let i = 0; i < kept; i++) {
    const length = request.lengths[i];
    if (secrets.has(i)) args.push(REDACTED);
    else if (length <= ARGUMENT_BYTES_MAX) args.push(request.copy(i));
    else {
      const head = Buffer.from(request.view(i).subarray(0, ARGUMENT_BYTES_MAX));
      args.push(Buffer.concat([head, Buffer.from(`... (${length - ARGUMENT_BYTES_MAX} more bytes)`)]));
    }
  }
  if (isTooMany) args.push(Buffer.from(`... (${request.argc - kept} more arguments)`));
  return args;
}
