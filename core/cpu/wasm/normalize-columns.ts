import { type I32, type V128, f32, f32x4, f64, f64x2, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { columnMoments, storeSum } from './normalize.ts';
import { columnSums, down, eachStrip } from './reduce-columns.ts';
import { floats, storeFirst } from './reduce-loops.ts';

// Normalisation of (N, C): channels are columns, four of which are done at a time. Rows lie `stride` bytes apart; `panel` and `scratch` (16 bytes per
// column) are those of `ColumnSums`.

/** Mean and biased variance of columns: `run(mean, variance, x, rows, stride, columns, panel, scratch)`. */
export const columnStats: WasmKernel = new WasmKernel('columnStats', (m) =>
  m.function('columnStats', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, mean, variance, x, rows, stride, columns, panel, scratch) => {
    const size = f.v128(f64x2.splat(f64.convertI32(rows)));
    columnSums(f, {
      rows, columns, panel, scratch,
      operands: [{ start: x, stride, wide: true }],
      sums: 1,
      terms: ([at], offset) => [v128.load(at, offset)],
      store: ([sum], offset, rest) => storeSum(f, f.i32(i32.add(mean, offset)), f64x2.div(sum.low, size), f64x2.div(sum.high, size), rest),
    });
    columnSums(f, {
      rows, columns, panel, scratch,
      operands: [{ start: x, stride, wide: true }, { start: mean, stride: 0, wide: true }],
      sums: 2,
      terms: ([at, shift], offset) => {
        const d = f.v128(f32x4.sub(v128.load(at, offset), v128.load(shift, offset)));
        return [d, f32x4.mul(d, d)];
      },
      store: (sums, offset, rest) => {
        const to = f.i32(i32.add(mean, offset));
        const found = columnMoments(f, f.v128(v128.load(to)), sums, size);
        store(f, f.i32(i32.add(variance, offset)), found.variance, rest);
        store(f, to, found.mean, rest);
      },
    });
  }),
);

function store(f: FunctionBuilder, to: IntLocal, x: V128, rest: I32 | null): void {
  if (rest === null) f.store(to, x);
  else storeFirst(f, to, f.v128(x), rest);
}

/** `1/√(variance + eps)` of four columns. */
function inverseRoots(f: FunctionBuilder, variance: IntLocal, eps: Local<'v128'>): Local<'v128'> {
  const v = f.v128(v128.load(variance));
  const root = (x: V128): V128 => f64x2.div(f64x2.const(1), f64x2.sqrt(f64x2.add(f64x2.promoteLow(x), eps)));
  return f.v128(floats(root(v), root(v128.shuffle32(v, v, [2, 3, 2, 3]))));
}

/** The columns' vector at an address, or a constant where there is none. */
function optionalVector(f: FunctionBuilder, address: IntLocal, at: IntLocal, missing: number): Local<'v128'> {
  const x = f.v128(f32x4.const(missing));
  f.if(address, () => x.set(v128.load(at)));
  return x;
}

/** `(x - mean)/√(variance + eps)·weight + bias`: `run(out, x, weight, bias, mean, variance, eps, rows, stride, columns)`; weight and bias may be 0 for none. */
export const normColumns: WasmKernel = new WasmKernel('normColumns', (m) =>
  m.function('normColumns', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32'], (f, out, x, weight, bias, mean, variance, eps, rows, stride, columns) => {
    const added = f.v128(f64x2.splat(eps));
    const [at, to] = [f.i32(), f.i32()];
    eachStrip(f, i32.const(1), columns, i32.const(0), [x, out, weight, bias, mean, variance], ([from, put, w, b, mu, v], storeStrip) => {
      const shift = f.v128(v128.load(mu));
      const scale = f.v128(f32x4.mul(inverseRoots(f, v, added), optionalVector(f, weight, w, 1)));
      const add = optionalVector(f, bias, b, 0);
      down(f, rows, stride, [from, put], [at, to], () => storeStrip(to, f32x4.add(f32x4.mul(f32x4.sub(v128.load(at), shift), scale), add)));
    });
  }),
);

/**
 * Gradients: `run(dx, dw, db, g, x, weight, mean, variance, eps, rows, stride, columns, training, panel, scratch)`; `dx` and `weight` may be 0 for none.
 */
export const normColumnsBackward: WasmKernel = new WasmKernel('normColumnsBackward', (m) =>
  m.function(
    'normColumnsBackward',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, dx, dw, db, g, x, weight, mean, variance, eps, rows, stride, columns, training, panel, scratch) => {
      const added = f.v128(f64x2.splat(eps));
      columnSums(f, {
        rows, columns, panel, scratch,
        operands: [{ start: g, stride, wide: true }, { start: x, stride, wide: true }, { start: mean, stride: 0, wide: true }],
        sums: 2,
        terms: ([gAt, xAt, mu], offset) => {
          const s = f.v128(v128.load(gAt, offset));
          return [s, f32x4.mul(s, f32x4.sub(v128.load(xAt, offset), v128.load(mu, offset)))];
        },
        store: ([sum, dot], offset, rest) => {
          storeSum(f, f.i32(i32.add(db, offset)), sum.low, sum.high, rest);
          const inverse = inverseRoots(f, f.i32(i32.add(variance, offset)), added);
          store(f, f.i32(i32.add(dw, offset)), f32x4.mul(floats(dot.low, dot.high), inverse), rest);
        },
      });
      f.if(dx, () => {
        const part = f.v128(f32x4.splat(f32.div(f32.convertI32(training), f32.convertI32(rows))));
        const [gAt, xAt, to] = [f.i32(), f.i32(), f.i32()];
        eachStrip(f, i32.const(1), columns, i32.const(0), [g, x, dx, dw, db, weight, mean, variance], ([gs, xs, put, along, sum, w, mu, v], storeStrip) => {
          const shift = f.v128(v128.load(mu));
          const inverse = inverseRoots(f, v, added);
          const average = f.v128(f32x4.mul(v128.load(sum), part));
          const slope = f.v128(f32x4.mul(f32x4.mul(v128.load(along), inverse), part));
          const scale = f.v128(f32x4.mul(inverse, optionalVector(f, weight, w, 1)));
          down(f, rows, stride, [gs, xs, put], [gAt, xAt, to], () =>
            storeStrip(to, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(gAt), average), f32x4.mul(f32x4.sub(v128.load(xAt), shift), slope)), scale)),
          );
        });
      });
    },
  ),
);
