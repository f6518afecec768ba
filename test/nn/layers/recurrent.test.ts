import { test } from 'uvu';
import { ArgumentError, DTypeError, F, LSTMCell, ShapeError, StateError, type Tensor, grad, lstmCell, manualSeed, rand, randn, tensor } from '../../../index.ts';
import { setFast } from '../../../core/cpu/engine.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

const close = (x: Tensor, expected: readonly number[], tolerance = 1e-6): void => {
  const got = Array.from(x.data());
  is(got.length, expected.length);
  ok(got.every((v, i) => Math.abs(v - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i]))), `${got.join(', ')} for ${expected.join(', ')}`);
};

/** The step in separate operations. */
function inOperations(x: Tensor, h: Tensor, c: Tensor, cell: LSTMCell): [Tensor, Tensor] {
  const [i, f, g, o] = F.linear(x, cell.weightIh, cell.biasIh).add(F.linear(h, cell.weightHh, cell.biasHh)).chunk(4, 1);
  const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
  return [o.sigmoid().mul(next.tanh()), next];
}

test('LSTMCell starts from the weights PyTorch draws and gives its numbers', () => {
  manualSeed(0);
  const cell = new LSTMCell(3, 2);
  equal(Object.keys(cell.stateDict()), ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']);
  const x = tensor([[1, 2, 3], [-1, 0.5, 2]]);
  const [h, c] = cell.forward(x, cell.forward(x));
  close(h, [-0.2622455656528473, 0.2761896550655365, -0.12251383811235428, 0.24988965690135956]);
  close(c, [-0.4013935923576355, 0.32811933755874634, -0.14157012104988098, 0.4356064200401306]);
  h.sum().add(c.sum().mul(2)).backward();
  close(cell.weightHh.grad as Tensor, [
    0.07489771395921707, -0.1415412873029709, -0.08684016764163971, 0.1738031506538391, 0.014869444072246552, -0.02913946472108364, -0.03917920961976051, 0.08452598750591278,
    -0.03874597325921059, 0.11500652134418488, -0.08379492163658142, 0.2297206073999405, 0.012361440807580948, -0.021865222603082657, -0.011493919417262077, 0.027990655973553658,
  ], 1e-5);
});

test('without bias, without batch, as text', () => {
  const cell = new LSTMCell(3, 2, { bias: false });
  is(cell.toString(), 'LSTMCell(3, 2, bias=False)');
  const x = rand([3]);
  const [h, c] = cell.forward(x);
  const [hs, cs] = cell.forward(x.unsqueeze(0));
  equal([h.shape, c.shape], [[2], [2]]);
  equal([h.data(), c.data()], [hs.data(), cs.data()]);
});

for (const fast of [true, false]) {
  test(`the fused step has the values and gradients of its operations, ${fast ? 'in Wasm' : 'in JavaScript'}`, () => {
    const before = setFast(fast);
    try {
      for (const [batch, inputs, hidden] of [[1, 1, 1], [3, 5, 7], [32, 4, 16], [2, 3, 33]]) {
        manualSeed(7);
        const cell = new LSTMCell(inputs, hidden);
        const leaves = [randn([batch, inputs]), randn([batch, hidden]), randn([batch, hidden])].map((t) => t.requiresGrad_());
        const all = [...leaves, ...cell.parameters()];
        const results = [cell.forward(leaves[0], [leaves[1], leaves[2]]), inOperations(leaves[0], leaves[1], leaves[2], cell)].map(([h, c]) => [h, c, ...grad(h.square().sum().add(c.mul(3).sum()), all)]);
        results[0].forEach((x, i) => close(x, Array.from(results[1][i].data()), 1e-5));
      }
    } finally {
      setFast(before);
    }
  });
}

test('strided states, and a gradient for one of the results only', () => {
  const cell = new LSTMCell(3, 4);
  const [x, wide] = [randn([5, 3]), randn([4, 10], { requiresGrad: true })];
  const [h, c] = [wide.narrow(1, 0, 5).t(), wide.narrow(1, 5, 5).t()];
  for (const i of [0, 1]) {
    const [got, expected] = [cell.forward(x, [h, c])[i], inOperations(x, h, c, cell)[i]];
    close(grad(got.sum(), wide)[0], Array.from(grad(expected.sum(), wide, { retainGraph: true })[0].data()), 1e-5);
    throwsError(() => grad(got.sum(), wide), StateError, /already freed/);
  }
});

test('second derivatives', () => {
  const cell = new LSTMCell(2, 3);
  const x = randn([4, 2], { requiresGrad: true });
  const [h, c] = [randn([4, 3]), randn([4, 3])];
  const twice = ([a, b]: readonly [Tensor, Tensor]): Tensor => {
    const [g] = grad(a.mul(b).sum(), x, { createGraph: true });
    return grad(g.square().sum(), x)[0];
  };
  close(twice(cell.forward(x, [h, c])), Array.from(twice(inOperations(x, h, c, cell)).data()), 1e-4);
});

test('what does not fit is refused', () => {
  const cell = new LSTMCell(3, 2);
  throwsError(() => new LSTMCell(-1, 2), ArgumentError, /inputSize/);
  throwsError(() => cell.forward(rand([2, 4])), ShapeError, /input does not fit/);
  throwsError(() => cell.forward(rand([2, 3]), [rand([2]), rand([2])]), ShapeError, /number of dimensions/);
  throwsError(() => cell.forward(rand([2, 3]), [rand([3, 2]), rand([2, 2])]), ShapeError, /do not fit/);
  const [wi, wh] = [rand([8, 3]), rand([8, 2])];
  const state = [rand([2, 2]), rand([2, 2])] as const;
  throwsError(() => lstmCell(rand([2, 3]), state, wh, wh), ShapeError, /weightIh/);
  throwsError(() => lstmCell(rand([2, 3]), state, wi, wh, rand([4])), ShapeError, /biasIh/);
  throwsError(() => lstmCell(rand([2, 3]), state, wi.to('float64'), wh), DTypeError, /dtypes differ/);
  // @ts-expect-error a state has two parts
  throwsError(() => lstmCell(rand([2, 3]), [state[0]], wi, wh), ArgumentError, /not a state/);
});

test.run();
