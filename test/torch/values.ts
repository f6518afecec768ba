import { type DType, Tensor, tensor, zeros } from '../../index.ts';

/** A tensor of PyTorch's in the file. */
interface RecordedTensor {
  readonly tensor: DType;
  readonly shape: readonly number[];
  readonly data: readonly Recorded[];
}

/** A value in the file that record.py writes. */
export type Recorded = null | boolean | number | string | { readonly number: string } | { readonly list: readonly Recorded[] } | RecordedTensor;

const isTensor = (v: Recorded): v is RecordedTensor => typeof v === 'object' && v !== null && 'tensor' in v;
const isList = (v: Recorded): v is { readonly list: readonly Recorded[] } => typeof v === 'object' && v !== null && 'list' in v;

/** An element as a number. */
function numberOf(v: Recorded): number {
  if (typeof v !== 'object' || v === null || !('number' in v)) return Number(v);
  return v.number === 'inf' ? Infinity : v.number === '-inf' ? -Infinity : NaN;
}

/** The value for polyak. Tensors of the dtype `wanted` require grad and are added to `leaves`, in order. */
export function decode(v: Recorded, leaves: Tensor[] = [], wanted: DType | null = null): unknown {
  if (isTensor(v)) {
    const x = v.data.length === 0 ? zeros(v.shape, { dtype: v.tensor }) : tensor(v.data.map(numberOf), { dtype: v.tensor }).reshape(v.shape);
    if (v.tensor === wanted) {
      x.requiresGrad = true;
      leaves.push(x);
    }
    return x;
  }
  if (isList(v)) return v.list.map((entry) => decode(entry, leaves, wanted));
  return typeof v === 'object' && v !== null ? numberOf(v) : v;
}

/** The tensors and other values that a result consists of, in order. */
export function parts(result: unknown): unknown[] {
  if (result instanceof Tensor || typeof result !== 'object' || result === null || !(Symbol.iterator in result)) return [result];
  return [...(result as Iterable<unknown>)].flatMap(parts);
}

const recordedParts = (v: Recorded): readonly Recorded[] => (isList(v) ? v.list.flatMap(recordedParts) : [v]);

/** The first element that lies too far off: relative to itself, and to the largest one. */
function misfit(got: Tensor, want: RecordedTensor, tolerance: number): string | null {
  if (String(got.shape) !== String(want.shape)) return `has the shape [${got.shape.join(', ')}], expected [${want.shape.join(', ')}]`;
  if (got.dtype !== want.tensor) return `is ${got.dtype}, expected ${want.tensor}`;
  const numbers = want.data.map(numberOf);
  const largest = numbers.reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 0);
  const values = got.detach().contiguous().data();
  for (const [i, w] of numbers.entries()) {
    const g = Number(values[i]);
    const near = Object.is(g, w) || g === w || Math.abs(g - w) <= tolerance * (Math.abs(w) + 0.02 * largest + 1e-3);
    if (!near) return `is ${g} at ${i}, expected ${w}`;
  }
  return null;
}

/** What is wrong with a result, or null. */
export function difference(result: unknown, recorded: Recorded, tolerance: number): string | null {
  const [got, want] = [parts(result), recordedParts(recorded)];
  if (got.length !== want.length) return `has ${got.length} parts, expected ${want.length}`;
  for (const [i, w] of want.entries()) {
    const g = got[i];
    const fault = isTensor(w)
      ? g instanceof Tensor ? misfit(g, w, tolerance) : `is ${String(g)}, expected a tensor`
      : typeof w === 'number' || (typeof w === 'object' && w !== null)
        ? misfitOfNumber(Number(g instanceof Tensor ? g.item() : g), numberOf(w), tolerance)
        : g === w ? null : `is ${String(g)}, expected ${String(w)}`;
    if (fault !== null) return want.length === 1 ? fault : `part ${i} ${fault}`;
  }
  return null;
}

const misfitOfNumber = (got: number, want: number, tolerance: number): string | null => (Object.is(got, want) || Math.abs(got - want) <= tolerance * (1 + Math.abs(want)) ? null : `is ${got}, expected ${want}`);

/** What is wrong with a gradient: one that is missing stands for zeros. */
export function differenceOfGrad(got: Tensor | null, want: Recorded, tolerance: number): string | null {
  if (want === null) return got !== null && got.data().some((v) => Math.abs(Number(v)) > 1e-9) ? 'is there, expected none' : null;
  if (got !== null) return difference(got, want, tolerance);
  return isTensor(want) && want.data.some((v) => numberOf(v) !== 0) ? 'is missing' : null;
}

/** A value in a line. */
export function show(v: Recorded): string {
  if (isTensor(v)) return `${v.tensor}[${v.shape.join(', ')}]`;
  return isList(v) ? `[${v.list.slice(0, 6).map(show).join(', ')}]` : JSON.stringify(v);
}
