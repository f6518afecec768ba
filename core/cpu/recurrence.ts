import { type Expr, arg, e } from '../expr.ts';
import type { Kernel } from '../op.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { accelerated, whenFast } from './engine.ts';
import { rowsOfFormula } from './rows.ts';
import { addmmKernel, linearKernel, matmulKernel } from './matmul.ts';
import { copyKernel } from './pointwise.ts';

/** One step of a recurrent layer as formulas over columns as wide as the state. */
export interface CellFormula {
  readonly name: string;
  /** Gates that input and state ask for. */
  readonly gates: number;
  /** Columns that a step keeps for the gradient. */
  readonly kept: number;
  /** Whether a cell goes along beside the hidden state. */
  readonly hasCell: boolean;
  /** Whether the state's gates have other gradients than the input's; the state's own gradient is then a further result, to which the product is added. */
  readonly splits: boolean;
  /** From the input's gates, the state's gates, and cell or hidden state before: hidden state, cell (where there is one), and what is kept. */
  readonly forward: readonly Expr[];
  /** Those of them that are kept and that the others are made of. */
  readonly early: readonly Expr[];
  /** From two summands of the hidden state's gradient, that of the cell (where there is one), and what was kept: gradients of gates, then of the state or cell. */
  readonly backward: readonly Expr[];
}

/** How a run over a sequence goes. */
export interface RunAttrs {
  /** Rows of each step, which lie one after another; none has more than the step before. */
  readonly sizes: readonly number[];
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** Whether anything is kept for the gradient. */
  readonly keep: boolean;
  /** Whether the state's gates have a bias. */
  readonly bias: boolean;
  /** Whether the hidden state is projected. */
  readonly projected: boolean;
}

/** How the gradient of a run goes. */
export interface RunBackwardAttrs extends RunAttrs {
  /** Whether there is a gradient of the outputs. */
  readonly hasOut: boolean;
  /** Whether the weights of state and projection need gradients. */
  readonly weights: boolean;
}

/** One step: how many sequences take part, and where their rows start. */
export interface Step {
  readonly size: number;
  readonly at: number;
}

/** The steps in the order in which they are taken. */
export function stepsOf({ sizes, reverse }: Pick<RunAttrs, 'sizes' | 'reverse'>): Step[] {
  let at = 0;
  const steps = sizes.map((size) => {
    at += size;
    return { size, at: at - size };
  });
  return reverse ? steps.reverse() : steps;
}

const linear = accelerated(({ fastLinear }) => fastLinear, linearKernel);
const matmul = accelerated(({ fastMatmul }) => fastMatmul, matmulKernel);
const addProduct = accelerated(({ fastAddProduct }) => fastAddProduct, (outputs, inputs) => addmmKernel(outputs, inputs, { alpha: 1, beta: 1 }));
const sum = rowsOfFormula({ inputs: [1, 1], outputs: [1], body: [e.add(arg(0), arg(1))] });

/** Rows of a matrix, as a view. */
const rows = (x: Tensor, from: number, count: number): Tensor => new Tensor(x.storage, [count, x.shape[1]], x.strides, x.offset + from * x.strides[0]);
const transposed = (x: Tensor): Tensor => new Tensor(x.storage, [x.shape[1], x.shape[0]], [x.strides[1], x.strides[0]], x.offset);

function scratch({ device, dtype }: Tensor, shape: readonly number[]): Tensor {
  const length = shape[0] * shape[1];
  return new Tensor(device.empty === undefined ? device.allocate(dtype, length) : device.empty(dtype, length), shape);
}

/** What multiplies matrices by one and the same right operand. */
interface Multiplier {
  run(out: Tensor, x: Tensor): void;
  release(): void;
}

const packing = whenFast(({ pack, packedShape, timesPacked, worthPacking }) => ({ pack, packedShape, timesPacked, worthPacking }));

/** Multiplies by `b`, mostly matrices of so many rows. */
function multiplier(b: Tensor, rows: number): Multiplier {
  const way = packing();
  const packed = way?.worthPacking(b, rows) === true ? scratch(b, way.packedShape(b)) : null;
  if (packed !== null) way?.pack(packed, b);
  return {
    run: (out, x) => {
      if (packed === null || way?.timesPacked(out, x, packed) !== true) matmul([out], [x, b], undefined);
    },
    release: () => packed?.storage.release(),
  };
}

/** Copies rows that have no gaps. */
function copyRows(to: Tensor, toRow: number, from: Tensor, fromRow: number, count: number): void {
  if (count === 0) return;
  const width = to.shape[1];
  const start = from.offset + fromRow * width;
  to.storage.cells.set(from.storage.cells.subarray(start, start + count * width), to.offset + toRow * width);
}

/** What a run reads: operands behind these are there where the cell and the attributes ask for them. */
export interface RunInputs<T> {
  readonly gates: T;
  readonly weight: T;
  readonly hidden: T;
  readonly cell: T | null;
  readonly bias: T | null;
  readonly projection: T | null;
}

/** Names the operands of a run. */
export function runInputs<T>({ hasCell }: CellFormula, inputs: readonly T[], { bias, projected }: RunAttrs): RunInputs<T> {
  const [gates, weight, hidden] = inputs;
  let at = 3;
  const next = (present: boolean): T | null => (present ? inputs[at++] : null);
  return { gates, weight, hidden, cell: next(hasCell), bias: next(bias), projection: next(projected) };
}

/** The kernel of a run: all outputs, last hidden state, last cell, what is kept, and the hidden states before projection. */
export function runKernel(formula: CellFormula): Kernel<RunAttrs> {
  const { gates: g, kept, hasCell, forward, early } = formula;
  const states = hasCell ? 1 : 0;
  // The hidden state goes to the outputs and to where the next step finds it.
  const whole = [forward[0], ...forward];
  const keeping = rowsOfFormula({ inputs: [g, g, 1], outputs: [1, 1, ...new Array<number>(states).fill(1), kept], body: whole, early });
  const plain = rowsOfFormula({ inputs: [g, g, 1], outputs: [1, 1, ...new Array<number>(states).fill(1)], body: whole.slice(0, 2 + states) });
  return (outputs, operands, attrs) => {
    const { gates, weight, hidden, cell, bias, projection } = runInputs(formula, operands as readonly Tensor[], attrs);
    const out = outputs[0];
    const last = outputs[1];
    const lastCell = hasCell ? outputs[2] : null;
    const way = attrs.keep ? outputs[2 + states] : null;
    const raw = attrs.projected ? outputs[outputs.length - 1] : null;
    copyKernel([last], [hidden], undefined);
    if (lastCell !== null && cell !== null) copyKernel([lastCell], [cell], undefined);
    const product = scratch(gates, [hidden.shape[0], gates.shape[1]]);
    const byWeight = multiplier(transposed(weight), hidden.shape[0]);
    for (const { size, at } of stepsOf(attrs)) {
      const [asked, state, to] = [rows(product, 0, size), rows(last, 0, size), rows(out, at, size)];
      byWeight.run(asked, state);
      if (bias !== null) sum([asked], [asked, new Tensor(bias.storage, asked.shape, [0, bias.strides[0]], bias.offset)], undefined);
      const before = lastCell === null ? state : rows(lastCell, 0, size);
      const made = raw === null ? [to, state] : [rows(raw, at, size), rows(raw, at, size)];
      if (lastCell !== null) made.push(before);
      if (way !== null) made.push(rows(way, at, size));
      (way === null ? plain : keeping)(made, [rows(gates, at, size), asked, before], undefined);
      if (raw === null || projection === null) continue;
      linear([to], [made[0], projection], undefined);
      copyRows(last, 0, out, at, size);
    }
    product.storage.release();
    byWeight.release();
  };
}

/**
 * The kernel of the gradient. Inputs: weight, first hidden state, outputs, what was kept, gradients of the last hidden state and of the outputs, then of the last cell
 * (where there is one), then the projection and the states before it. Outputs: gradients of the input's gates, first hidden state, weight; of the cell; of the
 * state's gates where they differ; of the projection.
 */
export function runBackwardKernel(formula: CellFormula): Kernel<RunBackwardAttrs> {
  const { gates: g, kept, hasCell, splits, backward } = formula;
  const step = rowsOfFormula({
    inputs: [1, 1, ...(hasCell ? [1] : []), kept],
    outputs: [g, ...(splits ? [g, 1] : []), ...(hasCell ? [1] : [])],
    body: backward,
  });
  return (outputs, operands, attrs) => {
    const [weight, first, out, way, fromLast, fromOut, ...more] = operands as readonly Tensor[];
    const [gates, hidden, weightGrad, ...others] = outputs;
    const cell = hasCell ? others[0] : null;
    const stateGates = splits ? others[0] : gates;
    const [projection, raw] = attrs.projected ? more.slice(-2) : [null, null];
    copyKernel([hidden], [fromLast], undefined);
    if (cell !== null) copyKernel([cell], [more[0]], undefined);
    const width = gates.shape[1] / g;
    const [batch, total] = [hidden.shape[0], gates.shape[0]];
    const nothing = emptyTensor([1, width], gates.dtype, gates.device);
    const ofOut = (at: number, size: number): Tensor => (attrs.hasOut ? rows(fromOut, at, size) : new Tensor(fromOut.storage, [size, fromOut.shape[1]], [0, 1], 0));
    const sums = projection === null ? null : scratch(gates, [total, out.shape[1]]);
    const unprojected = projection === null ? null : scratch(gates, [batch, width]);
    const byWeight = splits ? null : multiplier(weight, batch);
    const steps = stepsOf(attrs);
    for (let k = steps.length - 1; k >= 0; k--) {
      const { size, at } = steps[k];
      const state = rows(hidden, 0, size);
      let pair = [state, ofOut(at, size)];
      if (projection !== null && sums !== null && unprojected !== null) {
        const both = rows(sums, at, size);
        sum([both], pair, undefined);
        pair = [rows(unprojected, 0, size), new Tensor(nothing.storage, [size, width], [0, 1], 0)];
        matmul([pair[0]], [both, projection], undefined);
      }
      const asked = rows(stateGates, at, size);
      const along = cell === null ? [] : [rows(cell, 0, size)];
      step(splits ? [rows(gates, at, size), asked, state] : [asked, ...along], [...pair, ...along, rows(way, at, size)], undefined);
      if (byWeight === null) addProduct([state], [state, asked, weight], undefined);
      else byWeight.run(state, asked);
    }
    byWeight?.release();
    if (attrs.weights) {
      const before = statesBefore(steps, out, first);
      matmul([weightGrad], [transposed(stateGates), before], undefined);
      before.storage.release();
      if (sums !== null && raw !== null) matmul([outputs[outputs.length - 1]], [transposed(sums), raw], undefined);
    }
    for (const x of [nothing, sums, unprojected]) x?.storage.release();
  };
}

/** The hidden state that each row was made from. */
function statesBefore(steps: readonly Step[], out: Tensor, first: Tensor): Tensor {
  const before = scratch(out, out.shape);
  steps.forEach(({ size, at }, k) => {
    const kept = k === 0 ? 0 : Math.min(size, steps[k - 1].size);
    if (k > 0) copyRows(before, at, out, steps[k - 1].at, kept);
    if (size > kept) copyKernel([rows(before, at + kept, size - kept)], [rows(first, kept, size - kept)], undefined);
  });
  return before;
}
