/** Things by their names, which are bytes. The one that was found last is found again without a string being made of its name. */
import { equalBytes } from '../memory/copy.js';

export interface Named {
  readonly name: Uint8Array;
}

export class NamedMap<T extends Named> {
  /** By name, one char code per byte: such strings are ordered as the bytes are. */
  private readonly byName = new Map<string, T>();
  private recent: T | null = null;

  get size(): number {
    return this.byName.size;
  }

  find(bytes: Uint8Array, start: number, length: number): T | null {
    const { recent } = this;
    if (recent !== null && recent.name.length === length && equalBytes(recent.name, 0, bytes, start, length))
      return recent;
    if (this.byName.size === 0) return null;
    const found = this.byName.get(textOf(bytes, start, length)) ?? null;
    if (found !== null) this.recent = found;
    return found;
  }

  /** Adds one whose name is not there. */
  add(item: T): void {
    this.byName.set(textOf(item.name, 0, item.name.length), item);
  }

  remove(item: T): void {
    this.byName.delete(textOf(item.name, 0, item.name.length));
    if (this.recent === item) this.recent = null;
  }

  values(): IterableIterator<T> {
    return this.byName.values();
  }

  /** All, in the order of their names. */
  inOrder(): T[] {
    return [...this.byName.keys()].sort((a, b) => (a < b ? -1 : 1)).map((name) => this.byName.get(name)!);
  }
}

function textOf(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
}
