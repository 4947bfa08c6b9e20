/**
 * Entry of `slotmesh-check-aof`: says of an append-only log whether it is sound, and cuts off damage if the user wants it. Output and exit codes are those of
 * redis-check-aof (spec/persistence.md 10.2).
 */
import { type AofCheckOptions, checkAof } from '../../persistence/aof/aof-check.js';
import { nodeFileSystem } from '../../persistence/file-system.js';
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import { processTerminal } from '../terminal.js';
import { print, toolName } from './output.js';

/** The words of the command line; a text to print, if they are none. */
function readArguments(args: readonly string[]): (AofCheckOptions & { path: string }) | string {
  const [first, second, third] = args;
  if (args.length === 1) return { path: first!, fixes: false, timestamp: 0 };
  if (args.length === 2 && first === '--fix') return { path: second!, fixes: true, timestamp: 0 };
  if (args.length === 3 && first === '--truncate-to-timestamp') {
    const isNumber = /^(\s*[+-]?\d+)?$/.test(second!);
    return isNumber ? { path: third!, fixes: false, timestamp: Number(second) } : 'Invalid timestamp, aborting...';
  }
  return usage();
}

function usage(): string {
  return `Usage: ${toolName('check-aof')} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>`;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 1 && (args[0] === '-v' || args[0] === '--version')) {
    print(`redis-check-aof ${REDIS_VERSION} (slotmesh ${SLOTMESH_VERSION})`);
    return 0;
  }
  // A difference from Redis, which takes it for a file; such a file is still ./--help.
  if (args.length === 1 && args[0] === '--help') {
    print(usage());
    return 0;
  }
  const read = readArguments(args);
  if (typeof read === 'string') {
    print(read);
    return 1;
  }
  const terminal = processTerminal();
  const isSound = await checkAof(nodeFileSystem, read.path, read, {
    print,
    confirms: async (question) => /^y/i.test((await terminal.readLine(question)) ?? ''),
    nowMs: Date.now,
  });
  return isSound ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
