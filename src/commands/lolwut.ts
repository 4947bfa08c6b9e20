/**
 * LOLWUT: a picture for each version that has one, and the version. Source: spec server.md section 19.
 *
 *   5  squares that lose their order row by row, after Georg Nees' "Schotter" of 1968, in Braille dots (two across and four down per character)
 *   6  a skyline at night, in grey blocks of ANSI colours
 */
import type { Invocation } from '../server/invocation.js';
import { REDIS_VERSION } from '../version.js';
import { replyNotAnInteger } from './replies.js';

export function lolwut(call: Invocation): void {
  let version = 0;
  let next = 1;
  if (call.argc > 2 && call.is(1, 'VERSION')) {
    version = call.integer(2);
    next = 3;
    if (Number.isNaN(version)) return replyNotAnInteger(call);
  }
  let picture = '';
  if (version === 5 || version === 6) {
    const [defaults, highest] = version === 5 ? SCHOTTER : SKYLINE;
    const sizes = [...defaults];
    for (let i = 0; i < sizes.length && next + i < call.argc; i++) {
      const value = call.integer(next + i);
      if (Number.isNaN(value)) return replyNotAnInteger(call);
      sizes[i] = Math.min(Math.max(1, value), highest[i]);
    }
    picture = version === 5 ? drawSchotter(sizes[0], sizes[1], sizes[2]) : drawSkyline(sizes[0], sizes[1]);
  }
  call.reply.verbatim(`${picture}Redis ver. ${REDIS_VERSION}\n`);
}

/** Sizes if none are given, and the largest. */
type Sizes = readonly [defaults: readonly number[], highest: readonly number[]];
const SCHOTTER: Sizes = [
  [66, 8, 12],
  [1000, 200, 200],
];
const SKYLINE: Sizes = [
  [80, 40],
  [1000, 1000],
];

/** A picture of a few large squares in many rows is cut off below. */
const DOTS_MAX = 4_000_000;

/** A field of dots that is shown as Braille characters. */
class Dots {
  private readonly width: number;
  private readonly height: number;
  private readonly on: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.on = new Uint8Array(width * height);
  }

  line(x0: number, y0: number, x1: number, y1: number): void {
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
    for (let step = 0; step <= steps; step++) {
      const x = Math.round(x0 + ((x1 - x0) * step) / steps);
      const y = Math.round(y0 + ((y1 - y0) * step) / steps);
      if (x >= 0 && x < this.width && y >= 0 && y < this.height) this.on[y * this.width + x] = 1;
    }
  }

  text(): string {
    let text = '';
    for (let y = 0; y < this.height; y += 4) {
      for (let x = 0; x < this.width; x += 2) {
        let pattern = 0;
        for (const [bit, [dx, dy]] of BRAILLE_BITS.entries()) if (this.isOn(x + dx, y + dy)) pattern |= 1 << bit;
        text += String.fromCharCode(0x2800 + pattern);
      }
      text += '\n';
    }
    return text;
  }

  private isOn(x: number, y: number): boolean {
    return x < this.width && y < this.height && this.on[y * this.width + x] === 1;
  }
}

/** Places of the dots in the order of the bits of a Braille character. */
const BRAILLE_BITS: readonly (readonly [dx: number, dy: number])[] = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
];

function drawSchotter(columns: number, squaresPerRow: number, squaresPerColumn: number): string {
  const margin = columns > 4 ? 2 : 0;
  const side = (columns * 2 - margin * 2) / squaresPerRow;
  const height = Math.ceil(side * squaresPerColumn) + margin * 2;
  const dots = new Dots(columns * 2, Math.min(height, Math.floor(DOTS_MAX / (columns * 2))));
  for (let row = 0; row < squaresPerColumn; row++) {
    // The first row is in order, each further one a little less.
    const disorder = row / squaresPerColumn;
    const jitter = (most: number): number => (Math.random() * 2 - 1) * most * disorder;
    for (let column = 0; column < squaresPerRow; column++) {
      const x = margin + (column + 0.5) * side + jitter(side / 3);
      const y = margin + (row + 0.5) * side + jitter(side / 3);
      drawSquare(dots, x, y, side, jitter(1));
    }
  }
  return `${dots.text()}\nGeorg Nees - schotter, plotter on paper, 1968. `;
}

function drawSquare(dots: Dots, x: number, y: number, side: number, angle: number): void {
  const radius = side / Math.SQRT2;
  const corner = (at: number): [number, number] => {
    const direction = angle + Math.PI / 4 + (at * Math.PI) / 2;
    return [x + radius * Math.cos(direction), y + radius * Math.sin(direction)];
  };
  for (let at = 0; at < 4; at++) dots.line(...corner(at), ...corner(at + 1));
}

/** Greys from near to far, as ANSI colours of foreground and background. */
const GREYS = ['0;30;40', '0;90;100', '0;37;47', '0;97;107'];

function drawSkyline(columns: number, rows: number): string {
  const greys = new Uint8Array(columns * rows).fill(3);
  // Three rows of houses, the nearest last, lowest and darkest.
  for (let depth = 2; depth >= 0; depth--) {
    for (let left = 0; left < columns; ) {
      const width = 6 + Math.floor(Math.random() * 9);
      const height = Math.floor(rows * (0.25 + depth * 0.2 + Math.random() * 0.2));
      drawHouse(greys, columns, rows, left, width, height, depth);
      left += width + Math.floor(Math.random() * 3);
    }
  }
  let text = '';
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) text += `\x1b[${GREYS[greys[y * columns + x]]}m \x1b[0m`;
    text += '\n';
  }
  return `${text}\n`;
}

function drawHouse(
  greys: Uint8Array,
  columns: number,
  rows: number,
  left: number,
  width: number,
  height: number,
  grey: number,
): void {
  for (let x = left; x < Math.min(left + width, columns); x++) {
    for (let y = Math.max(0, rows - height); y < rows; y++) {
      const isWindow = grey === 0 && (x - left) % 3 === 1 && (y - rows + height) % 4 === 2 && Math.random() < 0.6;
      greys[y * columns + x] = isWindow ? 2 : grey;
    }
  }
}
