import { f32x4, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { log } from './math-log.ts';
import { down, eachStrip } from './reduce-columns.ts';
import { DoubleSum, floats } from './reduce-loops.ts';
import { expNegative } from './softmax-exp.ts';

/** The largest of each column. */
export function columnMaximum(f: FunctionBuilder, n: IntLocal, stride: IntLocal, start: IntLocal, at: IntLocal): Local<'v128'> {
  const max = f.v128(f32x4.const(-Infinity));
  down(f, n, stride, [start], [at], () => max.set(f32x4.pmax(max, v128.load(at))));
  return max;
}

/** Softmax of columns, or its logarithm: `run(out, x, outer, n, columns)` for `outer` matrices of `n` rows; also in place. */
const softmaxKernel = (isLog: boolean): WasmKernel =>
  new WasmKernel(isLog ? 'logSoftmaxColumns' : 'softmaxColumns', (m) =>
    m.function('softmaxColumns', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, out, x, outer, n, columns) => {
      const stride = f.i32(i32.shl(columns, 2));
      const matrix = f.i32(i32.mul(stride, n));
      const [at, to] = [f.i32(), f.i32()];
      const sum = new DoubleSum(f);
      eachStrip(f, outer, columns, matrix, [x, out], ([from, put], store) => {
        const max = columnMaximum(f, n, stride, from, at);
        sum.clear();
        down(f, n, stride, [from, put], [at, to], () => {
          const y = expNegative(f, f32x4.sub(v128.load(at), max));
          if (!isLog) store(to, y);
          sum.add(y);
        });
        const total = f.v128(floats(sum.low, sum.high));
        if (isLog) {
          const shift = log(f, total);
          down(f, n, stride, [from, put], [at, to], () => store(to, f32x4.sub(f32x4.sub(v128.load(at), max), shift)));
        } else down(f, n, stride, [put], [to], () => store(to, f32x4.div(v128.load(to), total)));
      });
    }),
  );

/** Gradient of softmax of columns, or of its logarithm: `run(out, g, y, outer, n, columns)`. */
const softmaxBackwardKernel = (isLog: boolean): WasmKernel =>
  new WasmKernel(isLog ? 'logSoftmaxColumnsBackward' : 'softmaxColumnsBackward', (m) =>
    m.function('softmaxColumnsBackward', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, out, g, y, outer, n, columns) => {
      const stride = f.i32(i32.shl(columns, 2));
      const matrix = f.i32(i32.mul(stride, n));
      const at = [f.i32(), f.i32(), f.i32()];
      const [gAt, yAt, to] = at;
      const sum = new DoubleSum(f);
      eachStrip(f, outer, columns, matrix, [g, y, out], (starts, store) => {
        sum.clear();
        down(f, n, stride, starts, at, () => sum.add(isLog ? v128.load(gAt) : f32x4.mul(v128.load(gAt), v128.load(yAt))));
        const total = f.v128(floats(sum.low, sum.high));
        down(f, n, stride, starts, at, () =>
          store(to, isLog ? f32x4.sub(v128.load(gAt), f32x4.mul(expNegative(f, v128.load(yAt)), total)) : f32x4.mul(v128.load(yAt), f32x4.sub(v128.load(gAt), total))),
        );
      });
    }),
  );

/** Softmax along another dimension than the last. */
export const softmaxColumns = { plain: softmaxKernel(false), log: softmaxKernel(true) } as const;
/** Its gradients. */
export const softmaxColumnsBackward = { plain: softmaxBackwardKernel(false), log: softmaxBackwardKernel(true) } as const;
