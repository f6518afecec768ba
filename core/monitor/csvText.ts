/** One field as CSV has it: in quotes where it must be. @see https://www.rfc-editor.org/rfc/rfc4180 */
export function csvField(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line, with its end. */
export function csvLine(fields: readonly string[]): string {
  // A line of one empty field would be an empty line.
  return `${fields.length === 1 && fields[0] === '' ? '""' : fields.map(csvField).join(',')}\n`;
}

/** The rows of a text; what comes behind the last line end, a row that was cut short, is left out. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[i++];
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      row.push(field);
      field = '';
    } else if (c === '\n') {
      row.push(field);
      if (row.length > 1 || row[0] !== '' || text[i - 1] === '"') rows.push(row);
      row = [];
      field = '';
    } else if (c !== '\r') field += c;
  }
  return rows;
}
