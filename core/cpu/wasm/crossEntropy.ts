import { type F64, type I32, type V128, f32, f32x4, f64, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal, Local } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { log } from './math-log.ts';
import { splat } from './normalize.ts';
import { DoubleSum, Queue, addStretch, inFours, mapStretch } from './reduce-loops.ts';
import { rowMaximum, rowPowers } from './softmax.ts';

/** What becomes of the losses: each on its own, their sum, their mean, or losses and weights of rows as pairs of doubles, for later. */
export const LOSS = { none: 0, sum: 1, mean: 2, pairs: 3 } as const;

/** Losses and weights added up over all rows, and what is written of them. */
export class LossTotals {
  private readonly f: FunctionBuilder;
  private readonly losses: IntLocal;
  private readonly mode: IntLocal;
  private readonly loss: Local<'f64'>;
  private readonly weight: Local<'f64'>;

  constructor(f: FunctionBuilder, losses: IntLocal, mode: IntLocal) {
    this.f = f;
    this.losses = losses;
    this.mode = mode;
    this.loss = f.f64(f64.const(0));
    this.weight = f.f64(f64.const(0));
  }

  /** Adds a row. */
  add(loss: Local<'f64'>, weight: Local<'f64'>): void {
    const { f, losses } = this;
    this.loss.set(f64.add(this.loss, loss));
    this.weight.set(f64.add(this.weight, weight));
    f.if(i32.eq(this.mode, LOSS.pairs), () => {
      f.store(losses, loss);
      f.store(losses, weight, 8);
      losses.increase(16);
    });
  }

  /** Writes the weight of all rows, and their loss where one is wanted. */
  finish(total: IntLocal): void {
    const { f, losses, mode } = this;
    f.if(i32.ne(mode, LOSS.pairs), () => f.store(total, f32.demote(this.weight)));
    f.if(i32.eq(mode, LOSS.sum), () => f.store(losses, f32.demote(this.loss)));
    f.if(i32.eq(mode, LOSS.mean), () => f.store(losses, f32.demote(f64.div(this.loss, this.weight))));
  }
}

/** Sum of the weights of all classes. */
export function sumOfWeights(f: FunctionBuilder, weight: IntLocal | null, n: I32): Local<'f64'> {
  if (weight === null) return f.f64(f64.convertI32(n));
  const at = f.i32(weight);
  const sum = new DoubleSum(f);
  sum.clear();
  addStretch(f, n, [at], [sum], (offset) => [v128.load(at, offset)]);
  return sum.total();
}

const double = (address: I32): F64 => f64.promote(f32.load(address));

/**
 * Cross entropy of rows: `run(losses, p, total, x, targets, weight, ignore, rows, n, main, even, mode)`. `p` receives the probabilities, `total` the
 * weight of the rows that count; `main` is the share of the own class, `even` that of each class.
 */
const forwardKernel = (weighted: boolean): WasmKernel =>
  new WasmKernel('crossEntropyRows', (m) =>
    m.function(
      'crossEntropyRows',
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64', 'i32'],
      (f, losses, p, total, x, targets, weight, ignore, rows, n, main, even, mode) => {
        const [at, to, w] = [f.i32(), f.i32(), f.i32()];
        const bytes = f.i32(i32.shl(n, 2));
        const weights = sumOfWeights(f, weighted ? weight : null, n);
        const totals = new LossTotals(f, losses, mode);
        const [loss, own] = [f.f64(), f.f64()];
        const apart = new DoubleSum(f);
        const smooths = f.i32(f32.gt(f32.demote(even), f32.const(0)));
        const row = f.i32(x);
        const [maxima, sums] = [new Queue(f), new Queue(f)];
        inFours(
          f,
          rows,
          () => {
            at.set(row);
            const max = rowMaximum(f, n, at);
            at.set(row);
            to.set(p);
            const sum = rowPowers(f, n, max, at, to);
            maxima.push(max);
            sums.push(splat(f, sum));
            const inverse = splat(f, f.f64(f64.div(f64.const(1), sum)));
            to.set(p);
            mapStretch(f, n, [to], to, () => f32x4.mul(v128.load(to), inverse));
            for (const q of [row, p]) q.increase(bytes);
          },
          () => {
            maxima.push(f32x4.const(0));
            sums.push(f32x4.const(1));
          },
          () => sums.lanes.set(log(f, sums.lanes)),
          () => {
            const max = maxima.shift();
            const norm = f.f64(f64.promote(f32x4.lane(sums.shift(), 0)));
            const y = f.i32(i32.load(targets));
            loss.set(f64.const(0));
            own.set(f64.const(0));
            f.if(i32.ne(y, ignore), () => {
              const skip = f.i32(i32.shl(y, 2));
              own.set(weighted ? double(i32.add(weight, skip)) : f64.const(1));
              const distance = f64.promote(f32.sub(f32.load(i32.add(x, skip)), f32x4.lane(max, 0)));
              loss.set(f64.mul(f64.mul(main, own), f64.sub(norm, distance)));
              f.if(smooths, () => {
                at.set(x);
                w.set(weight);
                apart.clear();
                addStretch(f, n, [at, w], [apart], (offset) => {
                  const d = f32x4.sub(v128.load(at, offset), max);
                  return [weighted ? f32x4.mul(d, v128.load(w, offset)) : d];
                });
                loss.set(f64.add(loss, f64.mul(even, f64.sub(f64.mul(weights, norm), apart.total()))));
              });
            });
            f.if(i32.eqz(mode), () => {
              f.store(losses, f32.demote(loss));
              losses.increase(4);
            });
            totals.add(loss, own);
            x.increase(bytes);
            targets.increase(4);
          },
        );
        totals.finish(total);
      },
    ),
  );

/**
 * Gradient of the logits: `run(dx, grad, gradStep, p, targets, weight, total, ignore, rows, n, main, even)`. `grad` has a value per row `gradStep` bytes
 * apart; it is divided by that at `total` where that is not 0.
 */
const backwardKernel = (weighted: boolean): WasmKernel =>
  new WasmKernel('crossEntropyRowsBackward', (m) =>
    m.function(
      'crossEntropyRowsBackward',
      ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'f64'],
      (f, dx, grad, gradStep, p, targets, weight, total, ignore, rows, n, main, even) => {
        const [at, to, w] = [f.i32(), f.i32(), f.i32()];
        const bytes = f.i32(i32.shl(n, 2));
        const all = f.f64(f64.mul(sumOfWeights(f, weighted ? weight : null, n), even));
        const divisor = f.f64(f64.const(1));
        f.if(total, () => divisor.set(double(total)));
        f.repeat(rows, () => {
          const y = f.i32(i32.load(targets));
          f.if(
            i32.eq(y, ignore),
            () => f.clear(dx, bytes),
            () => {
              const slope = f.f64(f64.div(double(grad), divisor));
              const own = f.f64(weighted ? f64.mul(main, double(i32.add(weight, i32.shl(y, 2)))) : main);
              const factor = splat(f, f.f64(f64.mul(slope, f64.add(own, all))));
              const less = splat(f, f.f64(f64.mul(slope, even)));
              at.set(p);
              to.set(dx);
              w.set(weight);
              const value = (): V128 => f32x4.sub(f32x4.mul(v128.load(at), factor), weighted ? f32x4.mul(less, v128.load(w)) : less);
              mapStretch(f, n, [at, to, w], to, value);
              at.set(i32.add(dx, i32.shl(y, 2)));
              f.store(at, f32.sub(f32.load(at), f32.demote(f64.mul(slope, own))));
            },
          );
          for (const q of [dx, p]) q.increase(bytes);
          targets.increase(4);
          grad.increase(gradStep);
        });
      },
    ),
  );

/** Cross entropy where classes lie side by side, without and with weights. */
export const crossEntropyRows = { plain: forwardKernel(false), weighted: forwardKernel(true) } as const;
/** Its gradients. */
export const crossEntropyRowsBackward = { plain: backwardKernel(false), weighted: backwardKernel(true) } as const;
