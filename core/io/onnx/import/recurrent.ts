import { zeros } from '../../../ops/creation.ts';
import { cat, stack } from '../../../ops/join.ts';
import { linear } from '../../../ops/linear.ts';
import { type RecurrenceName, type RunResult, recurrence } from '../../../ops/recurrence.ts';
import type { Tensor } from '../../../tensor.ts';
import type { NodeReader, Operator, Operators } from './node.ts';

// Recurrent layers: ONNX's weights in the order of PyTorch's gates.

interface Layer {
  readonly kind: 'LSTM' | 'GRU' | 'RNN';
  /** Which of ONNX's gates each of PyTorch's is. */
  readonly gates: readonly number[];
  readonly activations: readonly string[];
}

const layers: Readonly<Record<string, Layer>> = {
  LSTM: { kind: 'LSTM', gates: [0, 2, 3, 1], activations: ['Sigmoid', 'Tanh', 'Tanh'] },
  GRU: { kind: 'GRU', gates: [1, 0, 2], activations: ['Sigmoid', 'Tanh'] },
  RNN: { kind: 'RNN', gates: [0], activations: ['Tanh'] },
};

/** Rows of a weight in the order of PyTorch. */
function reordered(x: Tensor, gates: readonly number[]): Tensor {
  if (gates.length === 1) return x;
  const parts = x.chunk(gates.length, 0);
  return cat(gates.map((g) => parts[g]), 0);
}

function kindOf(n: NodeReader, { kind, activations }: Layer, directions: number): RecurrenceName {
  const given = n.strings('activations') ?? Array.from({ length: directions }, () => activations).flat();
  const same = (wanted: readonly string[]): boolean => given.length === wanted.length * directions && given.every((a, i) => a.toLowerCase() === wanted[i % wanted.length].toLowerCase());
  if (kind === 'RNN' && same(['Relu'])) return 'rnnRelu';
  if (!same(activations)) throw n.fault(`other activations, got ${given.join(', ')}`, activations.join(', '));
  return kind === 'LSTM' ? 'lstm' : kind === 'GRU' ? 'gru' : 'rnnTanh';
}

type Step = (gates: Tensor, hidden: Tensor, cell: Tensor | null) => readonly [Tensor, Tensor | null];

/** A layer step by step, from the gates' inputs of all steps. */
function stepwise(gates: Tensor, hidden: Tensor, cell: Tensor | null, reverse: boolean, step: Step): RunResult {
  const steps = gates.shape[0] / hidden.shape[0];
  const each = gates.reshape([steps, hidden.shape[0], gates.shape[1]]);
  let [h, c] = [hidden, cell];
  const outputs = new Array<Tensor>(steps);
  for (let i = 0; i < steps; i++) {
    const t = reverse ? steps - 1 - i : i;
    [h, c] = step(each.select(0, t), h, c);
    outputs[t] = h;
  }
  return { output: cat(outputs, 0), hidden: h, cell: c };
}

/** An LSTM whose gates see the cell, too. */
function withPeepholes(gates: Tensor, hidden: Tensor, cell: Tensor, r: Tensor, rb: Tensor | null, peepholes: Tensor, reverse: boolean): RunResult {
  const [pi, po, pf] = peepholes.chunk(3, 0);
  return stepwise(gates, hidden, cell, reverse, (inputs, h, c) => {
    // PyTorch's order: i, f, g, o.
    const before = c as Tensor;
    const [i, f, g, o] = inputs.add(linear(h, r, rb)).chunk(4, 1);
    const after = f.add(pf.mul(before)).sigmoid().mul(before).add(i.add(pi.mul(before)).sigmoid().mul(g.tanh()));
    return [o.add(po.mul(after)).sigmoid().mul(after.tanh()), after];
  });
}

/** A GRU that resets the state before its product, as papers have it and PyTorch has not. */
function resetBefore(gates: Tensor, hidden: Tensor, r: Tensor, rb: Tensor | null, reverse: boolean): RunResult {
  const width = hidden.shape[1];
  const part = (t: Tensor, k: number): Tensor => t.narrow(0, k * width, width);
  return stepwise(gates, hidden, null, reverse, (inputs, h) => {
    // PyTorch's order: r, z, n.
    const [ir, iz, inew] = inputs.chunk(3, 1);
    const state = (k: number, from: Tensor): Tensor => linear(from, part(r, k), rb === null ? null : part(rb, k));
    const [reset, update] = [ir.add(state(0, h)).sigmoid(), iz.add(state(1, h)).sigmoid()];
    const fresh = inew.add(state(2, reset.mul(h))).tanh();
    return [h.sub(fresh).mul(update).add(fresh), null];
  });
}

const recurrent: Operator = (n) => {
  const layer = layers[n.node.type];
  const batchFirst = n.int('layout', 0) === 1;
  const x = batchFirst ? n.in(0).transpose(0, 1) : n.in(0);
  const direction = n.text('direction', 'forward');
  if (!['forward', 'reverse', 'bidirectional'].includes(direction)) throw n.fault(`no such direction, got '${direction}'`, 'forward, reverse or bidirectional');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const kind = kindOf(n, layer, directions);
  if (n.has('clip') || n.int('input_forget', 0) === 1) throw n.fault('clip or coupled gates, got one of them', 'a layer without');
  const [length, batch] = x.shape;
  const lengths = n.numbers(4);
  if (lengths !== null && lengths.some((v) => v !== length)) throw n.fault(`sequences of several lengths, got ${lengths.join(', ')}`, `all of length ${length}`);
  const [w, r, b] = [n.in(1), n.in(2), n.maybe(3)];
  const width = r.shape[2];
  const peepholes = n.maybe(7);
  if (peepholes !== null && (kind !== 'lstm' || peepholes.shape.join() !== `${directions},${3 * width}`)) throw n.fault(`peepholes do not fit, got [${peepholes.shape.join(', ')}]`, `none, or [${directions}, ${3 * width}] of an LSTM`);
  const state = (i: number): Tensor => {
    const given = n.maybe(i);
    if (given === null) return zeros([directions, batch, width], { dtype: x.dtype, device: x.device });
    return batchFirst ? given.transpose(0, 1) : given;
  };
  const [hidden, cell] = [state(5), kind === 'lstm' ? state(6) : null];
  const rows = x.reshape([length * batch, x.shape[2]]);
  const runs = Array.from({ length: directions }, (_, d): RunResult => {
    const reverse = direction === 'reverse' || d === 1;
    const half = (k: number): Tensor | null => (b === null ? null : reordered(b.select(0, d).narrow(0, k * layer.gates.length * width, layer.gates.length * width), layer.gates));
    const [input, own, inputBias, hiddenBias] = [reordered(w.select(0, d), layer.gates), reordered(r.select(0, d), layer.gates), half(0), half(1)];
    if (kind === 'gru' && n.int('linear_before_reset', 0) === 0) return resetBefore(linear(rows, input, inputBias), hidden.select(0, d), own, hiddenBias, reverse);
    if (peepholes !== null && cell !== null) return withPeepholes(linear(rows, input, inputBias), hidden.select(0, d), cell.select(0, d), own, hiddenBias, peepholes.select(0, d), reverse);
    const weights = { input, hidden: own, inputBias, hiddenBias, projection: null };
    return recurrence(kind, rows, hidden.select(0, d).contiguous(), cell === null ? null : cell.select(0, d).contiguous(), weights, new Array<number>(length).fill(batch), reverse);
  });
  // (length, directions, batch, width)
  const output = stack(runs.map((run) => run.output.reshape([length, batch, width])), 1);
  const last = [stack(runs.map((run) => run.hidden)), ...(cell === null ? [] : [stack(runs.map((run) => run.cell as Tensor))])];
  return batchFirst ? [output.permute([2, 0, 1, 3]), ...last.map((t) => t.transpose(0, 1))] : [output, ...last];
};

/** Recurrent layers. */
export const recurrentOperators: Operators = { LSTM: recurrent, GRU: recurrent, RNN: recurrent };
