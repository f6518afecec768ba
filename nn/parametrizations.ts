import { ArgumentError, ShapeError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { randn } from '../core/ops/random.ts';
import { normalizeDim } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import type { Tensor } from '../core/tensor.ts';
import { normalize } from '../core/ops/normalize.ts';
import { toCamelCase, toSnakeCase } from '../core/names.ts';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './layers/conv.ts';
import { Module } from './module.ts';
import { Buffer, Parameter } from './parameter.ts';
import { isParametrized, registerParametrization, removeParametrizations } from './parametrize.ts';

/** The norm over all dimensions but one, kept with size 1; over all, without dimensions, for -1. */
function normExcept(v: Tensor, dim: number): Tensor {
  if (dim === -1) return v.square().sum().sqrt();
  const others = v.shape.map((_, d) => d).filter((d) => d !== dim);
  return others.length === 0 ? v.abs() : v.square().sum(others, { keepdim: true }).sqrt();
}

/** `g·v/‖v‖` from g and v. */
class WeightNorm extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(...[g, v]: Tensor[]): Tensor {
    return v.mul(g.div(normExcept(v, this.dim)));
  }

  rightInverse(weight: Tensor): readonly Tensor[] {
    return [normExcept(weight, this.dim), weight];
  }
}

/** Reads the `<name>_g` and `<name>_v` of the older weight norm. */
function understandOldNames(module: Module, name: string): void {
  const before: unknown = Reflect.get(module, 'prepareStateDict');
  Object.defineProperty(module, 'prepareStateDict', {
    configurable: true,
    enumerable: false,
    value(this: Module, state: Record<string, unknown>): Record<string, unknown> {
      const adapted = (before as (this: Module, state: Record<string, unknown>) => Record<string, unknown>).call(this, state);
      ['g', 'v'].forEach((part, i) => {
        const old = `${name}_${part}`;
        if (!Object.hasOwn(adapted, old) || !isParametrized(this, toCamelCase(name))) return;
        adapted[`parametrizations.${name}.original${i}`] = adapted[old];
        delete adapted[old];
      });
      return adapted;
    },
  });
}

/** The tensor of a module that a norm is put on. */
function tensorOf(op: string, module: Module, name: string): { readonly tensor: Tensor; readonly key: string } {
  if (!(module instanceof Module)) throw new ArgumentError(`${op}: not a Module, got ${show(module)}; expected a Module`);
  const tensor: unknown = Reflect.get(module, name in module ? name : toCamelCase(name));
  const found = module.namedParameters({ recurse: false }).find(([, p]) => p === tensor) ?? module.namedBuffers({ recurse: false }).find(([, b]) => b === tensor);
  if (found === undefined || !(tensor instanceof Parameter || tensor instanceof Buffer)) {
    throw new ArgumentError(`${op}: no such tensor, got ${show(name)} of ${module.constructor.name}; expected a Parameter or Buffer that is not parametrised`);
  }
  return { tensor, key: found[0] };
}

/**
 * Splits a weight into length and direction, `weight = g·v/‖v‖`, which are trained instead: the members `parametrizations.<name>.original0` (g) and
 * `original1` (v). State dictionaries with the older names `<name>_g` and `<name>_v` can be loaded.
 *
 * @param name - which tensor; default 'weight'
 * @param dim - each entry of this dimension has a length of its own; null or -1 for one length in all; default 0
 * @returns the module
 * @throws ArgumentError when there is no such tensor; ShapeError for a dimension outside
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html and Salimans & Kingma, 2016
 */
export function weightNorm<M extends Module>(module: M, name = 'weight', dim: number | null = 0): M {
  const { tensor, key } = tensorOf('weightNorm', module, name);
  const d = dim === null || dim === -1 ? -1 : normalizeDim('weightNorm', dim, tensor.ndim);
  registerParametrization(module, name, new WeightNorm(d), { unsafe: true });
  understandOldNames(module, key);
  return module;
}

/** Makes a tensor plain again, where the parametrization on it is of a kind. */
function removeKind<M extends Module>(op: string, kind: new (...args: never[]) => Module, module: M, name: string): M {
  if (!(module instanceof Module)) throw new ArgumentError(`${op}: not a Module, got ${show(module)}; expected a Module`);
  const path = `parametrizations.${toSnakeCase(name)}.0`;
  const found = module.namedModules({ removeDuplicate: false }).find(([at]) => at === path);
  if (!(found?.[1] instanceof kind)) throw new ArgumentError(`${op}: no such norm, got ${show(name)} of ${module.constructor.name}; expected a tensor with it`);
  return removeParametrizations(module, name);
}

/**
 * Makes a tensor under `weightNorm` a plain one again, with the value it has.
 *
 * @returns the module
 * @throws ArgumentError when there is no weight norm on it
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.remove_weight_norm.html
 */
export function removeWeightNorm<M extends Module>(module: M, name = 'weight'): M {
  return removeKind('removeWeightNorm', WeightNorm, module, name);
}

/**
 * Makes a tensor under `spectralNorm` a plain one again, with the value it has.
 *
 * @returns the module
 * @throws ArgumentError when there is no spectral norm on it
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.remove_spectral_norm.html
 */
export function removeSpectralNorm<M extends Module>(module: M, name = 'weight'): M {
  return removeKind('removeSpectralNorm', SpectralNorm, module, name);
}

/** Options of `spectralNorm`. */
export interface SpectralNormOptions {
  /** Steps of the power iteration at every reading in training; default 1. */
  readonly nPowerIterations?: number;
  /** Least norm; default 1e-12. */
  readonly eps?: number;
  /** The dimension of the outputs; default 1 for transposed convolutions, else 0. */
  readonly dim?: number | null;
}

/** `weight/σ` with the largest singular value σ, followed by power iteration in training. */
class SpectralNorm extends Module {
  readonly dim: number;
  readonly nPowerIterations: number;
  readonly eps: number;
  _u: Buffer | null;
  _v: Buffer | null;

  constructor(weight: Tensor, dim: number, nPowerIterations: number, eps: number) {
    super();
    this.dim = dim;
    this.nPowerIterations = nPowerIterations;
    this.eps = eps;
    this._u = null;
    this._v = null;
    if (weight.ndim < 2) return;
    const matrix = this.matrix(weight.detach());
    const start = (size: number): Buffer => new Buffer(normalize(randn([size], { dtype: weight.dtype, device: weight.device }), { dim: 0, eps }));
    this._u = start(matrix.shape[0]);
    this._v = start(matrix.shape[1]);
    this.iterate(matrix, this._u, this._v, 15);
  }

  private matrix(weight: Tensor): Tensor {
    return weight.movedim(this.dim, 0).flatten(1);
  }

  private iterate(matrix: Tensor, u: Buffer, v: Buffer, steps: number): void {
    noGrad(() => {
      const values = matrix.detach();
      for (let i = 0; i < steps; i++) {
        u.copy_(normalize(values.mv(v), { dim: 0, eps: this.eps }));
        v.copy_(normalize(values.t().mv(u), { dim: 0, eps: this.eps }));
      }
    });
  }

  forward(...[weight]: Tensor[]): Tensor {
    if (this._u === null || this._v === null) return normalize(weight, { dim: 0, eps: this.eps });
    const matrix = this.matrix(weight);
    if (this.training) this.iterate(matrix, this._u, this._v, this.nPowerIterations);
    const sigma = this._u.clone().dot(matrix.mv(this._v.clone()));
    return weight.div(sigma);
  }

  rightInverse(value: Tensor): Tensor {
    return value;
  }
}

/**
 * Divides a weight by its largest singular value, so that the layer's Lipschitz constant is about 1. The weight before the division is the member
 * `parametrizations.<name>.original`, the singular vectors are the buffers `parametrizations.<name>.0._u` and `._v`.
 *
 * @param name - which tensor; default 'weight'
 * @returns the module
 * @throws ArgumentError when there is no such tensor, or for options out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.spectral_norm.html and Miyato et al., 2018
 */
export function spectralNorm<M extends Module>(module: M, name = 'weight', options: SpectralNormOptions = {}): M {
  const op = 'spectralNorm';
  checkOptions(op, options, ['nPowerIterations', 'eps', 'dim']);
  const { tensor } = tensorOf(op, module, name);
  const { nPowerIterations = 1, eps = 1e-12 } = options;
  checkNumber(op, 'nPowerIterations', nPowerIterations, 'an integer ≥ 1', (v) => Number.isInteger(v) && v >= 1);
  checkNumber(op, 'eps', eps, 'a number ≥ 0', (v) => v >= 0);
  if (tensor.numel() === 0) throw new ShapeError(`${op}: nothing to normalise, got ${show(tensor)}; expected at least one element`);
  const isTransposed = module instanceof ConvTranspose1d || module instanceof ConvTranspose2d || module instanceof ConvTranspose3d;
  const dim = normalizeDim(op, options.dim ?? (isTransposed ? 1 : 0), tensor.ndim);
  return registerParametrization(module, name, new SpectralNorm(tensor, dim, nPowerIterations, eps));
}
