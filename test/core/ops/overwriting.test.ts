import { test } from 'uvu';
import { F, StateError, type Tensor, manualSeed, randn, tensor } from '../../../index.ts';
import { allClose, ok, throwsError } from '../../assert.ts';

const pairs: readonly (readonly [name: string, over: (x: Tensor) => Tensor, plain: (x: Tensor) => Tensor])[] = [
  ['relu_', (x) => F.relu_(x), (x) => F.relu(x)],
  ['selu_', (x) => F.selu_(x), (x) => F.selu(x)],
  ['elu_', (x) => F.elu_(x, 0.5), (x) => F.elu(x, 0.5)],
  ['elu_ by name', (x) => F.elu_(x, { alpha: 0.5 }), (x) => F.elu(x, 0.5)],
  ['celu_', (x) => F.celu_(x, 2), (x) => F.celu(x, 2)],
  ['leakyRelu_', (x) => F.leakyRelu_(x), (x) => F.leakyRelu(x)],
  ['leakyRelu_ by name', (x) => F.leakyRelu_(x, { negativeSlope: 0.3 }), (x) => F.leakyRelu(x, 0.3)],
  ['hardtanh_', (x) => F.hardtanh_(x, -0.5, 0.25), (x) => F.hardtanh(x, -0.5, 0.25)],
  ['hardtanh_ by name', (x) => F.hardtanh_(x, -0.5, { maxVal: 0.25 }), (x) => F.hardtanh(x, -0.5, 0.25)],
  ['threshold_', (x) => F.threshold_(x, 0.1, 7), (x) => F.threshold(x, 0.1, 7)],
  ['rrelu_', (x) => F.rrelu_(x, 0.1, 0.3), (x) => F.rrelu(x, 0.1, 0.3)],
  ['rrelu_ in training', (x) => F.rrelu_(x, { training: true }), (x) => F.rrelu(x, { training: true })],
];

for (const [name, over, plain] of pairs) {
  test(`${name} writes over its input, with the same values and gradients`, () => {
    const x = randn([3, 4], { dtype: 'float64' }).requiresGrad_();
    manualSeed(2);
    const expected = plain(x);
    expected.square().sum().backward();
    const grad = x.grad?.clone();
    x.grad = null;
    manualSeed(2);
    const target = x.clone();
    ok(over(target) === target);
    allClose(target, expected, { rtol: 0, atol: 0 });
    target.square().sum().backward();
    allClose(x.grad as never, grad as never, { rtol: 1e-13, atol: 1e-14 });
  });
}

test('a leaf that requires grad is refused', () => {
  throwsError(() => F.relu_(tensor([1], { requiresGrad: true })), StateError, /leaf/);
});

test.run();
