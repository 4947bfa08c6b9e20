/** Numbers of the command line, read as C does: leading blanks, then as much as looks like a number; nothing at all is 0. Never NaN. */

export function atoi(text: string): number {
  const digits = /^\s*([+-]?\d+)/.exec(text)?.[1];
  // `|| 0` also turns -0 into 0.
  return digits === undefined ? 0 : Number(digits) || 0;
}

export function atof(text: string): number {
  const number = Number.parseFloat(text);
  return Number.isFinite(number) ? number : 0;
}
