import * as activation from './activation.ts';
import * as arrange from './arrange.ts';
import * as bessel from './bessel.ts';
import * as frexp from './frexp.ts';
import * as gamma from './gamma.ts';
import * as pairs from './pairs.ts';
import * as shift from './shift.ts';
import * as sign from './sign.ts';
import * as bitwise from './bitwise.ts';
import * as close from './close.ts';
import * as compare from './compare.ts';
import * as convert from './convert.ts';
import * as creation from './creation.ts';
import * as cumulate from './cumulate.ts';
import * as extrema from './extrema.ts';
import * as division from './division.ts';
import * as gather from './gather.ts';
import * as indexing from './indexing.ts';
import * as join from './join.ts';
import * as choleskyOps from './linalg/cholesky.ts';
import * as detOps from './linalg/det.ts';
import * as inverseOps from './linalg/inverse.ts';
import * as luOps from './linalg/lu.ts';
import * as pinvOps from './linalg/pinv.ts';
import * as powerOps from './linalg/power.ts';
import * as qrOps from './linalg/qr.ts';
import * as svdOps from './linalg/svd.ts';
import * as triangularOps from './linalg/triangular.ts';
import * as lookup from './lookup.ts';
import * as masked from './masked.ts';
import * as matmul from './matmul.ts';
import * as moments from './moments.ts';
import * as multinomial from './multinomial.ts';
import * as nonzero from './nonzero.ts';
import * as norm from './norm.ts';
import * as piecewise from './piecewise.ts';
import * as pointwise from './pointwise.ts';
import * as power from './power.ts';
import * as pieces from './pieces.ts';
import * as products from './products.ts';
import * as random from './random.ts';
import * as reduce from './reduce.ts';
import * as select from './select.ts';
import * as softmax from './softmax.ts';
import * as sort from './sort.ts';
import * as special from './special.ts';
import * as statistics from './statistics.ts';
import * as running from './running.ts';
import * as differences from './differences.ts';
import * as counting from './counting.ts';
import * as scatterReduce from './scatterReduce.ts';
import * as strided from './strided.ts';
import * as ternary from './ternary.ts';
import * as turn from './turn.ts';
import * as unique from './unique.ts';
import * as view from './view.ts';
import * as randomFill from './randomFill.ts';
import { relayoutMethods } from './relayout.ts';
import { isMethodOp, methodOf, putMethod, useMethods } from './attach.ts';
// What stands on the prototype by itself.
import '../afterGrad.ts';
import '../autograd.ts';

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

/** What has the operations, in files. */
const files: readonly Readonly<Record<string, unknown>>[] = [
  activation, arrange, bessel, frexp, gamma, pairs, shift, sign, bitwise, close, compare, convert, creation, cumulate, extrema, division, gather,
  indexing, join, choleskyOps, detOps, inverseOps, luOps, pinvOps, powerOps, qrOps, svdOps, triangularOps, lookup, masked, matmul, moments,
  multinomial, nonzero, norm, piecewise, pointwise, power, pieces, products, random, reduce, select, softmax, sort, special, statistics, running,
  differences, counting, scatterReduce, strided, ternary, turn, unique, view,
];

for (const file of files) useMethods(...Object.values(file).filter(isMethodOp));
for (const [name, fill] of Object.entries(randomFill)) putMethod(name, methodOf(fill));
for (const [name, method] of Object.entries({ ...relayoutMethods, ...special.polygammaMethods })) putMethod(name, method);
