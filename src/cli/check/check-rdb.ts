/** Entry of `slotmesh-check-rdb`: says of an RDB file whether it is sound. Output and exit codes are those of redis-check-rdb (spec/persistence.md 10.1). */
import { nodeFileSystem } from '../../persistence/file-system.js';
import { checkRdbFile } from '../../persistence/rdb/rdb-check.js';
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';
import { print, toolName } from './output.js';

function main(args: readonly string[]): number {
  const [path] = args;
  const usage = `Usage: ${toolName('check-rdb')} <rdb-file-name>`;
  if (args.length !== 1 || path === undefined) {
    process.stderr.write(`${usage}\n`);
    return 1;
  }
  // A difference from Redis, which takes it for a file; such a file is still ./--help.
  if (path === '--help') {
    print(usage);
    return 0;
  }
  if (path === '-v' || path === '--version') {
    print(`redis-check-rdb ${REDIS_VERSION} (slotmesh ${SLOTMESH_VERSION})`);
    return 0;
  }
  return checkRdbFile(nodeFileSystem, path, path, Date.now(), print).isSane ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
