import { test } from 'uvu';
import {
  ArgumentError, AveragedProfiles, BatchNorm1d, Buffer, ExponentialMovingAverage, F, Linear, MemorySnapshots, Module, Parameter, PowerFunctionEMA, ReLU, SGD, Sequential, type SnapshotInfo,
  type SnapshotStore, StateError, Synthesis, type Tensor, gammaFromSigmaRel, manualSeed, noGrad, postHocWeights, putSnapshot, randn, synthesize, synthesizeAll, tensor, writeSafetensors,
} from '../../index.ts';
import { allClose, equal, is, ok, rejectsError } from '../assert.ts';

type State = Readonly<Record<string, Tensor>>;

/** Relative L2 distance over floating entries. */
function distance(a: State, b: State): number {
  let [apart, size] = [0, 0];
  for (const [name, x] of Object.entries(b)) {
    if (x.dtype === 'int64') continue;
    const [u, v] = [a[name].data(), x.data()];
    for (let i = 0; i < v.length; i++) {
      apart += (u[i] - v[i]) ** 2;
      size += v[i] ** 2;
    }
  }
  return Math.sqrt(apart / size);
}

const bits = (s: State): string => JSON.stringify(Object.entries(s).map(([k, t]) => [k, t.dtype, Array.from(t.data(), (v) => (Object.is(v, -0) ? '-0' : v))]));

/** One weight of any dtype, one floating buffer, one counter, set by hand. */
class Cell extends Module {
  weight: Parameter;
  running = new Buffer(tensor(0, { dtype: 'float64' }));
  count = new Buffer(tensor(0, { dtype: 'int64' }));
  constructor(dtype: 'float32' | 'float64' = 'float64') {
    super();
    this.weight = new Parameter(tensor([0, -0], { dtype }));
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
  set(value: number): void {
    noGrad(() => [this.weight.select(0, 0), this.running, this.count].forEach((t) => t.fill_(value)));
  }
}

interface Run {
  readonly store: MemorySnapshots;
  readonly direct: AveragedProfiles<Cell>;
  readonly model: Cell;
}

/** Sources 1, 2, 3, …, snapshots of some widths at every `every`-th call, and other widths tracked directly. */
async function run(calls: number, every: number, options: { stored?: number[]; interval?: number; updateBuffers?: boolean; dtype?: 'float32' | 'float64' } = {}): Promise<Run> {
  const { stored = [0.05, 0.15], dtype = 'float64', ...shared } = options;
  const model = new Cell(dtype);
  const profiles = new AveragedProfiles(model, { sigmaRel: stored, ...shared });
  const direct = new AveragedProfiles(model, { sigmaRel: [0.1], ...shared });
  const store = new MemorySnapshots();
  for (let i = 1; i <= calls; i++) {
    model.set(i);
    profiles.updateParameters(model);
    direct.updateParameters(model);
    if (i % every === 0) await profiles.snapshot(store);
  }
  return { store, direct, model };
}

test('a stored width is its snapshot, bit for bit', async () => {
  const { store } = await run(100, 10, { dtype: 'float32' });
  for (const { sigmaRel, steps } of [{ sigmaRel: 0.05, steps: 100 }, { sigmaRel: 0.15, steps: 100 }, { sigmaRel: 0.15, steps: 40 }]) {
    const made = await synthesize(store, { sigmaRel, steps });
    const alone = await synthesize(store, { sigmaRel, steps, filter: (i) => i.steps === steps && Math.abs(i.sigmaRel - sigmaRel) < 1e-9 });
    is(alone.weights.length, 1);
    is(bits(made.state), bits(alone.state));
    equal(made.weights.filter((w) => w.weight !== 0).map(({ info, weight }) => [info.steps, Number(info.sigmaRel.toFixed(9)), weight]), [[steps, sigmaRel, 1]]);
    is(made.residual, 0);
    is(made.amplification, 1);
  }
});

test('width 0.1 from snapshots of 0.05 and 0.15 is close to the one tracked directly', async () => {
  const { store, direct } = await run(200, 20);
  const made = await synthesize(store, { sigmaRel: 0.1 });
  is(made.weights.length, 20);
  allClose([made.weights.reduce((sum, w) => sum + w.weight, 0)], [1], { rtol: 1e-12 });
  ok(made.residual > 1e-3 && made.residual < 0.03, String(made.residual));
  const expected = direct.averages[0].module.weight.data()[0];
  allClose([made.state.weight.data()[0]], [expected], { rtol: 2e-4 });
  allClose([made.sigmaRel], [0.1], { rtol: 1e-12 });
  equal([made.steps, made.interval], [200, 1]);
});

test('the state is the weighted sum in float64', async () => {
  const { store } = await run(60, 20);
  const { state, weights } = await synthesize(store, { sigmaRel: 0.08 });
  const { weights: expected } = postHocWeights(weights.map(({ info }) => ({ gamma: info.gamma, models: info.steps })), { gamma: gammaFromSigmaRel(0.08), models: 60 });
  allClose(weights.map((w) => w.weight), expected, { rtol: 1e-12 });
  // sources 1 … t: Σ i·(i^(γ+1) - (i-1)^(γ+1)) / t^(γ+1)
  const mean = (g: number, t: number): number => Array.from({ length: t }, (_, i) => ((i + 1) * ((i + 1) ** (g + 1) - i ** (g + 1))) / t ** (g + 1)).reduce((a, b) => a + b, 0);
  allClose([state.weight.data()[0]], [weights.reduce((sum, { info, weight }) => sum + weight * mean(info.gamma, info.steps), 0)], { rtol: 1e-12 });
});

test('effective weights of a made average are those of its sources', async () => {
  const { store } = await run(60, 10);
  const made = await synthesize(store, { sigmaRel: 0.1 });
  const weights = made.effectiveWeights();
  is(weights.length, 60);
  allClose([weights.reduce((a, b) => a + b, 0)], [1], { rtol: 1e-12 });
  allClose([weights.reduce((sum, w, i) => sum + w * (i + 1), 0)], [made.state.weight.data()[0]], { rtol: 1e-12 });
});

/** A small net, trained for 200 steps on a noisy function, with widths tracked beside it. */
async function trained(): Promise<{ store: MemorySnapshots; direct: AveragedProfiles<Sequential>; model: Sequential }> {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 16), new BatchNorm1d(16), new ReLU(), new Linear(16, 1));
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const profiles = new AveragedProfiles(model, { sigmaRel: [0.05, 0.15] });
  const direct = new AveragedProfiles(model, { sigmaRel: [0.07, 0.1, 0.12, 0.2] });
  const store = new MemorySnapshots();
  for (let step = 1; step <= 200; step++) {
    const x = randn([32, 2]);
    const y = x.select(1, 0).mul(x.select(1, 1)).add(randn([32]).mul(0.3)).unsqueeze(1);
    optimizer.zeroGrad();
    F.mseLoss(model.forward(x), y).backward();
    optimizer.step();
    profiles.updateParameters(model);
    direct.updateParameters(model);
    if (step % 20 === 0) await profiles.snapshot(store);
  }
  return { store, direct, model };
}

test('on a trained net: 20 snapshots of widths 0.05 and 0.15 give any other within a thousandth of its norm', async () => {
  const { store, direct, model } = await trained();
  is(store.list().length, 20);
  const widths = [0.07, 0.1, 0.12, 0.2];
  const made = await synthesizeAll(store, widths.map((sigmaRel) => ({ sigmaRel })));
  const parameters = (m: Module): State => Object.fromEntries(m.namedParameters());
  const apart = made.map((m, i) => distance(m.state, parameters(direct.averages[i].module)));
  // measured: 7.2e-4, 5.6e-4, 3.2e-4, 8.6e-4; the tracked 0.15 lies 3.6e-2 from the tracked 0.1, 65 times as far
  apart.forEach((d, i) => ok(d < [1e-3, 8e-4, 5e-4, 1.2e-3][i], `width ${widths[i]}: ${d}`));
  const { state: wide } = await synthesize(store, { sigmaRel: 0.15 });
  ok(distance(wide, parameters(direct.averages[1].module)) > 50 * apart[1]);
  made.forEach((m, i) => ok(m.residual < [0.03, 0.03, 0.02, 0.03][i], `width ${widths[i]}: residual ${m.residual}`));
  // Buffers are the source's own at the last step, copied; the counter too.
  for (const name of ['1.running_mean', '1.running_var', '1.num_batches_tracked']) equal(made[1].state[name].data(), model.stateDict()[name].data());
});

test('one pass for many gives what each by itself gives, to the bit', async () => {
  const { store } = await run(80, 8, { dtype: 'float32' });
  const targets = [{ sigmaRel: 0.03 }, { gamma: 5 }, { sigmaRel: 0.05 }, { sigmaRel: 0.1, steps: 40 }, { sigmaRel: 0.1, steps: 37 }];
  const together = await synthesizeAll(store, targets);
  for (let i = 0; i < targets.length; i++) {
    const alone = await synthesize(store, targets[i]);
    is(bits(together[i].state), bits(alone.state));
    for (const key of ['weights', 'residual', 'condition', 'unconstrainedSum', 'amplification', 'gamma', 'steps', 'interval'] as const) equal(together[i][key], alone[key], key);
  }
});

test('snapshots are read one at a time, each once, and only those that are needed', async () => {
  const { store } = await run(80, 8);
  const read: string[] = [];
  let open = 0;
  const slow: Pick<SnapshotStore, 'list' | 'get'> = {
    list: () => Promise.resolve([...store.list()].reverse()),
    async get(info) {
      is(open++, 0);
      await new Promise((resolve) => setTimeout(resolve, 0));
      open--;
      read.push(`${info.steps} ${info.gamma}`);
      return store.get(info);
    },
  };
  await synthesizeAll(slow, [{ sigmaRel: 0.1 }, { sigmaRel: 0.2 }]);
  is(read.length, 20);
  is(new Set(read).size, 20);
  read.length = 0;
  await synthesize(slow, { sigmaRel: 0.15 });
  is(read.length, 1);
  read.length = 0;
  await synthesize(slow, { sigmaRel: 0.1, steps: 40 });
  is(read.length, 10); // none after step 40
});

test('any step: with a snapshot there, those up to it are used; between snapshots, all, and the residual says how little that is', async () => {
  const { store, direct } = await run(120, 12);
  const at = await synthesize(store, { sigmaRel: 0.1, steps: 60 });
  ok(at.weights.every((w) => w.info.steps <= 60));
  ok(at.residual < 0.05);
  const between = await synthesize(store, { sigmaRel: 0.1, steps: 66 });
  is(between.weights.length, 20);
  ok(between.residual > 0.15, String(between.residual));
  is(between.effectiveWeights().length, 120);
  await rejectsError(() => synthesize(store, { sigmaRel: 0.1, steps: 66, filter: (i) => i.steps <= 66 }), RangeError, /from 1 to 60/);
  is(direct.steps, 120);
});

test('with an interval, time is counted in models taken in', async () => {
  const { store, direct } = await run(200, 20, { interval: 4 });
  const made = await synthesize(store, { sigmaRel: 0.1 });
  equal([made.interval, made.effectiveWeights().length], [4, 50]);
  allClose([made.state.weight.data()[0]], [direct.averages[0].module.weight.data()[0]], { rtol: 1e-3 });
});

test('buffers: copied ones come from the nearest snapshot, averaged ones are put together', async () => {
  const copied = await run(60, 20);
  equal((await synthesize(copied.store, { sigmaRel: 0.1 })).state.running.item(), 60);
  const middle = await synthesize(copied.store, { sigmaRel: 0.1, steps: 41 });
  equal([middle.state.running.item(), middle.state.count.item()], [40, 40]);
  const averaged = await run(60, 20, { updateBuffers: true });
  const { state } = await synthesize(averaged.store, { sigmaRel: 0.1 });
  is(state.running.item(), state.weight.data()[0]);
  is(state.count.item(), 60);
  is(state.count.dtype, 'int64');
});

test('keys keep their order, dtypes stay or are chosen, -0 stays', async () => {
  for (const dtype of ['float32', 'float64'] as const) {
    const { store } = await run(20, 10, { dtype });
    const made = await synthesize(store, { sigmaRel: 0.1 });
    equal(Object.keys(made.state), ['weight', 'running', 'count']);
    is(made.state.weight.dtype, dtype);
    is((await synthesize(store, { sigmaRel: 0.1, dtype: 'float64' })).state.weight.dtype, 'float64');
    is((await synthesize(store, { sigmaRel: 0.1, dtype: 'float32' })).state.weight.dtype, 'float32');
    ok(Object.is((await synthesize(store, { sigmaRel: 0.05 })).state.weight.data()[1], -0));
  }
});

test('copyTo writes into a model or an average, all or nothing', async () => {
  const { store } = await run(40, 10);
  const made = await synthesize(store, { sigmaRel: 0.1 });
  ok(made instanceof Synthesis);
  const model = new Cell();
  made.copyTo(model);
  equal(model.weight.data(), made.state.weight.data());
  const average = new ExponentialMovingAverage(new Cell(), { momentum: 0.1 });
  made.copyTo(average);
  equal(average.module.weight.data(), made.state.weight.data());
  const other = new Linear(1, 1);
  const before = bits(other.stateDict());
  await rejectsError(async () => made.copyTo(other), StateError, /does not match Linear/);
  is(bits(other.stateDict()), before);
  await rejectsError(async () => made.copyTo(JSON.parse('{}')), ArgumentError, /not a module/);
});

test('bad arguments', async () => {
  const { store } = await run(20, 10);
  const bad = (target: object): (() => Promise<unknown>) => () => synthesize(store, target);
  await rejectsError(bad({}), ArgumentError, /one width is needed/);
  await rejectsError(bad({ sigmaRel: 0.1, gamma: 1 }), ArgumentError, /one width is needed/);
  await rejectsError(bad({ sigma: 0.1 }), ArgumentError, /unknown option, got 'sigma'/);
  await rejectsError(bad({ sigmaRel: 0.31 }), RangeError, /sigmaRel/);
  await rejectsError(bad({ gamma: -0.5 }), RangeError, /synthesize: invalid gamma, got -0.5/);
  for (const steps of [0, 21, 1.5, NaN]) await rejectsError(bad({ sigmaRel: 0.1, steps }), RangeError, /invalid steps.*from 1 to 20/);
  await rejectsError(bad({ sigmaRel: 0.1, rcond: 2 }), RangeError, /rcond/);
  await rejectsError(bad({ sigmaRel: 0.1, dtype: 'float16' }), ArgumentError, /invalid dtype/);
  await rejectsError(bad({ sigmaRel: 0.1, filter: 1 }), ArgumentError, /invalid filter/);
  await rejectsError(bad({ sigmaRel: 0.1, filter: () => false }), StateError, /there are no snapshots.*passes the filter/);
  await rejectsError(() => synthesize(new MemorySnapshots(), { sigmaRel: 0.1 }), StateError, /there are no snapshots, got 0/);
  await rejectsError(() => synthesize(JSON.parse('{}'), { sigmaRel: 0.1 }), ArgumentError, /not a store of snapshots/);
  await rejectsError(() => synthesizeAll(store, []), ArgumentError, /no targets/);
  await rejectsError(() => synthesizeAll(store, [{ sigmaRel: 0.1, dtype: 'float32' } as object]), ArgumentError, /unknown option, got 'dtype'/);
});

test('snapshots that do not belong together', async () => {
  const store = new MemorySnapshots();
  const add = (model: Module, gamma: number, interval = 1): Promise<SnapshotInfo> => {
    const average = new PowerFunctionEMA(model, { gamma, interval });
    average.updateParameters(model);
    return putSnapshot(store, average);
  };
  await add(new Linear(2, 3), 1);
  await add(new Linear(2, 2), 2);
  await rejectsError(() => synthesize(store, { gamma: 1.5 }), StateError, /of different models, got 2 differences in 000000001-.*gamma2; [\s\S]*weight: float\[2, 2\], in those before float\[3, 2\]/);
  await add(new Linear(2, 3, { bias: false }), 2);
  await rejectsError(() => synthesize(store, { gamma: 1.5 }), StateError, /1 difference in[\s\S]*bias: nothing, in those before float\[3\]/);
  await add(new Linear(2, 3), 3, 2);
  await rejectsError(() => synthesize(store, { gamma: 1.5 }), StateError, /several intervals, got \[1, 2\]/);
  is((await synthesize(store, { gamma: 3, filter: (i) => i.interval === 2 })).residual, 0);
});

test('a store that gives something else', async () => {
  const { store } = await run(20, 10);
  const [first] = store.list();
  const swapped = { list: () => store.list(), get: () => store.get(first) };
  await rejectsError(() => synthesize(swapped, { sigmaRel: 0.1 }), StateError, /the store gave another snapshot, got 000000010-.*expected 0000000/);
  const empty = { list: () => store.list(), get: () => writeSafetensors({}) };
  await rejectsError(() => synthesize(empty, { sigmaRel: 0.1 }), StateError, /not a snapshot/);
});

test.run();
