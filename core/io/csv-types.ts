import { cpu } from '../device.ts';
import { type DType, makeArray, range } from '../dtype.ts';
import { StateError } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** What a column is read as: a dtype, 'string', or 'category', whole numbers that stand for its sorted texts. */
export type ColumnType = DType | 'string' | 'category';

/** All column types. */
export const columnTypes: readonly string[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool', 'string', 'category'];

/** Texts of a column, null where a value is missing. */
export type Texts = readonly (string | null)[];

/** Where a value stands, for messages. */
export interface Place {
  readonly op: string;
  readonly column: string;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
const TRUE = /^(?:true|1)$/i;
const FALSE = /^(?:false|0)$/i;

/** The number a text stands for; NaN for others. */
function numberOf(text: string): number {
  const plain = text.trim();
  if (NUMBER.test(plain)) return Number(plain);
  return INFINITE.test(plain) ? (plain.startsWith('-') ? -Infinity : Infinity) : NaN;
}

/** The type that all texts of a column fit: int64, float32 (float64 for whole numbers beyond 32 bits), bool, or else string. */
export function inferType(texts: Texts): ColumnType {
  let [whole, number, bool, wide, missing, seen] = [true, true, true, false, false, false];
  const { min, max } = range('int64');
  for (const text of texts) {
    if (text === null) {
      missing = true;
      continue;
    }
    seen = true;
    const value = numberOf(text);
    if (Number.isNaN(value)) number = false;
    else if (!/^[+-]?\d+$/.test(text.trim())) whole = false;
    else if (value < min || value > max) wide = true;
    if (!/^(?:true|false)$/i.test(text.trim())) bool = false;
    if (!number && !bool) return 'string';
  }
  if (!seen) return 'float32';
  if (bool) return missing ? 'string' : 'bool';
  if (whole && wide) return 'float64';
  return whole && !missing ? 'int64' : 'float32';
}

/** The error for a value that does not fit; rows count from 1. */
export function badValue({ op, column }: Place, row: number, text: string | null, type: ColumnType): StateError {
  const shown = text === null ? null : text.length > 40 ? `'${text.slice(0, 40)}…'` : `'${text}'`;
  const fact = text === null ? 'a value is missing' : `not a value of ${type}`;
  return new StateError(`${op}: ${fact}, got ${shown ?? 'nothing'} in row ${row}, column '${column}'; expected ${type}`, {
    values: { row, column, value: text, type },
    ...(text === null && { hint: 'the option fill gives missing values a value' }),
  });
}

/** The value of a text as a number for a dtype. @throws StateError when it does not fit */
export function cellOf(place: Place, row: number, text: string | null, dtype: DType): number {
  if (text === null) {
    if (dtype === 'float32' || dtype === 'float64') return NaN;
    throw badValue(place, row, text, dtype);
  }
  if (dtype === 'bool') {
    const plain = text.trim();
    if (TRUE.test(plain)) return 1;
    if (FALSE.test(plain)) return 0;
    throw badValue(place, row, text, dtype);
  }
  const value = numberOf(text);
  if (Number.isNaN(value)) throw badValue(place, row, text, dtype);
  if (dtype === 'float32' || dtype === 'float64') return value;
  const { min, max } = range(dtype);
  if (!Number.isInteger(value) || value < min || value > max) throw badValue(place, row, text, dtype);
  return value;
}

/** A column of numbers. */
export function tensorColumn(place: Place, texts: Texts, dtype: DType): Tensor {
  const cells = makeArray(dtype, texts.length);
  for (let i = 0; i < texts.length; i++) cells[i] = cellOf(place, i + 1, texts[i], dtype);
  return new Tensor(cpu.adopt(dtype, cells), [texts.length]);
}

/** Texts by number, in the order of their characters. */
export function categoriesOf(texts: Texts): string[] {
  const found = new Set<string>();
  for (const text of texts) if (text !== null) found.add(text);
  return [...found].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A column of categories: their numbers, -1 where one is missing. */
export function categoryColumn(texts: Texts, categories: readonly string[]): Tensor {
  const numbers = new Map(categories.map((text, i) => [text, i]));
  const cells = makeArray('int64', texts.length);
  texts.forEach((text, i) => {
    cells[i] = text === null ? -1 : (numbers.get(text) ?? -1);
  });
  return new Tensor(cpu.adopt('int64', cells), [texts.length]);
}
