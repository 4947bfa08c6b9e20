/**
 * The line under the cursor: a pure machine from keys to text and to what must be written on the terminal to show it.
 *
 *   keys    Ctrl-A/E, Home/End · Ctrl-B/F, arrows · Alt-B/F, Ctrl-arrows by words · Ctrl-H, Backspace, Ctrl-D, Delete · Ctrl-K to the end, Ctrl-U the
 *           line, Ctrl-W the word before · Ctrl-T swaps two characters · Ctrl-P/N, Up/Down history · Ctrl-R searches it · Ctrl-L clears the screen ·
 *           Tab completes · Enter, Ctrl-C, Ctrl-D on an empty line end it
 *
 * The text lies behind a prompt, wrapped over rows where it is long; a grey hint may follow it, cut at the row's end. Invariants: (1) `cursor` counts
 * characters as the user sees them, 0 to their number; (2) `draw` leaves the terminal's cursor where the text's cursor is, and the next `draw` starts
 * from there; nothing else may write meanwhile.
 */
import { characters, characterWidth, positionAfter } from './text-width.js';

/** A key as `readline.emitKeypressEvents` tells it. */
export interface Key {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  /** The bytes of the key; for a character, itself. */
  readonly sequence: string;
}

/** What the editor asks the shell about the text. */
export interface LineHelper {
  /** Whole lines that the text may become, in the order in which Tab offers them. */
  complete(text: string): readonly string[];
  /** '' for none. */
  hint(text: string): string;
}

/** What a key has done: `editing` goes on, `accepted` the line is finished, `ended` the user wants to leave. */
export type KeyResult = 'editing' | 'accepted' | 'ended';

interface Completion {
  readonly original: string;
  readonly candidates: readonly string[];
  /** Which is shown; `candidates.length`: the original. */
  index: number;
}

interface Search {
  pattern: string;
  /** Entry of the history that is shown; its length: none found. */
  at: number;
  readonly original: string;
}

const BELL = '\x07';
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

export class LineEditor {
  #text: string[] = [];
  #cursor = 0;
  readonly #prompt: string;
  readonly #history: readonly string[];
  readonly #helper: LineHelper;
  /** Which entry of the history is shown; its length: what the user typed, kept in `draft`. */
  #historyAt: number;
  #draft = '';
  #completion: Completion | null = null;
  #search: Search | null = null;
  /** Row of the terminal's cursor, counted from the prompt's. */
  #drawnRow = 0;
  /** To be written before the next picture. */
  #noise = '';

  /** @param history oldest first */
  constructor(prompt: string, history: readonly string[], helper: LineHelper) {
    this.#prompt = prompt;
    this.#history = history;
    this.#helper = helper;
    this.#historyAt = history.length;
  }

  get text(): string {
    return this.#text.join('');
  }

  press(key: Key): KeyResult {
    if (this.#completion !== null && key.name !== 'tab') {
      const { original } = this.#completion;
      this.#completion = null;
      if (key.name === 'escape') {
        this.#replace(original);
        return 'editing';
      }
    }
    if (this.#search !== null && this.#pressInSearch(key)) return 'editing';
    return key.ctrl ? this.#pressCtrl(key.name ?? '') : this.#pressPlain(key);
  }

  /** What to write so that the terminal shows the current state. */
  draw(columns: number): string {
    const prompt = this.#search === null ? this.#prompt : `(reverse-i-search)\`${this.#search.pattern}': `;
    const text = this.text;
    const end = positionAfter(prompt + text, columns);
    const at = positionAfter(prompt + this.#text.slice(0, this.#cursor).join(''), columns);
    const hint = this.#hint(columns - end.column);
    // A terminal stays in the last column until another character comes: the line end takes the cursor down for it.
    const wrap = end.column === 0 && end.row > 0 && hint === '' ? '\r\n' : '';
    const picture = `${this.#noise}${up(this.#drawnRow)}\r\x1b[J${prompt}${text}${hint}${wrap}${up(end.row - at.row)}\r${right(at.column)}`;
    this.#noise = '';
    this.#drawnRow = at.row;
    return picture;
  }

  /** What to write to make room for something else; the next `draw` shows the line again, from there on. */
  hide(): string {
    const erased = `${up(this.#drawnRow)}\r\x1b[J`;
    this.#drawnRow = 0;
    return erased;
  }

  /** What to write when the line is finished: the text without hint, and the cursor on the row below. */
  drawFinished(columns: number): string {
    this.#search = null;
    const end = positionAfter(this.#prompt + this.text, columns);
    const isWrapped = end.column === 0 && end.row > 0;
    const picture = `${up(this.#drawnRow)}\r\x1b[J${this.#prompt}${this.text}${isWrapped ? '' : '\r\n'}`;
    this.#drawnRow = 0;
    return isWrapped ? `${picture}\r\n` : picture;
  }

  #hint(room: number): string {
    if (this.#search !== null) return '';
    const text = this.text;
    const hint = this.#helper.hint(text);
    if (hint === '') return '';
    let width = 0;
    let shown = '';
    for (const character of characters(/(^|\s)$/.test(text) ? hint : ` ${hint}`)) {
      width += characterWidth(character);
      if (width > room) break;
      shown += character;
    }
    return `\x1b[0;90;49m${shown}\x1b[0m`;
  }

  #pressCtrl(name: string): KeyResult {
    switch (name) {
      case 'c':
        return 'ended';
      case 'd':
        if (this.#text.length === 0) return 'ended';
        this.#deleteAt(this.#cursor);
        break;
      case 'j':
      case 'm':
        return 'accepted';
      case 'a':
        this.#cursor = 0;
        break;
      case 'e':
        this.#cursor = this.#text.length;
        break;
      case 'b':
        this.#moveTo(this.#cursor - 1);
        break;
      case 'f':
        this.#moveTo(this.#cursor + 1);
        break;
      case 'h':
        this.#deleteAt(this.#cursor - 1);
        break;
      case 'k':
        this.#text.length = this.#cursor;
        break;
      case 'u':
        this.#replace('');
        break;
      case 'w':
        this.#deleteWordBefore();
        break;
      case 't':
        this.#swap();
        break;
      case 'l':
        this.#noise = CLEAR_SCREEN;
        this.#drawnRow = 0;
        break;
      case 'p':
        this.#showHistory(this.#historyAt - 1);
        break;
      case 'n':
        this.#showHistory(this.#historyAt + 1);
        break;
      case 'r':
        this.#search = { pattern: '', at: this.#history.length, original: this.text };
        break;
      case 'left':
        this.#cursor = this.#wordStart();
        break;
      case 'right':
        this.#cursor = this.#wordEnd();
        break;
    }
    return 'editing';
  }

  #pressPlain(key: Key): KeyResult {
    switch (key.name) {
      case 'return':
      case 'enter':
        return 'accepted';
      case 'tab':
        this.#completeNext();
        break;
      case 'backspace':
        if (key.meta) this.#deleteWordBefore();
        else this.#deleteAt(this.#cursor - 1);
        break;
      case 'delete':
        this.#deleteAt(this.#cursor);
        break;
      case 'left':
        this.#moveTo(this.#cursor - 1);
        break;
      case 'right':
        this.#moveTo(this.#cursor + 1);
        break;
      case 'up':
        this.#showHistory(this.#historyAt - 1);
        break;
      case 'down':
        this.#showHistory(this.#historyAt + 1);
        break;
      case 'home':
        this.#cursor = 0;
        break;
      case 'end':
        this.#cursor = this.#text.length;
        break;
      default:
        if (key.meta && key.name === 'b') this.#cursor = this.#wordStart();
        else if (key.meta && key.name === 'f') this.#cursor = this.#wordEnd();
        else if (!key.meta && isPrintable(key.sequence)) this.#insert(key.sequence);
    }
    return 'editing';
  }

  /** @returns false when the key ends the search and means what it always does, to the line that was found */
  #pressInSearch(key: Key): boolean {
    const search = this.#search!;
    if (key.ctrl && key.name === 'r') this.#searchFrom(search.at - 1);
    else if (key.name === 'backspace' || (key.ctrl && key.name === 'h')) {
      search.pattern = search.pattern.slice(0, -1);
      this.#searchFrom(this.#history.length - 1);
    } else if (key.name === 'escape' || (key.ctrl && (key.name === 'g' || key.name === 'c'))) {
      this.#search = null;
      this.#replace(search.original);
    } else if (!key.ctrl && !key.meta && isPrintable(key.sequence)) {
      search.pattern += key.sequence;
      this.#searchFrom(Math.min(search.at, this.#history.length - 1));
    } else {
      this.#search = null;
      return false;
    }
    return true;
  }

  #searchFrom(start: number): void {
    const search = this.#search!;
    for (let at = start; at >= 0; at--) {
      if (!this.#history[at]!.includes(search.pattern)) continue;
      search.at = at;
      this.#replace(this.#history[at]!);
      return;
    }
    this.#noise = BELL;
  }

  #insert(sequence: string): void {
    // Cut anew: a combining mark joins the character before it.
    const before = this.#text.slice(0, this.#cursor).join('') + sequence;
    const after = this.#text.slice(this.#cursor).join('');
    this.#text = characters(before + after);
    this.#cursor = characters(before).length;
  }

  #replace(text: string): void {
    this.#text = characters(text);
    this.#cursor = this.#text.length;
  }

  #moveTo(cursor: number): void {
    this.#cursor = Math.max(0, Math.min(this.#text.length, cursor));
  }

  #deleteAt(index: number): void {
    if (index < 0 || index >= this.#text.length) return;
    this.#text.splice(index, 1);
    if (index < this.#cursor) this.#cursor--;
  }

  #deleteWordBefore(): void {
    const start = this.#wordStart();
    this.#text.splice(start, this.#cursor - start);
    this.#cursor = start;
  }

  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#text[at - 1] === ' ') at--;
    while (at > 0 && this.#text[at - 1] !== ' ') at--;
    return at;
  }

  #wordEnd(): number {
    let at = this.#cursor;
    while (at < this.#text.length && this.#text[at] === ' ') at++;
    while (at < this.#text.length && this.#text[at] !== ' ') at++;
    return at;
  }

  #swap(): void {
    const at = this.#cursor;
    if (at === 0 || at >= this.#text.length) return;
    [this.#text[at - 1], this.#text[at]] = [this.#text[at]!, this.#text[at - 1]!];
    if (at < this.#text.length - 1) this.#cursor++;
  }

  #showHistory(at: number): void {
    if (at < 0 || at > this.#history.length) return;
    if (this.#historyAt === this.#history.length) this.#draft = this.text;
    this.#historyAt = at;
    this.#replace(this.#history[at] ?? this.#draft);
  }

  /** Tab: the next candidate; after the last one the line as it was, with a bell. */
  #completeNext(): void {
    if (this.#completion === null) {
      const original = this.text;
      const candidates = this.#helper.complete(original);
      if (candidates.length === 0) {
        this.#noise = BELL;
        return;
      }
      this.#completion = { original, candidates, index: -1 };
    }
    const { original, candidates } = this.#completion;
    const index = (this.#completion.index + 1) % (candidates.length + 1);
    this.#completion.index = index;
    if (index === candidates.length) this.#noise = BELL;
    this.#replace(candidates[index] ?? original);
  }
}

function isPrintable(sequence: string): boolean {
  return sequence !== '' && !/[\x00-\x1f\x7f]/.test(sequence);
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${rows}A` : '';
}

function right(columns: number): string {
  return columns > 0 ? `\x1b[${columns}C` : '';
}
