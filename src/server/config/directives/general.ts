/** The process, its log, security, and observation. */
import { isTitleTemplate } from '../../process/title-template.js';
import { bool, enumeration, integer, path, string } from '../kinds.js';
import { INT32_MAX, INT64_MAX } from '../numbers.js';
import { keyspaceEvents, oomScoreValues, percentiles, shutdownOptions, workingDirectory } from '../special.js';

const COUNT = [0n, INT32_MAX] as const;
const LONG = [0n, INT64_MAX] as const;
const atStart = { immutable: true } as const;
const keptAtStart = { immutable: true, effect: 'kept' } as const;
const noSyslog = {
  ...keptAtStart,
  note: 'Node.js has no syslog; log to standard output and let the service manager forward it.',
} as const;
const noPinning = {
  ...keptAtStart,
  note: 'Node.js has no way to pin threads; use taskset(1) for the whole process.',
} as const;
const noAcl = 'Access control lists are not there yet.';

export const generalDirectives = {
  daemonize: bool(false, 'Run in the background', atStart),
  supervised: enumeration(['upstart', 'systemd', 'auto', 'no'], 'no', 'Which service manager to notify', {
    immutable: true,
    note: 'systemd is notified through `systemd-notify`, which must be installed; the unit needs `NotifyAccess=all`.',
  }),
  pidfile: path('', 'File for the process id; when daemonized and not set: /var/run/redis.pid', atStart),
  dir: workingDirectory('Working directory: RDB, AOF, nodes.conf and relative names live in it', {
    protected: true,
    denyLoading: true,
  }),
  'set-proc-title': bool(true, 'Show the state in the process title', atStart),
  'proc-title-template': string('{title} {listen-addr} {server-mode}', 'Form of the process title', {
    emptyIsValue: true,
    check: (template) =>
      isTitleTemplate(template) ? null : 'template format is invalid or contains unknown variables',
  }),
  'always-show-logo': bool(false, 'Show the start banner even when the log is not a terminal', atStart),
  logfile: path('', 'Log file; empty: standard output', { immutable: true, emptyIsValue: true }),
  loglevel: enumeration(['debug', 'verbose', 'notice', 'warning', 'nothing'], 'notice', 'Least important lines to log'),
  'syslog-enabled': bool(false, 'Log to syslog, too', noSyslog),
  'syslog-ident': string('redis', 'Name in syslog', { ...noSyslog, emptyIsValue: true }),
  'syslog-facility': enumeration(
    ['user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
    'local0',
    'Facility in syslog',
    noSyslog,
  ),
  'crash-log-enabled': bool(true, 'Log a report when the process crashes'),
  'crash-memcheck-enabled': bool(true, 'Test the memory after a crash', {
    effect: 'kept',
    note: 'A memory fault cannot be examined from inside Node.js.',
  }),
  'use-exit-on-panic': bool(false, 'After a crash, exit instead of dumping core', { hidden: true }),
  'shutdown-timeout': integer(10, COUNT, 'Most seconds to wait at shutdown for replicas that lag'),
  'shutdown-on-sigint': shutdownOptions('Options of SHUTDOWN on SIGINT'),
  'shutdown-on-sigterm': shutdownOptions('Options of SHUTDOWN on SIGTERM'),
  databases: integer(16, [1n, INT32_MAX], 'Number of databases; in cluster mode only database 0 is used', atStart),
  hz: integer(10, COUNT, 'Runs of the periodic work per second, 1 to 500', { clamp: [1n, 500n] }),
  'dynamic-hz': bool(true, 'Raise `hz` while there are many clients'),
  'watchdog-period': integer(0, COUNT, 'Milliseconds after which a stalled command is logged', {
    hidden: true,
    effect: 'kept',
  }),
  'oom-score-adj': enumeration(
    ['no', 'yes', 'relative', 'absolute'],
    'no',
    'Whether to adjust the score of the out-of-memory killer',
    {
      shownAs: { relative: 'yes' },
    },
  ),
  'oom-score-adj-values': oomScoreValues([0, 200, 800], 'That score for a primary, a replica, and a child process', {
    note: 'Snapshots need no child process here; the third value is kept.',
  }),
  'disable-thp': bool(true, 'Turn transparent huge pages off', {
    ...keptAtStart,
    note: 'They are welcome where nothing forks: see differences.md.',
  }),
  'ignore-warnings': string('', 'Start-up warnings to pass over', { emptyIsValue: true, effect: 'kept' }),
  server_cpulist: string('', 'Processors for the server', noPinning),
  bio_cpulist: string('', 'Processors for background threads', noPinning),
  aof_rewrite_cpulist: string('', 'Processors for AOF rewrites', noPinning),
  bgsave_cpulist: string('', 'Processors for background saves', noPinning),
  'locale-collate': string('', 'Locale for comparing strings', { effect: 'kept', note: 'SORT ALPHA compares bytes.' }),

  requirepass: string('', 'Password of the default user', { sensitive: true }),
  aclfile: path('', 'File with users', {
    immutable: true,
    emptyIsValue: true,
    effect: 'kept',
    note: noAcl,
    check: (file) => (file === '' ? null : 'ACL files are not supported'),
  }),
  'acl-pubsub-default': enumeration(['allchannels', 'resetchannels'], 'resetchannels', 'Channels of a new user', {
    effect: 'kept',
    note: noAcl,
  }),
  'acllog-max-len': integer(128, LONG, 'Most entries of the ACL log', { effect: 'kept', note: noAcl }),
  'enable-protected-configs': enumeration(
    ['no', 'yes', 'local'],
    'no',
    'Who may CONFIG SET protected directives',
    atStart,
  ),
  'enable-debug-command': enumeration(['no', 'yes', 'local'], 'no', 'Who may use DEBUG', atStart),
  'enable-module-command': enumeration(['no', 'yes', 'local'], 'no', 'Who may use MODULE', {
    ...keptAtStart,
    note: 'There are no modules.',
  }),

  'busy-reply-threshold': integer(5000, LONG, 'Milliseconds after which a script counts as busy', {
    aliases: ['lua-time-limit'],
    effect: 'kept',
  }),
  'jit-warmup': bool(false, 'Practise the commands before serving, so that first calls find compiled code', {
    ...atStart,
    note: 'Not in Redis. Takes some seconds and 100 MB, and GET and SET cost a tenth more afterwards: see benchmarks.md.',
  }),
  'latency-tracking': bool(true, 'Keep latency histograms per command'),
  'latency-tracking-info-percentiles': percentiles([50, 99, 99.9], 'Percentiles that INFO latencystats shows'),
  'latency-monitor-threshold': integer(0, LONG, 'Milliseconds from which LATENCY records an event; 0: off'),
  'slowlog-log-slower-than': integer(
    10000,
    [-1n, INT64_MAX],
    'Microseconds from which SLOWLOG records a command; -1: off',
  ),
  'slowlog-max-len': integer(128, LONG, 'Most entries of SLOWLOG'),
  'notify-keyspace-events': keyspaceEvents('Which events on keys are published'),
};
