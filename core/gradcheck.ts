import { grad } from './autograd.ts';
import { isFloat } from './dtype.ts';
import { ArgumentError, DTypeError, PolyakError, StateError, checkNumber, checkOptions, show } from './errors.ts';
import { Tensor, emptyTensor } from './tensor.ts';

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Step of the finite differences; default 1e-6. */
  readonly eps?: number;
  /** Absolute tolerance; default 1e-5. */
  readonly atol?: number;
  /** Relative tolerance; default 1e-3. */
  readonly rtol?: number;
  /** Throw where a gradient is wrong, instead of returning false; default true. */
  readonly raiseException?: boolean;
}

/** Options of `gradgradcheck`. */
export interface GradgradcheckOptions extends GradcheckOptions {
  /** Gradients of the differentiable outputs; default fixed numbers between -1 and 1. */
  readonly gradOutputs?: Tensor | readonly Tensor[];
}

/** A gradient formula disagrees with finite differences. */
export class GradcheckError extends PolyakError {
  override name = 'GradcheckError';
}

/** What a checked function returns: a tensor or several. */
export type GradcheckResult = Tensor | Iterable<Tensor>;

interface Settings {
  readonly eps: number;
  readonly atol: number;
  readonly rtol: number;
  readonly raiseException: boolean;
}

function settingsOf(name: string, options: GradcheckOptions, more: readonly string[] = []): Settings {
  checkOptions(name, options, ['eps', 'atol', 'rtol', 'raiseException', ...more]);
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options;
  checkNumber(name, 'eps', eps, 'a number > 0', (v) => v > 0 && v < Infinity);
  checkNumber(name, 'atol', atol, 'a number ≥ 0', (v) => v >= 0);
  checkNumber(name, 'rtol', rtol, 'a number ≥ 0', (v) => v >= 0);
  return { eps, atol, rtol, raiseException };
}

/** The inputs to vary: all that require grad, which must be float64 without shared cells. */
function variedInputs(name: string, inputs: readonly unknown[]): Tensor[] {
  const varied: Tensor[] = [];
  inputs.forEach((x, i) => {
    if (!(x instanceof Tensor) || !x.requiresGrad) return;
    if (x.dtype !== 'float64') {
      throw new DTypeError(`${name}: input ${i} is not precise enough for finite differences, got ${show(x)}; expected float64`, {
        hint: "tensor(…, { dtype: 'float64', requiresGrad: true })",
      });
    }
    if (x.strides.some((s, d) => s === 0 && x.shape[d] > 1)) {
      throw new StateError(`${name}: several elements of input ${i} share one cell, got an expanded ${show(x)}; expected a tensor of its own`, {
        hint: 'clone() it first',
      });
    }
    varied.push(x);
  });
  if (varied.length === 0) throw new ArgumentError(`${name}: no input requires grad, got ${show(inputs)}; expected at least one float64 tensor that does`);
  return varied;
}

/** The float outputs of a call. */
function floatOutputs(name: string, result: unknown): Tensor[] {
  const iterable = typeof result === 'object' && result !== null && !(result instanceof Tensor) && Symbol.iterator in result;
  const all = iterable ? [...(result as Iterable<unknown>)] : [result];
  return all.filter((y): y is Tensor => {
    if (!(y instanceof Tensor)) throw new ArgumentError(`${name}: the function gave no tensor, got ${show(y)}; expected a tensor or several`);
    return isFloat(y.dtype);
  });
}

/** Where the elements of a tensor lie in its storage, in row-major order. */
function cellsOf(x: Tensor): number[] {
  let cells = [x.offset];
  x.shape.forEach((size, d) => {
    cells = cells.flatMap((c) => Array.from({ length: size }, (_, i) => c + i * x.strides[d]));
  });
  return cells;
}

/** Jacobian as rows of output elements: one list of rows per varied input. */
type Jacobian = readonly (readonly Float64Array[])[];

const blank = (outputs: number, inputs: readonly Tensor[]): Float64Array[][] =>
  inputs.map((x) => Array.from({ length: outputs }, () => new Float64Array(x.numel())));

/** Central differences `(f(x + eps) - f(x - eps)) / 2eps`, one Jacobian per output. */
function numericalJacobians(name: string, call: () => unknown, varied: readonly Tensor[], sizes: readonly number[], eps: number): Jacobian[] {
  const jacobians = sizes.map((n) => blank(n, varied));
  const valuesAt = (cells: { [i: number]: number }, at: number, value: number): ArrayLike<number>[] => {
    const before = cells[at];
    cells[at] = value;
    try {
      return floatOutputs(name, call()).map((y) => y.data());
    } finally {
      cells[at] = before;
    }
  };
  varied.forEach((x, i) => {
    const { cells } = x.storage;
    cellsOf(x).forEach((at, j) => {
      const value = cells[at];
      const high = valuesAt(cells, at, value + eps);
      const low = valuesAt(cells, at, value - eps);
      high.forEach((y, o) => {
        if (y.length !== sizes[o] || low[o].length !== sizes[o]) {
          throw new ArgumentError(`${name}: output ${o} changed its size, got ${y.length} elements; expected ${sizes[o]}`);
        }
        for (let k = 0; k < y.length; k++) jacobians[o][i][k][j] = (y[k] - low[o][k]) / (2 * eps);
      });
    });
  });
  return jacobians;
}

/** Gradients of one output element with respect to the varied inputs, zeros where it does not depend on one. */
function rowOf(output: Tensor, k: number, varied: readonly Tensor[]): Float64Array[] {
  const seed = emptyTensor(output.shape, output.dtype, output.device);
  seed.storage.cells[k] = 1;
  const grads = grad(output, varied, { gradOutputs: seed, retainGraph: true, allowUnused: true });
  return varied.map((x, i) => Float64Array.from(grads[i]?.data() ?? new Float64Array(x.numel())));
}

function analyticJacobian(name: string, output: Tensor, varied: readonly Tensor[]): Jacobian {
  const jacobian = blank(output.numel(), varied);
  if (!output.requiresGrad) return jacobian;
  for (let k = 0; k < output.numel(); k++) {
    rowOf(output, k, varied).forEach((row, i) => {
      jacobian[i][k] = row;
    });
  }
  if (output.numel() > 0) {
    rowOf(output, 0, varied).forEach((row, i) => {
      if (!row.every((v, j) => Object.is(v, jacobian[i][0][j]))) {
        throw new GradcheckError(`${name}: a second backward pass gives another gradient for input ${i}, got [${row.join(', ')}]; expected [${jacobian[i][0].join(', ')}]`, {
          hint: 'does the gradient formula write into a saved value?',
        });
      }
    });
  }
  return jacobian;
}

function compare(name: string, o: number, analytic: Jacobian, numerical: Jacobian, { atol, rtol }: Settings): void {
  analytic.forEach((rows, i) => {
    rows.forEach((row, k) => {
      row.forEach((a, j) => {
        const n = numerical[i][k][j];
        if (Object.is(a, n) || Math.abs(a - n) <= atol + rtol * Math.abs(n)) return;
        throw new GradcheckError(
          `${name}: wrong gradient of output ${o} (element ${k}) for differentiable input ${i} (element ${j}), got ${a}; ` +
            `expected ${n} by finite differences, within ${atol + rtol * Math.abs(n)}`,
          { values: { output: o, outputElement: k, input: i, inputElement: j, analytic: a, numerical: n } },
        );
      });
    });
  });
}

function check(name: string, call: () => unknown, varied: readonly Tensor[], settings: Settings): boolean {
  try {
    const outputs = floatOutputs(name, call());
    const analytic = outputs.map((y) => analyticJacobian(name, y, varied));
    const numerical = numericalJacobians(name, call, varied, outputs.map((y) => y.numel()), settings.eps);
    analytic.forEach((jacobian, o) => compare(name, o, jacobian, numerical[o], settings));
    return true;
  } catch (error) {
    if (error instanceof GradcheckError && !settings.raiseException) return false;
    throw error;
  }
}

/**
 * Compares the gradients of a function with central differences `(f(x + eps) - f(x - eps)) / 2eps`, for every float output and
 * every input that requires grad, within `atol + rtol·|difference|`.
 *
 * @param fn - a deterministic function of `inputs` that returns a tensor or several
 * @param inputs - its arguments; those that require grad must be float64, and are varied in place and restored
 * @returns true; or false for a wrong gradient with `raiseException: false`
 * @throws GradcheckError for a wrong gradient; DTypeError for a varied input that is not float64; ArgumentError when none requires grad
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
 */
export function gradcheck<A extends readonly unknown[]>(fn: (...inputs: NoInfer<A>) => GradcheckResult, inputs: readonly [...A], options?: GradcheckOptions): boolean;
export function gradcheck(fn: (input: Tensor) => GradcheckResult, input: Tensor, options?: GradcheckOptions): boolean;
export function gradcheck(fn: (...inputs: readonly never[]) => GradcheckResult, given: Tensor | readonly unknown[], options: GradcheckOptions = {}): boolean {
  const settings = settingsOf('gradcheck', options);
  const inputs = given instanceof Tensor ? [given] : given;
  return check('gradcheck', () => fn(...(inputs as never[])), variedInputs('gradcheck', inputs), settings);
}

/** Fixed numbers between -1 and 1, no two alike nearby: they keep terms of a sum from cancelling. */
function fixedLike(y: Tensor, o: number): Tensor {
  const made = emptyTensor(y.shape, y.dtype, y.device);
  const { cells } = made.storage;
  for (let k = 0; k < cells.length; k++) cells[k] = 2 * (((k + 1 + 7 * o) * 0.6180339887498949) % 1) - 1;
  return made;
}

/**
 * Compares second derivatives with central differences of the first: `gradcheck` of the function that maps inputs and gradients of
 * the outputs to gradients of the inputs.
 *
 * @param fn - as for `gradcheck`; its gradient formulas must be differentiable themselves
 * @param inputs - as for `gradcheck`
 * @returns true; or false for a wrong gradient with `raiseException: false`
 * @throws GradcheckError for a wrong gradient; ArgumentError when no output is differentiable; and as `gradcheck`
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradgradcheck.html
 */
export function gradgradcheck<A extends readonly unknown[]>(fn: (...inputs: NoInfer<A>) => GradcheckResult, inputs: readonly [...A], options?: GradgradcheckOptions): boolean;
export function gradgradcheck(fn: (input: Tensor) => GradcheckResult, input: Tensor, options?: GradgradcheckOptions): boolean;
export function gradgradcheck(fn: (...inputs: readonly never[]) => GradcheckResult, all: Tensor | readonly unknown[], options: GradgradcheckOptions = {}): boolean {
  const name = 'gradgradcheck';
  const inputs = all instanceof Tensor ? [all] : all;
  const settings = settingsOf(name, options, ['gradOutputs']);
  const varied = variedInputs(name, inputs);
  const differentiable = (): Tensor[] => floatOutputs(name, fn(...(inputs as never[]))).filter((y) => y.requiresGrad);
  const outputs = differentiable();
  if (outputs.length === 0) throw new ArgumentError(`${name}: no output is differentiable, got none that requires grad; expected at least one`);
  const given = options.gradOutputs instanceof Tensor ? [options.gradOutputs] : options.gradOutputs;
  if (given !== undefined && given.length !== outputs.length) {
    throw new ArgumentError(`${name}: number of gradOutputs, got ${given.length}; expected ${outputs.length}, one per differentiable output`);
  }
  const seeds = given ?? outputs.map(fixedLike);
  const fresh = seeds.map((s) => (s.requiresGrad ? s : s.detach().clone().requiresGrad_()));
  const first = (): Tensor[] =>
    grad(differentiable(), varied, { gradOutputs: fresh, createGraph: true, allowUnused: true }).filter((g): g is Tensor => g !== null);
  return check(name, first, variedInputs(name, [...varied, ...fresh]), settings);
}
