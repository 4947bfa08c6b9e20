/** The command line of redis-cli as ours reads it: options, URIs, modes, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Scanned, scanArguments } from '../../src/cli/arguments.js';
import type { CommandLine } from '../../src/cli/command-line.js';

function scan(words: string, environment: NodeJS.ProcessEnv = {}): Scanned {
  return scanArguments(words === '' ? [] : words.split(' '), environment, 'slotmesh-cli');
}

function ready(words: string, environment: NodeJS.ProcessEnv = {}): CommandLine {
  const scanned = scan(words, environment);
  assert.ok(scanned.kind === 'ready', `${words}: ${scanned.kind === 'ended' ? scanned.stderr : ''}`);
  return scanned.line;
}

function refusal(words: string): string {
  const scanned = scan(words);
  assert.ok(scanned.kind === 'ended', words);
  assert.equal(scanned.exitCode, 1);
  return scanned.stderr;
}

test('the first word without a dash is the command, with all that follows', () => {
  assert.deepEqual(ready('-p 7000 set -x --raw').command, ['set', '-x', '--raw']);
});

test('an option whose value is missing is not recognised', () => {
  assert.equal(refusal('-p'), "Unrecognized option or bad number of args for: '-p'\n");
  assert.equal(refusal('--bogus get a'), "Unrecognized option or bad number of args for: '--bogus'\n");
});

test('later options override earlier ones, and a URI writes into the same settings', () => {
  const { connection } = ready('-p 1 -u redis://al:p%40ss@example.org:2/3 -h other');
  assert.equal(connection.host, 'other');
  assert.equal(connection.port, 2);
  assert.equal(connection.database, 3);
  assert.equal(connection.username, 'al');
  assert.equal(connection.password, 'p@ss');
});

test('an IPv6 address may stand in brackets', () => {
  for (const words of ['-h ::1 -p 7', '-h [::1] -p 7', '-u redis://[::1]:7'])
    assert.equal(ready(words).connection.host, '::1', words);
});

test('numbers are read as C reads them', () => {
  assert.equal(ready('-p 12abc').connection.port, 12);
  assert.equal(ready('-p abc').connection.port, 0);
  assert.equal(ready('-i 0.25').intervalMs, 250);
  assert.equal(ready('-r -3 ping').repeat, -3);
});

test('the words of --cluster end at the next option; later words count only if there were none', () => {
  assert.deepEqual(ready('--cluster check h:1 --cluster-yes h:2').clusterWords, ['check', 'h:1']);
  const line = ready('--cluster create --cluster-replicas 1 a:1 b:2 -a pw');
  assert.deepEqual(line.clusterWords, ['create', 'a:1', 'b:2']);
  assert.equal(line.clusterOptions.replicas, 1);
  assert.equal(line.connection.password, 'pw');
  assert.equal(line.mode, 'cluster');
});

test('--cluster-weight takes all words with an equals sign', () => {
  const line = ready('--cluster rebalance h:1 --cluster-weight a=1 b=2.5 --cluster-simulate');
  assert.deepEqual(line.clusterOptions.weights, ['a=1', 'b=2.5']);
  assert.ok(line.clusterOptions.simulate);
  assert.match(refusal('--cluster-weight a=1 --cluster-weight b=1'), /more than once/);
});

test('of several modes the first in the order of precedence is taken', () => {
  assert.equal(ready('').mode, 'interactive');
  assert.equal(ready('ping').mode, 'command');
  assert.equal(ready('--eval f k').mode, 'eval');
  assert.equal(ready('--scan --bigkeys ping').mode, 'bigkeys');
  assert.equal(ready('--stat --latency').mode, 'latency');
});

test('a password on the command line gets a warning, one in the environment does not', () => {
  assert.equal(ready('-a pw').warnings.length, 1);
  assert.equal(ready('-a pw --no-auth-warning').warnings.length, 0);
  const line = ready('', { REDISCLI_AUTH: 'secret' });
  assert.equal(line.connection.password, 'secret');
  assert.equal(line.warnings.length, 0);
});

test('options that exclude each other are refused', () => {
  assert.match(refusal('-c -s /x'), /^Options -c and -s are mutually exclusive\.\n$/);
  assert.match(refusal('-2 -3'), /^Options -2 and -3/);
  assert.match(refusal('-x -X a ping'), /^Options -x and -X/);
  assert.match(refusal('--rdb a --functions-rdb b'), /^Option --functions-rdb and --rdb/);
  assert.match(refusal('--ldb'), /require --eval\.\nTry slotmesh-cli --help/);
});

test('what is wrong with a URI is told', () => {
  assert.equal(refusal('-u http://x'), 'Invalid URI scheme\n');
  assert.equal(refusal('-u redis://a%@h'), 'Incomplete URI encoding\n');
  assert.equal(refusal('-u redis://a%4x@h'), 'Illegal character in URI encoding\n');
  assert.equal(ready('-u redis://[::1]:7000/2').connection.host, '::1');
});

test('help and version end with 0 and go to stdout', () => {
  for (const words of ['--help', '-h', '--version', '-v', '-p 1 -h']) {
    const scanned = scan(words);
    assert.ok(scanned.kind === 'ended' && scanned.exitCode === 0, words);
    assert.match(scanned.stdout, /^redis-cli 7\./);
  }
});
