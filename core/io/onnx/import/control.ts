import { tensor, zeros } from '../../../ops/creation.ts';
import { stack } from '../../../ops/join.ts';
import type { Tensor } from '../../../tensor.ts';
import { type Body, type NodeReader, type Operator, type Operators, integers } from './node.ts';
import { dtypeOf } from './tensors.ts';

// Branches and loops: operators whose attributes are graphs. What a condition says is read, so it decides by value, and gradients flow through what was run.

/** What a single truth value says. */
function truth(n: NodeReader, x: Tensor): boolean {
  if (x.numel() !== 1) throw n.fault(`the condition is no single value, got [${x.shape.join(', ')}]`, 'one');
  return Boolean(x.item());
}

const branch: Operator = (n) => n.body(truth(n, n.in(0)) ? 'then_branch' : 'else_branch').run([]);

/** What a loop collects from step to step, one list for each output that it stacks. */
class Collected {
  private readonly n: NodeReader;
  private readonly body: Body;
  /** How many outputs of the body come before. */
  private readonly first: number;
  private readonly lists: Tensor[][];

  constructor(n: NodeReader, body: Body, first: number) {
    const { outputs } = body.graph;
    if (outputs.length < first) throw n.fault(`the body gives too little, got ${outputs.length} outputs`, `at least ${first}`);
    this.n = n;
    this.body = body;
    this.first = first;
    this.lists = outputs.slice(first).map(() => []);
  }

  add(made: readonly Tensor[]): void {
    this.lists.forEach((list, i) => list.push(made[this.first + i]));
  }

  /** The stacks, each along its axis; those of no steps have the sizes that the body states. */
  stacks(axes: readonly number[] = [], directions: readonly number[] = []): Tensor[] {
    return this.lists.map((list, i) => {
      if (list.length === 0) {
        const { type, shape } = this.body.graph.outputs[this.first + i];
        return zeros([0, ...(shape ?? []).map((size) => (typeof size === 'number' ? size : 0))], { dtype: dtypeOf(this.n.node.type, type) });
      }
      return stack(directions[i] === 1 ? list.toReversed() : list, this.n.axis(axes[i] ?? 0, list[0].ndim + 1));
    });
  }
}

/** `for (i = 0; i < M && condition; i++)`: what is carried along and, stacked, what each step gives besides. */
const loop: Operator = (n) => {
  const body = n.body('body');
  const most = n.maybe(0)?.item() ?? Infinity;
  const condition = n.maybe(1);
  let goesOn = condition === null || truth(n, condition);
  let carried = Array.from({ length: n.count - 2 }, (_, i) => n.in(2 + i));
  const collected = new Collected(n, body, 1 + carried.length);
  for (let i = 0; i < Number(most) && goesOn; i++) {
    const made = body.run([integers([i], []), tensor(goesOn), ...carried]);
    goesOn = truth(n, made[0]);
    carried = made.slice(1, 1 + carried.length);
    collected.add(made);
  }
  return [...carried, ...collected.stacks()];
};

/** Goes along an axis of its last inputs, from front to back or from back to front, with a state. */
const scan: Operator = (n) => {
  if (n.opset < 9) throw n.fault(`sequences of different lengths, got operator set ${n.opset}`, 'operator set 9 or newer');
  const body = n.body('body');
  const along = n.int('num_scan_inputs', 0);
  if (along < 1 || along > n.count) throw n.fault(`no inputs to go along, got num_scan_inputs ${along} of ${n.count}`, `1 to ${n.count}`);
  const inputs = n.all.slice(-along);
  const [axes, directions] = [n.ints('scan_input_axes'), n.ints('scan_input_directions') ?? []];
  const axisOf = inputs.map((x, i) => n.axis(axes?.[i] ?? 0, x.ndim));
  const steps = inputs[0].shape[axisOf[0]];
  const odd = inputs.findIndex((x, i) => x.shape[axisOf[i]] !== steps);
  if (odd >= 0) throw n.fault(`the inputs are not of one length, got ${inputs[odd].shape[axisOf[odd]]} beside ${steps}`, 'one');
  let state = n.all.slice(0, -along);
  const collected = new Collected(n, body, state.length);
  for (let t = 0; t < steps; t++) {
    const made = body.run([...state, ...inputs.map((x, i) => x.select(axisOf[i], directions[i] === 1 ? steps - 1 - t : t))]);
    state = made.slice(0, state.length);
    collected.add(made);
  }
  return [...state, ...collected.stacks(n.ints('scan_output_axes') ?? [], n.ints('scan_output_directions') ?? [])];
};

/** Branches and loops. */
export const controlOperators: Operators = { If: branch, Loop: loop, Scan: scan };
