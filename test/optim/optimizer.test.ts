import { test } from 'uvu';
import { Adam, AdamW, ArgumentError, DTypeError, Optimizer, type OptimizerOptions, type ParamState, SGD, ShapeError, type StateFields, StateError, type Tensor, isGradEnabled, ones, tensor, zeros } from '../../index.ts';
import { equal, is, not, ok, throwsError } from '../assert.ts';

const param = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });

function withGrad(p: Tensor, ...grad: number[]): Tensor {
  p.grad = tensor(grad, { dtype: p.dtype });
  return p;
}

test("defaults are PyTorch's", () => {
  const p = param(1);
  equal({ ...new SGD([p]).defaults }, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false });
  equal({ ...new Adam([p]).defaults }, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false, decoupledWeightDecay: false });
  equal({ ...new AdamW([p]).defaults }, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2, amsgrad: false, maximize: false });
  is(new SGD([p], { lr: 0 }).defaults.lr, 0);
});

test('options out of range are refused before anything is set', () => {
  const p = param(1);
  const bad: [() => unknown, RegExp][] = [
    [() => new SGD([p], { lr: NaN }), /SGD: invalid lr, got NaN; expected a finite number ≥ 0/],
    [() => new SGD([p], { lr: -1 }), /invalid lr/],
    [() => new SGD([p], { lr: '0.1' as never }), /invalid lr, got '0.1'/],
    [() => new SGD([p], { momentum: -0.1 }), /invalid momentum/],
    [() => new SGD([p], { weightDecay: -1 }), /invalid weightDecay/],
    [() => new SGD([p], { nesterov: true }), /Nesterov momentum needs momentum/],
    [() => new SGD([p], { nesterov: true, momentum: 0.9, dampening: 0.1 }), /Nesterov/],
    [() => new SGD([p], { maximize: 1 as never }), /invalid maximize, got 1; expected true or false/],
    [() => new SGD([p], { momentun: 0.9 } as never), /unknown option, got 'momentun'[^]*did you mean 'momentum'/],
    [() => new Adam([p], { betas: [1, 0.9] }), /invalid betas\[0\], got 1; expected 0 ≤ beta < 1/],
    [() => new Adam([p], { betas: [0.9, NaN] }), /invalid betas\[1\]/],
    [() => new Adam([p], { betas: [0.9] as never }), /invalid betas, got \[0.9\]/],
    [() => new Adam([p], { eps: -1e-8 }), /invalid eps/],
    [() => new AdamW([p], { weightDecay: -1 }), /AdamW: invalid weightDecay/],
    [() => new Adam([{ params: [p], lr: -1 }]), /invalid lr, got -1/],
    [() => new Adam([{ params: [p], betas: [0, 2] }]), /invalid betas\[1\]/],
    [() => new Adam([{ params: [p], momentum: 1 } as never]), /group 0: unknown option, got 'momentum'/],
    [() => new Adam([{ params: [p], initialLr: -1 }]), /invalid initialLr/],
  ];
  for (const [fn, message] of bad) throwsError(fn, ArgumentError, message);
});

test('parameters that are none are refused', () => {
  const p = param(1);
  throwsError(() => new SGD([]), ArgumentError, /SGD: no parameters, got an empty list/);
  throwsError(() => new SGD(p as never), ArgumentError, /single tensor, got float32\[1\][^]*pass \[tensor\]/);
  throwsError(() => new SGD({ parameters: () => [p] } as never), ArgumentError, /not iterable[^]*module\.parameters\(\)/);
  throwsError(() => new SGD([p, 3] as never), ArgumentError, /params\[1\] is not a tensor, got 3/);
  throwsError(() => new SGD([{ params: [p] }, p] as never), ArgumentError, /group 1 is not a group/);
  throwsError(() => new SGD([['weight', p]] as never), ArgumentError, /parameters\(\), not namedParameters/);
  throwsError(() => new SGD([p, p]), ArgumentError, /appears twice, got float32\[1\] as group 0, parameter 0 and as group 0, parameter 1/);
  throwsError(() => new SGD([{ params: [p] }, { params: [param(2), p] }]), ArgumentError, /group 0, parameter 0 and as group 1, parameter 1/);
  throwsError(() => new SGD([p.mul(2)]), StateError, /params\[0\] is not a leaf, got float32\[1\] made by mul/);
});

test('takes any iterable, groups with a single tensor, and options per group', () => {
  const [a, b] = [param(1), param(2)];
  function* all(): Generator<Tensor> {
    yield a;
    yield b;
  }
  equal(new SGD(all()).paramGroups[0].params.length, 2);
  equal(new SGD(new Set([a, b])).paramGroups[0].params.length, 2);
  const input = [{ params: a, lr: 0.5 }, { params: [b] }];
  const optimizer = new SGD(input, { lr: 0.1 });
  equal(optimizer.paramGroups.map((g) => g.lr), [0.5, 0.1]);
  equal(Object.keys(input[0]), ['params', 'lr']);
  withGrad(a, 1);
  withGrad(b, 1);
  optimizer.step();
  equal([a.item(), b.item()], [0.5, Math.fround(1.9)]);
  optimizer.paramGroups[1].lr = 1;
  optimizer.step();
  equal([a.item(), b.item()], [0, Math.fround(Math.fround(1.9) - 1)]);
});

test('addParamGroup: all checks, nothing added on error', () => {
  const [a, b] = [param(1), param(2)];
  const optimizer = new Adam([a], { lr: 0.25 });
  throwsError(() => optimizer.addParamGroup({ params: [b, a] }), ArgumentError, /appears twice/);
  throwsError(() => optimizer.addParamGroup({ params: [b], lr: NaN }), ArgumentError, /invalid lr/);
  throwsError(() => optimizer.addParamGroup([b] as never), ArgumentError, /group 1 is not a group/);
  is(optimizer.paramGroups.length, 1);
  optimizer.addParamGroup({ params: [b], eps: 1e-4 });
  equal(optimizer.paramGroups.map((g) => [g.lr, g.eps]), [[0.25, 1e-8], [0.25, 1e-4]]);
});

test('a parameter without gradient is skipped and gets no state', () => {
  const [a, b] = [withGrad(param(1), 1), param(2)];
  const optimizer = new Adam([a, b], { weightDecay: 0.1 });
  optimizer.step();
  not(a.item() === 1);
  is(b.item(), 2);
  equal(Object.keys(optimizer.stateDict().state), ['0']);
});

test('step: nothing moves when a gradient or an option does not fit', () => {
  const [a, b] = [withGrad(param(1), 1), param(2)];
  const optimizer = new SGD([{ params: [a] }, { params: [b] }], { lr: 1, momentum: 0.5 });
  const untouched = (): void => {
    is(a.item(), 1);
    is(optimizer.state.size, 0);
  };
  b.grad = ones([2]);
  throwsError(() => optimizer.step(), ShapeError, /SGD\.step: a gradient has another shape, got float32\[2\] for float32\[1\]/);
  untouched();
  b.grad = ones([1], { dtype: 'float64' });
  throwsError(() => optimizer.step(), DTypeError, /another dtype, got float64\[1\] for float32\[1\]/);
  untouched();
  b.grad = 1 as never;
  throwsError(() => optimizer.step(), ArgumentError, /not a tensor, got 1/);
  untouched();
  b.grad = null;
  optimizer.paramGroups[1].lr = NaN;
  throwsError(() => optimizer.step(), ArgumentError, /invalid lr, got NaN/);
  untouched();
  throwsError(() => optimizer.step(3 as never), ArgumentError, /closure is not a function/);
});

test('an expanded parameter is refused', () => {
  const p = zeros([1]).expand([3]).detach();
  p.grad = ones([3]);
  throwsError(() => new SGD([p]).step(), StateError, /share one cell/);
});

test('closure: runs once with recording on, its result comes back', () => {
  const p = param(2);
  const optimizer = new SGD([p], { lr: 0.25 });
  let calls = 0;
  const loss = optimizer.step(() => {
    calls++;
    ok(isGradEnabled());
    optimizer.zeroGrad();
    const value = p.mul(p).sum();
    value.backward();
    return value;
  });
  is(calls, 1);
  is(loss.item(), 4);
  is(p.item(), 1);
  is(optimizer.step(), undefined);
  throwsError(() => optimizer.step(async () => 1), StateError, /asynchronous/);
  throwsError(() => optimizer.step(() => { throw new RangeError('mine'); }), RangeError, /mine/);
  ok(isGradEnabled());
});

test('the step writes in place, unrecorded, and autograd notices', () => {
  const p = param(1, 2);
  const { storage } = p;
  const loss = p.mul(p).sum();
  const again = p.mul(p).sum();
  loss.backward();
  new SGD([p], { lr: 0.5 }).step();
  ok(p.storage === storage && p.isLeaf && p.requiresGrad);
  throwsError(() => again.backward(), StateError, /overwritten in place/);
});

test('zeroGrad: null, or zeros in the same tensor', () => {
  const p = withGrad(param(1), 3);
  const optimizer = new SGD([p, param(2)]);
  const storage = p.grad?.storage;
  optimizer.zeroGrad({ setToNone: false });
  is(p.grad?.item(), 0);
  ok(p.grad?.storage === storage);
  optimizer.zeroGrad();
  is(p.grad, null);
  throwsError(() => optimizer.zeroGrad({ setToNull: true } as never), ArgumentError, /unknown option/);
});

test('hooks: before and after each step that succeeds, until removed', () => {
  const p = withGrad(param(1), 1);
  const optimizer = new SGD([p], { lr: 1 });
  const seen: string[] = [];
  const hook = (): void => void seen.push('after twice');
  const removers = [
    optimizer.registerStepPreHook((o) => seen.push(`before ${o === optimizer} ${p.item()}`)),
    optimizer.registerStepPostHook((o) => seen.push(`after ${o === optimizer} ${p.item()}`)),
    optimizer.registerStepPostHook(hook),
    optimizer.registerStepPostHook(hook),
  ];
  optimizer.step();
  equal(seen, ['before true 1', 'after true 0', 'after twice', 'after twice']);
  seen.length = 0;
  removers[3]();
  removers[3]();
  removers[0]();
  optimizer.step();
  equal(seen, ['after true -1', 'after twice']);
  seen.length = 0;
  optimizer.paramGroups[0].lr = NaN;
  throwsError(() => optimizer.step(), ArgumentError, /lr/);
  equal(seen, []);
  throwsError(() => optimizer.registerStepPostHook(1 as never), ArgumentError, /registerStepPostHook: not a function/);
});

test('a hook that removes itself does not disturb the others', () => {
  const optimizer = new SGD([withGrad(param(1), 1)]);
  const seen: number[] = [];
  const remove = optimizer.registerStepPostHook(() => {
    seen.push(1);
    remove();
  });
  optimizer.registerStepPostHook(() => void seen.push(2));
  optimizer.step();
  optimizer.step();
  equal(seen, [1, 2, 2]);
});

test('state follows a parameter that changes dtype; a new shape is refused', () => {
  const p = withGrad(param(1, 2), 1, -1);
  const optimizer = new Adam([p], { lr: 0.5 });
  optimizer.step();
  p.assign_(p.detach().to('float64'));
  withGrad(p, 1, 1);
  optimizer.step();
  is(optimizer.state.get(p)?.expAvg.dtype, 'float64');
  is(optimizer.state.get(p)?.step, 2);
  p.assign_(zeros([3]));
  p.grad = ones([3]);
  throwsError(() => optimizer.step(), StateError, /changed shape, got float32\[3\] with expAvg float64\[2\]/);
});

test('momentum and amsgrad can be switched on during a run', () => {
  const p = withGrad(param(1), 1);
  const sgd = new SGD([p], { lr: 1 });
  sgd.step();
  sgd.paramGroups[0].momentum = 0.5;
  sgd.step();
  sgd.step();
  is(p.item(), 1 - 1 - 1 - 1.5);
  const adam = new Adam([p]);
  adam.step();
  adam.paramGroups[0].amsgrad = true;
  adam.step();
  ok(adam.state.get(p)?.maxExpAvgSq !== undefined);
});

test('an optimizer of your own, from tensor operations', () => {
  interface SignOptions extends OptimizerOptions {
    decay: number;
  }
  type SignState = { mean: Tensor };
  class SignDescent extends Optimizer<SignOptions, SignState & ParamState> {
    constructor(params: Iterable<Tensor>, lr: number) {
      super(params, { lr, decay: 0.5 });
    }
    protected override stateFields(): StateFields {
      return { mean: 'tensor' };
    }
    protected override update({ lr, decay }: SignOptions, params: readonly Tensor[], grads: readonly Tensor[]): void {
      params.forEach((p, i) => {
        const mean = this.state.get(p)?.mean ?? zeros(p.shape);
        this.state.set(p, { mean: mean.mul_(decay).add_(grads[i]) });
        p.sub_(mean.sign().mul(lr));
      });
    }
  }
  const p = withGrad(param(1, 1), 3, -2);
  const optimizer = new SignDescent([p], 0.25);
  optimizer.step();
  equal(p.array(), [0.75, 1.25]);
  const other = new SignDescent([param(0, 0)], 1);
  other.loadStateDict(optimizer.stateDict());
  equal(other.paramGroups[0].lr, 0.25);
  equal([...other.state.values()].map((s) => s.mean.array()), [[3, -2]]);
});

test('prints its groups', () => {
  is(
    String(new SGD([param(1)], { lr: 0.5 })),
    'SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.5\n    maximize: false\n    momentum: 0\n    nesterov: false\n    weightDecay: 0\n)',
  );
});

test.run();
