import { test } from 'uvu';
import {
  type BaseAveragedModel, ExponentialMovingAverage, LerpAverage, Module, MomentumAnnealingEMA, Parameter, PowerFunctionEMA, RampUpEMA, StochasticWeightAverage, type Tensor, WarmupEMA,
  manualSeed, noGrad, randn, tensor,
} from '../../index.ts';
import { equal, is } from '../assert.ts';

class Net extends Module {
  list: Parameter[];
  constructor(shapes: readonly (readonly number[])[]) {
    super();
    this.list = shapes.map((shape) => new Parameter(randn([...shape])));
  }
  forward(): void {}
}

const bits = ({ list }: Net): number[][] => list.map((p) => [...new Int32Array(p.data().slice().buffer)]);

const makers: readonly ((m: Net) => BaseAveragedModel<Net>)[] = [
  (m) => new ExponentialMovingAverage(m, { momentum: 0.3 }),
  (m) => new ExponentialMovingAverage(m, { momentum: 0.5 }),
  (m) => new StochasticWeightAverage(m),
  (m) => new MomentumAnnealingEMA(m, { gamma: 4, momentum: 0.1 }),
  (m) => new PowerFunctionEMA(m, { gamma: 6 }),
  (m) => new RampUpEMA(m),
  (m) => new WarmupEMA(m, { updateAfterStep: 2 }),
];

test('lists give the bits of avgFunc, entry by entry', () => {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const make of makers) {
      manualSeed(3);
      const model = new Net([[1], [3, 5], [], [17], [0], [4, 4]]);
      model.list[5].assign_(model.list[5].detach().t());
      model.to(dtype);
      const average = make(model);
      const expected = average.module.list.map((p) => p.clone());
      for (let s = 0; s < 8; s++) {
        noGrad(() => {
          for (const p of model.list) p.add_(randn([...p.shape], { dtype }).mul(s));
          expected.forEach((x, k) => (s === 0 ? x.copy_(model.list[k]) : average.avgFunc(x, model.list[k].detach(), s)));
        });
        average.updateParameters(model);
        equal(bits(average.module), expected.map((x) => [...new Int32Array(x.data().slice().buffer)]));
      }
    }
  }
});

/** Counts the calls of `avgFunc`. */
class Counted extends ExponentialMovingAverage<Net> {
  calls = 0;
  override avgFunc(averaged: Tensor, source: Tensor, steps: number): void {
    this.calls++;
    super.avgFunc(averaged, source, steps);
  }
}

test('a subclass that overrides avgFunc has it called, once for each entry', () => {
  const model = new Net([[2], [3]]);
  const average = new Counted(model, { momentum: 0.5 });
  for (let i = 0; i < 3; i++) average.updateParameters(model);
  is(average.calls, 4);
});

test('so has an average whose avgFunc is a field of its own, also when it is set later', () => {
  const model = new Net([[2], [3]]);
  const average = new StochasticWeightAverage(model);
  for (let i = 0; i < 2; i++) average.updateParameters(model);
  let calls = 0;
  average.avgFunc = (averaged) => {
    calls++;
    averaged.fill_(7);
  };
  average.updateParameters(model);
  equal([calls, average.module.list.map((p) => p.array())], [2, [[7, 7], [7, 7, 7]]]);
});

class Half extends LerpAverage<Net> {
  lists = 0;
  override weight(): number {
    return 0.5;
  }
  protected override avgLists(averaged: readonly Tensor[], sources: readonly Tensor[], steps: number): void {
    this.lists++;
    super.avgLists(averaged, sources, steps);
  }
}

/** Overrides the entry rule below the class with the list rule. */
class Doubled extends Half {
  override avgFunc(averaged: Tensor): void {
    averaged.mul_(2);
  }
}

test('rules of your own: a weight, lists, and avgFunc below lists', () => {
  const model = new Net([[1], [1]]);
  for (const p of model.list) p.assign_(tensor([1]));
  const [half, doubled] = [new Half(model), new Doubled(model)];
  for (const average of [half, doubled]) average.updateParameters(model);
  for (const p of model.list) p.assign_(tensor([3]));
  for (const average of [half, doubled]) for (let i = 0; i < 2; i++) average.updateParameters(model);
  equal([half.lists, half.module.list.map((p) => p.item())], [2, [2.5, 2.5]]);
  equal([doubled.lists, doubled.module.list.map((p) => p.item())], [0, [4, 4]]);
});

test('autograd notices that the average was written', () => {
  const model = new Net([[2]]);
  const average = new ExponentialMovingAverage(model);
  average.updateParameters(model);
  const { version } = average.module.list[0].storage;
  average.updateParameters(model);
  is(average.module.list[0].storage.version, version + 1);
});

test.run();
