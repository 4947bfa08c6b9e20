/** CONFIG SET: all or nothing, who may, and which mistake is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from '../../../src/server/config/config.js';

const local = { isLocal: true };
const remote = { isLocal: false };
const failed = (name: string, reason: string) =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;

test('a set changes all that it names', () => {
  const config = new Config();
  assert.equal(config.set(['maxmemory', '1gb', 'SLAVE-PRIORITY', '5'], remote), null);
  assert.equal(config.values.maxmemory, 2 ** 30);
  assert.equal(config.values.replicaPriority, 5);
});

test('one bad pair leaves everything as it was', () => {
  const config = new Config();
  const before = config.get(['*']);
  assert.equal(
    config.set(['maxmemory', '1gb', 'hz', 'x'], remote),
    failed('hz', "argument couldn't be parsed into an integer"),
  );
  assert.deepEqual(config.get(['*']), before);
});

test('names are checked before values, the first wrong one is reported', () => {
  const config = new Config();
  const cases: [string[], string][] = [
    [['databases', '3', 'foo', '1'], failed('databases', "can't set immutable config")],
    [['hz', 'abc', 'databases', '3'], failed('databases', "can't set immutable config")],
    [['maxmemory', '1', 'FOO', '1'], "ERR Unknown option or number of arguments for CONFIG SET - 'FOO'"],
    [['maxmemory', '1', 'MAXMEMORY', '2'], failed('MAXMEMORY', 'duplicate parameter')],
    [['dir', '/tmp'], failed('dir', "can't set protected config")],
    [['include', 'x'], "ERR Unknown option or number of arguments for CONFIG SET - 'include'"],
    [['hz'], 'ERR syntax error'],
  ];
  for (const [pairs, error] of cases) assert.equal(config.set(pairs, local), error);
});

test('protected directives are for everyone, for local clients, or for nobody', () => {
  for (const [who, forLocal, forRemote] of [
    ['no', false, false],
    ['local', true, false],
    ['yes', true, true],
  ] as const) {
    const config = new Config();
    config.assign('enable-protected-configs', who);
    assert.equal(config.set(['dbfilename', 'a'], local) === null, forLocal, who);
    assert.equal(config.set(['dbfilename', 'b'], remote) === null, forRemote, who);
  }
});

test('some directives cannot be set while the dataset is loading', () => {
  const config = new Config();
  config.isLoading = true;
  assert.equal(config.set(['appendonly', 'yes'], local), 'LOADING Redis is loading the dataset in memory');
  assert.equal(config.set(['maxmemory', '1'], local), null);
});

test('dir must be a directory, and is shown as an absolute path', () => {
  const config = new Config({ directory: '/' });
  config.assign('enable-protected-configs', 'yes');
  assert.equal(config.set(['dir', '/nosuch'], local), failed('dir', 'No such file or directory'));
  assert.equal(config.set(['dir', '/etc/passwd'], local), failed('dir', 'Not a directory'));
  assert.equal(config.set(['dir', 'tmp/.'], local), null);
  assert.equal(config.values.dir, '/tmp');
});

test('functions run once per set, for what really changed, with all new values in place', () => {
  const config = new Config();
  const seen: unknown[] = [];
  config.onChange(['maxmemory', 'maxmemory-policy'], () => {
    seen.push([config.values.maxmemory, config.values.maxmemoryPolicy, config.values.hz]);
    return null;
  });
  config.set(['maxmemory', '5', 'maxmemory-policy', 'allkeys-lru', 'hz', '20'], local);
  config.set(['maxmemory', '5'], local);
  assert.deepEqual(seen, [[5, 'allkeys-lru', 20]]);
});

test('a directive that names files is put into effect again even when its text is the same', () => {
  const config = new Config();
  let count = 0;
  config.onChange('tls-cert-file', () => {
    count++;
    return null;
  });
  config.set(['tls-cert-file', 'x'], local);
  config.set(['tls-cert-file', 'x'], local);
  assert.equal(count, 2);
});

test('a function that refuses brings all old values back, and those that had run run again', () => {
  const config = new Config();
  const seen: number[] = [];
  config.onChange('maxmemory', () => {
    seen.push(config.values.maxmemory);
    return null;
  });
  config.onChange('port', () => 'Unable to listen on this port. Check server logs.');
  const outcome = config.set(['maxmemory', '7', 'port', '1'], local);
  assert.equal(outcome, failed('port', 'Unable to listen on this port. Check server logs.'));
  assert.deepEqual(seen, [7, 0]);
  assert.equal(config.values.port, 6379);
  assert.equal(config.values.maxmemory, 0);
});

test('a refusal without a reason, and an exception, are refusals', () => {
  const config = new Config();
  config.onChange('timeout', () => '');
  config.onChange('hz', () => {
    throw Object.assign(new Error('listen'), { code: 'EACCES', errno: -13 });
  });
  assert.equal(config.set(['timeout', '1'], local), "ERR CONFIG SET failed (possibly related to argument 'timeout')");
  assert.equal(config.set(['hz', '1'], local), failed('hz', 'Permission denied'));
  assert.equal(config.values.hz, 10);
});

test('a function may take time: the set ends with it, and the next set waits', async () => {
  const config = new Config();
  const doors: ((reason: string | null) => void)[] = [];
  config.onChange('port', () => new Promise((open) => doors.push(open)));
  const seen: number[] = [];
  config.onChange('hz', () => {
    seen.push(config.values.hz);
    return null;
  });
  const first = config.set(['hz', '20', 'port', '1'], local);
  const second = config.set(['hz', '30'], local);
  assert.ok(first instanceof Promise && second instanceof Promise);
  assert.equal(config.values.hz, 20);
  doors[0]!('Unable to listen on this port. Check server logs.');
  assert.equal(await first, failed('port', 'Unable to listen on this port. Check server logs.'));
  assert.equal(await second, null);
  assert.deepEqual(seen, [20, 10, 30]);
  assert.equal(config.values.port, 6379);
});

test('assign changes what clients cannot, and runs nothing', () => {
  const config = new Config();
  config.onChange('replicaof', () => assert.fail('must not run'));
  config.assign('replicaof', 'host', '7000');
  assert.deepEqual(config.values.replicaof, { host: 'host', port: 7000 });
  assert.equal(config.text('replicaof'), 'host 7000');
  config.assign('replicaof', 'no', 'one');
  assert.equal(config.values.replicaof, null);
});

test('get finds exact names as typed, patterns under all names, hidden ones only when named', () => {
  const config = new Config();
  assert.deepEqual(config.get(['LIST-max-ziplist-size', 'list-max-*', 'LIST-MAX-ZIPLIST-SIZE']), [
    ['LIST-max-ziplist-size', '-2'],
    ['list-max-listpack-size', '-2'],
  ]);
  assert.deepEqual(config.get(['nosuch', '[a']), []);
  assert.deepEqual(config.get(['cluster-ping*']), []);
  assert.deepEqual(config.get(['cluster-ping-interval']), [['cluster-ping-interval', '0']]);
});

test('secrets are known under all their names', () => {
  const config = new Config();
  for (const name of ['requirepass', 'MASTERAUTH', 'masteruser']) assert.ok(config.isSensitive(name));
  for (const name of ['port', 'nosuch']) assert.ok(!config.isSensitive(name));
});
