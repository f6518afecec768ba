import { scanKernel } from '../cpu/scan.ts';
import { type DType, checkDType, isFloat } from '../dtype.ts';
import { checkOptions } from '../errors.ts';
import { type GradFn, type Primitive, apply, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Method, type Samples, checkTensor, method } from './define.ts';
import { cat } from './join.ts';

const family = 'scan';

/** Options of `cumsum` and `cumprod`. */
export interface ScanOptions {
  /** The input is cast to this dtype first. */
  readonly dtype?: DType;
}

interface DimAttrs {
  readonly dim: number;
}

function scan(name: string, product: boolean, backward: GradFn): Primitive<DimAttrs> {
  return primitive<DimAttrs>({
    name,
    infer: ([x]) => ({ shape: (x as Tensor).shape, dtype: isFloat((x as Tensor).dtype) ? (x as Tensor).dtype : 'int64' }),
    cpu: scanKernel(product),
    saves: 'both',
    backward: [backward],
  });
}

/** Sum from each place to the end. */
const fromEnd = (x: Tensor, dim: number): Tensor => x.flip([dim]).cumsum(dim).flip([dim]);

const cumsumOp = scan('cumsum', false, (g, n) => fromEnd(g, (n.attrs as DimAttrs).dim));

const cumprodOp = scan('cumprod', true, (g, n) => {
  const { dim } = n.attrs as DimAttrs;
  const x = n.input(0);
  if (!x.detach().eq(0).any().item()) return fromEnd(g.mul(n.output()), dim).div(x);
  // With zeros: the product up to each later place, without the place itself.
  const size = x.shape[dim];
  const parts = Array.from({ length: size }, (_, i) => {
    const before = x.narrow(dim, 0, i).prod(dim, { keepdim: true });
    const after = cat([before, x.narrow(dim, i + 1, size - i - 1)], dim).cumprod(dim);
    return g.narrow(dim, i, size - i).mul(after).sum(dim, { keepdim: true });
  });
  return cat(parts, dim);
});

type Scan = Method<(x: Tensor, dim: number, options?: ScanOptions) => Tensor>;

function scanMethod(name: string, op: Primitive<DimAttrs>, samples: Samples): Scan {
  return method({ name, family, samples }, (input: Tensor, dim: number, options?: ScanOptions): Tensor => {
    checkTensor(name, input);
    checkOptions(name, options, ['dtype']);
    if (options?.dtype !== undefined) checkDType(name, options.dtype);
    const x = options?.dtype === undefined ? input : input.to(options.dtype);
    const d = normalizeDim(name, dim, x.ndim);
    return x.ndim === 0 ? apply(op, [x.reshape([1])], { dim: 0 }).reshape([]) : apply(op, [x], { dim: d });
  });
}

const samples: Samples = (s) => [[s.float([2, 3]), 1], [s.float([2, 3]), 0], [s.float([]), 0], [s.int([4], 1, 4), 0]];

/** Running sum along a dimension; integers give int64. @see https://pytorch.org/docs/stable/generated/torch.cumsum.html */
export const cumsum: Scan = scanMethod('cumsum', cumsumOp, samples);
/** Running product along a dimension; integers give int64. @see https://pytorch.org/docs/stable/generated/torch.cumprod.html */
export const cumprod: Scan = scanMethod('cumprod', cumprodOp, (s) => [...samples(s), [s.values([2, 0, 3, 0.5]), 0]]);
