import { test } from 'uvu';
import { F, Linear, SGD, type Tensor, manualSeed, noGrad, randn, scope, setNumThreads } from '../../../index.ts';
import { packedWeight } from '../../../core/cpu/fast/matmul-packed.ts';
import { equal, is, ok } from '../../assert.ts';

// A weight that is used again unchanged is multiplied in its packed form.

/** The product without any packed form: of a copy of the weight, which was never seen. */
const fresh = (x: Tensor, w: Tensor): unknown => F.linear(x, w.clone()).data();

test('the same bits the first, second and third time, for any rows and sizes', () => {
  manualSeed(1);
  for (const [n, k] of [[64, 64], [512, 128], [65, 70], [9, 800], [100, 41]]) {
    const w = randn([n, k]);
    for (const m of [5, 6, 7, 11, 32, 33, 128, 129, 1]) {
      const x = randn([m, k]);
      const expected = fresh(x, w);
      for (let i = 0; i < 3; i++) equal(F.linear(x, w).data(), expected);
    }
    is(packedWeight(w, 32) !== null, n * k >= 4096);
  }
});

test('after the weight was written, in whatever way, the new one counts', () => {
  const layer = new Linear(80, 70);
  const x = randn([20, 80]);
  const other = new Linear(80, 70);
  const optimizer = new SGD(layer.parameters(), { lr: 0.1 });
  const writes: readonly (() => unknown)[] = [
    () => noGrad(() => layer.weight.mul_(0.5)),
    () => noGrad(() => layer.weight.select(0, 3).fill_(2)),
    () => layer.loadStateDict(other.stateDict()),
    () => {
      layer.forward(x).sum().backward();
      optimizer.step();
    },
    () => layer.resetParameters(),
  ];
  for (const write of writes) {
    for (let i = 0; i < 3; i++) layer.forward(x);
    write();
    for (let i = 0; i < 3; i++) equal(F.linear(x, layer.weight).data(), fresh(x, layer.weight));
  }
});

test('views of one storage, transposed weights, operands of any layout', () => {
  const whole = randn([160, 90]);
  const x = randn([30, 90]);
  const square = randn([90, 90]);
  for (let i = 0; i < 3; i++) {
    for (const w of [whole.narrow(0, 0, 80), whole.narrow(0, 80, 80), square, square.t()]) {
      equal(F.linear(x, w).data(), fresh(x, w));
      equal(F.linear(x.t().contiguous().t(), w).data(), fresh(x, w));
    }
  }
});

test('a form that was made within a scope or a pass stays, and leaves when memory is short', () => {
  const w = randn([100, 100]).requiresGrad_();
  const x = randn([10, 100]);
  const expected = fresh(x, w.detach());
  scope(() => {
    for (let i = 0; i < 3; i++) F.linear(x, w);
  });
  for (let i = 0; i < 200; i++) randn([500, 500]); // 200 MB of results: everything else moves out
  equal(F.linear(x, w).data(), expected);
  setNumThreads(2);
  try {
    equal(F.linear(x, w).data(), expected);
  } finally {
    setNumThreads(1);
  }
  equal(F.linear(x, w).data(), expected);
});

test('large weights, tiny ones and many rows have no such form', () => {
  for (const [n, k, m] of [[600, 600, 16], [8, 8, 16], [100, 100, 200], [100, 100, 4]]) {
    const w = randn([n, k]);
    for (let i = 0; i < 3; i++) F.linear(randn([m, k]), w);
    is(packedWeight(w, m), null);
  }
  const w = randn([100, 100]);
  is(packedWeight(w, 16), null);
  ok(packedWeight(w, 16) !== null);
});

test.run();
