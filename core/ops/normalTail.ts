import * as errorTail from '../cpu/errorTail.ts';
import * as special from '../cpu/special.ts';
import { toFloat } from '../dtype.ts';
import { e, library1 } from '../expr.ts';
import { type FreeBinary, type FreeUnary, freeBinary, freeUnary, within } from './named.ts';

const SQRT_TWO_OVER_PI = Math.sqrt(2 / Math.PI);
const DENSITY = 1 / Math.sqrt(2 * Math.PI);

/** Entropy term `-x·log(x)`: 0 at 0, -Infinity below. @see https://pytorch.org/docs/stable/special.html#torch.special.entr */
export const entr: FreeUnary = freeUnary({
  name: 'special.entr',
  torch: 'special.entr',
  cpu: (x) => e.select(e.isNaN(x), x, e.select(e.gt(x, 0), e.neg(e.mul(x, e.log(x))), e.select(e.eq(x, 0), 0, -Infinity))),
  dtype: toFloat,
  saves: 'inputs',
  backward: (g, n) => g.mul(n.input(0).log().add(1).neg()),
  samples: within(0.1, 3),
});

/** Scaled complementary error function `exp(x²)·erfc(x)`. @see https://pytorch.org/docs/stable/special.html#torch.special.erfcx */
export const erfcx: FreeUnary = freeUnary({
  name: 'special.erfcx',
  torch: 'special.erfcx',
  cpu: library1('erfcx', special.erfcx),
  dtype: toFloat,
  saves: 'both',
  backward: (g, n) => g.mul(n.input(0).mul(n.output()).mul(2).sub(2 / Math.sqrt(Math.PI))),
  samples: within(-2, 6),
});

/** Distribution function of the standard normal distribution. @see https://pytorch.org/docs/stable/special.html#torch.special.ndtr */
export const ndtr: FreeUnary = freeUnary({
  name: 'special.ndtr',
  torch: 'special.ndtr',
  cpu: e.normalCdf,
  dtype: toFloat,
  saves: 'inputs',
  backward: (g, n) => g.mul(n.input(0).square().mul(-0.5).exp()).mul(DENSITY),
  samples: within(-4, 4),
});

/** Quantile of the standard normal distribution, the inverse of `ndtr`: infinite at 0 and 1, NaN beyond. @see https://pytorch.org/docs/stable/special.html#torch.special.ndtri */
export const ndtri: FreeUnary = freeUnary({
  name: 'special.ndtri',
  torch: 'special.ndtri',
  cpu: library1('ndtri', errorTail.ndtri),
  dtype: toFloat,
  saves: 'outputs',
  backward: (g, n) => g.mul(n.output().square().div(2).exp()).mul(1 / DENSITY),
  samples: within(0.05, 0.95),
});

/** Logarithm of `ndtr`, exact in the tail. @see https://pytorch.org/docs/stable/special.html#torch.special.log_ndtr */
export const logNdtr: FreeUnary = freeUnary({
  name: 'special.logNdtr',
  torch: 'special.log_ndtr',
  cpu: library1('logNdtr', errorTail.logNdtr),
  dtype: toFloat,
  saves: 'inputs',
  backward: (g, n) => g.div(erfcx(n.input(0).mul(-Math.SQRT1_2))).mul(SQRT_TWO_OVER_PI),
  samples: within(-8, 4),
});

/** `x·log1p(y)`, and 0 where x is 0, unless y is NaN. @see https://pytorch.org/docs/stable/special.html#torch.special.xlog1py */
export const xlog1py: FreeBinary = freeBinary({
  name: 'special.xlog1py',
  torch: 'special.xlog1py',
  cpu: (x, y) => e.select(e.isNaN(y), NaN, e.select(e.eq(x, 0), 0, e.mul(x, e.log1p(y)))),
  dtype: toFloat,
  saves: 'inputs',
  backward: [
    (g, n) => {
      const y = n.operand(1);
      if (typeof y !== 'number') return g.mul(y.log1p()).maskedFill(n.input(0).eq(0).logicalAnd(y.le(-1)), 0);
      return y > -1 ? g.mul(Math.log1p(y)) : g.mul(Math.log1p(y)).maskedFill(n.input(0).eq(0), 0);
    },
    (g, n) => g.mul(n.operand(0)).div(n.input(1).add(1)),
  ],
  samples: (s) => [
    [s.float([2, 3]), s.float([3], -0.8, 2)],
    [s.float([2]), 2],
    [1.5, s.float([2], -0.8, 2)],
    [s.int([3]), s.int([3])],
    [s.float([]), s.float([2], 0, 1)],
    [s.float([0]), 1],
  ],
});
