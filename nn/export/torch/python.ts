import type { DType, TypedArray } from '../../../core/dtype.ts';
import { isFloat } from '../../../core/dtype.ts';
import { StateError } from '../../../core/errors.ts';

// Values as Python writes them.

/** A float, as Python prints it; whole ones keep their point. */
export function pythonFloat(v: number): string {
  if (Number.isNaN(v)) return 'float("nan")';
  if (!Number.isFinite(v)) return v > 0 ? 'float("inf")' : 'float("-inf")';
  const text = String(v).replace(/e([+-])(\d)$/, 'e$10$2');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A text in double quotes. */
export const pythonText = (text: string): string => JSON.stringify(text);

/** Numbers, truth values, texts, null, and lists, which become tuples. */
export function python(v: unknown): string {
  if (v === null || v === undefined) return 'None';
  if (typeof v === 'boolean') return v ? 'True' : 'False';
  if (typeof v === 'number') return Number.isInteger(v) && Math.abs(v) < 2 ** 53 ? String(v) : pythonFloat(v);
  if (typeof v === 'string') return pythonText(v);
  if (Array.isArray(v)) return v.length === 1 ? `(${python(v[0])},)` : `(${v.map(python).join(', ')})`;
  throw new StateError(`exportTorch: an argument without a form in Python, got ${typeof v}; expected numbers, texts, truth values and lists`);
}

/** PyTorch's name of a dtype. */
export function torchType(dtype: DType): string {
  return `torch.${dtype}`;
}

/** Elements that are written into the code. */
const MOST = 10_000;

/** A constant as nested lists. */
export function pythonList(data: TypedArray, shape: readonly number[], dtype: DType): string {
  if (data.length > MOST) {
    throw new StateError(`exportTorch: a constant is too large to write down, got ${data.length} elements; expected at most ${MOST}`, { hint: 'make it a Buffer of the module' });
  }
  const one = (v: number): string => (dtype === 'bool' ? python(v !== 0) : isFloat(dtype) ? pythonFloat(v) : String(v));
  let at = 0;
  const build = (d: number): string => (d === shape.length ? one(data[at++]) : `[${Array.from({ length: shape[d] }, () => build(d + 1)).join(', ')}]`);
  return build(0);
}

const reserved = new Set('False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield self torch nn F math'.split(' '));

/** A name that Python allows. */
export function pythonName(name: string): string {
  const plain = name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_');
  return plain === '' || reserved.has(plain) ? `${plain}_` : plain;
}

/** Indents lines that are not empty. */
export function indented(lines: readonly string[], by = 4): string[] {
  return lines.flatMap((line) => line.split('\n')).map((line) => (line === '' ? '' : ' '.repeat(by) + line));
}
