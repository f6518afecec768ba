import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, BaseAveragedModel, Buffer, ExponentialMovingAverage, Linear, Module, Parameter, SGD, StateError, StochasticWeightAverage, type Tensor, manualSeed, noGrad, ones, rand, randn, setNumThreads, tensor, withAveraged, zeros,
} from '../../index.ts';
import { Storage } from '../../core/storage.ts';
import { allClose, equal, is, not, ok, rejectsError, throwsError } from '../assert.ts';
import { Net, Tied, everything, setAll, trained, values } from './nets.ts';

test('a swap gives the model the average, and takes it back', () => {
  manualSeed(0);
  const { model, average } = trained(new Net());
  model.eval();
  average.eval();
  const x = rand([5, 3]);
  const [raw, averaged] = noGrad(() => [model.forward(x), average.forward(x)]);
  const before = [values(model), values(average)];
  not.equal(before[0], values(average.module));
  const swap = average.swap(model);
  is(swap.active, true);
  is(swap.model, model);
  equal(noGrad(() => model.forward(x)).array(), averaged.array());
  equal(values(average.module), before[0]);
  swap.restore();
  is(swap.active, false);
  equal(noGrad(() => model.forward(x)).array(), raw.array());
  equal([values(model), values(average)], before);
});

test('restore, dispose and using end a swap once', () => {
  const { model, average } = trained(new Net());
  const before = values(model);
  const swap = average.swap(model);
  swap.restore();
  swap.restore();
  swap.dispose();
  swap[Symbol.dispose]();
  equal(values(model), before);
  const other = average.swap(model);
  swap.restore();
  is(other.active, true, 'a swap that is over does not end another');
  not.equal(values(model), before);
  other.dispose();
  {
    using held = average.swap(model);
    is(held.active, true);
    not.equal(values(model), before);
  }
  equal(values(model), before);
});

test('swapping twice is the identity, for any dtype and layout', () => {
  const layouts: readonly ((rows: number, cols: number, dtype: 'float32' | 'float64') => Tensor)[] = [
    (r, c, dtype) => randn([r, c]).to(dtype),
    (r, c, dtype) => randn([c, r]).to(dtype).t(),
    (r, c, dtype) => randn([r + 2, c]).to(dtype).narrow(0, 1, r),
    (r, c, dtype) => randn([r, 2 * c]).to(dtype).narrow(1, c, c),
  ];
  class Odd extends Module {
    a: Parameter;
    b: Buffer;
    c: Buffer;
    constructor(a: Tensor, b: Tensor) {
      super();
      this.a = new Parameter(a);
      this.b = new Buffer(b);
      this.c = new Buffer(tensor([3, 1], { dtype: 'int64' }));
    }
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const size = fc.integer({ min: 1, max: 5 });
  const layout = fc.integer({ min: 0, max: layouts.length - 1 });
  fc.assert(
    fc.property(size, size, layout, layout, fc.constantFrom('float32' as const, 'float64' as const), (r, c, i, k, dtype) => {
      const model = new Odd(layouts[i](r, c, dtype), layouts[k](r, c, dtype));
      const average = new StochasticWeightAverage(model);
      average.updateParameters(model);
      // The average lies otherwise than the model.
      average.module.a = new Parameter(layouts[k](r, c, dtype), { requiresGrad: false });
      const ids = [...everything(model), ...everything(average.module)].map((t) => [t.storage.id, t.strides, t.offset]);
      const before = [values(model), values(average.module)];
      const swap = average.swap(model);
      equal([values(model), values(average.module)], [before[1], before[0]]);
      swap.restore();
      equal([values(model), values(average.module)], before);
      equal([...everything(model), ...everything(average.module)].map((t) => [t.storage.id, t.strides, t.offset]), ids);
    }),
    { numRuns: 60 },
  );
});

test('nothing is copied, allocated or made anew', () => {
  const { model, average } = trained(new Net());
  const tensors = everything(model);
  const storages = everything(average.module).map((t) => t.storage);
  const grads = model.parameters().map((p) => {
    p.grad = ones(p.shape);
    return p.grad;
  });
  const count = Storage.count;
  const swap = average.swap(model);
  is(Storage.count, count);
  equal(everything(model).map((t) => t.storage.id), storages.map((s) => s.id));
  ok(everything(model).every((t, i) => t === tensors[i]), 'the tensors are the same objects');
  ok(model.parameters().every((p, i) => p.grad === grads[i] && p.requiresGrad));
  ok(average.parameters().every((p) => p.grad === null && !p.requiresGrad));
  swap.restore();
  is(Storage.count, count);
  ok(model.parameters().every((p, i) => p.grad === grads[i] && p.requiresGrad));
});

test('buffers are swapped too, those that are not saved included', () => {
  const { model, average } = trained(new Net());
  noGrad(() => {
    model.norm.runningMean?.fill_(5);
    model.mask.fill_(0.5);
  });
  const swap = average.swap(model);
  equal(model.norm.runningMean?.array(), [0, 0, 0, 0]);
  equal(model.mask.array(), [1, 1, 1, 1]);
  equal(average.module.mask.array(), [0.5, 0.5, 0.5, 0.5]);
  swap.restore();
  equal(model.norm.runningMean?.array(), [5, 5, 5, 5]);
  equal(model.mask.array(), [0.5, 0.5, 0.5, 0.5]);
});

test('tied weights stay tied on both sides', () => {
  const { model, average } = trained(new Tied());
  const before = [values(model), values(average.module)];
  const swap = average.swap(model);
  is(model.first.weight, model.second.weight);
  is(average.module.first.weight, average.module.second.weight);
  equal([values(model), values(average.module)], [before[1], before[0]]);
  swap.restore();
  equal([values(model), values(average.module)], before);
});

test('tensors that share memory without being one are swapped each', () => {
  class Windows extends Module {
    left: Parameter;
    right: Parameter;
    again: Parameter;
    constructor() {
      super();
      const flat = randn([6]);
      this.left = new Parameter(flat.narrow(0, 0, 3));
      this.right = new Parameter(flat.narrow(0, 3, 3));
      this.again = new Parameter(flat.narrow(0, 0, 3));
    }
    forward(): Tensor {
      return this.left.add(this.right).add(this.again);
    }
  }
  const model = new Windows();
  const average = new StochasticWeightAverage(model);
  average.updateParameters(model);
  noGrad(() => model.left.add_(1));
  average.updateParameters(model);
  const before = [values(model), values(average.module)];
  const swap = average.swap(model);
  equal([values(model), values(average.module)], [before[1], before[0]]);
  is(model.left.storage, model.again.storage);
  swap.restore();
  equal([values(model), values(average.module)], before);
  is(model.left.storage, model.right.storage);
});

test('training goes on after a swap as if there had been none', () => {
  const run = (swapping: boolean): string => {
    manualSeed(3);
    const model = new Net();
    const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    for (let step = 0; step < 6; step++) {
      const x = randn([8, 3]);
      optimizer.zeroGrad();
      model.forward(x).square().mean().backward();
      optimizer.step();
      average.updateParameters(model);
      if (swapping) {
        const swap = average.swap(model.eval());
        noGrad(() => model.forward(x));
        swap.restore();
        model.train();
      }
    }
    return values(model) + values(average);
  };
  equal(run(true), run(false));
});

test('a backward pass through a graph from before the swap, or from during it, is refused', () => {
  const { model, average } = trained(new Net());
  const loss = (): Tensor => model.forward(randn([4, 3])).square().mean();
  const early = loss();
  const swap = average.swap(model);
  throwsError(() => early.backward(), StateError, /overwritten/);
  const meanwhile = loss();
  loss().backward();
  swap.restore();
  throwsError(() => meanwhile.backward(), StateError, /overwritten/);
  model.zeroGrad();
  loss().backward();
  ok(model.parameters().every((p) => p.grad !== null));
});

test('views of the weights that were taken before stay with their memory', () => {
  const { model, average } = trained(new Net());
  const state = model.stateDict();
  const before = Array.from(state['first.weight'].data());
  const swap = average.swap(model);
  equal(Array.from(state['first.weight'].data()), before);
  not.equal(Array.from(model.stateDict()['first.weight'].data()), before);
  swap.restore();
});

test('an exception leaves the block with the weights back', () => {
  const { model, average } = trained(new Net());
  const before = values(model);
  throwsError(() => {
    using _ = average.swap(model);
    throw new StateError('on purpose');
  }, StateError, /on purpose/);
  equal(values(model), before);
});

test('what was written meanwhile goes to the average', () => {
  const { model, average } = trained(new Net());
  const swap = average.swap(model);
  noGrad(() => model.norm.runningMean?.fill_(7));
  swap.restore();
  equal(average.module.norm.runningMean?.array(), [7, 7, 7, 7]);
  equal(model.norm.runningMean?.array(), [0, 0, 0, 0]);
});

test('a conversion meanwhile stays, and the weights come back all the same', () => {
  const { model, average } = trained(new Net());
  const [raw, averaged] = [values(model), values(average.module)];
  const swap = average.swap(model);
  model.to('float64');
  swap.restore();
  is(model.first.weight.dtype, 'float64');
  is(average.module.first.weight.dtype, 'float32');
  equal([values(model), values(average.module)], [raw, averaged]);
});

test('a buffer with history from meanwhile does not keep the weights from coming back', () => {
  const { model, average } = trained(new Net());
  const before = values(model);
  const swap = average.swap(model);
  model.mask.mul_(model.first.weight.sum());
  ok(model.mask.node !== null);
  swap.restore();
  equal(values(model), before);
  is(model.mask.node, null);
});

test('entries that a policy skips stay where they are', () => {
  const model = new Net();
  const average = new ExponentialMovingAverage(model, { momentum: 0.25, policy: { 'last.*': 'skip' } });
  const start = average.module.last.weight.array();
  setAll(model, 2);
  average.updateParameters(model);
  setAll(model, 3);
  const swap = average.swap(model);
  equal(model.first.bias?.array(), [2, 2, 2, 2]);
  equal(model.last.bias?.array(), [3, 3]);
  equal(average.module.last.weight.array(), start);
  swap.restore();
  equal(model.first.bias?.array(), [3, 3, 3, 3]);
  average.copyTo(model);
  equal([model.first.bias?.array(), model.last.bias?.array()], [[2, 2, 2, 2], [3, 3]]);
});

test('a float64 shadow goes on with all its digits after a swap', () => {
  const run = (swapping: boolean): string => {
    manualSeed(5);
    const model = new Net();
    const average = new ExponentialMovingAverage(model, { momentum: 0.0002, precision: 'float64' });
    for (let i = 0; i < 5; i++) {
      noGrad(() => model.parameters().forEach((p) => p.add_(randn(p.shape))));
      average.updateParameters(model);
      if (swapping) average.swap(model).restore();
    }
    return JSON.stringify(Object.entries(average.stateDict()).map(([name, t]) => [name, Array.from(t.data())]));
  };
  ok(run(true).includes('shadow.'));
  equal(run(true), run(false));
});

test('another model of the same architecture can be swapped', () => {
  const { average } = trained(new Net());
  const other = new Net();
  const before = values(other);
  const swap = average.swap(other);
  not.equal(values(other), before);
  swap.restore();
  equal(values(other), before);
});

test('withAveraged runs a function on the model with averaged weights', async () => {
  const { model, average } = trained(new Net());
  model.eval();
  average.eval();
  const x = rand([2, 3]);
  const expected = noGrad(() => average.forward(x)).array();
  const before = values(model);
  const promise = withAveraged(average, model, (net) => noGrad(() => net.forward(x)).array());
  equal(values(model), before, 'a synchronous function is done, and its swap over, before anyone waits');
  equal(await promise, expected);
  const later = withAveraged(average, model, async (net) => {
    await new Promise((done) => setTimeout(done, 2));
    return noGrad(() => net.forward(x)).array();
  });
  not.equal(values(model), before);
  throwsError(() => average.updateParameters(model), StateError, /swapped/);
  equal(await later, expected);
  equal(values(model), before);
});

test('withAveraged gives the weights back after exceptions and rejections', async () => {
  const { model, average } = trained(new Net());
  const before = values(model);
  const fail = (): never => {
    throw new StateError('on purpose');
  };
  await rejectsError(() => withAveraged(average, model, fail), StateError, /on purpose/);
  equal(values(model), before);
  await rejectsError(() => withAveraged(average, model, async () => {
    await Promise.resolve();
    fail();
  }), StateError, /on purpose/);
  equal(values(model), before);
  await rejectsError(() => withAveraged(average, model, () => withAveraged(average, model, () => 1)), StateError, /swapped already/);
  equal(values(model), before);
  // @ts-expect-error: no function
  await rejectsError(() => withAveraged(average, model, 3), ArgumentError, /withAveraged: not a function, got 3/);
  // @ts-expect-error: no average
  await rejectsError(() => withAveraged(model, model, () => 1), ArgumentError, /withAveraged: not an average, got a Net/);
  equal(values(model), before);
});

test('two averages take turns in one model', async () => {
  const { model, average } = trained(new Net());
  const swa = new StochasticWeightAverage(model);
  swa.updateParameters(model);
  const both = await Promise.allSettled([withAveraged(average, model, async () => Promise.resolve(1)), withAveraged(swa, model, async () => Promise.resolve(2))]);
  equal(both.map((r) => r.status), ['fulfilled', 'rejected']);
  equal([await withAveraged(average, model, () => 1), await withAveraged(swa, model, () => 2)], [1, 2]);
});

test('rules of users swap as well, and threads do not matter', () => {
  class Newest extends BaseAveragedModel {
    override avgFunc(averaged: Tensor, source: Tensor): void {
      averaged.copy_(source);
    }
  }
  setNumThreads(2);
  const model = new Linear(64, 64);
  const average = new Newest(model);
  setAll(model, 2);
  average.updateParameters(model);
  setAll(model, 3);
  const swap = average.swap(model);
  allClose(noGrad(() => model.forward(ones([1, 64]))), new Array<number>(64).fill(130));
  swap.restore();
  allClose(noGrad(() => model.forward(ones([1, 64]))), new Array<number>(64).fill(195));
  setNumThreads(1);
  equal(zeros([1]).item(), 0);
});

test.run();
