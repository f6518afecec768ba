import type { DType, TypedArray } from './dtype.ts';
import { ArgumentError, checkNumber, checkOptions, show } from './errors.ts';

/** How tensors are printed. */
export interface PrintOptions {
  /** Digits after the point; default 4. */
  readonly precision?: number;
  /** From more elements than this on, the middle of long dimensions is left out; default 1000. */
  readonly threshold?: number;
  /** How many entries are left at either end; default 3. */
  readonly edgeitems?: number;
  /** Characters of a line; default 80. */
  readonly linewidth?: number;
  /** All of the above: 'default', 'short' (2 digits, 2 entries) or 'full' (nothing is left out). */
  readonly profile?: 'default' | 'short' | 'full';
  /** Always or never with an exponent; null (default): where sizes differ much. */
  readonly sciMode?: boolean | null;
}

interface Settings {
  readonly precision: number;
  readonly threshold: number;
  readonly edgeitems: number;
  readonly linewidth: number;
  readonly sciMode: boolean | null;
}

const usual = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 };
const profiles: Readonly<Record<string, typeof usual>> = { default: usual, short: { ...usual, precision: 2, edgeitems: 2 }, full: { ...usual, threshold: Infinity } };

let settings: Settings = { ...usual, sciMode: null };

/**
 * Changes how tensors are printed; what is not named stays, except for `sciMode`, which is null unless it is named.
 *
 * @throws ArgumentError for numbers that are not whole or negative, and for unknown profiles; nothing is changed then
 * @see https://pytorch.org/docs/stable/generated/torch.set_printoptions.html
 */
export function setPrintoptions(options: PrintOptions): void {
  const name = 'setPrintoptions';
  checkOptions(name, options, ['precision', 'threshold', 'edgeitems', 'linewidth', 'profile', 'sciMode']);
  const { profile, sciMode = null, ...numbers } = options;
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) throw new ArgumentError(`${name}: unknown profile, got ${show(profile)}; expected 'default', 'short' or 'full'`);
  if (sciMode !== null && typeof sciMode !== 'boolean') throw new ArgumentError(`${name}: sciMode is not a boolean, got ${show(sciMode)}; expected true, false or null`);
  for (const [key, value] of Object.entries(numbers)) {
    checkNumber(name, key, value, key === 'precision' ? 'an integer from 0 to 100' : 'an integer ≥ 0, or Infinity', (v) => v >= 0 && (key === 'precision' ? v <= 100 && Number.isInteger(v) : v === Infinity || Number.isInteger(v)));
  }
  settings = { ...settings, ...(profile !== undefined && profiles[profile]), ...numbers, sciMode };
}

interface Printable {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly node: { readonly name: string } | null;
  readonly device: { readonly name: string };
  data(): TypedArray;
}

/** `tensor(…)` as PyTorch prints it: four digits (`setPrintoptions` changes that), aligned columns, the middle of long dimensions left out. */
export function formatTensor(x: Printable): string {
  const suffix: string[] = [];
  if (x.dtype !== 'float32' && x.dtype !== 'int64' && x.dtype !== 'bool') suffix.push(`dtype=${x.dtype}`);
  if (x.device.name !== 'cpu') return `tensor(..., shape=[${x.shape.join(', ')}], device=${x.device.name}, dtype=${x.dtype})`;
  const { requiresGrad } = x; // brings the history of a view up to date
  if (x.node !== null) suffix.push(`gradFn=${x.node.name}`);
  else if (requiresGrad) suffix.push('requiresGrad=true');
  const flat = x.data();
  const brief = flat.length > settings.threshold;
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
  const { edgeitems } = settings;
  const all = !brief || size <= 2 * edgeitems;
  const shown = Array.from({ length: all ? size : 2 * edgeitems }, (_, i) => (all || i < edgeitems ? i : size - 2 * edgeitems + i));
  return all ? shown : shown.toSpliced(edgeitems, 0, -1);
}

function visible(shape: readonly number[], brief: boolean, dim: number, start: number, block: number): number[] {
  if (dim === shape.length) return [start];
  if (block === 0) return [];
  const step = block / shape[dim];
  return positions(shape[dim], brief).flatMap((i) => (i < 0 ? [] : visible(shape, brief, dim + 1, start + i * step, step)));
}

const GAP = ' ...';

function write(shape: readonly number[], cell: (i: number) => string, brief: boolean, dim: number, start: number, indent: number, block: number): string {
  if (dim === shape.length) return cell(start);
  const step = block / shape[dim];
  const pad = ' '.repeat(indent + 1);
  const parts = positions(shape[dim], brief).map((i) => (i < 0 ? (dim === shape.length - 1 ? GAP : '...') : write(shape, cell, brief, dim + 1, start + i * step, indent + 1, step)));
  if (dim < shape.length - 1) return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - dim)}${pad}`)}]`;
  // The shortest part is a number in its column; NaN and infinity may be longer.
  const width = Math.min(...parts.filter((part) => part !== GAP).map(({ length }) => length));
  const perLine = Math.max(1, Math.floor((settings.linewidth - indent) / (width + 2)));
  const lines = Array.from({ length: Math.ceil(parts.length / perLine) }, (_, i) => parts.slice(i * perLine, (i + 1) * perLine).join(', '));
  return `[${lines.join(`,\n${pad}`)}]`;
}

function numberFormat(values: readonly number[], dtype: DType): (v: number) => string {
  if (dtype === 'bool') return (v) => (v === 0 ? 'false' : 'true');
  if (dtype !== 'float32' && dtype !== 'float64') return String;
  const finite = values.filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs);
  const max = Math.max(0, ...finite);
  const min = Math.min(Infinity, ...finite);
  const special = (v: number): string | undefined => (Number.isNaN(v) ? 'nan' : v === Infinity ? 'inf' : v === -Infinity ? '-inf' : undefined);
  const { precision, sciMode } = settings;
  if (sciMode ?? (finite.length > 0 && (max / min > 1000 || max > 1e8 || min < 1e-4))) {
    return (v) => special(v) ?? v.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2');
  }
  if (finite.every(Number.isInteger)) return (v) => special(v) ?? `${v}.`;
  return (v) => special(v) ?? v.toFixed(precision);
}
