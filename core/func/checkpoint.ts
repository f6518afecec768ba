import { ArgumentError, StateError, show } from '../errors.ts';
import { type GeneratorState, defaultGenerator } from '../random.ts';
import { Storage } from '../storage.ts';
import { Input, Node, type Recomputation, enableGrad, isGradEnabled } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { mapTree } from './tree.ts';

/** Runs a function and lists the operations it records. */
function recorded<T>(nodes: Node[], fn: () => T): T {
  const before = Node.recorder;
  Node.recorder = nodes;
  try {
    return fn();
  } finally {
    Node.recorder = before;
  }
}

/** A part of a computation whose saved values were let go: runs it again when the first of them is read. */
class Segment implements Recomputation {
  readonly nodes: Node[] = [];
  private readonly run: () => unknown;
  private readonly random: GeneratorState;
  /** The tensors among the arguments, kept as long as they are needed and watched for writes. */
  private readonly inputs: readonly Input[];

  constructor(run: () => unknown, tensors: readonly Tensor[]) {
    this.run = run;
    this.random = defaultGenerator.getState();
    this.inputs = tensors.map((x) => {
      const input = new Input(x);
      input.save(x);
      return input;
    });
  }

  refill(): void {
    for (const input of this.inputs) input.check('checkpoint');
    const graph = isGradEnabled();
    const fresh: Node[] = [];
    const random = defaultGenerator.getState();
    const { temporaries, scoped } = Storage;
    Storage.temporaries = null;
    Storage.scoped = null;
    defaultGenerator.setState(this.random);
    try {
      enableGrad(() => recorded(fresh, this.run));
    } finally {
      defaultGenerator.setState(random);
      Storage.temporaries = temporaries;
      Storage.scoped = scoped;
    }
    const differs = fresh.length !== this.nodes.length || fresh.some((node, i) => node.name !== this.nodes[i].name);
    if (differs) {
      throw new StateError(`checkpoint: the function did something else when it ran again, got ${fresh.length} operations; expected the ${this.nodes.length} of the first run`, {
        hint: 'it must not depend on values that change between the forward and the backward pass',
      });
    }
    this.nodes.forEach((node, i) => node.refill(fresh[i], graph));
    if (!graph) for (const input of this.inputs) input.drop();
  }
}

/**
 * Calls `fn` without keeping what its gradient needs: the backward pass runs `fn` once more. Memory for time; the results are the same to the last bit. Random
 * numbers of the default generator are drawn again alike (dropout). What `fn` writes, such as the running statistics of a batch norm, is written twice. A call inside
 * another checkpointed function belongs to that.
 *
 * @param fn - a function of tensors (or anything); it must do the same when it is run again
 * @param args - its arguments; tensors among them must not be written between the two runs
 * @returns what `fn` returns
 * @throws StateError in the backward pass when an argument was written since, or `fn` recorded other operations than the first time
 * @see https://pytorch.org/docs/stable/checkpoint.html and Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016
 */
export function checkpoint<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  if (typeof fn !== 'function') throw new ArgumentError(`checkpoint: not a function, got ${show(fn)}; expected a function`);
  if (!isGradEnabled() || Node.recorder !== null) return fn(...args);
  const tensors: Tensor[] = [];
  mapTree(args, (x) => tensors.push(x));
  const segment = new Segment(() => fn(...args), tensors);
  const result = recorded(segment.nodes, () => fn(...args));
  for (const node of segment.nodes) node.drop(segment);
  return result;
}

/**
 * Runs functions one after the other, each on the result of the one before, in `segments` parts that are checkpointed; the last part keeps what it needs, since the
 * backward pass starts there.
 *
 * @param functions - functions or modules of one tensor
 * @param segments - number of parts, from 1 to the number of functions
 * @throws ArgumentError for a number of parts out of range
 * @see https://pytorch.org/docs/stable/checkpoint.html#torch.utils.checkpoint.checkpoint_sequential
 */
export function checkpointSequential(functions: Iterable<((x: Tensor) => Tensor) | { forward(x: Tensor): Tensor }>, segments: number, input: Tensor): Tensor {
  const list = [...functions].map((f) => (typeof f === 'function' ? f : (x: Tensor): Tensor => f.forward(x)));
  if (!Number.isInteger(segments) || segments < 1 || segments > Math.max(list.length, 1)) {
    throw new ArgumentError(`checkpointSequential: invalid number of segments, got ${show(segments)} for ${list.length} functions; expected an integer from 1 to ${list.length}`);
  }
  const size = Math.floor(list.length / segments);
  const part = (from: number, to: number) => (x: Tensor): Tensor => list.slice(from, to).reduce((y, f) => f(y), x);
  let x = input;
  for (let i = 0; i < segments - 1; i++) x = checkpoint(part(i * size, (i + 1) * size), x);
  return part((segments - 1) * size, list.length)(x);
}
