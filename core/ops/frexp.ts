import * as bits from '../cpu/bits.ts';
import { library1 } from '../expr.ts';
import { apply } from '../op.ts';
import { type Results, results } from '../results.ts';
import type { Tensor } from '../tensor.ts';
import { type Method, checkTensor, method, pointwise } from './define.ts';
import { floating } from './sign.ts';

const exponentOf = library1('exponentOf', bits.exponentOf);
const mantissaOf = library1('mantissaOf', bits.mantissaOf);

/** A number as `mantissa·2^exponent`. */
export type MantissaAndExponent = Results<{ mantissa: Tensor; exponent: Tensor }>;

const exponentOp = pointwise({ name: 'frexpExponent', accepts: floating('frexp'), dtype: () => 'int32', expr: (_, x) => exponentOf(x) });

const mantissaOp = pointwise({
  name: 'frexp',
  accepts: floating('frexp'),
  expr: (_, x) => mantissaOf(x),
  saves: 'inputs',
  backward: [(g, n) => g.div(apply(exponentOp, [n.input(0)], undefined).to(g.dtype).exp2())],
});

/**
 * Mantissa, from ½ up to 1 in size, and exponent (int32) of `x = mantissa·2^exponent`. 0, NaN and the infinities are their own mantissa, with exponent 0.
 *
 * @throws DTypeError for integers and bool
 * @see https://pytorch.org/docs/stable/generated/torch.frexp.html
 */
export const frexp: Method<(x: Tensor) => MantissaAndExponent> = method(
  { name: 'frexp', family: 'pointwise', samples: (s) => [[s.float([2, 3], 0.6, 0.9)], [s.float([4], -30, 30)], [s.float([])], [s.float([0, 2])], [s.values([0.625, 3])]] },
  (x: Tensor): MantissaAndExponent => {
    checkTensor('frexp', x);
    return results({ mantissa: apply(mantissaOp, [x], undefined), exponent: apply(exponentOp, [x], undefined) });
  },
);
