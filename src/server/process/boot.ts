/**
 * The start of a server process up to the point where the server itself is built, and its counterpart at the end.
 *
 *   arguments → configuration → supervisor → background → first log lines → limits, pid file, title
 *
 * Everything here concerns the process as a whole, which a server that is embedded in another program does not have to itself; such a server is
 * built from a Config and a Logger without coming by here.
 *
 * Source: spec/server.md 28.1.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Config, type ConfigHooks } from '../config/config.js';
import { ConfigError } from '../config/config-error.js';
import { Logger } from '../log.js';
import { banner, modeLine, startLines } from './banner.js';
import { reportCrashes } from './crash.js';
import { startDaemon, takeDaemonMark } from './daemon.js';
import { checkMaxclients, fitMaxclients } from './file-limit.js';
import { readInvocation } from './invocation.js';
import { OomScore } from './oom-score.js';
import { createPidFile, DEFAULT_PID_FILE, removePidFile } from './pid-file.js';
import { Supervisor } from './supervisor.js';
import { updateProcessTitle } from './title.js';

/** A process that is ready to become a server. */
export interface Booted {
  readonly kind: 'booted';
  readonly config: Config;
  readonly log: Logger;
  readonly supervisor: Supervisor;
  /** Sets the score of the out-of-memory killer for a role; to be called again when the role changes. */
  adjustOomScore(isReplica: boolean): void;
  /** To be called when the server ends in good order, before the last log line. */
  end(): void;
}

/** There is no server to start (any more): the process ends. */
export interface Ended {
  readonly kind: 'ended';
  readonly exitCode: number;
}

/** @param argv  `process.argv` */
export async function boot(
  argv: readonly string[],
  hooks: Pick<ConfigHooks, 'renameCommand'>,
): Promise<Booted | Ended> {
  const program = basename(argv[1] ?? 'slotmesh-server').replace(/\.[cm]?js$/, '');
  const words = argv.slice(2);
  const invocation = readInvocation(words, program);
  if (invocation.kind === 'answer') {
    (invocation.isError ? process.stderr : process.stdout).write(invocation.text);
    return ended(invocation.exitCode);
  }

  const startDirectory = process.cwd();
  const isDaemon = takeDaemonMark();
  const config = new Config({ ...hooks, changeDirectory: (path) => process.chdir(path) });
  let input = '';
  try {
    config.loadArgs(words, () => {
      input = readFileSync(0, 'latin1');
      return input;
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (error.report === '') new Logger().warning(error.message);
    else process.stderr.write(error.report);
    return ended(1);
  }

  const { values } = config;
  const log = new Logger({ level: values.loglevel, file: values.logfile && config.resolvePath(values.logfile) });
  // The supervisor must see the first process, so the second one is not asked for.
  const supervisor = new Supervisor(values.supervised, log);
  if (values.daemonize && supervisor.manager === 'none' && !isDaemon) {
    await startDaemon(startDirectory, input);
    return ended(0);
  }
  logStart(config, log, words.length > 0, program);

  const clients = fitMaxclients(values.maxclients);
  for (const warning of clients.warnings) log.warning(warning);
  if (clients.maxclients === 0) return ended(1);
  config.assign('maxclients', String(clients.maxclients));
  config.onChange('maxclients', () => checkMaxclients(values.maxclients));

  if (isDaemon && values.pidfile === '') config.assign('pidfile', DEFAULT_PID_FILE);
  const pidFile = values.pidfile && config.resolvePath(values.pidfile);
  const pidFileProblem = pidFile === '' ? null : createPidFile(pidFile);
  if (pidFileProblem !== null) log.warning(pidFileProblem);
  reportCrashes(config, log, () => removePidFile(pidFile));

  followConfig(config, log, program);
  return {
    kind: 'booted',
    config,
    log,
    supervisor,
    adjustOomScore: oomScoreAdjuster(config, log),
    end() {
      supervisor.stopping();
      if (pidFile === '') return;
      log.notice('Removing the pid file.');
      removePidFile(pidFile);
    },
  };
}

function ended(exitCode: number): Ended {
  return { kind: 'ended', exitCode };
}

function logStart(config: Config, log: Logger, hasArguments: boolean, program: string): void {
  for (const line of startLines(config.file, hasArguments, program)) {
    if (line.startsWith('Warning:')) log.warning(line);
    else log.notice(line);
  }
  const { values } = config;
  const facts = {
    mode: values.clusterEnabled ? 'cluster' : 'standalone',
    port: values.port === 0 ? values.tlsPort : values.port,
    pid: process.pid,
  } as const;
  if (values.alwaysShowLogo || (values.logfile === '' && process.stdout.isTTY)) log.raw(banner(facts));
  else log.notice(modeLine(facts));
}

/** Keeps the log level and the process title at what the configuration says. */
function followConfig(config: Config, log: Logger, program: string): void {
  const showTitle = (): null => {
    updateProcessTitle(config.values, program, config.file);
    return null;
  };
  showTitle();
  config.onChange(['proc-title-template', 'bind', 'port', 'tls-port'], showTitle);
  config.onChange('loglevel', () => {
    log.level = config.values.loglevel;
    return null;
  });
}

function oomScoreAdjuster(config: Config, log: Logger): (isReplica: boolean) => void {
  const score = new OomScore();
  let isReplicaNow = false;
  const apply = (): string | null => {
    const problem = score.apply(config.values.oomScoreAdj, config.values.oomScoreAdjValues, isReplicaNow);
    if (problem === null) return null;
    log.warning(problem);
    return 'Failed to set current oom_score_adj. Check server logs.';
  };
  config.onChange(['oom-score-adj', 'oom-score-adj-values'], apply);
  return (isReplica) => {
    isReplicaNow = isReplica;
    apply();
  };
}
