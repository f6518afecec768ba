import { isFloat } from './dtype.ts';
import { ArgumentError, ShapeError, StateError, checkOptions, show } from './errors.ts';
import { isContiguous, sameShape } from './shape.ts';
import { storageCount } from './op.ts';
import { type GradHook, type Node, historyOf, setGradEnabled } from './tape.ts';
import { Tensor, emptyTensor } from './tensor.ts';

/** Options of `backward` and `grad`. */
export interface BackwardOptions {
  /** Record the gradient computation itself, for second derivatives; default false. */
  readonly createGraph?: boolean;
  /** Keep saved values for another pass; default the value of `createGraph`. */
  readonly retainGraph?: boolean;
}

/** Options of `backward`. */
export interface TensorBackwardOptions extends BackwardOptions {
  /** Gradient of the tensor itself; needed unless it has one element. */
  readonly gradient?: Tensor;
  /** Only these leaves receive a gradient; default all that require one. */
  readonly inputs?: readonly Tensor[];
}

/** Options of `grad`. */
export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs; needed for those that have more than one element. */
  readonly gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Give null for an input the outputs do not depend on, instead of an error; default false. */
  readonly allowUnused?: boolean;
}

interface Pass {
  readonly createGraph: boolean;
  readonly retainGraph: boolean;
  /** Storages made later than this belong to the pass. */
  readonly since: number;
  /** Where the pass delivers: node, output and what to do with the gradient. */
  readonly targets: ReadonlyMap<Node, readonly Target[]> | null;
}

interface Target {
  readonly index: number;
  deliver(grad: Tensor | null): void;
}

/** All nodes below the roots, last made first: an order in which every node has its whole gradient when its turn comes. */
function collect(roots: readonly Node[]): Node[] {
  const seen = new Set(roots);
  const stack = [...seen];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const next of node.next) {
      if (next !== null && !seen.has(next)) {
        seen.add(next);
        stack.push(next);
      }
    }
  }
  // Leaves were given their number on first use, so they are no part of the order: they come last.
  return [...seen].sort((a, b) => (a.leaf === null ? 0 : 1) - (b.leaf === null ? 0 : 1) || b.id - a.id);
}

/** The nodes a gradient must pass to reach a target. */
function onPath(order: readonly Node[], targets: ReadonlyMap<Node, unknown>): Set<Node> {
  const needed = new Set<Node>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (targets.has(node) || node.next.some((n) => n !== null && needed.has(n))) needed.add(node);
  }
  return needed;
}

function addPending(node: Node, index: number, grad: Tensor): void {
  node.pending ??= new Array<Tensor | null>(node.outputs.length).fill(null);
  const before = node.pending[index];
  node.pending[index] = before === null ? grad : before.add(grad);
}

function runHooks(hooks: readonly GradHook[], grad: Tensor): Tensor {
  let current = grad;
  for (const hook of hooks.slice()) {
    const replaced = hook(current);
    if (replaced === undefined) continue;
    if (!(replaced instanceof Tensor) || !sameShape(replaced.shape, grad.shape)) {
      throw new ShapeError(`hook: the gradient changed shape, got ${show(replaced)}; expected ${show(grad)} or nothing`);
    }
    current = replaced;
  }
  return current;
}

/** Sums a gradient into a leaf. A block made in this pass that nobody else keeps is taken over without a copy. */
function accumulate(leaf: Tensor, grad: Tensor, pass: Pass, hooked: boolean): void {
  if (leaf.grad !== null) {
    if (pass.createGraph) leaf.grad = leaf.grad.add(grad);
    else leaf.grad.add_(grad);
    return;
  }
  const { storage } = grad;
  const own = !hooked && storage.id >= pass.since && !storage.claimed && storage.length === grad.numel() && isContiguous(grad.shape, grad.strides);
  leaf.grad = pass.createGraph ? grad.clone() : own ? grad.detach() : grad.detach().clone();
  leaf.grad.storage.claimed = true;
}

/** Gives a gradient the dtype and, where the input was broadcast, the shape of the input. */
function fit(grad: Tensor, node: Node, i: number): Tensor {
  const info = node.inputs[i];
  if (info === null) return grad;
  const shaped = sameShape(grad.shape, info.shape) ? grad : grad.sumTo(info.shape);
  return shaped.dtype === info.dtype ? shaped : shaped.to(info.dtype);
}

function visit(node: Node, pass: Pass, needed: ReadonlySet<Node> | null): void {
  let grads = node.pending;
  node.pending = null;
  const { hooks } = node;
  if (grads !== null && hooks !== null) grads = grads.map((g, i) => (g === null || hooks[i] === undefined ? g : runHooks(hooks[i], g)));
  const targets = pass.targets?.get(node);
  if (targets !== undefined) for (const t of targets) t.deliver(grads?.[t.index] ?? null);
  if (grads === null) return;
  if (node.leaf !== null) {
    const [grad] = grads;
    if (pass.targets === null && grad !== null) accumulate(node.leaf, grad, pass, (hooks?.[0]?.length ?? 0) > 0);
    return;
  }
  if (needed !== null && !node.next.some((n) => n !== null && needed.has(n))) return;
  node.checkAlive();
  const out = node.backward(node, ...grads);
  if (!pass.retainGraph) node.release();
  for (let i = 0; i < node.next.length; i++) {
    const next = node.next[i];
    const grad = out[i];
    if (next === null || grad === null || grad === undefined) continue;
    if (needed !== null && !needed.has(next)) continue;
    addPending(next, node.nextIndex[i], fit(grad, node, i));
  }
}

function run(outputs: readonly Tensor[], seeds: readonly Tensor[], pass: Pass): void {
  const roots = outputs.map(historyOf);
  const order = collect(roots);
  const needed = pass.targets === null ? null : onPath(order, pass.targets);
  const before = setGradEnabled(pass.createGraph);
  try {
    roots.forEach((node, i) => addPending(node, outputs[i].outputIndex, seeds[i]));
    for (const node of order) visit(node, pass, needed);
  } finally {
    for (const node of order) node.pending = null;
    setGradEnabled(before);
  }
}

function seedFor(name: string, output: Tensor, given: Tensor | null | undefined): Tensor {
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

/**
 * Sums the gradient of a tensor with respect to every leaf that requires one into the leaf's `grad`.
 *
 * @throws StateError without history or through a freed graph; ShapeError when a `gradient` is needed or does not fit
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.backward.html
 */
export function backward(output: Tensor, options: TensorBackwardOptions = {}): void {
  checkOptions('backward', options, ['createGraph', 'retainGraph', 'gradient', 'inputs']);
  const createGraph = options.createGraph ?? false;
  const retainGraph = options.retainGraph ?? createGraph;
  const since = storageCount();
  const seed = seedFor('backward', output, options.gradient);
  let targets: Map<Node, Target[]> | null = null;
  if (options.inputs !== undefined) {
    targets = new Map();
    for (const x of options.inputs) {
      if (!x.requiresGrad) throw new StateError(`backward: an input does not require grad, got ${show(x)}; expected tensors that do`);
      const node = historyOf(x);
      const pass = { createGraph, retainGraph, since, targets: null };
      push(targets, node, { index: x.outputIndex, deliver: (g) => g !== null && accumulate(x, g, pass, true) });
    }
  }
  run([output], [seed], { createGraph, retainGraph, since, targets });
}

function push(targets: Map<Node, Target[]>, node: Node, target: Target): void {
  const list = targets.get(node);
  if (list === undefined) targets.set(node, [target]);
  else list.push(target);
}

/**
 * Gradients of outputs with respect to inputs, returned and not stored.
 *
 * @param outputs - a tensor or several; their gradients are summed
 * @param inputs - a tensor or several, leaves or results
 * @returns one gradient per input; null for unused ones with `allowUnused`
 * @throws StateError when an input is not used and `allowUnused` is false
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options: GradOptions & { readonly allowUnused: true }): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  checkOptions('grad', options, ['createGraph', 'retainGraph', 'gradOutputs', 'allowUnused']);
  const from = outputs instanceof Tensor ? [outputs] : outputs;
  const wrt = inputs instanceof Tensor ? [inputs] : inputs;
  const given = options.gradOutputs instanceof Tensor ? [options.gradOutputs] : (options.gradOutputs ?? []);
  const createGraph = options.createGraph ?? false;
  const retainGraph = options.retainGraph ?? createGraph;
  const result = new Array<Tensor | null>(wrt.length).fill(null);
  const targets = new Map<Node, Target[]>();
  wrt.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`grad: input ${i} is not a tensor, got ${show(x)}; expected tensors`);
    if (!x.requiresGrad) throw new StateError(`grad: input ${i} does not require grad, got ${show(x)}; expected tensors that do`);
    push(targets, historyOf(x), {
      index: x.outputIndex,
      deliver: (g) => {
        result[i] = g;
      },
    });
  });
  const seeds = from.map((y, i) => seedFor('grad', y, given[i]));
  run(from, seeds, { createGraph, retainGraph, since: storageCount(), targets });
  if (options.allowUnused !== true) {
    const unused = result.indexOf(null);
    if (unused >= 0) {
      throw new StateError(`grad: input ${unused} is not used by the outputs, got no gradient for it; expected every input to be used`, {
        hint: 'pass { allowUnused: true } to get null instead',
      });
    }
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
    x.grad = x.grad === null ? g.detach() : x.grad.add(g.detach());
  });
}

declare module './tensor.ts' {
  interface Tensor {
    /** See the function `backward`. */
    backward(options?: TensorBackwardOptions): void;
    /** See the function `registerHook`. */
    registerHook(hook: GradHook): () => void;
    /** See the function `retainGrad`. */
    retainGrad(): void;
  }
}

Tensor.prototype.backward = function (this: Tensor, options?: TensorBackwardOptions): void {
  backward(this, options);
};
Tensor.prototype.registerHook = function (this: Tensor, hook: GradHook): () => void {
  return registerHook(this, hook);
};
Tensor.prototype.retainGrad = function (this: Tensor): void {
  retainGrad(this);
};
