import { f32, f32x4, f64, i32, i32x4, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { LossTotals, sumOfWeights } from './crossEntropy.ts';
import { WasmKernel } from './kernel.ts';
import { log } from './math-log.ts';
import { splat } from './normalize.ts';
import { columnMaximum } from './softmax-columns.ts';
import { down, eachStrip } from './reduce-columns.ts';
import { DoubleSum, firstLanes, floats } from './reduce-loops.ts';
import { expNegative } from './softmax-exp.ts';

// Cross entropy of (N, C, …): of each sample, classes are rows of a matrix and places its columns, four of which are done at a time.

/** Which of four places count. */
function counting(f: FunctionBuilder, ys: Local<'v128'>, ignored: Local<'v128'>, rest: IntLocal | null): Local<'v128'> {
  const valid = f.v128(i32x4.ne(ys, ignored));
  return rest === null ? valid : valid.set(v128.and(valid, firstLanes(f, rest)));
}

/**
 * Losses of samples: `run(losses, p, total, x, targets, weight, ignore, samples, n, places, main, even, mode)`; otherwise as for rows, with a pair of
 * doubles per sample.
 */
const forwardKernel = (weighted: boolean): WasmKernel =>
  new WasmKernel('crossEntropyColumns', (m) =>
    m.function(
      'crossEntropyColumns',
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64', 'i32'],
      (f, losses, p, total, x, targets, weight, ignore, samples, n, places, main, even, mode) => {
        const stride = f.i32(i32.shl(places, 2));
        const matrix = f.i32(i32.mul(stride, n));
        const [at, to, w] = [f.i32(), f.i32(), f.i32()];
        const [mains, evens] = [splat(f, main), splat(f, even)];
        const weights = splat(f, sumOfWeights(f, weighted ? weight : null, n));
        const totals = new LossTotals(f, losses, mode);
        const ignored = f.v128(i32x4.splat(ignore));
        const one = f.v128(i32x4.const(1));
        const [sum, lossSum, ownSum] = [new DoubleSum(f), new DoubleSum(f), new DoubleSum(f)];
        const [pick, own, apart, c, wc] = [f.v128(), f.v128(), f.v128(), f.v128(), f.v128()];
        f.repeat(samples, () => {
          lossSum.clear();
          ownSum.clear();
          const put = f.i32(losses);
          eachStrip(f, i32.const(1), places, i32.const(0), [x, p, targets, put], ([from, out, labels, lossAt], store, rest) => {
            const ys = f.v128(v128.load(labels));
            const max = columnMaximum(f, n, stride, from, at);
            sum.clear();
            apart.set(f32x4.const(0));
            c.set(i32x4.const(0));
            own.set(f32x4.const(weighted ? 0 : 1));
            w.set(weight);
            down(f, n, stride, [from, out], [at, to], () => {
              const d = f.v128(f32x4.sub(v128.load(at), max));
              const e = expNegative(f, d);
              store(to, e);
              sum.add(e);
              const mine = f.v128(i32x4.eq(ys, c));
              pick.set(v128.bitselect(d, pick, mine));
              if (weighted) {
                wc.set(v128.load32Splat(w));
                own.set(v128.bitselect(wc, own, mine));
                w.increase(4);
              }
              apart.set(f32x4.add(apart, weighted ? f32x4.mul(d, wc) : d));
              c.set(i32x4.add(c, one));
            });
            const norm = f.v128(floats(sum.low, sum.high));
            const inverse = f.v128(f32x4.div(f32x4.const(1), norm));
            down(f, n, stride, [out], [to], () => store(to, f32x4.mul(v128.load(to), inverse)));
            const logs = f.v128(log(f, norm));
            const loss = f.v128(f32x4.mul(f32x4.mul(mains, own), f32x4.sub(logs, pick)));
            f.if(f32.gt(f32.demote(even), f32.const(0)), () => loss.set(f32x4.add(loss, f32x4.mul(evens, f32x4.sub(f32x4.mul(weights, logs), apart)))));
            const valid = counting(f, ys, ignored, rest);
            loss.set(v128.and(loss, valid));
            f.if(i32.eqz(mode), () => store(lossAt, loss));
            lossSum.add(loss);
            ownSum.add(v128.and(own, valid));
          });
          totals.add(lossSum.total(), ownSum.total());
          f.if(i32.eqz(mode), () => losses.increase(stride));
          for (const q of [x, p]) q.increase(matrix);
          targets.increase(stride);
        });
        totals.finish(total);
      },
    ),
  );

/**
 * Gradient of the logits: `run(dx, grad, gradStep, p, targets, weight, total, ignore, samples, n, places, main, even)`; `gradStep` is 4 where `grad` has a
 * value per place, else 0.
 */
const backwardKernel = (weighted: boolean): WasmKernel =>
  new WasmKernel('crossEntropyColumnsBackward', (m) =>
    m.function(
      'crossEntropyColumnsBackward',
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64'],
      (f, dx, grad, gradStep, p, targets, weight, total, ignore, samples, n, places, main, even) => {
        const stride = f.i32(i32.shl(places, 2));
        const matrix = f.i32(i32.mul(stride, n));
        const [at, to, w] = [f.i32(), f.i32(), f.i32()];
        const [mains, evens] = [splat(f, main), splat(f, even)];
        const all = splat(f, f.f64(f64.mul(sumOfWeights(f, weighted ? weight : null, n), even)));
        const divisor = f.v128(f32x4.const(1));
        f.if(total, () => divisor.set(v128.load32Splat(total)));
        const ignored = f.v128(i32x4.splat(ignore));
        const one = f.v128(i32x4.const(1));
        const [own, c, slope] = [f.v128(), f.v128(), f.v128()];
        f.repeat(samples, () => {
          eachStrip(f, i32.const(1), places, i32.const(0), [dx, p, targets, grad], ([out, from, labels, g], store, rest) => {
            const ys = f.v128(v128.load(labels));
            own.set(mains);
            if (weighted) {
              c.set(i32x4.const(0));
              w.set(weight);
              f.repeat(n, () => {
                own.set(v128.bitselect(f32x4.mul(v128.load32Splat(w), mains), own, i32x4.eq(ys, c)));
                c.set(i32x4.add(c, one));
                w.increase(4);
              });
            }
            f.if(gradStep, () => slope.set(v128.load(g)), () => slope.set(v128.load32Splat(grad)));
            slope.set(f32x4.div(slope, divisor));
            const valid = counting(f, ys, ignored, rest);
            const factor = f.v128(f32x4.mul(slope, f32x4.add(own, all)));
            const mine = f.v128(f32x4.mul(slope, own));
            const less = f.v128(f32x4.mul(slope, evens));
            c.set(i32x4.const(0));
            w.set(weight);
            down(f, n, stride, [from, out], [at, to], () => {
              const spread = f32x4.sub(f32x4.mul(v128.load(at), factor), weighted ? f32x4.mul(less, v128.load32Splat(w)) : less);
              store(to, v128.and(f32x4.sub(spread, v128.and(mine, i32x4.eq(ys, c))), valid));
              c.set(i32x4.add(c, one));
              w.increase(4);
            });
          });
          for (const q of [dx, p]) q.increase(matrix);
          targets.increase(stride);
          f.if(gradStep, () => grad.increase(stride));
        });
      },
    ),
  );

/** Cross entropy where places lie side by side, without and with weights. */
export const crossEntropyColumns = { plain: forwardKernel(false), weighted: forwardKernel(true) } as const;
/** Its gradients. */
export const crossEntropyColumnsBackward = { plain: backwardKernel(false), weighted: backwardKernel(true) } as const;
