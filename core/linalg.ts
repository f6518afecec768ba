// What PyTorch has in torch.linalg.
export { matmul } from './ops/matmul.ts';
export { cholesky, choleskyEx } from './ops/linalg/cholesky.ts';
export { det, slogdet } from './ops/linalg/det.ts';
export { eigh, type EighOptions, eigvalsh } from './ops/linalg/eigh.ts';
export { type CheckErrorsOptions, inverse as inv, invEx, solve, solveEx, type SolveOptions } from './ops/linalg/inverse.ts';
export { ldlFactor, ldlFactorEx, ldlSolve, type LdlOptions } from './ops/linalg/ldl.ts';
export { lstsq, type LstsqDriver, type LstsqOptions, type LstsqResults } from './ops/linalg/lstsq.ts';
export { linalgLu as lu, linalgLuSolve as luSolve, luFactor, luFactorEx, type LuSolveOptions, type PivotOptions } from './ops/linalg/lu.ts';
export { cond, linalgNorm as norm, matrixNorm, type MatrixOrder, type NormOptions, vectorNorm } from './ops/linalg/norms.ts';
export { type Bound, matrixRank, pinv, type ToleranceOptions } from './ops/linalg/pinv.ts';
export { matrixExp, matrixPower, multiDot } from './ops/linalg/power.ts';
export {
  type DiagonalOptions, type DimOption, linalgCross as cross, linalgDiagonal as diagonal, linalgVander as vander, type VanderOptions, vecdot,
} from './ops/linalg/products.ts';
export { linalgQr as qr, type LinalgQrOptions as QrOptions, type QrMode, type QrResults, orgqr as householderProduct } from './ops/linalg/qr.ts';
export { linalgSvd as svd, type LinalgSvdOptions as SvdOptions, svdvals } from './ops/linalg/svd.ts';
export { tensorinv, tensorsolve, type TensorsolveOptions } from './ops/linalg/tensors.ts';
export { solveTriangular, type SolveTriangularOptions } from './ops/linalg/triangular.ts';
