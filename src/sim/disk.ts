/**
 * A host's nodes.conf, as its file system keeps it.
 *
 *   written ──fsync──► durable
 *
 * The file is replaced as a whole, so a crash never leaves half of one. A process that dies leaves what it wrote last. A host that loses power leaves
 * what is durable, or any later version: the system may have got round to writing it.
 */
import type { Dice } from './dice.js';

export class Disk {
  /** Empty = there is no file. */
  durable = '';
  /** Versions written since, oldest first. */
  #unsynced: string[] = [];

  write(text: string, fsync: boolean): void {
    if (fsync) {
      this.durable = text;
      this.#unsynced = [];
    } else {
      this.#unsynced.push(text);
    }
  }

  /** What a process reads. */
  read(): string {
    return this.#unsynced.at(-1) ?? this.durable;
  }

  /** @returns how many versions of the file are gone */
  losePower(dice: Dice): number {
    const versions = [this.durable, ...this.#unsynced];
    const kept = dice.below(versions.length);
    this.durable = versions[kept]!;
    this.#unsynced = [];
    return versions.length - 1 - kept;
  }
}

/** The newest epoch in which the node of this nodes.conf has voted. */
export function lastVoteEpochIn(text: string): number {
  return Number(/ lastVoteEpoch (\d+)\n$/.exec(text)?.[1] ?? 0);
}
