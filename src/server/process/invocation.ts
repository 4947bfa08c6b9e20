/**
 * What the command line asks for: a server, or just an answer. Everything that is configuration is left to `Config.loadArgs`.
 *
 * Source: spec/server.md 6.5; forms and exit codes as the real server has them.
 */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';

export type Invocation =
  | { readonly kind: 'serve' }
  | { readonly kind: 'answer'; readonly text: string; readonly isError: boolean; readonly exitCode: number };

/**
 * @param argv     the arguments after the script's name
 * @param program  the name under which the program was called, without its directory
 */
export function readInvocation(argv: readonly string[], program: string): Invocation {
  switch (argv[0]) {
    case '-v':
    case '--version':
      return { kind: 'answer', text: `${versionLine()}\n`, isError: false, exitCode: 0 };
    case '-h':
    case '--help':
      return failed(helpText(program));
    case '--test-memory':
      return failed(`${program} does not test memory; use a tool made for it, such as memtester.\n`);
    case '--check-system':
      return failed(
        `${program} has nothing to check: it does not fork, so overcommit and huge pages do not matter to it.\n`,
      );
  }
  if (argv.includes('--sentinel') || /(redis|slotmesh)-sentinel/.test(program)) {
    return failed(`${program} cannot run as a Sentinel yet.\n`);
  }
  return { kind: 'serve' };
}

function failed(text: string): Invocation {
  return { kind: 'answer', text, isError: true, exitCode: 1 };
}

/** In the form of redis-server's, which tools parse. */
export function versionLine(): string {
  return `Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=arena bits=64 build=slotmesh-${SLOTMESH_VERSION}`;
}

function helpText(program: string): string {
  return `Usage: ${program} [/path/to/redis.conf] [options] [-]
       ${program} - (read config from stdin)
       ${program} -v or --version
       ${program} -h or --help

Examples:
       ${program} (run the server with default conf)
       echo 'maxmemory 128mb' | ${program} -
       ${program} /etc/redis/6379.conf
       ${program} --port 7777
       ${program} --port 7777 --replicaof 127.0.0.1 8888
       ${program} /etc/myredis.conf --loglevel verbose -
       ${program} /etc/myredis.conf --loglevel verbose

Every directive is described in docs/configuration.md.
`;
}
