import { type I32, type V128, f32, f32x4, f64, f64x2, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { columnSums } from './reduce-columns.ts';
import { DoubleSum, addStretch, floats, mapStretch, moments, storeFirst } from './reduce-loops.ts';

/** `1/√(variance + eps)` of a float in memory. */
export const inverseRoot = (f: FunctionBuilder, variance: I32, eps: Local<'f64'>): Local<'f64'> =>
  f.f64(f64.div(f64.const(1), f64.sqrt(f64.add(f64.promote(f32.load(variance)), eps))));

/** A double as a float in all lanes. */
export const splat = (f: FunctionBuilder, x: Local<'f64'>): Local<'v128'> => f.v128(f32x4.splat(f32.demote(x)));

/** Mean and biased variance of rows: `run(mean, variance, x, rows, n)`. */
export const rowStats: WasmKernel = new WasmKernel('rowStats', (m) =>
  m.function('rowStats', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, mean, variance, x, rows, n) => {
    const bytes = f.i32(i32.shl(n, 2));
    const size = f.f64(f64.convertI32(n));
    f.repeat(rows, () => {
      const found = moments(f, x, f.i32(1), f.i32(0), n);
      f.store(mean, f32.demote(found.mean));
      f.store(variance, f32.demote(f64.div(found.squares, size)));
      mean.increase(4);
      variance.increase(4);
      x.increase(bytes);
    });
  }),
);

/** `(x - mean)/√(variance + eps)·weight + bias` of rows: `run(out, x, weight, bias, mean, variance, eps, rows, n)`. */
const normRowsKernel = (weighted: boolean, biased: boolean): WasmKernel =>
  new WasmKernel('normRows', (m) =>
    m.function('normRows', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32'], (f, out, x, weight, bias, mean, variance, eps, rows, n) => {
      const [w, b] = [f.i32(), f.i32()];
      f.repeat(rows, () => {
        const shift = f.v128(v128.load32Splat(mean));
        const inverse = splat(f, inverseRoot(f, variance, eps));
        w.set(weight);
        b.set(bias);
        const value = (): V128 => {
          const unit = f32x4.mul(f32x4.sub(v128.load(x), shift), inverse);
          const scaled = weighted ? f32x4.mul(unit, v128.load(w)) : unit;
          return biased ? f32x4.add(scaled, v128.load(b)) : scaled;
        };
        mapStretch(f, n, [x, out, w, b], out, value);
        // The rest of the row, which is done without moving on.
        const rest = f.i32(i32.shl(i32.and(n, 3), 2));
        x.increase(rest);
        out.increase(rest);
        mean.increase(4);
        variance.increase(4);
      });
    }),
  );

/** The kernels for rows without and with weight (+1), without and with bias (+2). */
export const normRows: readonly WasmKernel[] = [normRowsKernel(false, false), normRowsKernel(true, false), normRowsKernel(false, true), normRowsKernel(true, true)];

/** Gradient of the input: `run(dx, g, x, weight, mean, variance, eps, rows, n)`. */
const normRowsBackwardKernel = (weighted: boolean): WasmKernel =>
  new WasmKernel('normRowsBackward', (m) =>
    m.function('normRowsBackward', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32'], (f, dx, g, x, weight, mean, variance, eps, rows, n) => {
      const bytes = f.i32(i32.shl(n, 2));
      const size = f.f64(f64.convertI32(n));
      const [gAt, xAt, w, to] = [f.i32(), f.i32(), f.i32(), f.i32()];
      const [sum, dot] = [new DoubleSum(f), new DoubleSum(f)];
      const slope = (offset: number): V128 => (weighted ? f32x4.mul(v128.load(gAt, offset), v128.load(w, offset)) : v128.load(gAt, offset));
      const rewind = (): void => {
        gAt.set(g);
        xAt.set(x);
        w.set(weight);
      };
      f.repeat(rows, () => {
        const shift = f.v128(v128.load32Splat(mean));
        const root = inverseRoot(f, variance, eps);
        rewind();
        sum.clear();
        dot.clear();
        addStretch(f, n, [gAt, xAt, w], [sum, dot], (offset) => {
          const s = f.v128(slope(offset));
          return [s, f32x4.mul(s, f32x4.sub(v128.load(xAt, offset), shift))];
        });
        const average = splat(f, f.f64(f64.div(sum.total(), size)));
        const along = splat(f, f.f64(f64.div(f64.mul(f64.mul(dot.total(), root), root), size)));
        const inverse = splat(f, root);
        rewind();
        to.set(dx);
        mapStretch(f, n, [gAt, xAt, w, to], to, () =>
          f32x4.mul(f32x4.sub(f32x4.sub(slope(0), average), f32x4.mul(f32x4.sub(v128.load(xAt), shift), along)), inverse),
        );
        for (const p of [dx, g, x]) p.increase(bytes);
        mean.increase(4);
        variance.increase(4);
      });
    }),
  );

/** The kernels for rows without and with weight (+1). */
export const normRowsBackward: readonly WasmKernel[] = [normRowsBackwardKernel(false), normRowsBackwardKernel(true)];

/** `out[i] = 1/√(variance[i] + eps)`: `run(out, variance, eps, n)`. */
export const inverseRoots: WasmKernel = new WasmKernel('inverseRoots', (m) =>
  m.function('inverseRoots', ['i32', 'i32', 'f64', 'i32'], (f, out, variance, eps, n) => {
    f.repeat(n, () => {
      f.store(out, f32.demote(inverseRoot(f, variance, eps)));
      out.increase(4);
      variance.increase(4);
    });
  }),
);

/** Stores the floats of a sum of doubles. */
export function storeSum(f: FunctionBuilder, to: I32, low: V128, high: V128, rest: I32 | null): void {
  const y = f.v128(floats(low, high));
  if (rest === null) f.store(to, y);
  else storeFirst(f, to, y, rest);
}

/**
 * Gradients of weight and bias: `run(dw, db, g, x, mean, inverse, rows, stride, columns, panel, scratch)`, with rows `stride` bytes apart, `panel` and
 * `scratch` as in `ColumnSums`.
 */
export const normVectorsBackward: WasmKernel = new WasmKernel('normVectorsBackward', (m) =>
  m.function(
    'normVectorsBackward',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, dw, db, g, x, mean, inverse, rows, stride, columns, panel, scratch) => {
      columnSums(f, {
        rows, columns, panel, scratch,
        operands: [{ start: g, stride, wide: true }, { start: x, stride, wide: true }, { start: mean, stride: 4, wide: false }, { start: inverse, stride: 4, wide: false }],
        sums: 2,
        terms: ([gAt, xAt, m, i], offset) => {
          const s = f.v128(v128.load(gAt, offset));
          return [s, f32x4.mul(s, f32x4.mul(f32x4.sub(v128.load(xAt, offset), v128.load32Splat(m)), v128.load32Splat(i)))];
        },
        store: ([sum, dot], offset, rest) => {
          storeSum(f, i32.add(db, offset), sum.low, sum.high, rest);
          storeSum(f, i32.add(dw, offset), dot.low, dot.high, rest);
        },
      });
    },
  ),
);

/** Four means and variances of columns from the sums of what they were shifted by. */
export function columnMoments(f: FunctionBuilder, shift: Local<'v128'>, [sum, square]: readonly DoubleSum[], size: Local<'v128'>): { readonly mean: V128; readonly variance: V128 } {
  const half = (part: 'low' | 'high', shifts: V128): readonly [V128, V128] => {
    const rest = f.v128(f64x2.div(sum[part], size));
    // Rounding must not make a variance negative; NaN passes, as the second of the two.
    const variance = f.v128(f64x2.pmax(f64x2.sub(f64x2.div(square[part], size), f64x2.mul(rest, rest)), f64x2.const(0)));
    const first = f.v128(f64x2.promoteLow(shifts));
    const corrected = f.v128(f64x2.add(first, rest));
    // An infinite mean stays what it is.
    return [f.v128(v128.bitselect(corrected, first, f64x2.eq(corrected, corrected))), variance];
  };
  const [lowMean, lowVariance] = half('low', shift);
  const [highMean, highVariance] = half('high', v128.shuffle32(shift, shift, [2, 3, 2, 3]));
  return { mean: floats(lowMean, highMean), variance: floats(lowVariance, highVariance) };
}

/** An optional float in memory: that at the address, or `missing` where there is none. */
export function optional(f: FunctionBuilder, address: IntLocal, missing: number): Local<'f64'> {
  const x = f.f64(f64.const(missing));
  f.if(address, () => x.set(f64.promote(f32.load(address))));
  return x;
}
