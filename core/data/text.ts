const CONTROL = /\p{Cc}/gu;
const NO_WIDTH = /\p{M}|\p{Cf}/u;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;

function charWidth(char: string): number {
  return NO_WIDTH.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}

/** Columns a text takes in a terminal; combining marks take none, East Asian characters and emoji two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** The text on one line of at most `columns` columns: control characters become spaces, and a text that is too long ends with `…`. */
export function fit(text: string, columns: number): string {
  const line = text.replace(CONTROL, ' ');
  if (textWidth(line) <= columns) return line;
  let out = '';
  let width = 0;
  for (const char of line) {
    width += charWidth(char);
    if (width > columns - 1) break;
    out += char;
  }
  return columns > 0 ? `${out}…` : '';
}
