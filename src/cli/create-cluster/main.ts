/**
 * `slotmesh-create-cluster`: small clusters on this machine in the manner of Redis's utils/create-cluster. Servers are started in the current folder and
 * go on in the background; `config.sh` in that folder changes the settings. Our server is used unless BIN_PATH or SERVER names another one.
 * Source: spec/cli.md section 4.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { applyConfig, ConfigError, defaultSettings, type Settings } from './settings.js';

const CONFIG_FILE = 'config.sh';
const WATCH_LINES = 30;
const WATCH_INTERVAL_MS = 1000;
/** Words of `call` that are passed on. */
const CALL_WORDS_MAX = 8;
/** The executables of this package. */
const binFolder = dirname(realpathSync(process.argv[1]!));

interface Command {
  help: string;
  run(settings: Settings, words: readonly string[]): void;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: { help: 'Launch Redis Cluster instances.', run: start },
  create: { help: 'Create a cluster using slotmesh-cli --cluster create; -f: without asking.', run: create },
  stop: { help: 'Stop Redis Cluster instances.', run: stop },
  watch: { help: `Show CLUSTER NODES output (first ${WATCH_LINES} lines) of first node.`, run: watch },
  tail: {
    help: 'Run tail -f of instance at base port + ID.',
    run: (settings, [id = '']) => tail([`${settings.port + Number(id)}.log`]),
  },
  tailall: { help: 'Run tail -f for all the log files at once.', run: () => tail(filesLike(/\.log$/)) },
  clean: { help: 'Remove all instances data, logs, configs.', run: clean },
  'clean-logs': { help: 'Remove just instances logs.', run: () => remove('*.log', /\.log$/) },
  call: { help: `Call a command (up to ${CALL_WORDS_MAX - 1} arguments) on all nodes.`, run: call },
};

function main([name = '', ...words]: readonly string[]): number {
  // Also where config.sh is broken.
  if (name === '--help') {
    printUsage();
    return 0;
  }
  const settings = defaultSettings();
  try {
    if (existsSync(CONFIG_FILE)) applyConfig(settings, readFileSync(CONFIG_FILE, 'utf8'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    return 1;
  }
  if (Object.hasOwn(COMMANDS, name)) COMMANDS[name]!.run(settings, words);
  else printUsage();
  return 0;
}

function printUsage(): void {
  const forms: Record<string, string> = { create: 'create [-f]', tail: 'tail <id>', call: 'call <cmd>' };
  console.log(`Usage: ${process.argv[1]} [${Object.keys(COMMANDS).join('|')}]`);
  for (const [name, { help }] of Object.entries(COMMANDS)) console.log(`${(forms[name] ?? name).padEnd(12)}-- ${help}`);
}

function ports({ port, nodes }: Settings): number[] {
  return Array.from({ length: nodes }, (_, at) => port + 1 + at);
}

function serverCommand({ server, binPath }: Settings): string[] {
  if (server !== null) return server;
  if (binPath !== null) return [join(binPath, 'redis-server')];
  return [process.execPath, join(binFolder, 'slotmesh-server.js')];
}

/** Runs slotmesh-cli on this terminal. */
function runCli(args: readonly string[]): void {
  spawnSync(process.execPath, [join(binFolder, 'slotmesh-cli.js'), ...args], { stdio: 'inherit' });
}

function start(settings: Settings): void {
  const [program = '', ...leading] = serverCommand(settings);
  for (const port of ports(settings)) {
    console.log(`Starting ${port}`);
    const args = [
      ...leading,
      ...['--port', `${port}`, '--protected-mode', settings.protectedMode, '--cluster-enabled', 'yes'],
      ...['--cluster-config-file', `nodes-${port}.conf`, '--cluster-node-timeout', `${settings.timeoutMs}`],
      ...['--appendonly', 'yes', '--appendfilename', `appendonly-${port}.aof`],
      ...['--appenddirname', `appendonlydir-${port}`, '--dbfilename', `dump-${port}.rdb`],
      ...['--logfile', `${port}.log`, '--daemonize', 'yes', ...settings.additionalOptions],
    ];
    const { error } = spawnSync(program, args, { stdio: 'inherit' });
    if (error !== undefined) console.error(`${program} cannot be started: ${error.message}`);
  }
}

function create(settings: Settings, words: readonly string[]): void {
  const addresses = ports(settings).map((port) => `${settings.host}:${port}`);
  const yes = words[0] === '-f' ? ['--cluster-yes'] : [];
  runCli(['--cluster', 'create', ...addresses, '--cluster-replicas', `${settings.replicas}`, ...yes]);
}

function stop(settings: Settings): void {
  for (const port of ports(settings)) {
    console.log(`Stopping ${port}`);
    runCli(['-p', `${port}`, 'shutdown', 'nosave']);
  }
}

/** Until Ctrl-C. */
function watch(settings: Settings): void {
  const show = (): void => {
    const { stdout } = spawnSync(
      process.execPath,
      [join(binFolder, 'slotmesh-cli.js'), '-p', `${settings.port + 1}`, 'cluster', 'nodes'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    console.clear();
    console.log(`${new Date()}\n${stdout.split('\n').slice(0, WATCH_LINES).join('\n')}`);
  };
  show();
  setInterval(show, WATCH_INTERVAL_MS);
}

function tail(files: readonly string[]): void {
  spawn('tail', ['-f', ...files], { stdio: 'inherit' });
}

function call(settings: Settings, words: readonly string[]): void {
  // Words are split again, as the shell of the original does.
  const command = words.slice(0, CALL_WORDS_MAX).flatMap((word) => word.split(/\s+/).filter((part) => part !== ''));
  for (const port of ports(settings)) runCli(['-p', `${port}`, ...command]);
}

function clean(): void {
  remove('*.log', /\.log$/);
  remove('appendonlydir-*', /^appendonlydir-/);
  remove('dump-*.rdb', /^dump-.*\.rdb$/);
  remove('nodes-*.conf', /^nodes-.*\.conf$/);
}

function remove(title: string, pattern: RegExp): void {
  console.log(`Cleaning ${title}`);
  for (const name of filesLike(pattern)) rmSync(name, { recursive: true, force: true });
}

function filesLike(pattern: RegExp): string[] {
  return readdirSync('.').filter((name) => pattern.test(name));
}

// The reader of a pipe went away (`| head`).
process.stdout.on('error', () => process.exit(1));
process.exitCode = main(process.argv.slice(2));
