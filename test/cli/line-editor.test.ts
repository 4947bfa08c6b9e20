/**
 * The line editor without a terminal: random keys go to it and to a plain model of a line, and what it writes is shown by a small terminal of our own,
 * whose screen and cursor must then be as the model says.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Key, LineEditor } from '../../src/cli/shell/line-editor.js';
import { characters, characterWidth } from '../../src/cli/shell/text-width.js';

const COLUMNS = 20;
const PROMPT = 'h:1> ';
const NO_HELP = { complete: () => [], hint: () => '' };

/** A terminal that knows what the editor uses: CR, LF, cursor up and right, erase below, colours, wrapping at the last column. */
class Terminal {
  row = 0;
  column = 0;
  #rows: string[][] = [[]];
  #mustWrap = false;

  write(text: string): void {
    for (const [token] of text.matchAll(
      /\x1b\[[\d;]*[A-Za-z]|\p{Extended_Pictographic}|[\x00-\x1f]|[^\x00-\x1f]\p{Mn}*/gu,
    ))
      this.#take(token);
  }

  /** The rows without trailing blanks, from the first to the last that has something. */
  shown(): string[] {
    return visible(this.#rows.map((cells) => cells.join('')));
  }

  #take(token: string): void {
    const count = Number.parseInt(token.slice(2), 10) || 1;
    if (token === '\r') this.#moveTo(this.row, 0);
    else if (token === '\n') this.#moveTo(this.row + 1, this.column);
    else if (token === '\x07') return;
    else if (token.startsWith('\x1b')) {
      if (token.endsWith('A')) this.#moveTo(this.row - count, this.column);
      else if (token.endsWith('C')) this.#moveTo(this.row, Math.min(COLUMNS - 1, this.column + count));
      else if (token.endsWith('J')) this.#eraseBelow();
    } else this.#print(token);
  }

  #moveTo(row: number, column: number): void {
    assert.ok(row >= 0, 'the cursor stays below the prompt');
    this.row = row;
    this.column = column;
    this.#mustWrap = false;
    while (this.#rows.length <= row) this.#rows.push([]);
  }

  #eraseBelow(): void {
    this.#rows.length = this.row + 1;
    this.#rows[this.row]!.length = Math.min(this.#rows[this.row]!.length, this.column);
  }

  #print(character: string): void {
    const width = characterWidth(character);
    if (this.#mustWrap || this.column + width > COLUMNS) this.#moveTo(this.row + 1, 0);
    const cells = this.#rows[this.row]!;
    while (cells.length < this.column) cells.push(' ');
    cells[this.column] = character;
    for (let filled = 1; filled < width; filled++) cells[this.column + filled] = '';
    this.column += width;
    if (this.column === COLUMNS) {
      this.column = COLUMNS - 1;
      this.#mustWrap = true;
    }
  }
}

/** Rows without trailing blanks, up to the last one in which there is something. */
function visible(rows: readonly string[]): string[] {
  const trimmed = rows.map((row) => row.trimEnd());
  while (trimmed.at(-1) === '') trimmed.pop();
  return trimmed;
}

/** What a terminal shows of a text from the start of a row on, and where its cursor then is. */
function layOut(text: string): { rows: string[]; row: number; column: number } {
  const rows = [''];
  let column = 0;
  for (const character of characters(text)) {
    const width = characterWidth(character);
    if (column + width > COLUMNS) {
      rows.push('');
      column = 0;
    }
    rows[rows.length - 1] += character;
    column += width;
  }
  if (column === COLUMNS) return { rows, row: rows.length, column: 0 };
  return { rows, row: rows.length - 1, column };
}

const ctrl = (name: string): Key => ({ name, ctrl: true, sequence: '' });
const named = (name: string): Key => ({ name, sequence: '' });
const typed = (sequence: string): Key => ({ name: sequence, sequence });

/** A key, and what it does to the characters before and behind the cursor. */
const KEYS: readonly (readonly [key: Key, change: (before: string[], behind: string[]) => void])[] = [
  ...['a', 'b', ' ', '"', '漢', 'é'].map(
    (char) => [typed(char), (before: string[]) => void before.push(char)] as const,
  ),
  [named('left'), (before, behind) => before.length > 0 && behind.unshift(before.pop()!)],
  [ctrl('b'), (before, behind) => before.length > 0 && behind.unshift(before.pop()!)],
  [named('right'), (before, behind) => behind.length > 0 && before.push(behind.shift()!)],
  [named('home'), (before, behind) => behind.unshift(...before.splice(0))],
  [ctrl('e'), (before, behind) => before.push(...behind.splice(0))],
  [named('backspace'), (before) => before.pop()],
  [named('delete'), (_, behind) => behind.shift()],
  [ctrl('k'), (_, behind) => void behind.splice(0)],
  [
    ctrl('w'),
    (before) => {
      while (before.at(-1) === ' ') before.pop();
      while (before.length > 0 && before.at(-1) !== ' ') before.pop();
    },
  ],
];

test('random keys: text, screen and cursor are those of a plain model', () => {
  let state = 20261128;
  const next = (limit: number): number => {
    state = (state * 48271) % 0x7fffffff;
    return state % limit;
  };
  for (let round = 0; round < 60; round++) {
    const editor = new LineEditor(PROMPT, [], NO_HELP);
    const terminal = new Terminal();
    terminal.write(editor.draw(COLUMNS));
    const before: string[] = [];
    const behind: string[] = [];
    for (let step = 0; step < 120; step++) {
      // Typing prevails, so that lines become several rows long.
      const [key, change] = KEYS[next(3) === 0 ? next(KEYS.length) : next(6)]!;
      assert.equal(editor.press(key), 'editing');
      change(before, behind);
      terminal.write(editor.draw(COLUMNS));
      const story = `round ${round}, step ${step}, ${JSON.stringify(key)}`;
      assert.equal(editor.text, [...before, ...behind].join(''), story);
      const whole = layOut(PROMPT + editor.text);
      assert.deepEqual(terminal.shown(), visible(whole.rows), story);
      const at = layOut(PROMPT + before.join(''));
      assert.deepEqual([terminal.row, terminal.column], [at.row, at.column], story);
    }
  }
});

test('a finished line stands without its hint, and the cursor below it', () => {
  for (const length of [3, 14, 15, 16, 34, 35, 36]) {
    const editor = new LineEditor(PROMPT, [], { complete: () => [], hint: () => 'key value' });
    const terminal = new Terminal();
    for (let typedCount = 0; typedCount < length; typedCount++) {
      editor.press(typed('x'));
      terminal.write(editor.draw(COLUMNS));
    }
    editor.press(named('home'));
    terminal.write(editor.draw(COLUMNS));
    assert.equal(editor.press(named('return')), 'accepted');
    terminal.write(editor.drawFinished(COLUMNS));
    const { rows } = layOut(PROMPT + 'x'.repeat(length));
    assert.deepEqual(terminal.shown(), rows);
    assert.equal(terminal.column, 0);
    assert.ok(terminal.row >= rows.length);
  }
});

test('the history is walked, and what was being typed comes back', () => {
  const editor = new LineEditor(PROMPT, ['first', 'second'], NO_HELP);
  for (const char of 'draft') editor.press(typed(char));
  const seen = ['up', 'up', 'up', 'down', 'down', 'down'].map((name) => {
    editor.press(named(name));
    return editor.text;
  });
  assert.deepEqual(seen, ['second', 'first', 'first', 'second', 'draft', 'draft']);
});

test('Tab goes through the candidates and back to what was typed; Escape goes back at once', () => {
  const helper = { complete: (text: string) => (text === 'ge' ? ['GET', 'GETSET'] : []), hint: () => '' };
  const editor = new LineEditor(PROMPT, [], helper);
  for (const char of 'ge') editor.press(typed(char));
  const seen = ['tab', 'tab', 'tab', 'tab', 'escape'].map((name) => {
    editor.press(named(name));
    return editor.text;
  });
  assert.deepEqual(seen, ['GET', 'GETSET', 'ge', 'GET', 'ge']);
});

test('Ctrl-C and Ctrl-D end the line; Ctrl-D only where it is empty', () => {
  const editor = new LineEditor(PROMPT, [], NO_HELP);
  editor.press(typed('x'));
  assert.equal(editor.press(ctrl('d')), 'editing');
  assert.equal(editor.press(ctrl('u')), 'editing');
  assert.equal(editor.press(ctrl('d')), 'ended');
  assert.equal(editor.press(ctrl('c')), 'ended');
});
