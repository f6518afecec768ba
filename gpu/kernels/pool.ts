import type { PoolAttrs, Windows } from '../../core/cpu/pool.ts';
import { isFloat, range } from '../../core/dtype.ts';
import type { Kernel } from '../../core/op.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Backend, Block } from '../backend.ts';
import { launch, rowMajor, storageOf } from '../launch.ts';
import { sourceOf } from '../source.ts';

/** Numbers that stay on a device: programs use few windows, again and again. */
const tables = new WeakMap<Backend, Map<string, Block>>();
const MOST_TABLES = 256;

function tableOf(backend: Backend, numbers: readonly number[]): Block {
  let known = tables.get(backend);
  if (known === undefined) tables.set(backend, (known = new Map<string, Block>()));
  const key = numbers.join();
  let block = known.get(key);
  if (block === undefined) {
    if (known.size >= MOST_TABLES) {
      for (const old of known.values()) backend.free(old);
      known.clear();
    }
    known.set(key, (block = backend.upload(Float32Array.from(numbers))));
  }
  return block;
}

/** For each position of the input the first window that covers it and the one after the last. */
function covering({ size, start, end }: Windows): { readonly first: number[]; readonly last: number[] } {
  const first = new Array<number>(size).fill(0);
  const last = new Array<number>(size).fill(0);
  for (let i = start.length - 1; i >= 0; i--) {
    for (let y = start[i]; y < end[i]; y++) {
      first[y] = i;
      if (last[y] === 0) last[y] = i + 1;
    }
  }
  return { first, last };
}

const widest = (from: readonly number[], to: readonly number[], step = 1): number => from.reduce((most, a, i) => Math.max(most, Math.ceil((to[i] - a) / step)), 0);

/** The sizes of images before and after, and the windows. */
interface Plan {
  readonly integers: readonly number[];
  readonly table: readonly number[];
}

const names = ['h', 'w', 'oh', 'ow', 'tall', 'wide', 'rowStep', 'step'];

/** Windows by results: rows' starts, ends and counts, then columns'. */
function windowsOf({ rows, columns }: PoolAttrs): Plan {
  return {
    integers: [rows.size, columns.size, rows.start.length, columns.start.length, widest(rows.start, rows.end, rows.step), widest(columns.start, columns.end, columns.step), rows.step, columns.step],
    table: [...rows.start, ...rows.end, ...rows.count, ...columns.start, ...columns.end, ...columns.count],
  };
}

/** Windows by positions of the input: rows' firsts and lasts, columns', then counts of both. */
function coversOf({ rows, columns }: PoolAttrs): Plan {
  const [vertical, horizontal] = [covering(rows), covering(columns)];
  return {
    integers: [rows.size, columns.size, rows.start.length, columns.start.length, widest(vertical.first, vertical.last), widest(horizontal.first, horizontal.last), rows.step, columns.step],
    table: [...vertical.first, ...vertical.last, ...horizontal.first, ...horizontal.last, ...rows.count, ...columns.count],
  };
}

/** Image and place of the thread. */
const split = (height: string, width: string): string =>
  `const l1 = idiv(this.thread.x, ${width}); const j = this.thread.x - l1 * ${width}; const image = idiv(l1, ${height}); const i = l1 - image * ${height};`;

/** The window of a result. */
const WINDOW = `${split('oh', 'ow')} const top = t[i]; const bottom = t[oh + i]; const left = t[3 * oh + j]; const right = t[3 * oh + ow + j];`;
/** The windows that cover a place of the input. */
const COVER = `${split('h', 'w')} const top = t[i]; const bottom = t[h + i]; const left = t[2 * h + j]; const right = t[2 * h + w + j];`;

/** A loop over the elements `y`, `z` of the window, or the windows `y`, `z` of a place. */
const each = (rowStep: string, step: string, body: string): string =>
  `for (let a = 0; a < tall; a++) { const y = top + a * ${rowStep}; if (y < bottom) { for (let b = 0; b < wide; b++) { const z = left + b * ${step}; if (z < right) { ${body} } } } }`;

function run(name: string, out: Tensor, plan: Plan, inputs: readonly Tensor[], floats: Readonly<Record<string, number>>, body: string): void {
  if (out.numel() === 0) return;
  const { backend } = storageOf(out);
  const parts = inputs.map(rowMajor);
  const arrays = ['x', 'places'].slice(0, parts.length);
  const source = sourceOf(name, () => ({ arrays: ['t', ...arrays], integers: [...names, ...arrays.map((a) => `${a}o`)], floats: Object.keys(floats), body }));
  launch(source, out, { arrays: [tableOf(backend, plan.table), ...parts.map(({ block }) => block)], integers: [...plan.integers, ...parts.map(({ offset }) => offset)], floats: Object.values(floats) });
  for (const part of parts) part.done();
}

/** The largest element of each window and where in its image it lies; NaN counts as largest, -1 stands for a window without elements. */
export const maxPool: Kernel<PoolAttrs> = ([values, places], [input], attrs) => {
  const x = input as Tensor;
  const lowest = isFloat(x.dtype) ? -Infinity : range(x.dtype).min;
  const search = `${WINDOW} let best = lowest; let at = -1; if (top < bottom && left < right) { at = top * w + left; } const base = xo + image * h * w;`
    + each('rowStep', 'step', 'const v = x[base + y * w + z]; if (v > best || isNan(v) > 0.5) { best = v; at = y * w + z; }');
  run('maxPool', values, windowsOf(attrs), [x], { lowest }, `${search} return best;`);
  run('maxPool places', places, windowsOf(attrs), [x], { lowest }, `${search} return at;`);
};

/** The gradient of a maximum: each place of the input sums what the windows that name it give. */
export const maxPoolSpread: Kernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [g, places] = inputs as readonly Tensor[];
  run('maxPoolSpread', out, coversOf(attrs), [g, places], {}, `${COVER} const place = i * w + j; let total = 0; const base = image * oh * ow;`
    + `${each('1', '1', 'const p = base + y * ow + z; if (places[placeso + p] === place) { total = total + x[xo + p]; }')} return total;`);
};

/** The elements at known places. */
export const maxPoolPick: Kernel<PoolAttrs> = ([out], inputs, attrs) => {
  const [x, places] = inputs as readonly Tensor[];
  run('maxPoolPick', out, windowsOf(attrs), [x, places], {}, `${split('oh', 'ow')} const at = places[placeso + this.thread.x]; let from = at; if (at < 0) { from = 0; } const v = x[xo + image * h * w + from]; return at < 0 ? 0 : v;`);
};

/** The average of each window; 0 for a window without elements. */
export const avgPool: Kernel<PoolAttrs> = ([out], [input], attrs) => {
  const { divisor } = attrs;
  const count = divisor === null ? 't[2 * oh + i] * t[3 * oh + 2 * ow + j]' : 'divisor';
  run(`avgPool ${divisor === null}`, out, windowsOf(attrs), [input as Tensor], { divisor: divisor ?? 1 }, `${WINDOW} let total = 0; const base = xo + image * h * w;`
    + `${each('1', '1', 'total = total + x[base + y * w + z];')} let mean = total / (${count}); if (top >= bottom || left >= right) { mean = 0; } return mean;`);
};

/** The gradient of averages: each place of the input sums its shares of the windows that cover it. */
export const avgPoolSpread: Kernel<PoolAttrs> = ([out], [grads], attrs) => {
  const { divisor } = attrs;
  const count = divisor === null ? 't[2 * h + 2 * w + y] * t[2 * h + 2 * w + oh + z]' : 'divisor';
  run(`avgPoolSpread ${divisor === null}`, out, coversOf(attrs), [grads as Tensor], { divisor: divisor ?? 1 }, `${COVER} let total = 0; const base = xo + image * oh * ow;`
    + `${each('1', '1', `total = total + x[base + y * ow + z] / (${count});`)} return total;`);
};
