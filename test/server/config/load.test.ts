/** Configuration files, options and standard input: what comes after what, and how mistakes are told. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfigArguments } from '../../../src/server/config/arguments.js';
import { Config, type ConfigHooks } from '../../../src/server/config/config.js';
import { ConfigError } from '../../../src/server/config/config-error.js';
import { temporaryFolder } from '../../support/server-process.js';

const folder = temporaryFolder('config');

function load(text: string, argv: readonly string[] = [], stdin = '', hooks: ConfigHooks = {}): Config {
  const file = join(folder, 'server.conf');
  writeFileSync(file, text, 'latin1');
  const config = new Config({ directory: folder, ...hooks });
  config.loadArgs([file, ...argv], () => stdin);
  return config;
}

function errorOf(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  assert.fail('nothing was refused');
}

test('comments and blank lines are passed over; names are of any case; options after the file have the last word', () => {
  const config = load('# a\n\n  \tPORT 7000 \r\nmaxmemory 1gb\n', ['--maxmemory', '2gb']);
  assert.equal(config.values.port, 7000);
  assert.equal(config.values.maxmemory, 2 ** 31);
  assert.equal(config.file, join(folder, 'server.conf'));
});

test('standard input comes after the file and before the options', () => {
  const config = load('port 1\nhz 20\ntimeout 5', ['--port', '3', '-'], 'port 2\nhz 30');
  assert.deepEqual([config.values.port, config.values.hz, config.values.timeout], [3, 30, 5]);
});

test('save lines add up, the first one discards the defaults, an empty one discards what came before', () => {
  assert.equal(load('save 1 1\nsave 3 3 4 4\n', ['--save', '5 5']).text('save'), '1 1 3 3 4 4 5 5');
  assert.equal(load('save 1 1\nsave ""\nsave 2 2\n').text('save'), '2 2');
  assert.equal(load('save 1 1\n', ['--save']).text('save'), '');
  assert.equal(load('').text('save'), '3600 1 300 100 60 10000');
});

test('output limits of the classes that are named change, the others stay', () => {
  const config = load(
    'client-output-buffer-limit NORMAL 1mb 1 1\nclient-output-buffer-limit slave 1gb 2mb 3 pubsub 1 1 1\n',
  );
  assert.equal(config.text('client-output-buffer-limit'), 'normal 1048576 1 1 slave 1073741824 2097152 3 pubsub 1 1 1');
});

test('the report of a bad line names the line, its number and the reason', () => {
  const error = errorOf(() => load('\n  port abc\n'));
  assert.equal(
    error.report,
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.6) ***\nReading the configuration file, at line 2\n>>> 'port abc'\nargument couldn't be parsed into an integer\n",
  );
});

test('options are reported with the line numbers of a file to which they are appended', () => {
  const error = errorOf(() => load('hz 10\n', ['--loglevel', 'verbose', '--port', '1', '2']));
  assert.match(error.report, /at line 4\n>>> 'port "1" "2"'\nwrong number of arguments\n$/);
});

test('a file that cannot be opened is an error for the log, with its absolute name', () => {
  const error = errorOf(() => new Config({ directory: folder }).loadArgs(['nosuch.conf']));
  assert.equal(error.message, `Fatal error, can't open config file '${folder}/nosuch.conf': No such file or directory`);
  assert.equal(error.report, '');
});

test('a log file that cannot be opened, and a primary in cluster mode, are refused without a line', () => {
  assert.match(
    errorOf(() => load('logfile nosuch/x\n')).report,
    /\*\*\*\nCan't open the log file: No such file or directory\n$/,
  );
  assert.match(
    errorOf(() => load('cluster-enabled yes\nreplicaof a 1\n')).report,
    /\*\*\*\nreplicaof directive not allowed in cluster mode\n$/,
  );
});

test('included files are read in place: sorted if a pattern names them, none if it matches nothing', () => {
  mkdirSync(join(folder, 'conf.d'), { recursive: true });
  writeFileSync(join(folder, 'conf.d', 'b.conf'), 'hz 30\n');
  writeFileSync(join(folder, 'conf.d', 'a.conf'), 'hz 20\ntimeout 7\n');
  const config = load('hz 40\ninclude conf.d/*.conf\ntimeout 8\ninclude nothing/*\n');
  assert.deepEqual([config.values.hz, config.values.timeout], [30, 8]);
  assert.match(
    errorOf(() => load('include conf.d/c.conf\n')).message,
    /^Fatal error, can't open config file 'conf.d\/c.conf'/,
  );
});

test('a file that includes itself is refused', () => {
  assert.match(errorOf(() => load(`include ${folder}/server.conf\n`)).message, /include goes deeper than 16 files/);
});

test('dir is followed at once, so that later relative names start there', () => {
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'sub', 'x.conf'), 'hz 33\n');
  const followed: string[] = [];
  const config = load('dir sub\ninclude x.conf\nlogfile log\n', [], '', {
    changeDirectory: (path) => followed.push(path),
  });
  assert.equal(config.values.hz, 33);
  assert.equal(config.values.dir, join(folder, 'sub'));
  assert.equal(config.resolvePath(config.values.logfile), join(folder, 'sub', 'log'));
  assert.deepEqual(followed, [folder, join(folder, 'sub')]);
});

test('passwords keep every byte, paths are decoded', () => {
  const config = load('requirepass "\\xff\\x00"\nunixsocket /tmp/\xc3\xa9\n');
  assert.equal(config.values.requirepass, '\xff\x00');
  assert.equal(config.values.unixsocket, '/tmp/é');
  assert.equal(config.text('unixsocket'), '/tmp/\xc3\xa9');
});

test('the unrestricted default user is accepted, any other user line is refused', () => {
  load('user default on nopass sanitize-payload ~* &* +@all\n');
  load(
    `requirepass foo\nuser default on #2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae ~* &* +@all\n`,
  );
  for (const line of ['user fred on', 'user default off', 'user default on nopass ~a* &* +@all']) {
    assert.match(errorOf(() => load(`${line}\n`)).message, /^Error in user declaration/, line);
  }
});

test('rename-command lines go to whoever knows the commands', () => {
  const seen: string[] = [];
  const renameCommand = (from: string, to: string) => {
    seen.push(`${from}>${to}`);
    return from === 'nosuch' ? 'No such command in rename-command' : null;
  };
  load('rename-command CONFIG ""\nrename-command get fetch\n', [], '', { renameCommand });
  assert.deepEqual(seen, ['CONFIG>', 'get>fetch']);
  assert.equal(
    errorOf(() => load('rename-command nosuch x\n', [], '', { renameCommand })).message,
    'No such command in rename-command',
  );
});

test('what cannot be honoured is refused instead of passed over', () => {
  for (const line of [
    'loadmodule /x.so',
    'tls-port 6380',
    'tls-cluster yes',
    'aclfile users.acl',
    'activedefrag yes',
    'a.b c',
  ]) {
    errorOf(() => load(`${line}\n`));
  }
});

const commandLines: [argv: string[], file: string, readsStdin: boolean, lines: string][] = [
  [[], '', false, ''],
  [['x.conf'], 'x.conf', false, ''],
  [['-'], '', true, ''],
  [['x.conf', '-'], 'x.conf', true, ''],
  [['-', '--port', '1'], '', true, 'port "1"'],
  [['--port', '1', '--bind', 'a', '-b', '-'], '', true, 'port "1"\nbind "a" "-b"'],
  [['--save', '--port', '1'], '', false, 'save ""\nport "1"'],
  [['--save'], '', false, 'save ""'],
  [['--save', ''], '', false, 'save ""'],
  [['--requirepass', '--foo', '--port', '1'], '', false, 'requirepass "--foo"\nport "1"'],
  [['--requirepass', '--loglevel', 'verbose'], '', false, 'requirepass "--loglevel" "verbose"'],
  [['--requirepass foo', '--loglevel', 'verbose'], '', false, 'requirepass foo\nloglevel "verbose"'],
  [['--requirepass', 'a "b"'], '', false, 'requirepass "a \\"b\\""'],
  [['-x'], '', false, '"-x"'],
];

test('the command line is lines of configuration', () => {
  for (const [argv, file, readsStdin, lines] of commandLines) {
    assert.deepEqual(parseConfigArguments(argv), { file, readsStdin, lines }, argv.join(' '));
  }
});
