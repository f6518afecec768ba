import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { detach } from '../ops/view.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { type Linearized, checkVectors, forwardJacobian, linearizeAt, pullBack, pushForward, reverseJacobian } from './linear.ts';

// Derivatives of functions at a point, as torch.autograd.functional has them: `jacobian(f, x)`.

/** One tensor, or several as an array. */
export type Tensors = Tensor | readonly Tensor[];
/** As many tensors as there are in `I`, in the same form. */
export type Like<I> = I extends Tensor ? Tensor : { -readonly [K in keyof I]: Tensor };
/** For each tensor of `O` what `I` has, in the same form. */
export type Each<O, I> = O extends Tensor ? Like<I> : { -readonly [K in keyof O]: Like<I> };
/** The arguments that a function of `I` takes. */
export type Arguments<I> = I extends Tensor ? [x: Tensor] : I extends readonly Tensor[] ? [...I] : never;

/** Options of `vjp`, `jvp`, `hvp` and `vhp`. */
export interface FunctionalOptions {
  /** Give the result a history, so that it differentiates again; default false. */
  readonly createGraph?: boolean;
  /** Refuse outputs that do not depend on an input, instead of zeros; default false. */
  readonly strict?: boolean;
}

/** Options of `jacobian` and `hessian`. */
export interface JacobianOptions extends FunctionalOptions {
  /** All rows at once, by `vmap`, instead of one after the other: faster, with more memory; default false. */
  readonly vectorize?: boolean;
  /** 'reverse-mode' (default): a pass per entry of the output; 'forward-mode': a pass per entry of the input, needs `vectorize`. */
  readonly strategy?: 'reverse-mode' | 'forward-mode';
}

interface Settings {
  readonly createGraph: boolean;
  readonly strict: boolean;
  readonly vectorize: boolean;
  readonly forward: boolean;
}

function settingsOf(name: string, options: JacobianOptions | undefined, names: readonly string[]): Settings {
  checkOptions(name, options, names);
  const { createGraph = false, strict = false, vectorize = false, strategy = 'reverse-mode' } = options ?? {};
  for (const [key, value] of Object.entries({ createGraph, strict, vectorize })) {
    if (typeof value !== 'boolean') throw new ArgumentError(`${name}: ${key} is not a boolean, got ${show(value)}; expected true or false`);
  }
  if (strategy !== 'reverse-mode' && strategy !== 'forward-mode') throw new ArgumentError(`${name}: unknown strategy, got ${show(strategy)}; expected 'reverse-mode' or 'forward-mode'`);
  const forward = strategy === 'forward-mode';
  if (strict && (vectorize || forward)) throw new ArgumentError(`${name}: strict does not go with vectorize, got both; expected one of them`);
  if (forward && !vectorize) throw new ArgumentError(`${name}: forward-mode goes by vmap, got vectorize: false; expected vectorize: true`);
  return { createGraph, strict, vectorize, forward };
}

const vectorNames = ['createGraph', 'strict'];
const jacobianNames = [...vectorNames, 'vectorize', 'strategy'];

function listOf(name: string, what: string, tensors: unknown): readonly Tensor[] {
  const list: unknown = tensors instanceof Tensor ? [tensors] : tensors;
  if (!Array.isArray(list) || !list.every((x) => x instanceof Tensor)) throw new ArgumentError(`${name}: ${what} are not tensors, got ${show(tensors)}; expected a tensor or an array of tensors`);
  return list;
}

/** A function at a point, and whether it gave one tensor or an array. */
function at(name: string, fn: unknown, inputs: Tensors, createGraph: boolean): { readonly point: Linearized; readonly single: boolean } {
  if (typeof fn !== 'function') throw new ArgumentError(`${name}: not a function, got ${show(fn)}; expected a function of tensors`);
  let single = false;
  const point = linearizeAt(
    name,
    (xs) => {
      const y = (fn as (...args: readonly Tensor[]) => Tensors)(...xs);
      single = y instanceof Tensor;
      return listOf(name, 'outputs', y);
    },
    listOf(name, 'inputs', inputs),
    createGraph,
  );
  return { point, single };
}

function formed<T>(list: readonly T[], single: boolean): T | readonly T[] {
  return single ? list[0] : list;
}

const settled = (xs: readonly Tensor[], createGraph: boolean): readonly Tensor[] => (createGraph ? xs : xs.map(detach));

function vectors(name: string, v: Tensors | null | undefined, like: readonly Tensor[]): readonly Tensor[] {
  if (v === null || v === undefined) {
    if (like.length !== 1 || like[0].numel() !== 1) throw new ShapeError(`${name}: a vector is needed, got none for ${show(like)}; expected one for more than a single element`);
    return [emptyTensor(like[0].shape, like[0].dtype, like[0].device).fill_(1)];
  }
  const list = listOf(name, 'vectors', v);
  checkVectors(name, 'vectors', list, like);
  return list;
}

/** Function value and vector-Jacobian product, under names and in order. */
export type VjpResult<I> = readonly [Tensors, Like<I>] & { readonly output: Tensors; readonly vjp: Like<I> };
/** Function value and Jacobian-vector product, under names and in order. */
export type JvpResult<O> = readonly [O, O] & { readonly output: O; readonly jvp: O };

/**
 * The product `vᵀ·J` of a vector with the Jacobian of `fn` at `inputs`: what `backward` computes.
 *
 * @param fn - takes as many tensors as there are inputs, gives a tensor or an array of them
 * @param inputs - a float tensor or an array of them
 * @param v - a tensor of the shape of the output (an array for an array); may be left out for a single element
 * @returns `{ output, vjp }`, also as `[output, vjp]`; `vjp` in the form of the inputs
 * @throws ShapeError for a vector that does not fit; StateError with `strict` for outputs that do not depend on an input
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
 */
export function vjp<I extends Tensors>(fn: (...inputs: Arguments<I>) => Tensors, inputs: I, v?: Tensors | null, options?: FunctionalOptions): VjpResult<I> {
  const { createGraph, strict } = settingsOf('vjp', options, vectorNames);
  const { point, single } = at('vjp', fn, inputs, createGraph);
  const pulled = settled(pullBack('vjp', point, vectors('vjp', v, point.outputs), createGraph, strict), createGraph);
  const [output, product] = [formed(settled(point.outputs, createGraph), single), formed(pulled, inputs instanceof Tensor) as Like<I>];
  return Object.assign([output, product] as const, { output, vjp: product });
}

/**
 * The product `J·v` of the Jacobian of `fn` at `inputs` with a vector: the derivative in a direction. Computed as the derivative of `uᵀ·J` with respect to u, so
 * that it works through everything that differentiates twice.
 *
 * @param v - a tensor of the shape of the input (an array for an array); may be left out for a single element
 * @returns `{ output, jvp }`, also as `[output, jvp]`, both in the form of the output
 * @throws ShapeError for a vector that does not fit; StateError with `strict` for outputs that do not depend on an input
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
 */
export function jvp<I extends Tensors, O extends Tensors>(fn: (...inputs: Arguments<I>) => O, inputs: I, v?: Tensors | null, options?: FunctionalOptions): JvpResult<O> {
  const { createGraph, strict } = settingsOf('jvp', options, vectorNames);
  const { point, single } = at('jvp', fn, inputs, createGraph);
  const pushed = settled(pushForward('jvp', point, strict)(vectors('jvp', v, point.inputs)), createGraph);
  const [output, product] = [formed(settled(point.outputs, createGraph), single) as O, formed(pushed, single) as O];
  return Object.assign([output, product] as const, { output, jvp: product });
}

/**
 * The Jacobian of `fn` at `inputs`: entry `[…i, …j]` is the derivative of output i with respect to input j.
 *
 * @returns a tensor of shape (…output, …input); an array of them for several inputs, and for several outputs an array with an entry per output
 * @throws ArgumentError for options that exclude each other; StateError with `strict` for outputs that do not depend on an input
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
 */
export function jacobian<I extends Tensors, O extends Tensors>(fn: (...inputs: Arguments<I>) => O, inputs: I, options?: JacobianOptions): Each<O, I> {
  const { createGraph, strict, vectorize, forward } = settingsOf('jacobian', options, jacobianNames);
  const { point, single } = at('jacobian', fn, inputs, createGraph);
  const blocks = forward ? forwardJacobian('jacobian', point, { vectorize }) : reverseJacobian('jacobian', point, { vectorize }, strict);
  return formed(blocks.map((row) => formed(settled(row, createGraph), inputs instanceof Tensor)), single) as Each<O, I>;
}

/** The gradient of a function with one element, as a function whose derivatives can be taken. */
function slope(name: string, fn: unknown, strict: boolean): (...inputs: readonly Tensor[]) => Tensor[] {
  return (...inputs) => {
    const { point } = at(name, fn, inputs, true);
    const [y] = point.outputs;
    if (point.outputs.length !== 1 || y.numel() !== 1) throw new ShapeError(`${name}: the function does not give one number, got ${show(point.outputs)}; expected a tensor of one element`);
    return pullBack(name, point, [vectors(name, null, [y])[0]], true, strict);
  };
}

/** Options of `hessian`. */
export interface HessianOptions extends FunctionalOptions {
  /** All rows at once, by `vmap`; default false. */
  readonly vectorize?: boolean;
  /** How the derivative of the gradient is taken; 'forward-mode' needs `vectorize`. */
  readonly outerJacobianStrategy?: 'reverse-mode' | 'forward-mode';
}

/**
 * The second derivatives of a function with one element: entry `[…i, …j]` is ∂²f/∂xᵢ∂xⱼ.
 *
 * @returns a tensor of shape (…input, …input); for several inputs an array of arrays
 * @throws ShapeError unless the function gives one element
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
 */
export function hessian<I extends Tensors>(fn: (...inputs: Arguments<I>) => Tensor, inputs: I, options?: HessianOptions): Each<I, I> {
  checkOptions('hessian', options, [...vectorNames, 'vectorize', 'outerJacobianStrategy']);
  const { outerJacobianStrategy, ...rest } = options ?? {};
  const { createGraph, strict, vectorize, forward } = settingsOf('hessian', outerJacobianStrategy === undefined ? rest : { ...rest, strategy: outerJacobianStrategy }, jacobianNames);
  const { point } = at('hessian', slope('hessian', fn, strict), inputs, createGraph);
  const blocks = forward ? forwardJacobian('hessian', point, { vectorize }) : reverseJacobian('hessian', point, { vectorize }, strict);
  const single = inputs instanceof Tensor;
  return formed(blocks.map((row) => formed(settled(row, createGraph), single)), single) as Each<I, I>;
}

/** Function value and product of the Hessian with a vector, under names and in order. */
export type HvpResult<I> = readonly [Tensor, Like<I>] & { readonly output: Tensor; readonly hvp: Like<I> };
/** Function value and product of a vector with the Hessian, under names and in order. */
export type VhpResult<I> = readonly [Tensor, Like<I>] & { readonly output: Tensor; readonly vhp: Like<I> };

/**
 * The product `H·v` of the Hessian of a function with one element with a vector, without the Hessian.
 *
 * @param v - of the shape of the input (an array for an array)
 * @returns `{ output, hvp }`, also as `[output, hvp]`
 * @throws ShapeError unless the function gives one element, and for a vector that does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
 */
export function hvp<I extends Tensors>(fn: (...inputs: Arguments<I>) => Tensor, inputs: I, v?: Tensors | null, options?: FunctionalOptions): HvpResult<I> {
  const [output, product] = hessianProduct('hvp', fn, inputs, v, options);
  return Object.assign([output, product] as const, { output, hvp: product });
}

/**
 * The product `vᵀ·H` of a vector with the Hessian of a function with one element. The Hessian is symmetric, so this is `hvp` where second derivatives are
 * continuous.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 */
export function vhp<I extends Tensors>(fn: (...inputs: Arguments<I>) => Tensor, inputs: I, v?: Tensors | null, options?: FunctionalOptions): VhpResult<I> {
  const [output, product] = hessianProduct('vhp', fn, inputs, v, options);
  return Object.assign([output, product] as const, { output, vhp: product });
}

function hessianProduct<I extends Tensors>(name: 'hvp' | 'vhp', fn: unknown, inputs: I, v: Tensors | null | undefined, options: FunctionalOptions | undefined): readonly [Tensor, Like<I>] {
  const { createGraph, strict } = settingsOf(name, options, vectorNames);
  let output: Tensor | null = null;
  const watched = (...xs: readonly Tensor[]): Tensors => {
    const y = (fn as (...args: readonly Tensor[]) => Tensor)(...xs);
    output = y;
    return y;
  };
  const { point } = at(name, slope(name, watched, strict), inputs, createGraph);
  const list = vectors(name, v, point.inputs);
  const product = name === 'vhp' ? pullBack(name, point, list, createGraph, strict) : pushForward(name, point, strict)(list);
  if (output === null) throw new ArgumentError(`${name}: the function was not called, got no value; expected one`);
  return [settled([output], createGraph)[0], formed(settled(product, createGraph), inputs instanceof Tensor) as Like<I>];
}
