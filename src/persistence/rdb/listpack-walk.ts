/**
 * Walks over listpacks that LZF has left in its memory (`lzfMemory`), in WebAssembly (listpack-walk.wat): so that most nodes of lists and streams are
 * checked where they were expanded, at a third of the time that JavaScript takes.
 */
import { ByteProgram } from '../../wasm/byte-program.js';
import bytes from './listpack-walk.wasm.js';
import { lzfProgram } from './lzf.js';

const program = new ByteProgram<{
  readonly entries: (first: number, terminator: number) => number;
  readonly nodeElements: (first: number, terminator: number) => number;
}>(bytes, lzfProgram);

/** Whether a listpack lies where the functions here can walk it. */
export function isExpanded(listpack: Uint8Array): boolean {
  return listpack === lzfProgram.memory;
}

/** @returns the number of entries from `first` to the terminator, or −1 if one is not well formed */
export function countEntries(first: number, terminator: number): number {
  return program.exports.entries(first, terminator);
}

/** @returns the number of elements of a stream's node (stream-check.ts), or −1 if they are not what they must be */
export function countNodeElements(first: number, terminator: number): number {
  return program.exports.nodeElements(first, terminator);
}
