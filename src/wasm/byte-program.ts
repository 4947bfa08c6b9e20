/**
 * Programs in WebAssembly for loops over bytes: they run at the processor's speed from the first call on, with 64-bit words and without checks of bounds,
 * where JavaScript takes two to five times as long, and ten times until the engine has optimised it. Each is a hundred lines of text, NAME.wat, beside the
 * module that uses it.
 *
 * Such a program sees nothing but its memory, its own or that of another program, so bytes are copied into it, block by block.
 */
import { copyBytes } from '../memory/copy.js';

interface Running<Exports> {
  readonly exports: Exports;
  readonly host: { readonly memory: { readonly buffer: ArrayBuffer } };
  readonly memory: Uint8Array;
  readonly words: Int32Array;
}

export class ByteProgram<Exports extends object> {
  private readonly bytes: Uint8Array;
  private readonly host: ByteProgram<object> | null;
  private running: Running<Exports> | null = null;

  /**
   * @param bytes of a program that exports its memory as `memory`; it is started when it is first needed
   * @param host  another program, whose memory this one imports as `host.memory` instead
   */
  constructor(bytes: Uint8Array, host: ByteProgram<object> | null = null) {
    this.bytes = bytes;
    this.host = host;
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
    const shared = this.host === null ? null : (this.host.running ?? this.host.start());
    const imports = shared === null ? {} : { host: shared.host };
    const exports = new WebAssembly.Instance(new WebAssembly.Module(this.bytes), imports).exports as Exports;
    const host = shared?.host ?? (exports as Running<Exports>['host']);
    const { buffer } = host.memory;
    const memory = shared?.memory ?? new Uint8Array(buffer);
    this.running = { exports, host, memory, words: shared?.words ?? new Int32Array(buffer) };
    return this.running;
  }
}
