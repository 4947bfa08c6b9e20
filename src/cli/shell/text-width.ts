/** How text lies on a terminal: its characters as the user sees them, and how many columns each takes. */

const ASCII_ONLY = /^[\x20-\x7e]*$/;
/** East Asian wide and full-width characters, and pictographs. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;

let segmenter: Intl.Segmenter | null = null;

/** The characters of a text: what one press of an arrow key passes over. */
export function characters(text: string): string[] {
  if (ASCII_ONLY.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

export function characterWidth(character: string): number {
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Where the cursor is after a text that was written from the start of a row on, the terminal wrapping it. */
export function positionAfter(text: string, columns: number): { row: number; column: number } {
  let row = 0;
  let column = 0;
  for (const character of characters(text)) {
    const width = characterWidth(character);
    // A wide character does not begin in the last column.
    if (column + width > columns) {
      row++;
      column = 0;
    }
    column += width;
  }
  return column === columns ? { row: row + 1, column: 0 } : { row, column };
}
