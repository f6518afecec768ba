import type * as activation from './activation.ts';
import type * as arrange from './arrange.ts';
import type * as bessel from './bessel.ts';
import type * as frexp from './frexp.ts';
import type * as gamma from './gamma.ts';
import type * as pairs from './pairs.ts';
import type * as shift from './shift.ts';
import type * as sign from './sign.ts';
import type * as bitwise from './bitwise.ts';
import type * as close from './close.ts';
import type * as compare from './compare.ts';
import type * as convert from './convert.ts';
import type * as creation from './creation.ts';
import type * as cumulate from './cumulate.ts';
import type * as extrema from './extrema.ts';
import type * as division from './division.ts';
import type * as gather from './gather.ts';
import type * as indexing from './indexing.ts';
import type * as join from './join.ts';
import type * as choleskyOps from './linalg/cholesky.ts';
import type * as detOps from './linalg/det.ts';
import type * as inverseOps from './linalg/inverse.ts';
import type * as luOps from './linalg/lu.ts';
import type * as pinvOps from './linalg/pinv.ts';
import type * as powerOps from './linalg/power.ts';
import type * as qrOps from './linalg/qr.ts';
import type * as svdOps from './linalg/svd.ts';
import type * as triangularOps from './linalg/triangular.ts';
import type * as lookup from './lookup.ts';
import type * as masked from './masked.ts';
import type * as matmul from './matmul.ts';
import type * as moments from './moments.ts';
import type * as multinomial from './multinomial.ts';
import type * as nonzero from './nonzero.ts';
import type * as norm from './norm.ts';
import type * as piecewise from './piecewise.ts';
import type * as pointwise from './pointwise.ts';
import type * as power from './power.ts';
import type * as pieces from './pieces.ts';
import type * as products from './products.ts';
import type * as random from './random.ts';
import type * as reduce from './reduce.ts';
import type * as select from './select.ts';
import type * as softmax from './softmax.ts';
import type * as sort from './sort.ts';
import type * as special from './special.ts';
import type * as statistics from './statistics.ts';
import type * as running from './running.ts';
import type * as differences from './differences.ts';
import type * as counting from './counting.ts';
import type * as scatterReduce from './scatterReduce.ts';
import type * as strided from './strided.ts';
import type * as ternary from './ternary.ts';
import type * as turn from './turn.ts';
import type * as unique from './unique.ts';
import type * as view from './view.ts';
// Who knows the methods also has them.
import '../afterGrad.ts';
import '../autograd.ts';
import './activation.ts';
import './arrange.ts';
import './bessel.ts';
import './frexp.ts';
import './gamma.ts';
import './pairs.ts';
import './shift.ts';
import './sign.ts';
import './named.ts';
import './bitwise.ts';
import './close.ts';
import './compare.ts';
import './convert.ts';
import './creation.ts';
import './cumulate.ts';
import './division.ts';
import './extrema.ts';
import './gather.ts';
import './indexing.ts';
import './join.ts';
import './linalg/cholesky.ts';
import './linalg/det.ts';
import './linalg/inverse.ts';
import './linalg/lu.ts';
import './linalg/pinv.ts';
import './linalg/power.ts';
import './linalg/qr.ts';
import './linalg/svd.ts';
import './linalg/triangular.ts';
import './lookup.ts';
import './masked.ts';
import './matmul.ts';
import './moments.ts';
import './multinomial.ts';
import './nonzero.ts';
import './norm.ts';
import './piecewise.ts';
import './pointwise.ts';
import './power.ts';
import './pieces.ts';
import './products.ts';
import './random.ts';
import './randomFill.ts';
import './reduce.ts';
import './relayout.ts';
import './select.ts';
import './softmax.ts';
import './sort.ts';
import './special.ts';
import './statistics.ts';
import './running.ts';
import './differences.ts';
import './counting.ts';
import './scatterReduce.ts';
import './strided.ts';
import './ternary.ts';
import './turn.ts';
import './unique.ts';
import './view.ts';

type Ops =
  & typeof activation
  & typeof arrange
  & typeof bessel
  & typeof frexp
  & typeof gamma
  & typeof pairs
  & typeof shift
  & typeof sign
  & typeof bitwise
  & typeof close
  & typeof compare
  & typeof convert
  & Omit<typeof creation, 'tensor' | 'isTensor'>
  & typeof cumulate
  & typeof extrema
  & typeof division
  & typeof gather
  & typeof indexing
  & typeof join
  & typeof choleskyOps
  & typeof detOps
  & typeof inverseOps
  & typeof luOps
  & typeof pinvOps
  & typeof powerOps
  & typeof qrOps
  & typeof svdOps
  & typeof triangularOps
  & typeof lookup
  & typeof masked
  & typeof matmul
  & Omit<typeof moments, 'variance'>
  & typeof multinomial
  & typeof nonzero
  & typeof norm
  & typeof piecewise
  & typeof pointwise
  & typeof power
  & typeof pieces
  & Omit<typeof products, 'productOfChain'>
  & Pick<typeof random, 'bernoulli'>
  & typeof reduce
  & typeof select
  & typeof softmax
  & typeof sort
  & typeof special
  & typeof statistics
  & typeof running
  & typeof differences
  & typeof counting
  & typeof scatterReduce
  & typeof strided
  & typeof ternary
  & Omit<typeof turn, 'unfoldDim'>
  & { readonly unfold: typeof turn.unfoldDim }
  & typeof unique
  & typeof view
  & { readonly var: typeof moments.variance };

/** An operation as a method: without its first argument, for each of up to four call forms. */
type AsMethod<F> = F extends {
  (x: infer _A, ...rest: infer A): infer R;
  (x: infer _B, ...rest: infer B): infer S;
  (x: infer _C, ...rest: infer C): infer T;
  (x: infer _D, ...rest: infer D): infer U;
}
  ? { (...args: A): R; (...args: B): S; (...args: C): T; (...args: D): U }
  : never;

type MethodNames = { [K in keyof Ops]: Ops[K] extends { readonly isMethod: true } ? K : never }[keyof Ops];
type InPlaceNames = { [K in keyof Ops]: Ops[K] extends { readonly inPlace: (...args: never[]) => unknown } ? K : never }[keyof Ops];

type Methods = { [K in MethodNames]: AsMethod<Ops[K]> } & { [K in InPlaceNames as `${K}_`]: AsMethod<Ops[K]> };

declare module '../tensor.ts' {
  /** Every operation that is a method, as its function declares it. */
  interface Tensor extends Methods {}
}
