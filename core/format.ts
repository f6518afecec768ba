import type { DType, TypedArray } from './dtype.ts';

const EDGE = 3;
const LIMIT = 1000;
const WIDTH = 80;

interface Printable {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly node: { readonly name: string } | null;
  readonly device: { readonly name: string };
  data(): TypedArray;
}

/** `tensor(…)` as PyTorch prints it: four digits, aligned columns, the middle of long dimensions left out. */
export function formatTensor(x: Printable): string {
  const suffix: string[] = [];
  if (x.dtype !== 'float32' && x.dtype !== 'int64' && x.dtype !== 'bool') suffix.push(`dtype=${x.dtype}`);
  if (x.device.name !== 'cpu') return `tensor(..., shape=[${x.shape.join(', ')}], device=${x.device.name}, dtype=${x.dtype})`;
  const { requiresGrad } = x; // brings the history of a view up to date
  if (x.node !== null) suffix.push(`gradFn=${x.node.name}`);
  else if (requiresGrad) suffix.push('requiresGrad=true');
  const flat = x.data();
  const brief = flat.length > LIMIT;
  const shown = visible(x.shape, brief, 0, 0, flat.length === 0 ? 0 : flat.length);
  const print = numberFormat(shown.map((i) => flat[i]), x.dtype);
  // As in PyTorch, NaN and infinity do not widen the columns.
  const width = Math.max(0, ...shown.map((i) => (Number.isFinite(flat[i]) ? print(flat[i]).length : 0)));
  const body = flat.length === 0 ? '[]' : write(x.shape, (i) => print(flat[i]).padStart(x.shape.length === 0 ? 0 : width), brief, 0, 0, 'tensor('.length, flat.length);
  if (flat.length === 0 && x.shape.length !== 1) suffix.unshift(`size=[${x.shape.join(', ')}]`);
  return `tensor(${[body, ...suffix].join(', ')})`;
}

/** Positions along a dimension that are printed; -1 stands for the gap. */
function positions(size: number, brief: boolean): number[] {
  if (!brief || size <= 2 * EDGE) return Array.from({ length: size }, (_, i) => i);
  return [0, 1, 2, -1, size - 3, size - 2, size - 1];
}

function visible(shape: readonly number[], brief: boolean, dim: number, start: number, block: number): number[] {
  if (dim === shape.length) return [start];
  if (block === 0) return [];
  const step = block / shape[dim];
  return positions(shape[dim], brief).flatMap((i) => (i < 0 ? [] : visible(shape, brief, dim + 1, start + i * step, step)));
}

function write(shape: readonly number[], cell: (i: number) => string, brief: boolean, dim: number, start: number, indent: number, block: number): string {
  if (dim === shape.length) return cell(start);
  const step = block / shape[dim];
  const pad = ' '.repeat(indent + 1);
  const parts = positions(shape[dim], brief).map((i) => (i < 0 ? (dim === shape.length - 1 ? ' ...' : '...') : write(shape, cell, brief, dim + 1, start + i * step, indent + 1, step)));
  if (dim < shape.length - 1) return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - dim)}${pad}`)}]`;
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    if (line !== '' && indent + line.length + part.length + 2 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? part : `, ${part}`;
  }
  return `[${[...lines, line].join(`,\n${pad}`)}]`;
}

function numberFormat(values: readonly number[], dtype: DType): (v: number) => string {
  if (dtype === 'bool') return (v) => (v === 0 ? 'false' : 'true');
  if (dtype !== 'float32' && dtype !== 'float64') return String;
  const finite = values.filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs);
  const max = Math.max(0, ...finite);
  const min = Math.min(Infinity, ...finite);
  const special = (v: number): string | undefined => (Number.isNaN(v) ? 'nan' : v === Infinity ? 'inf' : v === -Infinity ? '-inf' : undefined);
  if (finite.length > 0 && (max / min > 1000 || max > 1e8 || min < 1e-4)) {
    return (v) => special(v) ?? v.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
  }
  if (finite.every(Number.isInteger)) return (v) => special(v) ?? `${v}.`;
  return (v) => special(v) ?? v.toFixed(4);
}
