/**
 * The first lines of the log. Tools wait for them and read from them: the version and pid of the second line, ` PID: <pid>` of the banner.
 *
 * Source: spec/server.md 28.1; lines as the real server writes them.
 */
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../version.js';

export interface BannerFacts {
  readonly mode: 'standalone' | 'cluster' | 'sentinel';
  readonly port: number;
  readonly pid: number;
}

/** @param configFile  absolute path, or empty */
export function startLines(configFile: string, hasArguments: boolean, program: string): readonly string[] {
  const lines = [
    'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo',
    `Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`,
  ];
  if (configFile !== '' || hasArguments) return [...lines, 'Configuration loaded'];
  const advice = `In order to specify a config file use ${program} /path/to/redis.conf`;
  return [...lines, `Warning: no config file specified, using the default config. ${advice}`];
}

/** What is logged instead of the banner when the log goes to a file. */
export function modeLine({ mode, port }: BannerFacts): string {
  return `Running mode=${mode}, port=${port}.`;
}

/** Shown with `always-show-logo`, or when a person is watching. Raw text, not a log line. */
export function banner({ mode, port, pid }: BannerFacts): string {
  return `
     o---o
    / \\ / \\      Slotmesh ${SLOTMESH_VERSION} (Redis ${REDIS_VERSION}) 64 bit
   o---o---o
    \\ / \\ /      Running in ${mode} mode
     o---o       Port: ${port}
                 PID: ${pid}

`;
}
