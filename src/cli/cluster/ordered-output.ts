/**
 * Outputs for things that are done side by side and told one after the other: what the first of them writes passes through, what the others write waits
 * until it is their turn.
 */

export interface OutputPart {
  write(data: string | Uint8Array): void;
  /** Nothing more comes. */
  end(): void;
}

interface Waiting {
  pieces: (string | Uint8Array)[];
  hasEnded: boolean;
}

export class OrderedOutput {
  readonly #write: (data: string | Uint8Array) => void;
  readonly #parts: Waiting[] = [];

  constructor(write: (data: string | Uint8Array) => void) {
    this.#write = write;
  }

  /** The next part, in the order in which they are told. */
  open(): OutputPart {
    const part: Waiting = { pieces: [], hasEnded: false };
    this.#parts.push(part);
    return {
      write: (data) => {
        if (part === this.#parts[0]) this.#write(data);
        else part.pieces.push(data);
      },
      end: () => {
        part.hasEnded = true;
        this.#advance();
      },
    };
  }

  #advance(): void {
    while (this.#parts[0]?.hasEnded) {
      this.#parts.shift();
      for (const piece of this.#parts[0]?.pieces.splice(0) ?? []) this.#write(piece);
    }
  }
}
