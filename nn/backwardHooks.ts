import { ArgumentError, ShapeError, StateError, show } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import { Node, isGradEnabled } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';

/** Gradients of the tensors that went into or came out of a module, null for what has none. */
export type Gradients = readonly (Tensor | null)[];

/** What runs in the backward pass of a module. */
export interface BackwardHooks {
  /** Look at the gradients of the outputs, before those of the inputs are computed; may give others. */
  readonly before: readonly ((gradOutput: Gradients) => unknown)[];
  /** Look at the gradients of inputs and outputs; may give other gradients of the inputs. */
  readonly after: readonly ((gradInput: Gradients, gradOutput: Gradients) => unknown)[];
}

/** The gradients that a hook wants instead, or those it was given. */
function replaced(op: string, result: unknown, given: Gradients): Gradients {
  if (result === undefined || result === null) return given;
  const list: readonly unknown[] = Array.isArray(result) ? result : [result];
  if (list.length !== given.length) throw new ArgumentError(`${op}: the hook gives another number of gradients, got ${list.length}; expected ${given.length}`);
  return list.map((g, i) => {
    const before = given[i];
    if (g !== null && !(g instanceof Tensor)) throw new ArgumentError(`${op}: the hook gives no gradient, got ${show(g)}; expected tensors or null`);
    if (g !== null && before !== null && !sameShape(g.shape, before.shape)) throw new ShapeError(`${op}: the hook gives a gradient of another shape, got ${show(g)}; expected ${show(before)}`);
    return g;
  });
}

/** Other tensors for the same elements, whose gradients all pass through `pass` at once. */
function passing(name: string, tensors: readonly Tensor[], pass: (grads: Gradients) => Gradients): Tensor[] {
  const node = new Node({ name, backward: (_, ...grads) => [...pass(tensors.map((__, i) => grads[i] ?? null))] }, tensors, tensors.length);
  return tensors.map((x, i) => {
    const same = new Tensor(x.storage, x.shape, x.strides, x.offset);
    same.node = node;
    same.outputIndex = i;
    return same;
  });
}

const recorded = (x: unknown): x is Tensor => x instanceof Tensor && x.requiresGrad;

/** Puts values back where the tensors of a list were. */
function putBack(list: readonly unknown[], tensors: readonly Tensor[]): unknown[] {
  let at = 0;
  return list.map((x) => (recorded(x) ? tensors[at++] : x));
}

/** The gradients of a list, null where it holds anything but a recorded tensor. */
function spread(list: readonly unknown[], grads: Gradients): Gradients {
  let at = 0;
  return list.map((x) => (recorded(x) ? grads[at++] : null));
}

/** Runs a forward pass between two points that gradients have to pass on their way back. */
export function withBackwardHooks(module: string, inputs: readonly unknown[], hooks: BackwardHooks, forward: (inputs: readonly unknown[]) => unknown): unknown {
  if (!isGradEnabled()) return forward(inputs);
  let gradOutput: Gradients = [];
  const finish = (gradInput: Gradients): Gradients => hooks.after.reduce((grads, run) => replaced('registerFullBackwardHook', run(grads, gradOutput), grads), gradInput);
  const entering = inputs.filter(recorded);
  const entered = entering.length === 0 ? [] : passing('backwardHook', entering, (grads) => {
    const all = finish(spread(inputs, grads));
    return all.filter((_, i) => recorded(inputs[i]));
  });
  const output = forward(putBack(inputs, entered));
  const list: readonly unknown[] = Array.isArray(output) ? output : [output];
  if (!list.every((x) => x instanceof Tensor)) {
    throw new StateError(`registerFullBackwardHook: ${module} gives no tensors, got ${show(output)}; expected a tensor or an array of tensors`);
  }
  const leaving = list.filter(recorded);
  if (leaving.length === 0) return output;
  const left = passing('backwardPreHook', leaving, (grads) => {
    gradOutput = hooks.before.reduce((all, run) => replaced('registerFullBackwardPreHook', run(all), all), spread(list, grads));
    // Without gradients of inputs there is nothing to wait for.
    if (entering.length === 0) finish(inputs.map(() => null));
    return gradOutput.filter((_, i) => recorded(list[i]));
  });
  const made = putBack(list, left);
  return Array.isArray(output) ? made : made[0];
}
