import fc from 'fast-check';
import { test } from 'uvu';
import { ArgumentError, BatchNorm1d, ExponentialMovingAverage, Linear, Module, Parameter, Sequential, StateError, type Tensor, greedySoup, tensor, uniformSoup } from '../../index.ts';
import { allClose, equal, is, ok, rejectsError } from '../assert.ts';

/** A model of one number. */
class One extends Module {
  w: Parameter;
  constructor(w = 0) {
    super();
    this.w = new Parameter(tensor([w]));
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

test('uniformSoup is the mean, summed in doubles; integers are those of the first', async () => {
  const soup = await uniformSoup([new One(1), { w: tensor([2]) }, async () => Promise.resolve(new One(6))]);
  equal(soup.w.array(), [3]);
  const tiny = await uniformSoup([new One(1e8), ...Array.from({ length: 9 }, () => new One(1))]);
  equal(tiny.w.array(), [Math.fround((1e8 + 9) / 10)]);
  const nets = [1, 5].map((n) => {
    const net = new Sequential(new Linear(2, 2), new BatchNorm1d(2));
    for (let i = 0; i < n; i++) net.forward(tensor([[i, 1], [2, n]]));
    return net;
  });
  const state = await uniformSoup(nets);
  is(state['1.num_batches_tracked'].item(), 1);
  nets[1].loadStateDict(state);
  equal(nets[1].stateDict()['0.weight'].array(), state['0.weight'].array());
  const same = await uniformSoup([nets[0], nets[0], nets[0]]);
  for (const [key, x] of Object.entries(nets[0].stateDict())) equal(same[key].array(), x.array());
});

test('uniformSoup writes into a model, of another dtype too, once everything fits', async () => {
  const model = new One(50);
  model.to('float64');
  const { w } = model;
  await uniformSoup([new One(1), new One(2)], { into: model });
  equal([model.w.item(), model.w.dtype, model.w === w], [1.5, 'float64', true]);
  await rejectsError(() => uniformSoup([new One(1), new Linear(1, 1)], { into: model }), StateError, /ingredient 1/);
  let asked = false;
  await rejectsError(() => uniformSoup([new Linear(1, 1), () => ((asked = true), new Linear(1, 1))], { into: model }), StateError, /the model does not match/);
  is(asked, false);
  // @ts-expect-error no module
  await rejectsError(() => uniformSoup([new One(1)], { into: 3 }), ArgumentError, /into/);
  is(model.w.item(), 1.5);
});

test('averages of one class make a soup; an average among models is told apart', async () => {
  const [a, b] = [1, 3].map((w) => new ExponentialMovingAverage(new One(w), { momentum: 0.1 }));
  const soup = await uniformSoup([a, b]);
  equal([Object.keys(soup), soup['module.w'].array()], [['steps', 'module.w'], [2]]);
  equal((await uniformSoup([a.module, new One(5)])).w.array(), [3]);
  await rejectsError(() => uniformSoup([new One(1), a]), StateError, /average\.module/);
});

test('uniformSoup of any models is their mean, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 }), async (values) => {
      const soup = await uniformSoup(values.map((v) => new One(v)));
      const turned = await uniformSoup(values.toReversed().map((v) => new One(v)));
      allClose(soup.w, [values.reduce((a, b) => a + b, 0) / values.length], { rtol: 1e-6, atol: 1e-6 });
      allClose(turned.w, soup.w, { rtol: 1e-6, atol: 1e-6 });
      ok(soup.w.item() >= Math.min(...values) && soup.w.item() <= Math.max(...values));
    }),
  );
});

/** Scores by the distance from 3. */
const near3 = (model: One): number => -Math.abs(model.w.item() - 3);

test('greedySoup takes the best and those that help', async () => {
  const model = new One(100);
  // 2 alone: 1 away; with 4.5: 3.25; with 3.5 too: 3.333; with -7: worse.
  const { state, members, score, scores } = await greedySoup([new One(-7), new One(2), new One(4.5), new One(3.5)], model, { evaluate: near3 });
  equal(scores, [-10, -1, -1.5, -0.5]);
  equal(members, [3, 1]);
  equal([state.w.array(), model.w.array(), score], [[2.75], [2.75], -0.25]);
});

test('lower may be better, a tolerance lets more in, and evaluate may wait', async () => {
  const model = new One();
  const options = { evaluate: async (m: One) => Promise.resolve(-near3(m)), higherIsBetter: false };
  const list = [new One(2), new One(4.5), new One(3.5)];
  equal((await greedySoup(list, model, options)).members, [2, 0]);
  equal((await greedySoup(list, model, { ...options, tolerance: 0.2 })).members, [2, 0, 1]);
});

test('the model itself may be an ingredient', async () => {
  const model = new One(3.5);
  const { scores, members } = await greedySoup([new One(2), model, () => model.stateDict()], model, { evaluate: near3 });
  is(scores[1], -0.5);
  ok(members.includes(1));
});

test('the modes of single layers stay, whatever evaluate does to them', async () => {
  const net = (): Sequential => new Sequential(new Linear(1, 1), new BatchNorm1d(1));
  const model = net();
  model.modules()[2].eval();
  const modes = model.modules().map(({ training }) => training);
  await greedySoup([net(), net()], model, { evaluate: (m) => (m.eval(), 1) });
  equal(model.modules().map(({ training }) => training), modes);
  await rejectsError(() => greedySoup([net(), net()], model, { evaluate: (m) => { m.eval(); throw new RangeError('no'); } }), RangeError, /no/);
  equal(model.modules().map(({ training }) => training), modes);
});

test('ingredients are asked for one after the other', async () => {
  let open = 0;
  let calls = 0;
  const source = (w: number) => async (): Promise<One> => {
    is(++open, 1);
    calls++;
    await Promise.resolve();
    open--;
    return new One(w);
  };
  const model = new One();
  const { members } = await greedySoup([source(2), source(3.5)], model, { evaluate: near3 });
  equal([members, calls], [[1, 0], 4]);
});

test('what fails leaves the model as it was', async () => {
  const model = new One(42);
  model.eval();
  let calls = 0;
  await rejectsError(() => greedySoup([new One(1), new One(2)], model, { evaluate: () => { if (++calls === 2) throw new RangeError('no data'); return 1; } }), RangeError, /no data/);
  equal([model.w.item(), model.training], [42, false]);
  await rejectsError(() => greedySoup([new One(1)], model, { evaluate: () => NaN }), ArgumentError, /no score/);
  await rejectsError(() => greedySoup([new One(1), new Linear(1, 1)], model, { evaluate: near3 }), StateError, /2 problems|differences?[\s\S]*missing: w/);
  is(model.w.item(), 42);
  await rejectsError(() => uniformSoup([]), ArgumentError, /no ingredients/);
  await rejectsError(() => uniformSoup([new One(1), { w: tensor([1, 2]) }]), StateError, /w: got/);
  await rejectsError(() => uniformSoup([{ w: 3 }]), ArgumentError, /'w' of ingredient 0/);
  await rejectsError(() => greedySoup([new One(1)], model, { evaluate: near3, tolerance: -1 }), ArgumentError, /tolerance/);
});

test.run();
