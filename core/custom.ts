import { isFloat } from './dtype.ts';
import { ArgumentError, ShapeError, StateError, checkOptions, show } from './errors.ts';
import { commonDevice, isRecorded } from './op.ts';
import type { Shape } from './shape.ts';
import { Storage } from './storage.ts';
import { Node, noGrad } from './tape.ts';
import { Tensor } from './tensor.ts';

/** What a gradient formula of a custom operation reads. Values overwritten in place since the call are refused. */
export interface CustomContext<A extends readonly Tensor[]> {
  /** The arguments of the call. */
  readonly inputs: A;
  /** The result of the call. */
  readonly output: Tensor;
  /** For each argument, whether its gradient is wanted; the others may be null. */
  readonly needsInputGrad: readonly boolean[];
}

/** How a custom operation is described. */
export interface CustomOpDefinition<A extends readonly Tensor[]> {
  /** For messages and the print form of results. */
  readonly name: string;
  /** Computes the result; runs without recording and must not write into its arguments. */
  readonly forward: (...inputs: A) => Tensor;
  /** The gradient of each argument from the gradient of the result, or null for none. Written in tensor operations it differentiates again. */
  readonly backward: (grad: Tensor, context: CustomContext<A>) => readonly (Tensor | null)[];
}

/**
 * An operation of your own with its gradient; `gradcheck` tells whether the two agree.
 *
 * @param definition - name, forward computation and gradient formula
 * @returns a function of the same tensors as `forward`
 * @throws ArgumentError for arguments that are no tensors, or a formula that does not give one gradient per argument; StateError when `forward`
 *   writes into an argument; ShapeError for a gradient that does not fit its argument
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function
 */
export function customOp<A extends readonly Tensor[]>(definition: CustomOpDefinition<A>): (...inputs: A) => Tensor {
  checkOptions('customOp', definition, ['name', 'forward', 'backward']);
  const { name, forward, backward } = definition;
  if (typeof name !== 'string' || name === '') throw new ArgumentError(`customOp: invalid name, got ${show(name)}; expected a name`);
  for (const [part, fn] of Object.entries({ forward, backward })) {
    if (typeof fn !== 'function') throw new ArgumentError(`customOp: ${part} is not a function, got ${show(fn)}; expected a function`);
  }
  const run = (...inputs: A): Tensor => {
    const many = inputs.some((x) => x instanceof Tensor && x.device.each !== undefined) ? commonDevice(name, inputs) : null;
    if (many?.each !== undefined) return many.each(name, inputs, (example) => run(...(example as A)));
    const output = runForward(name, forward, inputs);
    if (!isFloat(output.dtype) || !isRecorded(inputs)) return output;
    const node = new Node({ name, backward: (self, grad) => (grad === null ? [] : gradients(name, backward, grad, self)) }, inputs, 1);
    inputs.forEach((x, i) => node.saveInput(i, x));
    output.node = node;
    node.saveOutputs([output]);
    return output;
  };
  return Object.defineProperty(run, 'name', { value: name });
}

function runForward<A extends readonly Tensor[]>(name: string, forward: (...inputs: A) => Tensor, inputs: A): Tensor {
  inputs.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`${name}: argument ${i} is not a tensor, got ${show(x)}; expected a Tensor`);
  });
  const versions = inputs.map((x) => x.storage.version);
  const since = Storage.count;
  const output = noGrad(() => forward(...inputs));
  if (!(output instanceof Tensor)) throw new ArgumentError(`${name}: the forward function gave no tensor, got ${show(output)}; expected a Tensor`);
  inputs.forEach((x, i) => {
    if (x.storage.version !== versions[i]) {
      throw new StateError(`${name}: the forward function wrote into argument ${i}, got an in-place operation on ${show(x)}; expected a new tensor`);
    }
  });
  // An argument, a view, or a tensor that was there before must not be tied to this call.
  const foreign = output.base !== null || output.requiresGrad || output.storage.id < since;
  return foreign ? noGrad(() => output.clone()) : output;
}

function gradients<A extends readonly Tensor[]>(name: string, backward: CustomOpDefinition<A>['backward'], grad: Tensor, node: Node): readonly (Tensor | null)[] {
  const context: CustomContext<A> = {
    get inputs() {
      return node.inputs.map((_, i) => node.input(i)) as readonly Tensor[] as A;
    },
    get output() {
      return node.output();
    },
    needsInputGrad: node.inputs.map((_, i) => node.needs(i)),
  };
  const grads = asCaller(grad, () => backward(grad, context));
  const count: unknown = Array.isArray(grads) ? grads.length : null;
  if (count !== node.inputs.length) {
    throw new ArgumentError(`${name}: the gradient formula does not give one gradient per argument, got ${show(grads)}; expected an array of ${node.inputs.length}`);
  }
  grads.forEach((g: unknown, i) => {
    const shape = node.inputs[i].shape;
    if (g === null || !node.needs(i)) return;
    if (!(g instanceof Tensor)) throw new ArgumentError(`${name}: the gradient of argument ${i} is no tensor, got ${show(g)}; expected a Tensor or null`);
    if (!broadcastsFrom(shape, g.shape)) {
      throw new ShapeError(`${name}: the gradient of argument ${i} does not fit, got ${show(g)}; expected [${shape.join(', ')}]`);
    }
  });
  return grads;
}

/** Runs the user's formula: what it sees and makes belongs to the user. */
function asCaller<T>(grad: Tensor, formula: () => T): T {
  grad.storage.keep();
  const temporaries = Storage.temporaries;
  Storage.temporaries = null;
  try {
    return formula();
  } finally {
    Storage.temporaries = temporaries;
  }
}

/** Whether `shape` broadcasts to `wide`, so that a gradient of `wide` can be summed to it. */
function broadcastsFrom(shape: Shape, wide: Shape): boolean {
  const lead = wide.length - shape.length;
  return lead >= 0 && shape.every((n, d) => n === wide[d + lead] || n === 1);
}
