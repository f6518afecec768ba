import fc from 'fast-check';
import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, DataLoader, Dropout, ExponentialMovingAverage, Linear, Module, ReLU, Sequential, StateError, type Tensor, TensorDataset, arange, manualSeed, prefetch, randn, recalibrateBatchNorm, tensor, updateBN,
} from '../../index.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../assert.ts';

const statistics = (model: Module): Record<string, unknown> =>
  Object.fromEntries(Object.entries(model.stateDict()).filter(([key]) => /running|tracked/.test(key)).map(([key, x]) => [key, x.array()]));

function close(got: unknown, expected: readonly number[], tolerance = 1e-6): void {
  ok(Array.isArray(got) && got.length === expected.length && got.every((v: number, i) => Math.abs(v - expected[i]) <= tolerance), `${String(got)} for ${expected.join(', ')}`);
}

function makeNet(): Sequential {
  manualSeed(0);
  return new Sequential(new Linear(3, 4), new BatchNorm1d(4, { momentum: 0.3 }), new ReLU(), new Linear(4, 2), new BatchNorm1d(2));
}

const batches = (): Tensor[] => [arange(12).to('float32').reshape([4, 3]).sin(), arange(18).to('float32').reshape([6, 3]).cos(), arange(6).to('float32').reshape([2, 3]).div(3)];

test('updateBN gives the statistics of torch.optim.swa_utils.update_bn', () => {
  const net = makeNet();
  net.eval();
  updateBN(batches(), net);
  const found = statistics(net);
  close(found['1.running_mean'], [-0.6371027231216431, -0.4727323055267334, -0.13037744164466858, -0.03834550082683563]);
  close(found['1.running_var'], [0.062483251094818115, 0.1775941699743271, 0.10976634919643402, 0.035479091107845306]);
  close(found['4.running_mean'], [-0.11941321194171906, 0.45796969532966614]);
  close(found['4.running_var'], [0.10810238867998123, 0.2553795278072357]);
  equal([found['1.num_batches_tracked'], found['4.num_batches_tracked']], [3, 3]);
  const norms = net.modules().filter((m) => m instanceof BatchNorm1d);
  equal(norms.map(({ momentum, training }) => [momentum, training]), [[0.3, false], [0.1, false]]);
});

test('batches may be lists, objects with an input function, or come asynchronously', async () => {
  const [a, b, c, d] = [makeNet(), makeNet(), makeNet(), makeNet()];
  updateBN(batches(), a);
  updateBN(batches().map((x) => [x, tensor(1)]), b);
  updateBN(batches().map((image) => ({ image })), c, { input: ({ image }) => image });
  async function* slowly(): AsyncGenerator<Tensor> {
    for (const x of batches()) {
      await Promise.resolve();
      yield x;
    }
  }
  const done = updateBN(slowly(), d);
  ok(done instanceof Promise);
  await done;
  for (const net of [b, c, d]) equal(statistics(net), statistics(a));
});

test('an average gets statistics of its own', () => {
  const net = makeNet();
  const ema = new ExponentialMovingAverage(net, { momentum: 0.1 });
  const before = statistics(net);
  updateBN(batches(), ema);
  equal(statistics(net), before);
  is(ema.module.stateDict()['1.num_batches_tracked'].item(), 3);
});

test('without batch norm the data is not looked at', () => {
  let looked = false;
  updateBN((function* (): Generator<Tensor> {
    looked = true;
    yield randn([1, 2]);
  })(), new Linear(2, 2));
  is(looked, false);
});

class Bare extends Module {
  norm = new BatchNorm1d(1, { affine: false });
  forward(x: Tensor): Tensor {
    return this.norm.forward(x);
  }
}

test('recalibrateBatchNorm: batches [0, 2] and [4, 6, 8] have mean 4 and variance 10', () => {
  const net = new Bare();
  recalibrateBatchNorm([tensor([[0], [2]]), tensor([[4], [6], [8]])], net);
  equal([net.norm.runningMean?.array(), net.norm.runningVar?.array(), net.norm.numBatchesTracked?.item()], [[4], [10], 2]);
  equal([net.norm.momentum, net.norm.training, net.training], [0.1, true, true]);
});

test('recalibrateBatchNorm: statistics do not depend on how the data is cut, to the last digit of float32', () => {
  manualSeed(3);
  const data = randn([60, 1]).mul(0.001).add(1000);
  const found = [1, 2, 3].map((parts) => {
    const net = new Bare();
    recalibrateBatchNorm(data.chunk(parts * 4), net);
    return [net.norm.runningMean?.array(), net.norm.runningVar?.array()];
  });
  equal(found[1], found[0]);
  equal(found[2], found[0]);
  const wide = data.to('float64');
  close(found[0][1], [wide.sub(wide.mean()).square().sum().item() / 59], 1e-12);
});

test('recalibrateBatchNorm: batches of one value take part, also as the first; no batch norm in a batch of its own is needed', () => {
  for (const data of [[[[0]], [[2], [4]], [[9]]], [[[0], [2]], [[4]], [[9]]], [[[9]], [[4]], [[2]], [[0]]]]) {
    const net = new Sequential(new Bare(), new Linear(1, 1), new Bare());
    net.eval();
    recalibrateBatchNorm(data.map((rows) => tensor(rows)), net);
    const [first, second] = net.modules().filter((m) => m instanceof BatchNorm1d);
    equal([first.runningMean?.array(), first.runningVar?.array(), first.numBatchesTracked?.item()], [[3.75], [14.916666984558105], data.length]);
    ok(Number.isFinite(second.runningVar?.item()));
    ok(net.modules().every(({ training }) => !training));
  }
});

test('recalibrateBatchNorm: any cut of the data gives its mean and variance', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }), (parts) => {
      const all = parts.flat();
      fc.pre(all.length > 1);
      const net = new Bare();
      recalibrateBatchNorm(parts.map((part) => tensor(part).unsqueeze(1)), net);
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      allClose([net.norm.runningMean?.item() ?? NaN, net.norm.runningVar?.item() ?? NaN], [mean, all.reduce((a, b) => a + (b - mean) ** 2, 0) / (all.length - 1)], { rtol: 1e-6, atol: 1e-6 });
    }),
  );
});

test('recalibrateBatchNorm: an average gets statistics of its own, in its dtype', () => {
  const net = makeNet();
  const ema = new ExponentialMovingAverage(net, { momentum: 0.1 });
  ema.to('float64');
  const before = statistics(net);
  recalibrateBatchNorm(batches().map((x) => x.to('float64')), ema);
  equal(statistics(net), before);
  is(ema.module.stateDict()['1.running_var'].dtype, 'float64');
  const once = makeNet();
  recalibrateBatchNorm([batches()[0]], once);
  const expected = makeNet();
  updateBN([batches()[0]], expected);
  for (const [key, values] of Object.entries(statistics(expected))) if (!key.endsWith('tracked')) close(statistics(once)[key], values as number[]);
});

test('a layer that is not used keeps its statistics, and one that is used twice pools both', () => {
  class Twice extends Module {
    norm = new BatchNorm1d(1);
    spare = new BatchNorm1d(1);
    forward(x: Tensor): Tensor {
      return this.norm.forward(x).add(this.norm.forward(x.add(2)));
    }
  }
  const net = new Twice();
  net.spare.runningMean?.fill_(7);
  recalibrateBatchNorm([tensor([[0], [4]])], net);
  equal([net.norm.runningMean?.array(), net.norm.runningVar?.item(), net.spare.runningMean?.item(), net.spare.numBatchesTracked?.item()], [[3], Math.fround(20 / 3), 7, 0]);
});

test('batches of a DataLoader go in as they are', () => {
  const net = makeNet();
  const loader = new DataLoader(new TensorDataset(randn([10, 3]), arange(10)), { batchSize: 4 });
  updateBN(loader, net);
  recalibrateBatchNorm(loader, net);
  is(statistics(net)['1.num_batches_tracked'], 3);
});

test('asynchronous items go in through prefetch', async () => {
  const net = makeNet();
  const loader = new DataLoader({ length: 10, get: (i: number) => Promise.resolve(tensor([i, -i, 1])) }, { batchSize: 4 });
  await updateBN(prefetch(loader), net);
  is(statistics(net)['1.num_batches_tracked'], 3);
});

test('recalibrateBatchNorm: other layers are in evaluation mode, images and shared layers work', () => {
  const net = new Sequential(new Dropout(0.9), new BatchNorm1d(2));
  const data = randn([10, 2, 5]);
  recalibrateBatchNorm([data.narrow(0, 0, 4), data.narrow(0, 4, 6)], net);
  const norm = net.modules().find((m) => m instanceof BatchNorm1d);
  close(norm?.runningMean?.array(), data.mean([0, 2]).array() as number[]);
  ok(net.modules().every(({ training }) => training));
});

test('where forward throws, everything comes back', async () => {
  for (const update of [updateBN, recalibrateBatchNorm]) {
    const net = makeNet();
    updateBN(batches(), net);
    net.eval();
    net.modules()[2].train();
    const before = [statistics(net), net.modules().map(({ training }) => training), net.modules().map((m) => (m instanceof BatchNorm1d ? m.momentum : 0))];
    const now = (): unknown => [statistics(net), net.modules().map(({ training }) => training), net.modules().map((m) => (m instanceof BatchNorm1d ? m.momentum : 0))];
    throwsError(() => update([...batches(), randn([3, 7])], net), Error, /linear|expected/);
    equal(now(), before);
    throwsError(() => update([], net), StateError, /no batches/);
    equal(now(), before);
    await rejectsError(async () => {
      await update((async function* () {
        yield* batches();
        throw new RangeError('the loader');
      })(), net);
    }, RangeError, /the loader/);
    equal(now(), before);
    throwsError(() => update([{ x: 1 }], net), ArgumentError, /no input/);
    equal(now(), before);
    // No hook is left.
    net.train();
    net.forward(batches()[0]);
  }
});

test('what does not fit is refused', () => {
  // @ts-expect-error no iterable
  throwsError(() => updateBN(3, makeNet()), ArgumentError, /not a loader/);
  // @ts-expect-error no module
  throwsError(() => recalibrateBatchNorm([], {}), ArgumentError, /not a module/);
  // @ts-expect-error no such option
  throwsError(() => updateBN([], makeNet(), { gpu: true }), ArgumentError, /gpu/);
  const net = new Bare();
  throwsError(() => recalibrateBatchNorm([tensor([[1]])], net), StateError, /single value.*batch norm 'norm'/);
  equal([net.norm.runningMean?.item(), net.norm.training], [0, true]);
  throwsError(() => updateBN([tensor([[1]])], net), Error, /one value per channel/);
});

test.run();
