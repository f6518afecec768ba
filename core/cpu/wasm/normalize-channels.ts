import { type V128, f32, f32x4, f64, i32, v128 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { inverseRoot, optional, splat } from './normalize.ts';
import { DoubleSum, addStretch, mapStretch, moments } from './reduce-loops.ts';

// Normalisation of (N, C, …): of each channel `planes` stretches of `n` elements, `stride` bytes apart. One channel after the other, so that what
// is read twice is still in the cache.

/** Moves an address on where it is one. */
function increaseGiven(f: FunctionBuilder, pointers: readonly IntLocal[]): void {
  for (const p of pointers) f.if(p, () => p.increase(4));
}

/** Mean and biased variance of channels: `run(mean, variance, x, channels, planes, stride, n)`. */
export const channelStats: WasmKernel = new WasmKernel('channelStats', (m) =>
  m.function('channelStats', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, mean, variance, x, channels, planes, stride, n) => {
    const size = f.f64(f64.convertI32(i32.mul(planes, n)));
    f.repeat(channels, () => {
      const found = moments(f, x, planes, stride, n);
      f.store(mean, f32.demote(found.mean));
      f.store(variance, f32.demote(f64.div(found.squares, size)));
      mean.increase(4);
      variance.increase(4);
      x.increase(i32.shl(n, 2));
    });
  }),
);

/**
 * `(x - mean)/√(variance + eps)·weight + bias` per channel: `run(out, x, weight, bias, mean, variance, eps, channels, planes, stride, n)`; weight and
 * bias may be 0 for none.
 */
export const normChannels: WasmKernel = new WasmKernel('normChannels', (m) =>
  m.function(
    'normChannels',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32'],
    (f, out, x, weight, bias, mean, variance, eps, channels, planes, stride, n) => {
      const [xAt, to, start] = [f.i32(), f.i32(), f.i32()];
      f.repeat(channels, () => {
        const shift = f.v128(v128.load32Splat(mean));
        const scale = splat(f, f.f64(f64.mul(inverseRoot(f, variance, eps), optional(f, weight, 1))));
        const add = splat(f, optional(f, bias, 0));
        start.set(0);
        f.repeat(planes, () => {
          xAt.set(i32.add(x, start));
          to.set(i32.add(out, start));
          mapStretch(f, n, [xAt, to], to, () => f32x4.add(f32x4.mul(f32x4.sub(v128.load(xAt), shift), scale), add));
          start.increase(stride);
        });
        for (const p of [x, out]) p.increase(i32.shl(n, 2));
        for (const p of [mean, variance]) p.increase(4);
        increaseGiven(f, [weight, bias]);
      });
    },
  ),
);

/**
 * Gradients of input, weight and bias: `run(dx, dw, db, g, x, weight, mean, variance, eps, channels, planes, stride, n, training)`; `dx` and `weight` may
 * be 0 for none.
 */
export const normChannelsBackward: WasmKernel = new WasmKernel('normChannelsBackward', (m) =>
  m.function(
    'normChannelsBackward',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, dx, dw, db, g, x, weight, mean, variance, eps, channels, planes, stride, n, training) => {
      const size = f.f64(f64.convertI32(i32.mul(planes, n)));
      const [gAt, xAt, to, start] = [f.i32(), f.i32(), f.i32(), f.i32()];
      const [sum, dot] = [new DoubleSum(f), new DoubleSum(f)];
      const each = (body: () => void): void => {
        start.set(0);
        f.repeat(planes, () => {
          gAt.set(i32.add(g, start));
          xAt.set(i32.add(x, start));
          body();
          start.increase(stride);
        });
      };
      f.repeat(channels, () => {
        const shift = f.v128(v128.load32Splat(mean));
        const root = inverseRoot(f, variance, eps);
        sum.clear();
        dot.clear();
        each(() =>
          addStretch(f, n, [gAt, xAt], [sum, dot], (offset) => {
            const s = f.v128(v128.load(gAt, offset));
            return [s, f32x4.mul(s, f32x4.sub(v128.load(xAt, offset), shift))];
          }),
        );
        const total = sum.total();
        const along = f.f64(f64.mul(dot.total(), root));
        f.store(db, f32.demote(total));
        f.store(dw, f32.demote(along));
        f.if(dx, () => {
          // Given statistics do not depend on the input.
          const part = f.f64(f64.div(f64.convertI32(training), size));
          const average = splat(f, f.f64(f64.mul(total, part)));
          const slope = splat(f, f.f64(f64.mul(f64.mul(along, root), part)));
          const scale = splat(f, f.f64(f64.mul(root, optional(f, weight, 1))));
          const value = (): V128 => f32x4.mul(f32x4.sub(f32x4.sub(v128.load(gAt), average), f32x4.mul(f32x4.sub(v128.load(xAt), shift), slope)), scale);
          each(() => {
            to.set(i32.add(dx, start));
            mapStretch(f, n, [gAt, xAt, to], to, value);
          });
        });
        for (const p of [g, x]) p.increase(i32.shl(n, 2));
        f.if(dx, () => dx.increase(i32.shl(n, 2)));
        for (const p of [dw, db, mean, variance]) p.increase(4);
        increaseGiven(f, [weight]);
      });
    },
  ),
);
