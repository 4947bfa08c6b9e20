/** Commands and the shell without a terminal, beside redis-cli: replies of all types in all formats, options, input, passwords. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { freePort } from '../support/ports.js';
import { ourCli, realCli, runTool, type ToolOptions, type ToolResult } from '../support/run-tool.js';
import { needs } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { at, type CommandWords, compare, compareOnEmpty, folder } from './twin-tools.js';

const FORMATS = ['--no-raw', '--raw', '--csv', '--json', '--quoted-json'];
/** Lines of a shell script that has replies of every RESP2 type, nested ones too. */
const RESP2_LINES = `
set k "a\\x00\\a\\b\\t\\n\\r\\"\\\\\\xc3\\xa9~\\xff"
get k
get nothing
del nothing
rpush l 1 2 3 4 5 6 7 8 9 10 11
lrange l 0 -1
lrange l 5 2
hset h f v "g h" "i j"
hgetall h
hgetall nothing
config get nosuchparameter
zadd z 1.5 a inf b -3.25e-7 c
zrange z 0 -1 withscores
zscore z a
sadd s x
smembers s
mget k nothing l
incr k
nosuchcommand
nosuchcommand with "some arguments"
command info get nosuch
multi
set a 1
get l
lpush a 1
nosuch
exec
multi
set a 1
lpush a 1
lrange l 0 1
exec
watch a
set a 2
multi
get a
exec
multi
discard
exec
select 3
dbsize
select 99
select 0
info nosuchsection
client getname
client setname me
client getname
object encoding l
type h
command docs set config|get
command docs nosuch
echo ""
`;

/** Replies that only RESP3 has. */
const RESP3_LINES = `
debug protocol string
debug protocol integer
debug protocol double
debug protocol null
debug protocol array
debug protocol set
debug protocol map
debug protocol verbatim
debug protocol true
debug protocol false
debug protocol push
hset h f v g w
hgetall h
hgetall nothing
smembers nothing
sadd s a
smembers s
zadd z 1 a 2.5 b
zrange z 0 -1 withscores
zscore z b
zmscore z a nothing
config get maxmemory
command info get
xinfo help
`;

const OWN_OPTIONS: readonly CommandWords[] = [
  '--bogus',
  '-p',
  '-p 1 -r',
  '--cluster-weight',
  '--cluster-weight a=1 --cluster-weight b=2',
  '-c -s /nowhere ping',
  '-2 -3 ping',
  '--ldb ping',
  '--ldb-sync-mode',
  '-x -X tag ping',
  '--rdb a --functions-rdb b',
  '-a secret --functions-rdb a --rdb b',
  '--quoted-pattern " --scan',
  '-u http://127.0.0.1 ping',
  '-u redis://%zz@h ping',
  '-u redis://a%@h ping',
  '-u rediss//x ping',
  ['--show-pushes', 'perhaps', '--bogus'],
];

suite('both tools', { skip: needs('redis-cli', 'redis-server', 'slotmesh') }, () => {
  const real = useServer({ kind: 'redis' });
  const ours = useServer({ kind: 'slotmesh' });
  const secured = useServer({ kind: 'redis', password: 'secret' });

  const onReal = (words: CommandWords, options?: ToolOptions): Promise<ToolResult> =>
    compareOnEmpty(real.process, words, options);
  const onOurs = (words: CommandWords, options?: ToolOptions): Promise<ToolResult> =>
    compareOnEmpty(ours.process, words, options);

  for (const format of FORMATS) {
    test(`replies of all RESP2 types are printed as redis-cli does, ${format}`, async () => {
      const { stdout } = await onReal(`-2 ${format}`, { input: RESP2_LINES });
      assert.ok(stdout.length > 1000);
    });

    test(`replies of all RESP3 types are printed as redis-cli does, ${format}`, async () => {
      await onReal(`-3 ${format}`, { input: RESP3_LINES });
    });
  }

  test('replies of our own server are printed as redis-cli does', async () => {
    await onOurs('--no-raw', { input: RESP2_LINES });
    await onOurs('-3 --no-raw', { input: RESP3_LINES });
    await onOurs('-3 --json', { input: RESP3_LINES });
  });

  test('options are refused with the words and exit codes of redis-cli', async () => {
    for (const words of OWN_OPTIONS) {
      // The tool's own name is in the advice.
      const args = typeof words === 'string' ? words.split(' ') : [...words];
      const [expected, actual] = await Promise.all([runTool(realCli, args), runTool(ourCli, args)]);
      const renamed = { ...actual, stderr: actual.stderr.replace('Try slotmesh-cli', 'Try redis-cli') };
      assert.deepEqual(renamed, expected, `redis-cli ${args.join(' ')}`);
    }
  });

  test('a server that is not there is told as by redis-cli', async () => {
    const port = await freePort();
    for (const words of [
      'ping',
      '-r 3 ping',
      '-r 0 ping',
      '--scan',
      '--bigkeys',
      '--stat',
      '--latency',
      '--pipe',
      '--rdb x',
      '--replica',
      '--eval x',
      'help get set',
    ])
      await compare(at(port, words));
    await compare(at(port, ''), { input: 'ping\n\n\nping\n' });
    await compare('-s /nowhere/socket ping');
  });

  test('one command, once or repeated, prints and exits as with redis-cli', async () => {
    for (const words of [
      'ping',
      'PING hello',
      ['set', 'k', 'a b\n'],
      '-r 3 incr n',
      '-r 2 -i 0.01 --csv incr n',
      '-r 0 incr n',
      '-n 3 set a b',
      '-n 99 dbsize',
      '-e get a b',
      '-e --csv get a b',
      '-e --json set a b',
      '-e -r 3 get a b',
      'get a b',
      ['', 'a'],
      ['--csv', ''],
      '-D | -d , --raw mget a b c',
      ['-D', '', 'mget', 'a', 'b'],
      '--no-raw -r 2 mget a b',
      'unsubscribe a',
      '--json command info get',
      '--json -2 command info get',
      '--json -3 command info get',
      'help nosuchcommand',
      'help @nosuchgroup',
      'help get',
      '? config set',
      'help @transactions',
      '--user nobody -a wrong ping',
      '-a wrong ping',
      '-a wrong --no-auth-warning ping',
      'cluster info',
      'cluster nodes x',
      '--json cluster info',
      '--csv client info x',
      'latency doctor',
      '--json latency graph get',
      '--csv lolwut version 1',
      '--show-pushes yes -3 ping',
      '--quoted-pattern "a" get b',
      '--no-such-mode',
      'object help',
    ])
      await onReal(words);
    for (const words of ['ping', '-n 99 dbsize', '-e get a b', '--json cluster info', '-3 --csv command info get'])
      await onOurs(words);
  });

  test('arguments in quotes and from stdin arrive as with redis-cli', async () => {
    await onReal(['--quoted-input', 'set', '"k"', '"\\x00a\\"b\\xff"']);
    await onReal(['--quoted-input', 'set', "'a b", '1']);
    await onReal(['--quoted-input', 'set', '"a" "b"', '1']);
    await onReal(['--quoted-input', 'get', '"a"b']);
    await onReal('-x set k', { input: Buffer.from('a\0b\xff\n', 'latin1') });
    await onReal('-x --no-raw echo', { input: '' });
    await onReal('-X tag set tag value', { input: 'key' });
    await onReal('-X tag echo tag', { input: Buffer.from([0, 255, 10]) });
    await onReal('-X tag get key', { input: 'key' });
    await onReal('-X tag', { input: 'ping\n' });
    await onReal('--eval script.lua', { input: '' });
    writeFileSync(join(folder, 'script.lua'), 'return {KEYS, ARGV, redis.status_reply("x")}');
    await onReal('--eval script.lua');
    await onReal('--eval script.lua a b , c d');
    await onReal('--no-raw --eval script.lua a, b , c , d');
    await onReal('--eval script.lua , c');
    await onReal('--eval nosuch.lua , c');
  });

  test('the Lua debugger talks as in redis-cli', async () => {
    writeFileSync(join(folder, 'bad.lua'), 'return )');
    writeFileSync(
      join(folder, 'steps.lua'),
      "local a = redis.call('set', KEYS[1], ARGV[1])\nlocal t = {1, 'x'}\nredis.debug(t)\nreturn {a, t}\n",
    );
    const debug = (mode: string, input: string, term = 'dumb'): Promise<ToolResult> =>
      onReal(`${mode} --eval steps.lua k , v`, { input, env: { TERM: term } });
    await debug('--ldb', 'n\np\n"x\n2 n\nc\nget k\n');
    await debug('--ldb', 'n\np t\ns\nhelp\nb 3\nc\ne 1 + 1\nw\nl\nnonsense\nc\nping', 'xterm');
    await debug('--ldb', 'restart\nc\nrestart\nping\n');
    await debug('--ldb', 'abort\nping\n');
    await debug('--ldb', 'n\nquit\nping\n');
    await debug('--ldb-sync-mode', 'c\nget k\n');
    await onReal('--ldb --eval bad.lua');
    const { stdout } = await onReal('--eval steps.lua k , v');
    assert.match(stdout, /OK/);
  });

  test('lines on stdin are commands, as for redis-cli', async () => {
    await onReal('--no-raw', {
      input: [
        'set k v\r',
        '  get   "k"  ',
        '"unbalanced',
        "'a'b",
        '3 incr n',
        '0 incr n',
        '-2 incr n',
        '99999999999999999999 incr n',
        '7',
        '2 ',
        ':set',
        ':set hints',
        ':set colours',
        ':nonsense',
        'restart',
        'connect',
        'clear x',
        'clear',
        'help nosuchcommand',
        'help @transactions',
        '?',
        'multi',
        'select 5',
        'exec',
        'dbsize',
        'reset',
        'dbsize',
        'auth x',
        'client kill type normal skipme no',
        'ping',
        'ping',
        'quit',
        'ping',
      ]
        .filter((line) => line !== '?')
        .join('\n'),
    });
    await onReal('-n 2 --csv', { input: 'set a 1\nselect 0\ndbsize\nclient kill type normal skipme no\nping\ndbsize' });
    await onReal('-e', { input: 'nosuch\nping\n' });
    await onReal('', { input: 'exit with words\nping' });
    await onReal('', { input: Buffer.from('echo \xff\xfe\n', 'latin1') });
    await onReal('', { input: `echo ${'x'.repeat(100_000)}\n` });
    await onReal('', { input: 'ping\n', env: { FAKETTY: '1' } });
    await onReal('', { input: 'info keyspace\nset a b\nget a\nkeys *\nmget a "b', env: { FAKETTY: '1' } });
    await onOurs('--no-raw', { input: 'set k v\nmulti\nget k\nexec\nclient kill type normal skipme no\nping\nget k' });
  });

  test('passwords are taken, warned about and refused as by redis-cli', async () => {
    const { port } = secured.process;
    for (const words of [
      'ping',
      '-a secret ping',
      '--pass secret --no-auth-warning ping',
      '-a wrong ping',
      '-a secret --user default ping',
      '-a secret --user nobody ping',
      '-a secret -n 3 dbsize',
      '-3 ping',
      '--json ping',
      '-3 -a secret --json ping',
      '--bigkeys',
      '--hotkeys',
      '--scan',
      '--stat',
      '--rdb x',
      '--functions-rdb x',
      '--replica',
      'monitor',
      'subscribe a',
      '--no-raw subscribe a',
      'sync',
    ])
      await compare(at(port, words));
    await compare(['-u', `redis://secret@127.0.0.1:${port}/2`, 'client', 'no-evict', 'off']);
    await compare(['-u', `redis://default:secr%65t@127.0.0.1:${port}`, 'ping']);
    await compare(at(port, 'ping'), { env: { REDISCLI_AUTH: 'secret' } });
    await compare(at(port, '-a wrong ping'), { env: { REDISCLI_AUTH: 'secret' } });
    await compare(at(port, '--askpass ping'), { input: 'secret\n' });
    await compare(at(port, ''), { input: 'ping\nauth secret\nping\nauth wrong\nauth nobody secret\nget a\n' });
    await compare(at(port, ''), { input: 'select 1\nauth secret\nselect 1\ndbsize\n' });
    await compare(at(port, '-n 1'), { input: 'auth secret\ndbsize\nget a\n' });
  });
});
