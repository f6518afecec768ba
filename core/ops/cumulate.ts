import { nextDim } from '../batching.ts';
import { type ScanAttrs, delayKernel, recurrenceKernel, scanKernel } from '../cpu/scan.ts';
import { type DType, checkDType, isFloat } from '../dtype.ts';
import { DTypeError, checkOptions, show } from '../errors.ts';
import { type GradFn, type Primitive, apply, applyInPlace, primitive } from '../op.ts';
import { normalizeDim } from '../shape.ts';
import type { Node } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { Named } from './byName.ts';
import { type InPlace, type Samples, checkTensor, inPlaceMethod } from './define.ts';

const family = 'scan';

/** Options of `cumsum` and `cumprod`. */
export interface ScanOptions {
  /** Dtype of the result; the input is cast to it first. */
  readonly dtype?: DType;
}

interface RunningAttrs extends ScanAttrs {
  /** Dtype that was asked for. */
  readonly dtype?: DType | undefined;
}

const attrsOf = (node: Node): ScanAttrs => node.attrs as ScanAttrs;
const backwards = ({ dim, reverse }: ScanAttrs): ScanAttrs => ({ dim, reverse: !reverse });

function running(name: string, product: boolean, backward: GradFn, saves?: 'both'): Primitive<RunningAttrs> {
  return primitive<RunningAttrs>({
    name,
    infer: ([input], { dtype }) => {
      const x = input as Tensor;
      return { shape: x.shape, dtype: dtype ?? (isFloat(x.dtype) ? x.dtype : 'int64') };
    },
    cpu: scanKernel(product),
    batching: { shift: nextDim },
    saves,
    backward: [backward],
  });
}

const cumsumOp = running('cumsum', false, (g, n) => apply(cumsumOp, [g], backwards(attrsOf(n))));

/**
 * `y[t] = a[t]·y[t-1] + b[t]`: the gradient of a running product, and its own gradient. No division, so zeros do no harm.
 */
const recurrence: Primitive<ScanAttrs> = primitive<ScanAttrs>({
  name: 'recurrence',
  infer: ([a]) => a as Tensor,
  cpu: recurrenceKernel,
  batching: { shift: nextDim },
  saves: 'both',
  backward: (node, g) => {
    if (g === null) return [null, null];
    const u = adjoint(node.input(0), g, attrsOf(node));
    return [u.mul(apply(delay, [node.output()], { ...attrsOf(node), first: 0 })), u];
  },
});

/** Runs a recurrence with coefficients `a` against its direction: `u[t] = g[t] + a[t+1]·u[t+1]`. */
function adjoint(a: Tensor, g: Tensor, attrs: ScanAttrs): Tensor {
  const back = backwards(attrs);
  return apply(recurrence, [apply(delay, [a], { ...back, first: 0 }), g], back);
}

const delay: Primitive<ScanAttrs & { readonly first: number }> = primitive<ScanAttrs & { readonly first: number }>({
  name: 'delay',
  infer: ([x]) => x as Tensor,
  cpu: delayKernel,
  batching: { shift: nextDim },
  backward: [(g, n) => apply(delay, [g], { ...backwards(attrsOf(n)), first: 0 })],
});

const cumprodOp = running(
  'cumprod',
  true,
  (g, n) => {
    const attrs = { dim: attrsOf(n).dim, reverse: attrsOf(n).reverse };
    return adjoint(n.input(0), g, attrs).mul(apply(delay, [n.output()], { ...attrs, first: 1 }));
  },
  'both',
);

/** For each entry the product of all others along its line. */
export function productOfOthers(x: Tensor, dim: number): Tensor {
  const one = (reverse: boolean): Tensor => apply(delay, [apply(cumprodOp, [x], { dim, reverse })], { dim, reverse, first: 1 });
  return one(false).mul(one(true));
}

type Scan = InPlace<Named<'dim', number, ScanOptions, Tensor>>;

function scan(name: string, op: Primitive<RunningAttrs>, samples: Samples): Scan {
  return inPlaceMethod(
    { name, parameters: ['dim', 'options'], family, samples },
    (input: Tensor, dim: number, options?: ScanOptions): Tensor => {
      checkTensor(name, input);
      checkOptions(name, options, ['dtype']);
      const dtype = options?.dtype;
      if (dtype !== undefined) checkDType(name, dtype);
      if (dtype === 'bool') throw new DTypeError(`${name}: bools are not added up, got dtype bool; expected numbers`);
      const d = normalizeDim(name, dim, input.ndim);
      const x = dtype === undefined ? input : input.to(dtype);
      const attrs = { dim: d, reverse: false, dtype };
      return x.ndim === 0 ? apply(op, [x.reshape([1])], attrs).reshape([]) : apply(op, [x], attrs);
    },
    (x: Tensor, dim: number, options?: ScanOptions): Tensor => {
      const who = `${name}_`;
      checkTensor(who, x);
      checkOptions(who, options, ['dtype']);
      if (options?.dtype !== undefined && options.dtype !== x.dtype) throw new DTypeError(`${who}: another dtype, got ${show(options.dtype)} for ${show(x)}; expected ${x.dtype}`);
      const attrs = { dim: normalizeDim(who, dim, x.ndim), reverse: false };
      applyInPlace(op, [x.ndim === 0 ? x.reshape([1]) : x], attrs);
      return x;
    },
  );
}

const samples: Samples = (s) => [[s.float([2, 3]), 1], [s.float([2, 3, 2]), -2], [s.float([]), 0], [s.float([2, 0]), 1], [s.int([4], 1, 4), 0]];

/** Running sum along a dimension; integers give int64. @see https://pytorch.org/docs/stable/generated/torch.cumsum.html */
export const cumsum: Scan = scan('cumsum', cumsumOp, (s) => [...samples(s), [s.int([3], 0, 4, 'int32'), 0, { dtype: 'int32' }]]);
/** Running product along a dimension; integers give int64. @see https://pytorch.org/docs/stable/generated/torch.cumprod.html */
export const cumprod: Scan = scan('cumprod', cumprodOp, (s) => [...samples(s), [s.values([2, 0, 3, 0.5]), 0], [s.values([1.5, 0, 3, 0, 2, 0.5], [2, 3]), 1]]);
