import { ArgumentError, ShapeError, checkOptions, show } from '../errors.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { type JacobianMode, type Linearized, checkVectors, forwardJacobian, linearizeAt, pullBack, pushForward, reverseJacobian } from './linear.ts';
import { leavesOf, mapTree } from './tree.ts';

// Functions of functions, as torch.func has them: `grad(f)` is a function. Their results have a history exactly if they depend on something outside that has one, so
// that transforms nest with each other and with `backward`.

/** Any function of tensors, arrays and objects of them. */
type Fn = (...args: never[]) => unknown;

/** Options of `grad`, `gradAndValue`. */
export interface GradTransformOptions {
  /** Which arguments to differentiate by: an index, or several for an array of gradients; default 0. */
  readonly argnums?: number | readonly number[];
  /** The function gives `[value, aux]`, and `aux` is passed on; default false. */
  readonly hasAux?: boolean;
}

/** Options of `jacrev` and `jacfwd`. */
export interface JacobianTransformOptions extends GradTransformOptions {
  /** At most so many rows (columns) at once; default all. */
  readonly chunkSize?: number | null;
}

/** `argnums` by itself, or options. */
type OrArgnums<O> = O | number | readonly number[];

interface Chosen {
  readonly single: boolean;
  readonly indices: readonly number[];
}

function chosen(name: string, argnums: unknown, count: number): Chosen {
  const single = !Array.isArray(argnums);
  const list: unknown[] = single ? [argnums] : (argnums as unknown[]);
  const indices = list.map((i) => {
    if (typeof i !== 'number' || !Number.isInteger(i) || i < -count || i >= count) throw new ArgumentError(`${name}: no such argument, got argnums ${show(argnums)} for ${count} arguments; expected indices from ${-count} to ${count - 1}`);
    return i < 0 ? i + count : i;
  });
  if (indices.length === 0 || new Set(indices).size !== indices.length) throw new ArgumentError(`${name}: invalid argnums, got ${show(argnums)}; expected at least one index, each once`);
  return { single, indices };
}

function checkFunction(name: string, fn: unknown): asserts fn is (...args: unknown[]) => unknown {
  if (typeof fn !== 'function') throw new ArgumentError(`${name}: not a function, got ${show(fn)}; expected a function of tensors`);
}

/** A call whose chosen arguments are points of derivatives. */
interface Call {
  readonly point: Linearized;
  /** What the function gave. */
  readonly value: unknown;
  readonly aux: unknown;
  /** Things per leaf of the chosen arguments, in the form of these. */
  formed(leaves: readonly unknown[]): unknown;
}

function call(name: string, fn: Fn, args: readonly unknown[], options: GradTransformOptions | undefined): Call {
  const { argnums = 0, hasAux = false } = options ?? {};
  const { single, indices } = chosen(name, argnums, args.length);
  const trees = indices.map((i) => args[i]);
  const leaves = trees.flatMap((tree) => leavesOf(name, tree));
  const formed = (parts: readonly unknown[]): unknown => {
    let next = 0;
    const made = trees.map((tree) => mapTree(tree, () => parts[next++]));
    return single ? made[0] : made;
  };
  let value: unknown;
  let aux: unknown;
  const point = linearizeAt(
    name,
    (inputs) => {
      let next = 0;
      const changed = new Map(indices.map((i) => [i, mapTree(args[i], () => inputs[next++])]));
      const given: unknown = (fn as (...rest: unknown[]) => unknown)(...args.map((arg, i) => (changed.has(i) ? changed.get(i) : arg)));
      if (hasAux && !(Array.isArray(given) && given.length === 2)) throw new ArgumentError(`${name}: the function does not give [value, aux], got ${show(given)}; expected an array of two with hasAux`);
      [value, aux] = hasAux ? (given as [unknown, unknown]) : [given, undefined];
      return leavesOf(name, value);
    },
    leaves,
  );
  return { point, value, aux, formed };
}

/** What a function gave, without history unless something outside has one. */
function settledValue({ point, value }: Call): unknown {
  return point.createGraph ? value : mapTree(value, (y) => y.detach());
}

const gradNames = ['argnums', 'hasAux'];

/** Options, of which `argnums` may be given by itself. @throws ArgumentError for options that do not exist */
function readOptions<O extends GradTransformOptions>(name: string, options: OrArgnums<O> | undefined, names: readonly string[]): O | undefined {
  const read = typeof options === 'number' || Array.isArray(options) ? ({ argnums: options } as O) : (options as O | undefined);
  checkOptions(name, read, names);
  return read;
}

function slope(name: string, made: Call): unknown {
  const [y] = made.point.outputs;
  if (!(made.value instanceof Tensor) || y.ndim !== 0) throw new ShapeError(`${name}: the function does not give a scalar, got ${show(made.value)}; expected a tensor without dimensions`);
  const one = emptyTensor([], y.dtype, y.device).fill_(1);
  return made.formed(pullBack(name, made.point, [one], made.point.createGraph));
}

/** The chosen arguments of a call, in the form of `argnums`. */
type ArgumentOf<A extends readonly unknown[], O> = O extends number | readonly number[] ? ArgumentOf<A, { readonly argnums: O }> : O extends { readonly argnums: infer N } ? (N extends number ? (number extends N ? A[number] : A[N]) : A[number][]) : A[0];
/** What `grad` gives. */
export type GradientOf<A extends readonly unknown[], O> = O extends { readonly hasAux: true } ? [ArgumentOf<A, O>, unknown] : ArgumentOf<A, O>;
/** A Jacobian in the form of the output `R`, with the form of the argument `X` in each place. */
export type JacobianOf<R, X> = R extends Tensor ? (X extends Tensor ? Tensor : { -readonly [K in keyof X]: JacobianOf<R, X[K]> }) : { -readonly [K in keyof R]: JacobianOf<R[K], X> };

/**
 * The gradient of a function that gives a scalar, as a function of the same arguments: `grad(f)(x)`.
 *
 * @returns a function that gives the gradient in the form of argument `argnums` (tensor, array or object), an array of those for several; `[gradient, aux]` with `hasAux`
 * @throws ShapeError unless the function gives a tensor without dimensions
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad.html
 */
export function grad<A extends readonly unknown[], const O extends OrArgnums<GradTransformOptions> = GradTransformOptions>(fn: (...args: A) => unknown, given?: O): (...args: A) => GradientOf<A, O> {
  checkFunction('grad', fn);
  const options = readOptions<GradTransformOptions>('grad', given, gradNames);
  return (...args) => {
    const made = call('grad', fn, args, options);
    const gradient = slope('grad', made);
    return (options?.hasAux === true ? [gradient, made.aux] : gradient) as GradientOf<A, O>;
  };
}

/**
 * Gradient and value of a function that gives a scalar: `[gradient, value]`, with `hasAux` `[gradient, [value, aux]]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad_and_value.html
 */
export function gradAndValue<A extends readonly unknown[], const O extends OrArgnums<GradTransformOptions> = GradTransformOptions>(
  fn: (...args: A) => unknown,
  given?: O,
): (...args: A) => [ArgumentOf<A, O>, O extends { readonly hasAux: true } ? [Tensor, unknown] : Tensor] {
  checkFunction('gradAndValue', fn);
  const options = readOptions<GradTransformOptions>('gradAndValue', given, gradNames);
  return (...args) => {
    const made = call('gradAndValue', fn, args, options);
    const gradient = slope('gradAndValue', made);
    const value = settledValue(made);
    return [gradient, options?.hasAux === true ? [value, made.aux] : value] as [ArgumentOf<A, O>, O extends { readonly hasAux: true } ? [Tensor, unknown] : Tensor];
  };
}

/** Options of `vjp`, behind the primals. */
export interface VjpTransformOptions {
  /** The function gives `[value, aux]`, and `aux` is passed on; default false. */
  readonly hasAux?: boolean;
}

/** Options of `jvp`. */
export interface JvpTransformOptions extends VjpTransformOptions {
  /** Refuse outputs that do not depend on an input, instead of zeros; default false. */
  readonly strict?: boolean;
}

/** What pulls vectors back: one result for one primal, an array for several. */
type Pull<A extends readonly unknown[], R> = (cotangents: R) => A extends readonly [infer X] ? X : A;

/** Options behind the primals: an object that holds `hasAux` alone is no tree of tensors. */
function splitOptions(rest: readonly unknown[]): readonly [primals: readonly unknown[], options: VjpTransformOptions] {
  const last = rest[rest.length - 1];
  const found = typeof last === 'object' && last !== null && !(last instanceof Tensor) && !Array.isArray(last) && 'hasAux' in last && typeof last.hasAux === 'boolean';
  if (!found) return [rest, {}];
  checkOptions('vjp', last, ['hasAux']);
  return [rest.slice(0, -1), last as VjpTransformOptions];
}

/**
 * Value of a function and the function that pulls vectors back: `[output, vjpFn]`, where `vjpFn(v)` is `vᵀ·J` for a `v` in the form of the output; with
 * `{ hasAux: true }` behind the primals, of a function that gives `[output, aux]`, `[output, vjpFn, aux]`.
 *
 * @returns `vjpFn` gives one result for one primal, an array for several
 * @throws ShapeError, from `vjpFn`, for vectors that do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.func.vjp.html
 */
export function vjp<A extends readonly unknown[], R, X>(fn: (...args: A) => readonly [R, X], ...rest: [...primals: A, options: { readonly hasAux: true }]): readonly [R, Pull<A, R>, X];
export function vjp<A extends readonly unknown[], R>(fn: (...args: A) => R, ...primals: A): readonly [R, Pull<A, R>];
export function vjp(fn: Fn, ...rest: readonly unknown[]): readonly unknown[] {
  checkFunction('vjp', fn);
  const [primals, { hasAux = false }] = splitOptions(rest);
  const made = call('vjp', fn, primals, { argnums: primals.map((_, i) => i), hasAux });
  const pull = (cotangents: unknown): unknown => {
    const vectors = leavesOf('vjp', cotangents);
    checkVectors('vjp', 'cotangents', vectors, made.point.outputs);
    const parts = made.formed(pullBack('vjp', made.point, vectors, made.point.createGraph)) as unknown[];
    return primals.length === 1 ? parts[0] : parts;
  };
  const value = settledValue(made);
  return hasAux ? [value, pull, made.aux] : [value, pull];
}

/** Results in the form of the function's. */
function pushedInForm({ value }: Call, pushed: readonly Tensor[]): unknown {
  let next = 0;
  return mapTree(value, () => pushed[next++]);
}

/**
 * Value of a function and its derivative in a direction: `[output, J·tangents]`; with `hasAux`, of a function that gives `[output, aux]`,
 * `[output, J·tangents, aux]`. Computed as the derivative of `uᵀ·J` with respect to u.
 *
 * @param primals - the arguments, as an array
 * @param tangents - a direction in the form of the arguments
 * @throws ShapeError for tangents that do not fit; StateError with `strict` for outputs that do not depend on an input
 * @see https://pytorch.org/docs/stable/generated/torch.func.jvp.html
 */
export function jvp<A extends readonly unknown[], R, X>(fn: (...args: A) => readonly [R, X], primals: A, tangents: A, options: JvpTransformOptions & { readonly hasAux: true }): readonly [R, R, X];
export function jvp<A extends readonly unknown[], R>(fn: (...args: A) => R, primals: A, tangents: A, options?: JvpTransformOptions): readonly [R, R];
export function jvp(fn: Fn, primals: readonly unknown[], tangents: readonly unknown[], options: JvpTransformOptions = {}): readonly unknown[] {
  checkFunction('jvp', fn);
  checkOptions('jvp', options, ['hasAux', 'strict']);
  if (!Array.isArray(primals)) throw new ArgumentError(`jvp: primals are not an array, got ${show(primals)}; expected the arguments as an array`);
  const { hasAux = false, strict = false } = options;
  const made = call('jvp', fn, primals, { argnums: primals.map((_, i) => i), hasAux });
  const directions = leavesOf('jvp', tangents);
  checkVectors('jvp', 'tangents', directions, made.point.inputs);
  const pushed = pushedInForm(made, pushForward('jvp', made.point, strict)(directions));
  const value = settledValue(made);
  return hasAux ? [value, pushed, made.aux] : [value, pushed];
}

/**
 * Value of a function and its derivative as a function of the direction: `[output, jvpFn]`, where `jvpFn(...tangents)` is `J·tangents`. The function runs once, for
 * any number of directions; `vmap(jvpFn)` takes many at once.
 *
 * @param primals - the arguments
 * @returns `jvpFn` takes tangents in the form of the primals and gives the form of the output
 * @throws ShapeError, from `jvpFn`, for tangents that do not fit
 * @see https://pytorch.org/docs/stable/generated/torch.func.linearize.html
 */
export function linearize<A extends readonly unknown[], R>(fn: (...args: A) => R, ...primals: A): readonly [R, (...tangents: A) => R] {
  checkFunction('linearize', fn);
  const made = call('linearize', fn, primals, { argnums: primals.map((_, i) => i) });
  const push = pushForward('linearize', made.point);
  const pushInForm = (...tangents: A): R => {
    const directions = leavesOf('linearize', tangents);
    checkVectors('linearize', 'tangents', directions, made.point.inputs);
    return pushedInForm(made, push(directions)) as R;
  };
  return [settledValue(made) as R, pushInForm];
}

/** How the blocks of a Jacobian are computed. */
type Blocks = (name: string, at: Linearized, mode: JacobianMode) => Tensor[][];

function jacobianOf<A extends readonly unknown[], J>(name: string, fn: Fn, given: OrArgnums<JacobianTransformOptions> | undefined, blocksOf: Blocks): (...args: A) => J {
  checkFunction(name, fn);
  const options = readOptions(name, given, [...gradNames, 'chunkSize']);
  return (...args) => {
    const made = call(name, fn, args, options);
    const blocks = blocksOf(name, made.point, { vectorize: true, chunkSize: options?.chunkSize });
    let next = 0;
    const result = mapTree(made.value, () => made.formed(blocks[next++]));
    return (options?.hasAux === true ? [result, made.aux] : result) as J;
  };
}

/**
 * The Jacobian of a function, as a function of the same arguments, a row per entry of the output, all rows at once: entry `[…i, …j]` is the derivative of output i
 * with respect to input j. For functions with fewer outputs than inputs.
 *
 * @returns a function that gives, in the form of the output, the form of argument `argnums` with tensors of shape (…output, …input)
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacrev.html
 */
export function jacrev<A extends readonly unknown[], R, const O extends OrArgnums<JacobianTransformOptions> = JacobianTransformOptions>(fn: (...args: A) => R, options?: O): (...args: A) => JacobianOf<R, ArgumentOf<A, O>> {
  return jacobianOf('jacrev', fn, options, reverseJacobian);
}

/**
 * The Jacobian as `jacrev` gives it, a column per entry of the input. For functions with fewer inputs than outputs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacfwd.html
 */
export function jacfwd<A extends readonly unknown[], R, const O extends OrArgnums<JacobianTransformOptions> = JacobianTransformOptions>(fn: (...args: A) => R, options?: O): (...args: A) => JacobianOf<R, ArgumentOf<A, O>> {
  return jacobianOf('jacfwd', fn, options, forwardJacobian);
}

/**
 * The second derivatives of a function, as a function of the same arguments: `jacfwd(jacrev(f))`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.hessian.html
 */
export function hessian<A extends readonly unknown[], R, const O extends OrArgnums<{ readonly argnums?: number | readonly number[] }> = object>(
  fn: (...args: A) => R,
  options?: O,
): (...args: A) => JacobianOf<JacobianOf<R, ArgumentOf<A, O>>, ArgumentOf<A, O>> {
  const chosenArguments: JacobianTransformOptions = readOptions<GradTransformOptions>('hessian', options, ['argnums']) ?? {};
  const inner: (...args: A) => JacobianOf<R, ArgumentOf<A, O>> = jacobianOf('hessian', fn, chosenArguments, reverseJacobian);
  return jacobianOf('hessian', inner, chosenArguments, forwardJacobian);
}
