import { type TriangularAttrs, triangularKernel } from '../../cpu/linalg/triangular.ts';
import { ArgumentError, ShapeError, show } from '../../errors.ts';
import { type Primitive, apply, primitive } from '../../op.ts';
import { type Results, results } from '../../results.ts';
import type { Tensor } from '../../tensor.ts';
import { type Free, type Method, free, method } from '../define.ts';
import { argumentsOf, broadcastBatches, checkMatrix, checkSameDType, checkSquare, colsIn, flagOf, rowsIn, turned } from './arguments.ts';

const family = 'linear algebra';

const triangularOp: Primitive<TriangularAttrs> = primitive<TriangularAttrs>({
  name: 'solveTriangular',
  infer: ([, b]) => b as Tensor,
  cpu: triangularKernel,
  saves: 'both',
  backward: (node, g) => {
    if (g === null) return [null, null];
    const { upper, unitriangular } = node.attrs as TriangularAttrs;
    const gb = apply(triangularOp, [turned(node.input(0)), g], { upper: !upper, unitriangular });
    if (!node.needs(0)) return [null, gb];
    const ga = gb.matmul(turned(node.output())).neg();
    const inside = unitriangular ? 1 : 0;
    return [upper ? ga.triu(inside) : ga.tril(-inside), gb];
  },
});

/** `A⁻¹ B` for triangular `A`; leading dimensions broadcast. With a name, a zero on the diagonal is an error. */
export function solveTriangle(a: Tensor, b: Tensor, upper: boolean, unitriangular = false, refusing?: string): Tensor {
  const [p, q] = broadcastBatches('linalg.solveTriangular', a, b);
  return apply(triangularOp, [p, q], { upper, unitriangular, ...(refusing !== undefined && { refusing }) });
}

/** `B A⁻¹` for triangular `A`. */
export function solveTriangleRight(a: Tensor, b: Tensor, upper: boolean, unitriangular = false): Tensor {
  return turned(solveTriangle(turned(a), turned(b), !upper, unitriangular));
}

/** Options of `linalg.solveTriangular`. */
export interface SolveTriangularOptions {
  /** Whether `A` is upper triangular; must be given. The other triangle is not read. */
  readonly upper: boolean;
  /** `A X = B` (true, the default), or `X A = B`. */
  readonly left?: boolean;
  /** Take the diagonal of `A` to be ones, without reading it; default false. */
  readonly unitriangular?: boolean;
}

/**
 * Solution of `A X = B` (or `X A = B`) for triangular `A`. A zero on the diagonal gives infinities and NaN.
 *
 * @throws ShapeError when sizes do not fit; ArgumentError without `upper`; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.solve_triangular.html
 */
export const solveTriangular: Free<(a: Tensor, b: Tensor, options: SolveTriangularOptions) => Tensor> = free(
  {
    name: 'linalg.solveTriangular',
    family,
    torch: 'linalg.solve_triangular',
    samples: (s) => [
      [s.float([3, 3], 0.5, 2), s.float([3, 2]), { upper: true }],
      [s.float([2, 3, 3], 0.5, 2), s.float([3, 1]), { upper: false }],
      [s.float([2, 2], 0.5, 2), s.float([3, 2]), { upper: true, left: false }],
      [s.float([2, 2]), s.float([2, 2]), { upper: false, unitriangular: true }],
      [s.float([0, 0]), s.float([0, 2]), { upper: true }],
    ],
  },
  (a: Tensor, b: Tensor, options: SolveTriangularOptions): Tensor => {
    const name = 'linalg.solveTriangular';
    const given = argumentsOf(name, [options], [], ['upper', 'left', 'unitriangular']);
    if (given.upper === undefined) throw new ArgumentError(`${name}: upper is not given, got ${show(options)}; expected { upper: true } or { upper: false }`);
    const [upper, left, unit] = [flagOf(name, given, 'upper', false), flagOf(name, given, 'left', true), flagOf(name, given, 'unitriangular', false)];
    checkSquare(name, a, 'A');
    checkMatrix(name, b, 'B');
    checkSameDType(name, a, b);
    if ((left ? rowsIn(b) : colsIn(b)) !== rowsIn(a)) {
      throw new ShapeError(`${name}: sizes do not fit ${left ? 'A X = B' : 'X A = B'}, got A ${show(a)} and B ${show(b)}; expected ${rowsIn(a)} ${left ? 'rows' : 'columns'} of B`);
    }
    return left ? solveTriangle(a, b, upper, unit) : solveTriangleRight(a, b, upper, unit);
  },
);

/** Options of `triangularSolve`. */
export interface TriangularSolveOptions {
  /** Whether `A` is upper triangular; default true. */
  readonly upper?: boolean;
  /** Solve `Aᵀ X = b`; default false. */
  readonly transpose?: boolean;
  /** Take the diagonal of `A` to be ones; default false. */
  readonly unitriangular?: boolean;
}

type Flag = boolean | TriangularSolveOptions;

/**
 * Solution of `A X = b` for triangular `A`, and a copy of `A`; `linalg.solveTriangular` is the newer form.
 *
 * @throws ShapeError when sizes do not fit; DTypeError when dtypes differ or are not float
 * @see https://pytorch.org/docs/stable/generated/torch.triangular_solve.html
 */
export const triangularSolve: Method<
  (b: Tensor, a: Tensor, upper?: Flag, transpose?: Flag, unitriangular?: Flag) => Results<{ solution: Tensor; clonedCoefficient: Tensor }>
> = method(
  {
    name: 'triangularSolve',
    family,
    samples: (s) => [
      [s.float([3, 2]), s.float([3, 3], 0.5, 2)],
      [s.float([3, 2]), s.float([2, 3, 3], 0.5, 2), false],
      [s.float([2, 2]), s.float([2, 2], 0.5, 2), true, true],
      [s.float([2, 2]), s.float([2, 2]), false, true, true],
    ],
  },
  (b: Tensor, a: Tensor, ...rest: readonly (Flag | undefined)[]) => {
    const name = 'triangularSolve';
    const given = argumentsOf(name, rest, ['upper', 'transpose', 'unitriangular']);
    checkMatrix(name, b, 'b');
    checkSquare(name, a, 'A');
    checkSameDType(name, b, a);
    if (rowsIn(b) !== rowsIn(a)) throw new ShapeError(`${name}: sizes do not fit A X = b, got A ${show(a)} and b ${show(b)}; expected ${rowsIn(a)} rows of b`);
    const [upper, unit] = [flagOf(name, given, 'upper', true), flagOf(name, given, 'unitriangular', false)];
    const solution = flagOf(name, given, 'transpose', false) ? solveTriangle(turned(a), b, !upper, unit) : solveTriangle(a, b, upper, unit);
    return results({ solution, clonedCoefficient: broadcastBatches(name, a, b)[0].clone() });
  },
);
