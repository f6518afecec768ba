import { isFloat } from './dtype.ts';
import { ArgumentError, ShapeError, StateError, checkOptions, show } from './errors.ts';
import { type Target, accumulate, addTarget, runPass } from './pass.ts';
import { sameShape } from './shape.ts';
import { type GradHook, type Node, historyOf } from './tape.ts';
import { Tensor, emptyTensor } from './tensor.ts';

/** Options of `backward` and `grad`. */
export interface BackwardOptions {
  /** Record the gradient computation itself, for second derivatives; default false. */
  readonly createGraph?: boolean;
  /** Keep saved values for another pass; default the value of `createGraph`. */
  readonly retainGraph?: boolean;
}

/** A gradient for one tensor, or for each of several; null for those of one element, which take 1. */
export type GradTensors = Tensor | readonly (Tensor | null)[];

/** Options of the method `backward`. */
export interface TensorBackwardOptions extends BackwardOptions {
  /** Gradient of the tensor itself; needed unless it has one element. */
  readonly gradient?: Tensor | null;
  /** Only these leaves receive a gradient; default all that require one. */
  readonly inputs?: Tensor | readonly Tensor[] | null;
}

/** Options of the function `backward`. */
export interface TensorsBackwardOptions extends BackwardOptions {
  /** Gradients of the tensors; needed for those that have more than one element. */
  readonly gradTensors?: GradTensors | null;
  /** Only these leaves receive a gradient; default all that require one. */
  readonly inputs?: Tensor | readonly Tensor[] | null;
}

/** Options of `grad`. */
export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; needed for those that have more than one element. */
  readonly gradOutputs?: GradTensors | null;
  /** Give null for an input that the outputs do not depend on, instead of an error; default false, true with `materializeGrads`. */
  readonly allowUnused?: boolean;
  /** Give zeros for such an input; default false. */
  readonly materializeGrads?: boolean;
}

const listOf = <T extends Tensor | null>(x: T | readonly T[]): readonly T[] => (x instanceof Tensor || x === null ? [x] : x);

function seedFor(name: string, output: unknown, given: Tensor | null | undefined): Tensor {
  if (!(output instanceof Tensor)) throw new ArgumentError(`${name}: not a tensor, got ${show(output)}; expected tensors`);
  if (!output.requiresGrad) {
    throw new StateError(`${name}: the tensor has no history, got ${show(output)} without requiresGrad; expected a result of tensors that require grad`);
  }
  if (given === null || given === undefined) {
    if (output.numel() !== 1) {
      throw new ShapeError(`${name}: a gradient is needed for more than one element, got ${show(output)}; expected a single element`, {
        hint: name === 'grad' ? 'pass { gradOutputs }' : 'reduce with sum() or mean(), or pass { gradient }',
      });
    }
    return emptyTensor(output.shape, output.dtype, output.device).fill_(1);
  }
  if (!(given instanceof Tensor) || !sameShape(given.shape, output.shape)) {
    throw new ShapeError(`${name}: the gradient does not fit, got ${show(given)}; expected [${output.shape.join(', ')}]`);
  }
  return given.dtype === output.dtype ? given : given.to(output.dtype);
}

/** The gradients that outputs start from: those that are given, else 1. */
function seedsFor(name: string, outputs: readonly Tensor[], given: GradTensors | null | undefined): Tensor[] {
  const list = given === null || given === undefined ? outputs.map(() => null) : listOf(given);
  if (list.length !== outputs.length) throw new ArgumentError(`${name}: gradients do not fit the tensors, got ${list.length} for ${outputs.length}; expected one for each`);
  return outputs.map((y, i) => seedFor(name, y, list[i]));
}

/** Options of a call whose second argument may be gradients, which are then called `key`. */
function withGradients<O extends object>(name: string, key: string, given: GradTensors | O | null | undefined, options: O | undefined): O {
  const isGradients = given === null || given instanceof Tensor || Array.isArray(given);
  if (!isGradients) {
    if (given !== undefined && options !== undefined) throw new ArgumentError(`${name}: options are given twice, got ${show(given)} and ${show(options)}; expected one object`);
    return (given as O | undefined) ?? options ?? ({} as O);
  }
  if (options !== undefined && key in options) throw new ArgumentError(`${name}: '${key}' is given twice, got it by place and by name; expected one of them`);
  return { ...(options as O), [key]: given };
}

function backwardFrom(outputs: readonly Tensor[], given: GradTensors | null | undefined, { createGraph = false, retainGraph = createGraph, inputs }: Omit<TensorBackwardOptions, 'gradient'>): void {
  const seeds = seedsFor('backward', outputs, given);
  let targets: Map<Node, Target[]> | null = null;
  if (inputs !== undefined && inputs !== null) {
    targets = new Map();
    const list = listOf(inputs);
    if (list.length === 0) throw new ArgumentError('backward: inputs are empty, got []; expected tensors, or no such option');
    for (const x of list) {
      if (!(x instanceof Tensor) || !x.requiresGrad) throw new StateError(`backward: an input does not require grad, got ${show(x)}; expected tensors that do`);
      addTarget(targets, historyOf(x), { index: x.outputIndex, deliver: (g) => g !== null && accumulate(x, g, createGraph) });
    }
  }
  if (outputs.length > 0) runPass(outputs, seeds, { createGraph, retainGraph, targets, made: createGraph ? null : [] });
}

/**
 * Sums the gradients of tensors with respect to every leaf that requires one into the leaf's `grad`: `backward(loss)`, `backward(y, gradient)`, `backward([y, z], [g, h])`.
 *
 * @param outputs - a tensor or several; their gradients stand behind them, or among the options as `gradTensors`
 * @throws StateError without history or through a freed graph; ShapeError when a gradient is needed or does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.backward.html
 */
export function backward(outputs: Tensor | readonly Tensor[], options?: TensorsBackwardOptions): void;
export function backward(outputs: Tensor | readonly Tensor[], gradTensors: GradTensors | null, options?: Omit<TensorsBackwardOptions, 'gradTensors'>): void;
export function backward(outputs: Tensor | readonly Tensor[], gradTensors?: GradTensors | TensorsBackwardOptions | null, more?: TensorsBackwardOptions): void {
  const options = withGradients('backward', 'gradTensors', gradTensors, more);
  checkOptions('backward', options, ['createGraph', 'retainGraph', 'gradTensors', 'inputs']);
  backwardFrom(listOf(outputs), options.gradTensors, options);
}

/**
 * Gradients of outputs with respect to inputs, returned and not stored.
 *
 * @param outputs - a tensor or several; their gradients are summed. Where they have more than one element, what they start from stands behind the inputs, or among the options as `gradOutputs`
 * @param inputs - a tensor or several, leaves or results
 * @returns one gradient per input; null for unused ones with `allowUnused`
 * @throws StateError when an input is not used, and neither `allowUnused` nor `materializeGrads` is set
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options: GradOptions & { readonly allowUnused: true }): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], gradOutputs: GradTensors | null, options: Omit<GradOptions, 'gradOutputs'> & { readonly allowUnused: true },
): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], gradOutputs: GradTensors | null, options?: Omit<GradOptions, 'gradOutputs'>): Tensor[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], gradOutputs?: GradTensors | GradOptions | null, more?: GradOptions): (Tensor | null)[] {
  const options = withGradients('grad', 'gradOutputs', gradOutputs, more);
  checkOptions('grad', options, ['createGraph', 'retainGraph', 'gradOutputs', 'allowUnused', 'materializeGrads']);
  const { createGraph = false, retainGraph = createGraph, materializeGrads = false, allowUnused = materializeGrads } = options;
  if (materializeGrads && !allowUnused) throw new ArgumentError('grad: options contradict each other, got materializeGrads true and allowUnused false; expected allowUnused true or left out');
  const [from, wrt] = [listOf(outputs), listOf(inputs)];
  const result = new Array<Tensor | null>(wrt.length).fill(null);
  const targets = new Map<Node, Target[]>();
  wrt.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`grad: input ${i} is not a tensor, got ${show(x)}; expected tensors`);
    if (!x.requiresGrad) throw new StateError(`grad: input ${i} does not require grad, got ${show(x)}; expected tensors that do`);
    addTarget(targets, historyOf(x), {
      index: x.outputIndex,
      deliver: (g) => {
        result[i] = g;
      },
    });
  });
  const seeds = seedsFor('grad', from, options.gradOutputs);
  if (from.length > 0) runPass(from, seeds, { createGraph, retainGraph, targets, made: createGraph ? null : [] });
  if (materializeGrads) return result.map((g, i) => g ?? emptyTensor(wrt[i].shape, wrt[i].dtype, wrt[i].device).fill_(0));
  const unused = allowUnused ? -1 : result.indexOf(null);
  if (unused >= 0) {
    throw new StateError(`grad: input ${unused} is not used by the outputs, got no gradient for it; expected every input to be used`, {
      hint: 'pass { allowUnused: true } to get null instead',
    });
  }
  return result;
}

/**
 * Calls `hook` with the gradient of this tensor whenever it is computed; what the hook returns, if anything, replaces it.
 *
 * @returns a function that removes the hook
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
 */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  if (!x.requiresGrad) throw new StateError(`registerHook: the tensor does not require grad, got ${show(x)}; expected one that does`);
  const node = historyOf(x);
  const index = x.outputIndex;
  node.hooks ??= [];
  const list = (node.hooks[index] ??= []);
  list.push(hook);
  return () => {
    const i = list.indexOf(hook);
    if (i >= 0) list.splice(i, 1);
  };
}

/** Makes a result keep its gradient in `grad`, as leaves do. @see https://pytorch.org/docs/stable/generated/torch.Tensor.retain_grad.html */
export function retainGrad(x: Tensor): void {
  if (x.isLeaf || x.retainsGrad || !isFloat(x.dtype)) return;
  x.retainsGrad = true;
  registerHook(x, (g) => {
    x.grad = x.gradient === null ? g.detach() : x.gradient.add(g.detach());
  });
}

declare module './tensor.ts' {
  interface Tensor {
    /**
     * Sums the gradient of this tensor with respect to every leaf that requires one into the leaf's `grad`. The gradient of the tensor itself is needed unless it has one element.
     *
     * @throws StateError without history or through a freed graph; ShapeError when a gradient is needed or does not fit
     * @see https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
     */
    backward(options?: TensorBackwardOptions): void;
    backward(gradient: Tensor | null, options?: Omit<TensorBackwardOptions, 'gradient'>): void;
    /** See the function `registerHook`. */
    registerHook(hook: GradHook): () => void;
    /** See the function `retainGrad`. */
    retainGrad(): void;
  }
}

Tensor.prototype.backward = function (this: Tensor, gradient?: Tensor | TensorBackwardOptions | null, more?: TensorBackwardOptions): void {
  const options = withGradients('backward', 'gradient', gradient, more);
  checkOptions('backward', options, ['createGraph', 'retainGraph', 'gradient', 'inputs']);
  backwardFrom([this], options.gradient, options);
};
Tensor.prototype.registerHook = function (this: Tensor, hook: GradHook): () => void {
  return registerHook(this, hook);
};
Tensor.prototype.retainGrad = function (this: Tensor): void {
  retainGrad(this);
};
