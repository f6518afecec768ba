import { gradientCheck } from './anomaly.ts';
import { ShapeError, show } from './errors.ts';
import { collect, onPath } from './graph.ts';
import { sameShape } from './shape.ts';
import { Storage } from './storage.ts';
import { type GradHook, type Input, type Node, historyOf, setGradEnabled } from './tape.ts';
import { Tensor } from './tensor.ts';

// One walk through the record, from outputs back to what they were made of.

/** What one walk through the record is to do. */
export interface Pass {
  readonly createGraph: boolean;
  readonly retainGraph: boolean;
  /** Where the pass delivers instead of leaves: node, output and what to do with the gradient. */
  readonly targets: ReadonlyMap<Node, readonly Target[]> | null;
  /** What the pass has made and may release; null while the computation of gradients is recorded, since it belongs to the caller then. */
  readonly made: Storage[] | null;
}

/** An output of a node whose gradient is wanted, and what to do with it. */
export interface Target {
  readonly index: number;
  deliver(grad: Tensor | null): void;
}

function setPending(node: Node, index: number, grad: Tensor): void {
  grad.storage.holds++;
  node.setPending(index, grad);
}

/** Whether the pass alone has this block, so that it can be written or released. */
function isOwn({ temporary, claimed }: Storage): boolean {
  return temporary && !claimed;
}

/** Whether what has arrived at an output can be added to in place: it is all of a block that the pass needs for nothing else. */
function isGrowable(grad: Tensor): boolean {
  const { storage } = grad;
  return isOwn(storage) && storage.holds === 1 && grad.numel() === storage.length && grad.isContiguous();
}

/** Adds a gradient to what has arrived at an output of a node. */
function addPending(node: Node, index: number, grad: Tensor): void {
  const before = node.pendingAt(index);
  if (before === null) {
    setPending(node, index, grad);
    return;
  }
  if (before.dtype === grad.dtype && sameShape(before.shape, grad.shape) && isGrowable(before)) {
    before.add_(grad);
    return;
  }
  setPending(node, index, before.add(grad));
  drop(before);
}

/** A gradient was used: its block is released when it is needed nowhere else. */
function drop({ storage }: Tensor): void {
  if (--storage.holds === 0 && isOwn(storage)) storage.release();
}

/** Releases what a formula has made on the way. */
function releaseUnused(made: Storage[]): void {
  for (let storage = made.pop(); storage !== undefined; storage = made.pop()) {
    if (storage.holds === 0 && isOwn(storage)) storage.release();
  }
}

function runHooks(hooks: readonly GradHook[], grad: Tensor): Tensor {
  let current = grad;
  for (const hook of hooks.slice()) {
    current.storage.keep();
    const replaced = hook(current);
    if (replaced === undefined) continue;
    if (!(replaced instanceof Tensor) || !sameShape(replaced.shape, grad.shape)) {
      throw new ShapeError(`hook: the gradient changed shape, got ${show(replaced)}; expected ${show(grad)} or nothing`);
    }
    current = replaced;
  }
  return current;
}

/** Runs the hooks of a node on the gradients that have arrived; what hooks see and make belongs to the user. */
function hooked(node: Node, hooks: readonly (readonly GradHook[] | undefined)[]): void {
  const temporaries = Storage.temporaries;
  Storage.temporaries = null;
  try {
    for (let i = 0; i < node.outputs; i++) {
      const grad = node.pendingAt(i);
      const list = hooks[i];
      if (grad === null || list === undefined || list.length === 0) continue;
      const changed = runHooks(list, grad);
      if (changed === grad) continue;
      setPending(node, i, changed);
      drop(grad);
    }
  } finally {
    Storage.temporaries = temporaries;
  }
}

/** Sums a gradient into a leaf. A block made in this pass that nobody else keeps is taken over without a copy. */
export function accumulate(leaf: Tensor, grad: Tensor, createGraph: boolean): void {
  const before = leaf.gradient;
  if (before !== null) {
    if (createGraph) leaf.grad = before.add(grad);
    else before.add_(grad);
    return;
  }
  const { storage } = grad;
  const own = isOwn(storage) && storage.length === grad.numel() && grad.isContiguous();
  const kept = createGraph ? grad.clone() : own ? new Tensor(storage, grad.shape, grad.strides, grad.offset) : grad.detach().clone();
  kept.storage.keep();
  kept.storage.claimed = true;
  leaf.takeGradient(kept);
}

/** Gives a gradient the dtype and, where the input was broadcast, the shape of the input. */
function fit(grad: Tensor, input: Input): Tensor {
  const shaped = sameShape(grad.shape, input.shape) ? grad : grad.sumToSize(input.shape);
  return input.dtype === null || shaped.dtype === input.dtype ? shaped : shaped.to(input.dtype);
}

/** Sends a gradient on to the node that made an input. */
function send(grad: Tensor | null | undefined, input: Input, needed: ReadonlySet<Node> | null): void {
  const { next } = input;
  if (next === null || grad === null || grad === undefined || (needed !== null && !needed.has(next))) return;
  addPending(next, input.nextIndex, fit(grad, input));
}

/** Runs the gradient formulas of a node on what has arrived. */
function propagate(node: Node, needed: ReadonlySet<Node> | null): void {
  const { backward, inputs } = node;
  const check = gradientCheck();
  if (typeof backward === 'function') {
    const grads = node.outputs === 1 ? backward(node, node.pending) : backward(node, ...Array.from({ length: node.outputs }, (_, i) => node.pendingAt(i)));
    if (check !== null) for (let i = 0; i < inputs.length; i++) if (inputs[i].next !== null) check(node, i, grads[i]);
    for (let i = 0; i < inputs.length; i++) send(grads[i], inputs[i], needed);
    return;
  }
  const grad = node.pending;
  if (grad === null || backward === undefined) return;
  const last = backward.length - 1;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input.next === null || (needed !== null && !needed.has(input.next))) continue;
    const formula = backward[i < last ? i : last];
    if (formula === null) continue;
    const before = input.next.pendingAt(input.nextIndex);
    const into = before !== null && check === null && isGrowable(before) ? before : null;
    const part = formula(grad, node, into);
    check?.(node, i, part);
    if (into === null || part !== into) send(part, input, needed);
  }
}

/** The gradients of a node have been used. */
function forget(node: Node): void {
  for (let i = 0; i < node.outputs; i++) {
    const grad = node.pendingAt(i);
    if (grad === null) continue;
    node.setPending(i, null);
    drop(grad);
  }
}

function hasPending(node: Node): boolean {
  for (let i = 0; i < node.outputs; i++) if (node.pendingAt(i) !== null) return true;
  return false;
}

function visit(node: Node, pass: Pass, needed: ReadonlySet<Node> | null): void {
  const { hooks } = node;
  if (hooks !== null) hooked(node, hooks);
  if (pass.targets !== null) {
    for (const target of pass.targets.get(node) ?? []) {
      const grad = node.pendingAt(target.index);
      if (pass.made !== null) grad?.storage.keep();
      target.deliver(grad);
    }
  }
  if (!hasPending(node)) return;
  if (node.leaf !== null) {
    if (pass.targets === null && node.pending !== null) {
      accumulate(node.leaf, node.pending, pass.createGraph);
      const { afterGrad } = node.leaf;
      if (afterGrad !== null) for (const hook of afterGrad.slice()) hook(node.leaf);
    }
  } else if (needed === null || node.inputs.some(({ next }) => next !== null && needed.has(next))) {
    node.checkAlive();
    propagate(node, needed);
    if (!pass.retainGraph) node.release();
  }
  forget(node);
  if (pass.made !== null) releaseUnused(pass.made);
}

/** Sends the seeds of the outputs back through the record, to the leaves or to the targets. */
export function runPass(outputs: readonly Tensor[], seeds: readonly Tensor[], pass: Pass): void {
  const roots = outputs.map(historyOf);
  const order = collect(roots);
  const needed = pass.targets === null ? null : onPath(order, pass.targets);
  // A graph that was let go leads nowhere, which is another thing than not leading to a target.
  if (pass.targets !== null && [...pass.targets.keys()].some((node) => needed?.has(node) !== true)) for (const node of order) node.checkAlive();
  const recording = setGradEnabled(pass.createGraph);
  const temporaries = Storage.temporaries;
  Storage.temporaries = pass.made;
  Storage.passes++;
  try {
    roots.forEach((node, i) => addPending(node, outputs[i].outputIndex, seeds[i]));
    for (const node of order) visit(node, pass, needed);
  } finally {
    for (const node of order) forget(node);
    if (pass.made !== null) releaseUnused(pass.made);
    Storage.passes--;
    Storage.temporaries = temporaries;
    setGradEnabled(recording);
    // What belongs to a scope will go at its end.
    if (Storage.passes === 0 && Storage.scoped === null) outputs[0].device.passEnded?.();
  }
}

/** Adds a target. */
export function addTarget(targets: Map<Node, Target[]>, node: Node, target: Target): void {
  const list = targets.get(node);
  if (list === undefined) targets.set(node, [target]);
  else list.push(target);
}
