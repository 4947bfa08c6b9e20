/** The interactive shell on a terminal, key by key beside the real redis-cli: after each step both screens must show the same, colours and cursor too. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { freePort } from '../support/ports.js';
import { ourCli, realCli, type Tool } from '../support/run-tool.js';
import { Screen, untilSame } from '../support/screen.js';
import { temporaryFolder } from '../support/server-process.js';
import { needs } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const folder = temporaryFolder('screens');
const screens: Screen[] = [];

/** A shell with a home of its own. */
function openShell(
  tool: Tool,
  args: readonly (string | number)[],
  home: string,
  env: Record<string, string> = {},
): Screen {
  mkdirSync(join(folder, home), { recursive: true });
  const screen = new Screen([...tool, ...args.map(String)], { env: { HOME: join(folder, home), ...env } });
  screens.push(screen);
  return screen;
}

/** What is done in a step: text typed as it is, or keys in angle brackets: `get k<Enter>`. */
function act(screen: Screen, step: string): void {
  for (const part of step.split(/(<[^>]+>)/)) {
    if (part.startsWith('<')) screen.press(part.slice(1, -1));
    else if (part !== '') screen.type(part);
  }
}

/** The screen's last line is a prompt with nothing behind it. */
const PROMPT = /> ?$/;

class Pair {
  constructor(
    readonly actual: Screen,
    readonly expected: Screen,
  ) {}

  /**
   * Does the steps in both shells and compares after each. A step must change what is to be seen, else it would not be waited for; a line that was
   * entered is done when there is a prompt again, or what `rest` says.
   */
  async compare(steps: readonly string[], rest = PROMPT): Promise<void> {
    const { actual, expected } = this;
    for (const step of steps) {
      const before = expected.picture();
      act(expected, step);
      act(actual, step);
      await waitFor(() => expected.picture() !== before, {
        what: `the real shell to do ${step}`,
        detail: () => before,
      });
      if (step.endsWith('<Enter>')) await expected.untilShown(rest);
      await untilSame(actual, expected, step);
    }
  }
}

suite('the shell on a terminal', { skip: needs('redis-cli', 'redis-server', 'slotmesh', 'tmux') }, () => {
  const server = useServer({ kind: 'redis' });
  afterEach(() => {
    for (const screen of screens.splice(0)) screen.close();
  });

  /** The real shell and ours side by side, from their first prompt on. */
  async function openBoth(args: readonly (string | number)[]): Promise<Pair> {
    const pair = new Pair(openShell(ourCli, args, 'ours'), openShell(realCli, args, 'real'));
    await pair.expected.untilShown(PROMPT);
    await untilSame(pair.actual, pair.expected, 'at the start');
    return pair;
  }

  test('hints, history, completion and editing keys', async () => {
    const shells = await openBoth(['-p', server.process.port]);
    await shells.compare([
      'set',
      ' k',
      ' v',
      '<Enter>',
      'get k<Enter>',
      '<Up>',
      '<Up>',
      '<Down>',
      '<C-u>',
      'ge<Tab>',
      '<Tab>',
      'x',
      '<C-u>',
      'one two three<C-a>',
      '<C-f><C-f><BSpace>',
      '<C-e><C-w>',
      '<Left><Left><C-t>',
      '<C-a><Right><C-k>',
      '<C-u>',
      `echo ${'0123456789'.repeat(12)}`,
      '<C-a>',
      '<Right><Right>x',
      '<C-e>',
      '<Enter>',
      'help @tran<Tab>',
      '<C-u>',
      'foo"bar<Enter>',
      ':set nohints<Enter>',
      'set k',
      '<C-l>',
      '<C-u><C-d>',
    ]);
  });

  test('databases, transactions, errors, help and slow commands', async () => {
    const shells = await openBoth(['-p', server.process.port, '-n', 2]);
    await shells.compare([
      'select 3<Enter>',
      'multi<Enter>',
      'set a 1<Enter>',
      'select 4<Enter>',
      'exec<Enter>',
      'clear<Enter>',
      'multi<Enter>',
      'select 5<Enter>',
      'discard<Enter>',
      'nosuch<Enter>',
      '2 echo again<Enter>',
      '0 echo never<Enter>',
      ':nonsense<Enter>',
      'clear<Enter>',
      'help getset<Enter>',
      'help @transactions<Enter>',
      'clear<Enter>',
      'reset<Enter>',
    ]);
    await shells.compare(['exit now<Enter>'], /ended with 0/);
  });

  test('connect, a server that is not there, Ctrl-C', async () => {
    const port = await freePort();
    const shells = await openBoth(['-p', port]);
    await shells.compare([
      'ping<Enter>',
      `connect 127.0.0.1 ${server.process.port}<Enter>`,
      'set a 1<Enter>',
      `connect 127.0.0.1 ${port}<Enter>`,
      'get a<Enter>',
      `connect localhost ${server.process.port}<Enter>`,
    ]);
    await shells.compare(['monitor<Enter>'], /OK$/);
    // Whether the terminal's ^C is still to be seen before the next key is chance.
    for (const shell of [shells.actual, shells.expected]) {
      act(shell, '<C-c>');
      await shell.untilShown(/localhost:\d+>$/);
    }
    await shells.compare(['ping', '<Enter>']);
    for (const shell of [shells.actual, shells.expected]) act(shell, 'blpop nothing 0<Enter>');
    await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '2', {
      what: 'both shells to wait for a reply',
    });
    await shells.compare(['<C-c>']);
    await shells.actual.untilShown(/\[ended with 1\]/);
  });

  test('characters that are wide, combined, or several bytes long', async () => {
    const shell = openShell(ourCli, ['-p', server.process.port], 'ours');
    await shell.untilShown(PROMPT);
    act(shell, 'echo "é 漢字 e\u0301"<Left><Left><BSpace>x');
    await shell.untilShown(/> echo "é 漢字xe\u0301"/);
    act(shell, '<Enter>');
    await shell.untilShown(/"\\xc3\\xa9 \\xe6\\xbc\\xa2\\xe5\\xad\\x97xe\\xcc\\x81"/);
  });

  test('a paste of several lines runs them all', async () => {
    const shell = openShell(ourCli, ['-p', server.process.port], 'ours');
    await shell.untilShown(PROMPT);
    act(shell, 'set a 1\rget a\rincr a\rget a');
    await shell.untilShown(/OK\n.*get a\n"1"\n.*incr a\n\(integer\) 2\n.*get a$/s);
  });

  test('while subscribed, messages come as they arrive, above the line that is being typed', async () => {
    for (const args of [[], ['-3']]) {
      const shell = openShell(ourCli, ['-p', server.process.port, ...args], 'ours');
      await shell.untilShown(PROMPT);
      act(shell, 'subscribe news<Enter>');
      await shell.untilShown(/1\) "subscribe"\n2\) "news"\n3\) \(integer\) 1\nReading messages\.\.\. \(press Ctrl-C/);
      await server.process.call('PUBLISH', 'news', 'first');
      await shell.untilShown(/3\) "first"\nReading messages/);
      act(shell, 'ping');
      await shell.untilShown(/\(subscribed mode\)> ping \[message\]$/);
      await server.process.call('PUBLISH', 'news', 'second');
      await shell.untilShown(/3\) "second"\n.*\(subscribed mode\)> ping \[message\]$/);
      act(shell, '<Enter>');
      await shell.untilShown(args.length === 0 ? /1\) "pong"\n2\) ""\nReading/ : /PONG\nReading/);
      act(shell, 'unsubscribe<Enter>');
      await shell.untilShown(/1\) "unsubscribe"\n2\) "news"\n3\) \(integer\) 0\n127.0.0.1:\d+>$/);
      act(shell, 'psubscribe n*<Enter>');
      await shell.untilShown(/1\) "psubscribe"\n.*\n.*\nReading messages/);
      act(shell, '<C-c>');
      await shell.untilShown(/\n127.0.0.1:\d+>$/);
      act(shell, 'get nothing<Enter>');
      await shell.untilShown(/\(nil\)\n127.0.0.1:\d+>$/);
    }
  });

  test('the history keeps what is no secret, for its owner only, and Ctrl-R searches it', async () => {
    const path = join(folder, 'history');
    writeFileSync(path, 'get old\n');
    const shell = openShell(ourCli, ['-p', server.process.port], 'ours', { REDISCLI_HISTFILE: path });
    await shell.untilShown(PROMPT);
    for (const line of ['get a', 'get a', 'auth secret', 'config set masterauth ""', 'ping'])
      act(shell, `${line}<Enter>`);
    await shell.untilShown(/PONG\n.*>$/);
    assert.equal(readFileSync(path, 'utf8'), 'get old\nget a\nping\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    act(shell, '<C-r>ol');
    await shell.untilShown(/\(reverse-i-search\)`ol': get old$/);
    act(shell, '<Enter>');
    await shell.untilShown(/> get old\n\(nil\)\n.*>$/);
  });

  test('preferences come from ~/.redisclirc', async () => {
    mkdirSync(join(folder, 'home'), { recursive: true });
    writeFileSync(join(folder, 'home', '.redisclirc'), ':set nohints\n:set colours\n:bad\n');
    const shell = openShell(ourCli, ['-p', server.process.port], 'home');
    await shell.untilShown(
      /unknown redis-cli preference 'colours'\n\.redisclirc: unknown redis-cli internal command ':bad'\n.*>$/,
    );
    act(shell, 'get');
    await shell.untilShown(/> get$/);
  });

  test('a terminal without cursor movement gets plain lines', async () => {
    const shell = openShell(ourCli, ['-p', server.process.port], 'ours', { TERM: 'dumb' });
    await shell.untilShown(PROMPT);
    act(shell, 'echo plain<Enter>');
    await shell.untilShown(/> echo plain\n"plain"\n.*>$/);
    act(shell, '<C-d>');
    await shell.untilShown(/\[ended with 0\]/);
  });

  test('a password is asked for without showing it', async () => {
    const shell = openShell(ourCli, ['-p', server.process.port, '--askpass', 'ping'], 'ours');
    await shell.untilShown(/Please input password:/);
    act(shell, 'seX<BSpace>c');
    await shell.untilShown(/password: \*\*\*$/);
    act(shell, '<Enter>');
    await shell.untilShown(/AUTH failed: .*\n.*\nPONG/s);
  });
});
