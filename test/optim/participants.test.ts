import { test } from 'uvu';
import { Adam, AdamW, AdamWScheduleFree, type Optimizer, SGD, type SGDOptions, SGDScheduleFree, type Tensor, deepCopy, ones, tensor } from '../../index.ts';
import { equal, is, not, ok } from '../assert.ts';

/** What an optimizer keeps between steps must never show: here everything that may change between two steps does. */

const shapes = [[3, 2], [4], [], [2]];
const start = (i: number): Tensor => tensor(Array.from({ length: shapes[i].reduce((a, b) => a * b, 1) }, (_, k) => ((7 * k + 3 * i) % 13) / 4 - 1)).reshape(shapes[i]).detach();

function setGradients(params: readonly Tensor[], step: number, has: (i: number) => boolean): void {
  params.forEach((p, i) => {
    p.grad = has(i) ? p.detach().mul(0.5).add(((5 * step + i) % 7) / 8) : null;
  });
}

type Change = (optimizer: Optimizer, params: readonly Tensor[]) => void;

const everyone = (): boolean => true;

/** Who has a gradient, and what happens before the step. */
const script: readonly { readonly has: (i: number) => boolean; readonly change?: Change }[] = [
  { has: everyone }, { has: everyone }, { has: (i) => i !== 1 }, { has: (i) => i !== 1 }, { has: everyone }, { has: everyone },
  { has: everyone, change: ({ state }, [p]) => void state.delete(p) },
  { has: everyone }, { has: (i) => i % 2 === 0 }, { has: (i) => i % 2 === 1 }, { has: everyone },
  {
    has: everyone,
    change: ({ state }, params) => {
      for (const key of ['momentumBuffer', 'expAvg']) {
        const own = state.get(params[1]);
        if (own !== undefined && key in own) own[key] = ones([4]);
      }
    },
  },
  { has: everyone },
  { has: everyone, change: (_, params) => void params[0].assign_(params[0].detach().to('float64')) },
  { has: everyone }, { has: everyone },
  { has: everyone, change: (_, params) => void params[0].assign_(params[0].detach().to('float32')) },
  { has: everyone },
  { has: everyone, change: (_, params) => void params[1].assign_(params[1].detach().clone()) },
  {
    has: everyone,
    change: ({ state }, params) => {
      for (const p of params) state.set(p, { ...state.get(p) });
    },
  },
  { has: everyone }, { has: everyone },
  { has: everyone, change: (o) => o.loadStateDict(deepCopy(o.stateDict())) },
  { has: everyone },
  { has: everyone, change: (o) => void (o.paramGroups[0].lr = 0.05) },
  { has: everyone, change: ({ paramGroups: [group] }) => void group.params.reverse() },
  { has: everyone }, { has: everyone },
  { has: everyone, change: ({ paramGroups: [group] }, params) => void group.params.splice(group.params.indexOf(params[2]), 1) },
  { has: everyone },
  { has: everyone, change: (o, params) => o.addParamGroup({ params: [params[2]], lr: 0.01 }) },
  { has: everyone }, { has: everyone },
  { has: everyone, change: ({ paramGroups }) => void paramGroups.reverse() },
  { has: everyone },
];

const bits = (params: readonly Tensor[]): string => JSON.stringify(params.map((p) => [p.dtype, Array.from(p.data())]));

/** Runs the script, with `renew` on a new optimizer for each step, which has kept nothing. */
function run(make: (params: readonly Tensor[]) => Optimizer, extra: (step: number, optimizer: Optimizer, params: readonly Tensor[]) => void, renew: boolean): string[] {
  const params = shapes.map((_, i) => start(i).requiresGrad_());
  let optimizer = make(params);
  return script.map(({ has, change }, step) => {
    setGradients(params, step, has);
    change?.(optimizer, params);
    // A parameter that changed dtype gets a gradient of the new one.
    setGradients(params, step, has);
    extra(step, optimizer, params);
    if (renew) {
      const { paramGroups, state } = optimizer;
      optimizer = make(params);
      optimizer.paramGroups.splice(0, Infinity, ...paramGroups.map((group) => ({ ...group, params: [...group.params] })));
      for (const [p, own] of state) optimizer.state.set(p, { ...own });
    }
    optimizer.step();
    return bits(params);
  });
}

const nothing = (): void => {};
const kinds: Readonly<Record<string, [(params: readonly Tensor[]) => Optimizer, (step: number, optimizer: Optimizer, params: readonly Tensor[]) => void]>> = {
  sgd: [(p) => new SGD(p, { lr: 0.1 }), nothing],
  'sgd with momentum that comes and goes': [
    (p) => new SGD(p, { lr: 0.1, momentum: 0.9 }),
    (step, o) => void Reflect.set(o.paramGroups[0], 'momentum', step % 9 < 6 ? 0.9 : 0),
  ],
  adam: [(p) => new Adam(p, { lr: 0.1 }), nothing],
  'adamw with amsgrad that comes and goes': [
    (p) => new AdamW(p, { lr: 0.1 }),
    (step, o) => void Reflect.set(o.paramGroups[0], 'amsgrad', step % 8 > 4),
  ],
  'schedule-free sgd': [(p) => new SGDScheduleFree(p, { lr: 0.1 }), nothing],
  'schedule-free adamw, now and then in evaluation mode': [
    (p) => new AdamWScheduleFree(p, { lr: 0.1 }),
    (step, o) => {
      if (step % 3 !== 0 || !(o instanceof AdamWScheduleFree)) return;
      o.eval();
      o.train();
    },
  ],
  'adam whose count is set by hand': [
    (p) => new Adam(p, { lr: 0.1 }),
    (step, { state }, params) => {
      const own = state.get(params[3]);
      if (step % 5 === 4 && own !== undefined) own.step = 1;
    },
  ],
};

for (const [name, [make, extra]] of Object.entries(kinds)) {
  test(`${name}: steps are those of an optimizer that has kept nothing`, () => {
    const kept = run(make, extra, false);
    run(make, extra, true).forEach((expected, step) => is(kept[step], expected, `step ${step}`));
  });
}

/** Looks at what an optimizer is given. */
class Spy extends SGD {
  seen: { params: readonly Tensor[]; grads: readonly Tensor[] }[] = [];
  protected override update(group: Readonly<SGDOptions>, params: readonly Tensor[], grads: readonly Tensor[]): void {
    this.seen.push({ params, grads });
    equal(grads.map((g) => g.item()), params.map((p) => p.gradient?.item()));
    super.update(group, params, grads);
  }
}

test('the lists stay as long as the same parameters take part, and gradients are not kept', () => {
  const params = [tensor(1, { requiresGrad: true }), tensor(2, { requiresGrad: true })];
  const spy = new Spy(params, { lr: 0.1 });
  const step = (...grads: (number | null)[]): void => {
    params.forEach((p, i) => {
      const g = grads[i];
      p.grad = g === null ? null : tensor(g);
    });
    spy.step();
  };
  step(1, 2);
  step(3, 4);
  step(null, 5);
  step(6, null);
  step(7, 8);
  const lists = spy.seen.map(({ params: list }) => list);
  is(lists[0], lists[1]);
  equal(lists.map((list) => list.map((p) => params.indexOf(p))), [[0, 1], [0, 1], [1], [0], [0, 1]]);
  not(lists[2] === lists[3]);
  for (const { grads } of spy.seen) ok(grads.every((g) => params.includes(g)));
});

test('tensors that share a block are told apart', () => {
  const block = tensor([1, 2]);
  const [a, b] = [block.narrow(0, 0, 1).detach().requiresGrad_(), block.narrow(0, 1, 1).detach().requiresGrad_()];
  const optimizer = new SGD([a, b], { lr: 1 });
  for (const [first, second] of [[a, b], [b, a]]) {
    first.grad = ones([1]);
    second.grad = null;
    optimizer.step();
  }
  equal(block.array(), [0, 1]);
});

test('a deep copy steps by itself', () => {
  const p = tensor([1, 2], { requiresGrad: true });
  const original = new Adam([p], { lr: 0.1 });
  for (let i = 0; i < 3; i++) {
    p.grad = ones([2]);
    original.step();
  }
  const copied = deepCopy({ p, optimizer: original });
  const before = p.array();
  copied.p.grad = ones([2]);
  copied.optimizer.step();
  equal(p.array(), before);
  p.grad = ones([2]);
  original.step();
  equal(copied.p.array(), p.array());
  equal([copied.optimizer.state.size, copied.optimizer.state.get(copied.p)?.step], [1, 4]);
});

test.run();
