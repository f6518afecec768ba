import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { setFast } from '../../../core/cpu/engine.ts';
import { numelOf } from '../../../core/shape.ts';
import { Node } from '../../../core/tape.ts';
import {
  ArgumentError, DTypeError, type DType, GRU, GRUCell, LSTM, type LSTMOptions, LSTMCell, type Module, PackedSequence, RNN, RNNCell, type RNNOptions, ShapeError, StateError, type Tensor,
  deepCopy, grad, gradcheck, gradgradcheck, gruCell, manualSeed, noGrad, packPaddedSequence, rand, randn, rnnReluCell, rnnTanhCell, scope, tensor, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

interface Recorded {
  readonly kind: 'RNN' | 'RNN relu' | 'LSTM' | 'GRU' | 'LSTM projected';
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly form: 'plain' | 'batchFirst' | 'unbatched' | 'packed';
  readonly bias: boolean;
  readonly hx: boolean;
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly (readonly number[])[];
  readonly grads: readonly (readonly number[])[];
}

interface Drawn {
  readonly name: 'RNN' | 'LSTM' | 'GRU';
  readonly keys: readonly string[];
  readonly sums: readonly number[];
  readonly repr: string;
}

const recorded = JSON.parse(readFileSync(new URL('../../fixtures/recurrent.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Recorded[];
  readonly drawn: readonly Drawn[];
  readonly dropped: readonly number[];
};

const start = (i: number, shape: readonly number[], dtype: DType = 'float64'): Tensor =>
  tensor(Array.from({ length: numelOf(shape) }, (_, k) => (((7 * k + 5 * i) % 13) - 6) / 8), { dtype }).reshape(shape);

const dataOf = (output: Tensor | PackedSequence): Tensor => (output instanceof PackedSequence ? output.data : output);

/** Output and states of any recurrent layer, in one list. */
function runAll(layer: RNN | GRU | LSTM, x: Tensor | PackedSequence, states: readonly Tensor[]): Tensor[] {
  if (layer instanceof LSTM) {
    const hx = states.length === 0 ? null : ([states[0], states[1]] as const);
    const [output, [h, c]] = x instanceof PackedSequence ? layer.forward(x, hx) : layer.forward(x, hx);
    return [dataOf(output), h, c];
  }
  const [output, h] = x instanceof PackedSequence ? layer.forward(x, states[0]) : layer.forward(x, states[0]);
  return [dataOf(output), h];
}

function build({ kind, layers, bidirectional, form, bias }: Recorded, dtype: DType): RNN | GRU | LSTM {
  const options = { numLayers: layers, bidirectional, bias, batchFirst: form === 'batchFirst', dtype };
  const made = kind === 'GRU' ? new GRU(2, 2, options)
    : kind === 'LSTM' ? new LSTM(2, 2, options)
      : kind === 'LSTM projected' ? new LSTM(2, 2, { ...options, projSize: 1 })
        : new RNN(2, 2, { ...options, nonlinearity: kind === 'RNN' ? 'tanh' : 'relu' });
  noGrad(() => made.parameters().forEach((p, i) => p.copy_(start(i, p.shape, dtype))));
  return made;
}

function compare(c: Recorded, dtype: DType, createGraph: boolean, tolerance: number): void {
  const layer = build(c, dtype);
  const x = start(50, c.form === 'batchFirst' ? [3, 3, 2] : c.form === 'unbatched' ? [3, 2] : [3, 3, 2], dtype).requiresGrad_();
  const count = c.layers * (c.bidirectional ? 2 : 1);
  const widths = [c.kind === 'LSTM projected' ? 1 : 2, ...(c.kind.startsWith('LSTM') ? [2] : [])];
  const states = c.hx ? widths.map((w, i) => start(60 + i, c.form === 'unbatched' ? [count, w] : [count, 3, w], dtype).requiresGrad_()) : [];
  const results = runAll(layer, c.form === 'packed' ? packPaddedSequence(x, [2, 3, 1], { enforceSorted: false }) : x, states);
  equal(results.map((y) => y.shape), c.shapes);
  results.forEach((y, i) => allClose(y.data(), c.values[i], { rtol: tolerance, atol: tolerance }));
  const loss = results.map((y, i) => y.mul(start(70 + i, y.shape, dtype)).sum()).reduce((a, b) => a.add(b));
  grad(loss, [x, ...states, ...layer.parameters()], { createGraph }).forEach((g, i) => allClose(g.detach().data(), c.grads[i], { rtol: tolerance, atol: tolerance }));
}

for (const kind of ['RNN', 'RNN relu', 'LSTM', 'LSTM projected', 'GRU'] as const) {
  const cases = recorded.cases.filter((c) => c.kind === kind);
  test(`${kind}: outputs, states and gradients are PyTorch's in every form`, () => {
    ok(cases.length >= 16);
    for (const c of cases) compare(c, 'float64', false, 1e-6);
  });

  test(`${kind}: so are those of float32, in Wasm and in JavaScript, and gradients that are recorded`, () => {
    for (const c of cases) {
      compare(c, 'float64', true, 1e-6);
      compare(c, 'float32', false, 1e-4);
      const before = setFast(false);
      try {
        compare(c, 'float32', false, 1e-4);
      } finally {
        setFast(before);
      }
    }
  });
}

const layerNamed = (name: Drawn['name']): Module => {
  const options = { numLayers: 2, bidirectional: true };
  return name === 'RNN' ? new RNN(2, 3, options) : name === 'LSTM' ? new LSTM(2, 3, { ...options, projSize: 2 }) : new GRU(2, 3, { ...options, bias: false });
};

test('a seed gives the weights, keys and print form of PyTorch', () => {
  for (const { name, keys, sums, repr } of recorded.drawn) {
    manualSeed(11);
    const layer = layerNamed(name);
    equal(Object.keys(layer.stateDict()), keys);
    allClose(layer.parameters().map((p) => p.detach().to('float64').sum().item()), sums, { rtol: 1e-6, atol: 1e-7 });
    is(layer.toString(), repr);
  }
});

test('outputs between layers are dropped in training, with the numbers PyTorch draws', () => {
  manualSeed(5);
  const layer = new GRU(3, 4, 3, { dropout: 0.4 });
  const x = start(3, [4, 2, 3], 'float32');
  manualSeed(6);
  const [dropped] = layer.forward(x);
  allClose(dropped.data(), recorded.dropped, { rtol: 1e-5, atol: 1e-6 });
  layer.eval();
  equal(layer.forward(x).output.data(), layer.forward(x).output.data());
  ok(dropped.sub(layer.forward(x).output).abs().max().item() > 1e-3);
});

test('results have names and an order', () => {
  const made = new LSTM(2, 3).forward(rand([4, 2, 2]));
  const [output, [h, c]] = made;
  is(made.output, output);
  equal(made.hn, [h, c]);
  equal([made.length, output.shape, h.shape, c.shape], [2, [4, 2, 3], [1, 2, 3], [1, 2, 3]]);
  equal(output.select(0, -1).data(), h.select(0, 0).data());
});

test('fields, state dictionaries and copies', () => {
  const layer = new LSTM(2, 3, 2, { bidirectional: true, projSize: 1 });
  is(layer.stateDict()['weight_hr_l1_reverse'].shape.join(), layer.weightHrL1Reverse.shape.join());
  equal(layer.weightIhL1.shape, [12, 2]);
  equal(layer.allWeights.map((list) => list.length), [5, 5, 5, 5]);
  const other = new LSTM(2, 3, { numLayers: 2, bidirectional: true, projSize: 1 });
  other.loadStateDict(layer.stateDict());
  const copied = deepCopy(layer);
  const x = rand([3, 2, 2]);
  for (const same of [other, copied]) equal(same.forward(x).output.data(), layer.forward(x).output.data());
  noGrad(() => copied.biasHhL0.fill_(3));
  ok(layer.biasHhL0.max().item() < 1);
  const wide = new GRU(2, 3).double();
  is(wide.forward(rand([2, 1, 2], { dtype: 'float64' })).output.dtype, 'float64');
});

test('a batch of none, and one step', () => {
  const layer = new GRU(2, 3, { bidirectional: true });
  const [output, hn] = layer.forward(zeros([4, 0, 2]));
  equal([output.shape, hn.shape], [[4, 0, 6], [2, 0, 3]]);
  equal(grad(output.sum(), layer.weightHhL0)[0].data(), new Float32Array(27));
  equal(layer.forward(rand([1, 1, 2])).output.shape, [1, 1, 6]);
});

test('frozen weights, and gradients of one result only', () => {
  const layer = new LSTM(2, 3, { projSize: 2 }).requiresGrad_(false);
  const x = randn([4, 2, 2], { requiresGrad: true });
  const [output, [h, c]] = layer.forward(x);
  for (const y of [output, h, c]) {
    const [g] = grad(y.square().sum(), x, { retainGraph: true });
    const [again] = grad(y.square().sum(), x, { createGraph: true });
    allClose(g.data(), again.detach().data(), { rtol: 1e-4, atol: 1e-6 });
  }
  grad(output.sum(), x);
  throwsError(() => grad(output.sum(), x), StateError, /already freed/);
});

test('first and second derivatives through layers, directions and packing', () => {
  for (const make of [
    (o: RNNOptions) => new RNN(1, 2, o), (o: RNNOptions) => new RNN(1, 2, { ...o, nonlinearity: 'relu' }), (o: RNNOptions) => new GRU(1, 2, o),
    (o: LSTMOptions) => new LSTM(1, 2, o), (o: LSTMOptions) => new LSTM(1, 2, { ...o, projSize: 1 }),
  ]) {
    manualSeed(3);
    const layer = make({ numLayers: 2, bidirectional: true, dtype: 'float64' });
    const x = randn([2, 2, 1], { dtype: 'float64', requiresGrad: true });
    const loss = (y: Tensor): Tensor => runAll(layer, packPaddedSequence(y, [2, 1]), []).map((r) => r.pow(2).sum()).reduce((a, b) => a.add(b));
    gradcheck(loss, [x]);
    gradgradcheck(loss, [x]);
  }
});

test('a sequence is one product of the input and one run, however long it is', () => {
  const namesOf = (layer: RNN | GRU | LSTM, length: number): string[] => {
    const nodes: Node[] = [];
    Node.recorder = nodes;
    try {
      runAll(layer, rand([length, 2, 3]), []);
    } finally {
      Node.recorder = null;
    }
    return nodes.map((node) => node.name);
  };
  for (const layer of [new LSTM(3, 4), new GRU(3, 4), new RNN(3, 4)]) {
    const names = namesOf(layer, 3);
    equal(names, namesOf(layer, 11));
    equal(names.filter((name) => /linear|matmul|addmm/.test(name)).length, 1);
    equal(names.filter((name) => name.endsWith('Run')).length, 1);
  }
});

test('steps by hand are the layer', () => {
  const x = randn([5, 2, 3]);
  for (const bias of [true, false]) {
    const pairs = [[new GRU(3, 4, { bias }), new GRUCell(3, 4, { bias })], [new RNN(3, 4, { bias }), new RNNCell(3, 4, { bias })], [new RNN(3, 4, { bias, nonlinearity: 'relu' }), new RNNCell(3, 4, { bias, nonlinearity: 'relu' })]] as const;
    for (const [layer, cell] of pairs) {
      noGrad(() => cell.parameters().forEach((p, i) => p.copy_(layer.parameters()[i])));
      let h: Tensor | undefined;
      for (let t = 0; t < 5; t++) h = cell.forward(x.select(0, t), h);
      allClose((h as Tensor).detach(), layer.forward(x).hn.detach().select(0, 0), { rtol: 1e-5, atol: 1e-6 });
    }
    const [layer, cell] = [new LSTM(3, 4, { bias }), new LSTMCell(3, 4, { bias })];
    noGrad(() => cell.parameters().forEach((p, i) => p.copy_(layer.parameters()[i])));
    let state: [Tensor, Tensor] | undefined;
    for (let t = 0; t < 5; t++) state = cell.forward(x.select(0, t), state);
    allClose((state as [Tensor, Tensor])[1].detach(), layer.forward(x).hn[1].detach().select(0, 0), { rtol: 1e-5, atol: 1e-6 });
  }
});

test('training in a scope, with layers whose intermediate results go early', () => {
  const layer = new LSTM(3, 4, 2, { bidirectional: true, dropout: 0.2, batchFirst: true });
  const x = randn([2, 5, 3]);
  const losses = Array.from({ length: 3 }, () => scope(() => {
    layer.zeroGrad();
    const loss = layer.forward(x).output.square().sum();
    loss.backward();
    return loss.item();
  }));
  ok(losses.every((v) => Number.isFinite(v) && v > 0));
  is(noGrad(() => layer.forward(x).output).requiresGrad, false);
});

test('cells: weights, forms and print form', () => {
  const cell = new RNNCell(3, 2, { nonlinearity: 'relu', bias: false });
  is(cell.toString(), 'RNNCell(3, 2, bias=False, nonlinearity=relu)');
  is(new GRUCell(3, 2).toString(), 'GRUCell(3, 2)');
  equal(new GRUCell(3, 2).stateDict()['weight_ih'].shape, [6, 3]);
  const x = rand([3]);
  equal(cell.forward(x).shape, [2]);
  equal(cell.forward(x).data(), cell.forward(x.unsqueeze(0), zeros([1, 2])).data());
  equal(new GRUCell(3, 0).forward(rand([2, 3])).shape, [2, 0]);
  throwsError(() => new GRUCell(3, 2).forward(rand([2, 2])), ShapeError, /input does not fit/);
  throwsError(() => new GRUCell(3, 2).forward(rand([2, 3]), rand([2])), ShapeError, /number of dimensions/);
  throwsError(() => new GRUCell(3, 2).forward(rand([2, 3]), rand([3, 2])), ShapeError, /do not fit/);
  // @ts-expect-error no such nonlinearity
  throwsError(() => new RNNCell(3, 2, { nonlinearity: 'elu' }), ArgumentError, /nonlinearity/);
  const [wi, wh] = [rand([6, 3]), rand([6, 2])];
  throwsError(() => gruCell(rand([2, 3]), rand([2, 2]), wh, wh), ShapeError, /weightIh/);
  throwsError(() => gruCell(rand([2, 3]), rand([2, 2]), wi, wh, rand([4])), ShapeError, /biasIh/);
  throwsError(() => rnnTanhCell(rand([2, 3]), rand([2, 2]), wi, wh), ShapeError, /expected \[2, 3\]/);
  throwsError(() => rnnReluCell(rand([2, 3]), rand([2, 2]).to('float64'), wi, wh), DTypeError, /dtypes differ/);
});

test('what does not fit is refused', () => {
  throwsError(() => new LSTM(2, 0), ArgumentError, /hiddenSize/);
  throwsError(() => new LSTM(2, 3, 0), ArgumentError, /numLayers/);
  throwsError(() => new LSTM(2, 3, { dropout: 1.5 }), ArgumentError, /dropout/);
  throwsError(() => new LSTM(2, 3, { projSize: 3 }), ArgumentError, /projSize is not smaller/);
  throwsError(() => new LSTM(2, 3, 2, { numLayers: 2 }), ArgumentError, /given twice/);
  // @ts-expect-error only LSTM projects
  throwsError(() => new GRU(2, 3, { projSize: 2 }), ArgumentError, /unknown option, got 'projSize'/);
  // @ts-expect-error no such nonlinearity
  throwsError(() => new RNN(2, 3, { nonlinearity: 'elu' }), ArgumentError, /nonlinearity/);
  const layer = new LSTM(2, 3, { numLayers: 2 });
  throwsError(() => layer.forward(rand([4, 2, 3])), ShapeError, /expected \[length, batch, 2\] or \[length, 2\]/);
  throwsError(() => layer.forward(rand([2])), ShapeError, /input does not fit/);
  throwsError(() => layer.forward(rand([1, 4, 2, 2])), ShapeError, /input does not fit/);
  throwsError(() => layer.forward(rand([0, 2, 2])), ShapeError, /sequence is empty/);
  throwsError(() => layer.forward(rand([4, 2, 2], { dtype: 'float64' })), DTypeError, /dtypes differ.*\n.*to\('float32'\)/);
  throwsError(() => layer.forward(rand([4, 5, 2]), [zeros([2, 4, 3]), zeros([2, 5, 3])]), ShapeError, /hidden state does not fit, got float32\[2, 4, 3\]; expected \[2, 5, 3\]/);
  throwsError(() => layer.forward(rand([4, 5, 2]), [zeros([2, 5, 3]), zeros([1, 5, 3])]), ShapeError, /cell does not fit/);
  throwsError(() => layer.forward(rand([4, 2]), [zeros([2, 1, 3]), zeros([2, 1, 3])]), ShapeError, /expected \[2, 3\]/);
  // @ts-expect-error a state has two parts
  throwsError(() => layer.forward(rand([4, 5, 2]), zeros([2, 5, 3])), ArgumentError, /not a state/);
  // @ts-expect-error one tensor
  throwsError(() => new GRU(2, 3).forward(rand([4, 5, 2]), [zeros([1, 5, 3])]), ArgumentError, /state is not a tensor/);
  throwsError(() => layer.forward(new PackedSequence(rand([3, 2]), tensor([1, 2], { dtype: 'int64' }))), ShapeError, /batchSizes do not fit/);
  throwsError(() => layer.forward(new PackedSequence(rand([3, 2]), tensor([2, 2], { dtype: 'int64' }))), ShapeError, /batchSizes do not fit/);
  throwsError(() => layer.forward(new PackedSequence(rand([3, 1]), tensor([2, 1], { dtype: 'int64' }))), ShapeError, /packed input does not fit/);
});

test.run();
