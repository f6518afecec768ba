import { test } from 'uvu';
import { ArgumentError, BatchNorm1d, LSTM, Linear, NonFiniteError, NonFiniteGuard, type NonFiniteReport, ReLU, SGD, Sequential, StateError, manualSeed, noGrad, randn, tensor } from '../../../index.ts';
import { equal, is, ok, throwsError } from '../../assert.ts';

function makeRun() {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 3), new ReLU(), new BatchNorm1d(3), new Linear(3, 1));
  return { model, optimizer: new SGD(model.parameters(), { lr: 0.1 }) };
}

function reportOf(fn: () => unknown): NonFiniteReport {
  try {
    fn();
  } catch (error) {
    ok(error instanceof NonFiniteError && error instanceof StateError, String(error));
    return error.report;
  }
  throw new Error('nothing was found');
}

const step = ({ model, optimizer }: ReturnType<typeof makeRun>, scale = 1): void => {
  optimizer.zeroGrad();
  model.forward(randn([4, 2])).mul(scale).square().mean().backward();
  optimizer.step();
};

test('a gradient is named with its step, before it reaches the weights', () => {
  const run = makeRun();
  const guard = new NonFiniteGuard(run.model, { optimizer: run.optimizer });
  step(run);
  step(run);
  const weights = run.model.at(0).stateDict().weight.clone().array();
  const report = reportOf(() => step(run, Infinity));
  equal([report.kind, report.name, report.step], ['gradient', '0.weight', 2]);
  equal(run.model.at(0).stateDict().weight.array(), weights);
  guard.detach();
  step(run, Infinity);
  is(guard.step, 2);
  ok(guard.report().some(({ kind, name }) => kind === 'parameter' && name === '3.bias'));
});

test('a parameter is named when the step itself breaks it, with the place of the element', () => {
  const run = makeRun();
  const guard = new NonFiniteGuard(run.model, { optimizer: run.optimizer });
  run.optimizer.registerStepPreHook(() => noGrad(() => void run.model.at(3).stateDict().weight.index(0, 1).fill_(-Infinity)));
  const report = reportOf(() => step(run));
  equal(report, { kind: 'parameter', name: '3.weight', step: 0, value: -Infinity, index: [0, 1], count: 1, numel: 3 });
  guard.detach();
});

test('the first module whose output is not finite is named, also inside objects', () => {
  const run = makeRun();
  const guard = new NonFiniteGuard(run.model);
  const report = reportOf(() => run.model.forward(tensor([[1, NaN], [0, 0]])));
  equal([report.kind, report.name, report.value, report.count, report.numel], ['output', '0', NaN, 3, 6]);
  guard.detach();
  run.model.forward(tensor([[1, NaN], [0, 0]]));
  const lstm = new LSTM(2, 3);
  using _ = new NonFiniteGuard(lstm);
  is(reportOf(() => lstm.forward(tensor([[[1, NaN]]]))).name, '');
});

test('buffers and values of yours are looked at too; without an optimizer check() does it', () => {
  const run = makeRun();
  const guard = new NonFiniteGuard(run.model, { outputs: false, step: 10 });
  guard.check();
  is(guard.step, 11);
  noGrad(() => run.model.buffers()[0].fill_(NaN));
  equal([reportOf(() => guard.check()).name, guard.report().map(({ kind }) => kind)], ['2.running_mean', ['buffer']]);
  is(guard.value('loss', 2), 2);
  const loss = tensor([1, Infinity]);
  equal(reportOf(() => guard.value('loss', loss)), { kind: 'value', name: 'loss', step: 11, value: Infinity, index: [1], count: 1, numel: 2 });
  throwsError(() => guard.value('loss', NaN), NonFiniteError, /^NonFiniteGuard: value 'loss' is not finite at step 11, got NaN \(1 of 1 elements, the first at \[\]\); expected finite numbers/);
});

test('bad arguments are refused', () => {
  const { model } = makeRun();
  throwsError(() => new NonFiniteGuard({} as never), ArgumentError, /not a module/);
  throwsError(() => new NonFiniteGuard(model, { optimizer: {} as never }), ArgumentError, /not an optimizer/);
  throwsError(() => new NonFiniteGuard(model, { step: -1 }), ArgumentError, /invalid step/);
});

test.run();
