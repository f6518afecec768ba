import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import {
  ArgumentError, Conv1d, Linear, Module, type OrthogonalMap, Parameter, ParametrizationList, SGD, ShapeError, StateError, type Tensor, deepCopy, eye, grad, manualSeed, noGrad, orthogonal, randn, tensor,
} from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly map: OrthogonalMap | null;
  readonly trivial: boolean;
  readonly keys: readonly string[];
  readonly first: readonly number[];
  readonly moved: readonly number[];
  readonly grad: readonly number[];
}

const recorded = (JSON.parse(readFileSync(new URL('../fixtures/parametrizations.json', import.meta.url), 'utf8')) as { readonly orthogonal: readonly Recorded[] }).orthogonal;

/** The values of make_parametrizations.py. */
function wave(shape: readonly number[], i: number): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: n }, (_, k) => (((7 * k + 3 * i) % 13) - 6) / 16), { dtype: 'float64' }).reshape(shape);
}

class Holder extends Module {
  weight: Parameter;

  constructor(weight: Tensor) {
    super();
    this.weight = new Parameter(weight);
  }

  forward(): Tensor {
    return this.weight;
  }
}

const close = { rtol: 1e-7, atol: 1e-9 };

for (const c of recorded) {
  test(`[${c.shape.join(', ')}], ${c.map ?? 'default'}${c.trivial ? '' : ', not trivialised'}: PyTorch's keys, values and gradients`, () => {
    manualSeed(7);
    const module = orthogonal(new Holder(wave(c.shape, 1)), 'weight', { orthogonalMap: c.map, useTrivialization: c.trivial });
    equal(Object.keys(module.stateDict()), [...c.keys]);
    allClose(module.weight.flatten(), c.first, close);
    const original = module.getParameter('parametrizations.weight.original');
    const step = wave(c.shape, 3).mul(0.5);
    noGrad(() => original.add_(step.sub(step.tril().triu())));
    allClose(module.weight.flatten(), c.moved, close);
    allClose(grad(module.weight.mul(wave(c.shape, 2)).sum(), original)[0].flatten(), c.grad, close);
  });
}

const isOrthogonal = (q: Tensor): void => {
  const product = q.shape[0] >= q.shape[1] ? q.T.matmul(q) : q.matmul(q.T);
  allClose(product.detach(), eye(product.shape[0]).data(), { atol: 1e-5 });
};

test('training stays on the orthogonal matrices, and a matrix can be set', () => {
  manualSeed(1);
  for (const [rows, columns] of [[4, 4], [5, 2], [2, 5]]) {
    for (const orthogonalMap of ['matrix_exp', 'cayley', 'householder'] as const) {
      const layer = orthogonal(new Linear(columns, rows), 'weight', { orthogonalMap });
      const optimizer = new SGD(layer.parameters(), { lr: 0.5 });
      const x = randn([8, columns]);
      for (let i = 0; i < 3; i++) {
        optimizer.zeroGrad();
        layer.forward(x).sub(1).square().mean().backward();
        optimizer.step();
      }
      isOrthogonal(layer.weight);
      const other = orthogonal(new Linear(columns, rows));
      const target = other.weight.detach();
      Reflect.set(layer, 'weight', target);
      allClose(layer.weight.detach(), target.data(), { atol: 1e-5 });
      const copy = deepCopy(layer);
      Reflect.set(copy, 'weight', randn([rows, columns]));
      isOrthogonal(copy.weight);
      allClose(layer.weight.detach(), target.data(), { atol: 1e-5 });
    }
  }
});

test('what cannot be is refused', () => {
  const layer = new Linear(3, 3);
  throwsError(() => orthogonal(layer, 'bias'), ShapeError, /orthogonal: not a matrix, got float32\[3\]/);
  throwsError(() => orthogonal(layer, 'weights'), ArgumentError, /no such tensor/);
  throwsError(() => orthogonal(layer, 'weight', { orthogonalMap: 'svd' as never }), ArgumentError, /unknown orthogonalMap, got 'svd'/);
  is(layer.weight.constructor, Parameter);
  orthogonal(layer, 'weight', { useTrivialization: false });
  throwsError(() => Reflect.set(layer, 'weight', eye(3)), StateError, /cannot be turned round/);
  const conv = orthogonal(new Conv1d(3, 3, 3));
  is(conv.getSubmodule('parametrizations.weight') instanceof ParametrizationList, true);
  const first = conv.weight.select(0, 0);
  isOrthogonal(first);
});

test.run();
