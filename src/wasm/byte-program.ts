/**
 * Programs in WebAssembly for loops over bytes: they run at the processor's speed from the first call on, with 64-bit words and without checks of bounds,
 * where JavaScript takes two to five times as long, and ten times until the engine has optimised it. Each is a hundred lines of text, NAME.wat, beside the
 * module that uses it.
 *
 * Such a program sees nothing but its own memory, so bytes are copied into it, block by block.
 */
import { copyBytes } from '../memory/copy.js';

interface Running<Exports> {
  readonly exports: Exports;
  readonly memory: Uint8Array;
  readonly words: Int32Array;
}

export class ByteProgram<Exports extends object> {
  private readonly bytes: Uint8Array;
  private running: Running<Exports> | null = null;

  /** @param bytes of a program that exports its memory as `memory`; it is started when it is first needed */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get exports(): Exports {
    return (this.running ?? this.start()).exports;
  }

  /** Its memory; of a size for good. */
  get memory(): Uint8Array {
    return (this.running ?? this.start()).memory;
  }

  /** The same by words of 32 bits. */
  get words(): Int32Array {
    return (this.running ?? this.start()).words;
  }

  /** Copies `source[start … end)` to `at` in the memory. @returns where they end there */
  put(source: Uint8Array, start: number, end: number, at: number): number {
    copyBytes(source, start, this.memory, at, end - start);
    return at + end - start;
  }

  private start(): Running<Exports> {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(this.bytes));
    const { buffer } = (exports as { readonly memory: { readonly buffer: ArrayBuffer } }).memory;
    this.running = { exports: exports as Exports, memory: new Uint8Array(buffer), words: new Int32Array(buffer) };
    return this.running;
  }
}
