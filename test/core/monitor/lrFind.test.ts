import { test } from 'uvu';
import {
  Adam, ArgumentError, AveragedProfiles, BatchNorm1d, Buffer, DataLoader, Dropout, ExponentialMovingAverage, F, Generator, LBFGS, LatestWeightAverage, Linear, Lookahead, type Optimizer, ReLU,
  SGD, SGDScheduleFree, Sequential, StepLR, Tensor, TensorDataset, defaultGenerator, lrFind, manualSeed, randn, tensor, zeros,
} from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

/** Everything in a state, with the bytes of tensors. */
function snapshot(state: unknown): unknown {
  if (state instanceof Tensor) return `${state.dtype}[${state.shape.join()}] ${String(new Uint8Array(state.data().buffer))}`;
  if (Array.isArray(state)) return state.map(snapshot);
  if (typeof state !== 'object' || state === null) return state;
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, snapshot(value)]));
}

class Counting extends Linear {
  /** Not part of the state dictionary. */
  calls = new Buffer(zeros([]), { persistent: false });
  override forward(x: Tensor): Tensor {
    this.calls.add_(1);
    return super.forward(x);
  }
}

const optimizers: Readonly<Record<string, (params: Tensor[]) => Optimizer>> = {
  Adam: (params) => new Adam(params, { lr: 0.01 }),
  SGD: (params) => new SGD([{ params: params.slice(0, 2), lr: 0.5 }, { params: params.slice(2) }], { lr: 0.1, momentum: 0.9 }),
  Lookahead: (params) => new Lookahead(new SGD(params, { lr: 0.1 }), { k: 2 }),
  SGDScheduleFree: (params) => new SGDScheduleFree(params, { lr: 0.1 }),
  LBFGS: (params) => new LBFGS(params, { lr: 0.1, maxIter: 3 }),
};

function makeRun(kind: keyof typeof optimizers) {
  manualSeed(3);
  const model = new Sequential(new Counting(3, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.2), new Linear(8, 1));
  const optimizer = optimizers[kind](model.parameters());
  const x = randn([32, 3]);
  const y = x.sum(1, { keepdim: true });
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 8, shuffle: true, generator: new Generator(5) });
  const ema = new ExponentialMovingAverage(model, { momentum: 0.1, updateBuffers: true });
  const latest = new LatestWeightAverage(model, { k: 3 });
  const profiles = new AveragedProfiles(model);
  const scheduler = new StepLR(optimizer, 2);
  for (const average of [ema, latest, profiles]) optimizer.registerStepPostHook(() => average.updateParameters(model));
  const step = (): void => {
    for (const [a, b] of loader) {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = F.mseLoss(model.forward(a), b);
        loss.backward();
        return loss;
      });
    }
    scheduler.step();
  };
  for (let i = 0; i < 2; i++) step();
  model.at(1).eval(); // a mode of its own
  return { model, optimizer, scheduler, averages: [ema, latest, profiles], loader, x, y, step };
}

type Run = ReturnType<typeof makeRun>;

const everything = ({ model, optimizer, scheduler, averages, loader }: Run): unknown =>
  snapshot({
    model: model.stateDict(),
    buffers: model.buffers(),
    gradients: model.parameters().map((p) => p.grad),
    modes: model.modules().map((m) => m.training),
    optimizer: optimizer.stateDict(),
    scheduler: scheduler.stateDict(),
    averages: averages.map((average) => average.stateDict()),
    loader: loader.stateDict(),
    random: defaultGenerator.getState().nextNormal,
    engine: String(defaultGenerator.getState().engine),
  });

const partsOf = ({ model, optimizer, scheduler, averages, loader }: Run) => ({ model, optimizer, scheduler, averages, loader });

for (const kind of Object.keys(optimizers)) {
  test(`${kind}: all parts are as before, to the bit, and the run goes on as without the test`, () => {
    const run = makeRun(kind);
    const before = everything(run);
    const grads = run.model.parameters().map((p) => p.grad);
    const curve = lrFind(partsOf(run), () => {
      const [[a, b]] = run.loader;
      run.model.train();
      return F.mseLoss(run.model.forward(a), b);
    }, { minLr: 1e-4, maxLr: 1, numTraining: 12, earlyStopThreshold: null });
    is(curve.lrs.length, 12);
    equal(everything(run), before);
    equal(run.model.parameters().map((p, i) => p.grad === grads[i]), grads.map(() => true));
    run.step();
    const other = makeRun(kind);
    other.step();
    equal(everything(run), everything(other));
  });
}

test('also when the loss throws in the middle, and when the loss is no number', () => {
  const run = makeRun('Adam');
  const before = everything(run);
  let calls = 0;
  const failing = (): Tensor => {
    if (++calls === 5) throw new Error('mine');
    return F.mseLoss(run.model.forward(run.x), run.y);
  };
  throwsError(() => lrFind(partsOf(run), failing), Error, /^mine$/);
  is(calls, 5);
  equal(everything(run), before);
  throwsError(() => lrFind(partsOf(run), () => run.model.forward(run.x)), ArgumentError, /the loss is not one number, got float32\[32, 1\]/);
  throwsError(() => lrFind(partsOf(run), () => tensor(1)), Error, /no history/);
  equal(everything(run), before);
});

test('parameters come back when only the optimizer is given', () => {
  const run = makeRun('SGD');
  const before = snapshot(run.model.parameters());
  lrFind({ optimizer: run.optimizer }, () => run.model.forward(run.x).square().mean(), { numTraining: 3 });
  equal(snapshot(run.model.parameters()), before);
});

test('rates, losses, smoothing and the suggestion are what the formulas say', () => {
  // The loss is made up: it depends on the rate only. Its gradient is 0.
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new SGD([w], { lr: 7 });
  const lossAt = (lr: number): number => Math.min(Math.max(1, -Math.log10(lr)), 3) + (lr > 1 ? 100 : 0);
  const find = (options: object) => lrFind({ optimizer }, () => w.mul(0).sum().add(lossAt(optimizer.paramGroups[0].lr)), options);
  const curve = find({ minLr: 1e-4, maxLr: 1, numTraining: 41, beta: 0 });
  equal([curve.lrs.length, curve.diverged, optimizer.paramGroups[0].lr], [41, false, 7]);
  curve.lrs.forEach((lr, i) => ok(Math.abs(lr / 10 ** (-4 + i / 10) - 1) < 1e-12));
  curve.losses.forEach((loss, i) => ok(Math.abs(loss - lossAt(curve.lrs[i])) < 1e-6 && Math.abs(loss - curve.rawLosses[i]) < 1e-12));
  const best = curve.suggestion() ?? 0;
  ok(best > 1e-3 && best < 0.1, String(best));
  const linear = find({ minLr: 0.1, maxLr: 0.5, numTraining: 5, mode: 'linear', beta: 0.5 });
  linear.lrs.forEach((lr, i) => ok(Math.abs(lr - 0.1 * (i + 1)) < 1e-12));
  let average = 0;
  linear.losses.forEach((loss, i) => {
    average = 0.5 * average + 0.5 * linear.rawLosses[i];
    ok(Math.abs(loss - average / (1 - 0.5 ** (i + 1))) < 1e-12);
  });
  const wild = find({ minLr: 1e-2, maxLr: 100, numTraining: 41, beta: 0 });
  equal([wild.diverged, wild.lrs.length], [true, 22]);
  equal([find({ minLr: 1e-2, maxLr: 100, numTraining: 41, beta: 0, earlyStopThreshold: null }).lrs.length, linear.suggestion()], [41, null]);
});

test('a loss that is not finite ends it', () => {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new SGD([w], { lr: 1 });
  let calls = 0;
  const curve = lrFind({ optimizer }, () => w.mul(++calls === 3 ? NaN : 1).sum(), { earlyStopThreshold: null });
  equal([curve.diverged, curve.lrs.length, w.item()], [true, 3, 1]);
});

test('bad arguments are refused before anything happens', () => {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new SGD([w], { lr: 1 });
  const loss = () => w.sum();
  for (const options of [{ minLr: 0 }, { minLr: 1, maxLr: 0.1 }, { numTraining: 1 }, { beta: 1 }, { earlyStopThreshold: 1 }, { mode: 'log' }, { steps: 3 }]) {
    throwsError(() => lrFind({ optimizer }, loss, options as never), ArgumentError, /^lrFind: /);
  }
  throwsError(() => lrFind({} as never, loss), ArgumentError, /no optimizer/);
  throwsError(() => lrFind({ optimizer, epoch: 3 }, loss), ArgumentError, /'epoch' has no state/);
});

test.run();
