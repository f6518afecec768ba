import { StateError } from '../errors.ts';

/**
 * The values of a text with one JSON value a line. A last line without an end that is no JSON, which a crash has cut short, is left out.
 *
 * @throws StateError when another line is no JSON
 */
export function parseJsonLines(who: string, text: string): unknown[] {
  const values: unknown[] = [];
  const lines = text.split('\n');
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    try {
      values.push(JSON.parse(line));
    } catch {
      if (i === lines.length - 1) return;
      throw new StateError(`${who}: a line is no JSON, got '${line.slice(0, 60)}' in line ${i + 1}; expected one JSON value a line`, { values: { line: i + 1 } });
    }
  });
  return values;
}

/** How many bytes of a file to keep so that it ends with a whole line. */
export function wholeLines(bytes: Uint8Array): number {
  return bytes.lastIndexOf(10) + 1;
}
