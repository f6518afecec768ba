import { type V128, f32, f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { DoubleSum, eachVector, mapStretch } from './reduce-loops.ts';
import { type Load, rowMaximum, rowPowers } from './softmax.ts';

// Rows of triangular n x n matrices, one matrix after another: in row i the elements 0 … i count, the others are not read and become 0.

/** Runs the body for each row of `x`, with the number of its elements that count; then sets the others to 0 and moves `x` to the next row. */
function eachRow(f: FunctionBuilder, x: IntLocal, rows: IntLocal, n: IntLocal, body: (count: IntLocal) => void): void {
  const [count, to, rest] = [f.i32(0), f.i32(), f.i32()];
  const zero = f.hoist(f32x4.const(0));
  f.repeat(rows, () => {
    f.if(i32.eq(count, n), () => count.set(0));
    count.increase(1);
    body(count);
    to.set(i32.add(x, i32.shl(count, 2)));
    rest.set(i32.sub(n, count));
    mapStretch(f, rest, [to], to, () => zero);
    x.increase(i32.shl(n, 2));
  });
}

/** Softmax of `scale·x` over what counts, in place: `run(x, rows, n, scale)`. */
export const causalSoftmax: WasmKernel = new WasmKernel('causalSoftmax', (m) =>
  m.function('causalSoftmax', ['i32', 'i32', 'i32', 'f32'], (f, x, rows, n, scale) => {
    const [at, to] = [f.i32(), f.i32()];
    const scales = f.v128(f32x4.splat(scale));
    const scaled: Load = (from, offset = 0) => f32x4.mul(v128.load(from, offset), scales);
    eachRow(f, x, rows, n, (count) => {
      at.set(x);
      const max = rowMaximum(f, count, at, scaled);
      at.set(x);
      to.set(x);
      const total = f.v128(f32x4.splat(f32.demote(rowPowers(f, count, max, at, to, scaled))));
      to.set(x);
      mapStretch(f, count, [to], to, () => f32x4.div(v128.load(to), total));
    });
  }),
);

/** Gradient of `causalSoftmax`, over the gradient `g` of its result `y`: `run(g, y, rows, n, scale)`. */
export const causalSoftmaxBackward: WasmKernel = new WasmKernel('causalSoftmaxBackward', (m) =>
  m.function('causalSoftmaxBackward', ['i32', 'i32', 'i32', 'i32', 'f32'], (f, g, y, rows, n, scale) => {
    const [yAt, to] = [f.i32(), f.i32()];
    const scales = f.v128(f32x4.splat(scale));
    const sum = new DoubleSum(f);
    const term = (): V128 => f32x4.mul(v128.load(to), v128.load(yAt));
    eachRow(f, g, rows, n, (count) => {
      to.set(g);
      yAt.set(y);
      sum.clear();
      eachVector(f, count, [to, yAt], () => sum.add(term()), (mask) => sum.add(v128.and(term(), mask)));
      const total = f.v128(f32x4.splat(f32.demote(sum.total())));
      to.set(g);
      yAt.set(y);
      mapStretch(f, count, [to, yAt], to, () => f32x4.mul(f32x4.mul(v128.load(yAt), f32x4.sub(v128.load(to), total)), scales));
      y.increase(i32.shl(n, 2));
    });
  }),
);
