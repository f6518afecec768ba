import { test } from 'uvu';
import { F, Linear, Parameter, SGD, StateError, type Tensor, keep, manualSeed, noGrad, rand, scope, tensor } from '../../index.ts';
import { liveBytes } from '../../core/cpu/memory/heap.ts';
import { moveAllOut } from '../../core/cpu/memory/residence.ts';
import { CpuStorage } from '../../core/cpu/memory/storage.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

test('gives back what it made, and returns what it returns', () => {
  const x = rand([1000]);
  x.add(1);
  moveAllOut();
  x.add(1);
  const before = liveBytes();
  const { sum, list } = scope(() => {
    const y = x.mul(2).add(1);
    return { sum: y.sum(), list: [y.narrow(0, 0, 2), new Map([['third', y.mul(3)]])] as const };
  });
  ok(liveBytes() <= before + 3 * 4096, `${liveBytes() - before} bytes more`);
  ok(Math.abs(sum.item() - x.mul(2).add(1).sum().item()) < 1e-3);
  equal(list[0].data(), x.mul(2).add(1).narrow(0, 0, 2).data());
  equal(list[1].get('third')?.data(), x.mul(2).add(1).mul(3).data());
});

test('memory stays where it is in a loop over large results', () => {
  const x = rand([1 << 18]);
  let most = 0;
  for (let i = 0; i < 200; i++) {
    scope(() => void x.add(i).mul(2).exp());
    if (i === 0) most = liveBytes();
    else is(liveBytes(), most);
  }
});

test('a tensor that got out by another way throws, a kept one stays', () => {
  let escaped: Tensor | undefined;
  let kept: Tensor | undefined;
  scope(() => {
    escaped = tensor([1, 2]).add(1);
    kept = keep({ inner: [tensor([1, 2]).add(1)] }).inner[0];
  });
  throwsError(() => escaped?.data(), StateError, /released.*\n?.*/);
  throwsError(() => escaped?.add(1), StateError, /released/);
  equal(kept?.array(), [2, 3]);
});

test('a step of training in a scope has the bits of one outside', () => {
  const train = (inScope: boolean): unknown => {
    manualSeed(3);
    const [a, b] = [new Linear(4, 8), new Linear(8, 2)];
    const optimizer = new SGD([...a.parameters(), ...b.parameters()], { lr: 0.1, momentum: 0.9 });
    const [x, y] = [rand([16, 4]), rand([16, 2])];
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const step = (): number => {
        optimizer.zeroGrad();
        const h = F.tanh(a.forward(x));
        const loss = F.mseLoss(b.forward(h), y);
        loss.backward();
        optimizer.step();
        return loss.item();
      };
      losses.push(inScope ? scope(step) : step());
    }
    return [losses, a.weight.array(), b.weight.grad?.array()];
  };
  equal(train(true), train(false));
});

test('what a scope made is not moved out at the end of a backward pass within it', () => {
  const x = rand([1 << 19]);
  x.requiresGrad = true;
  const isIn = ({ storage }: Tensor): boolean => storage instanceof CpuStorage && storage.address !== 0;
  const step = (): boolean => {
    const y = x.mul(2);
    y.tanh().sum().backward();
    return isIn(y);
  };
  is(step(), false); // 4 MB of results: more than stays in the nursery
  is(scope(step), true);
});

test('a loss that leaves takes along what its gradient needs', () => {
  const w = tensor([1, 2, 3], { requiresGrad: true });
  const loss = scope(() => w.mul(w).exp().sum());
  for (let i = 0; i < 10; i++) scope(() => void rand([100]).add(1));
  loss.backward();
  const expected = [1, 2, 3].map((v) => 2 * v * Math.exp(v * v));
  const found = Array.from(w.grad?.data() ?? []);
  is(found.length, 3);
  ok(found.every((g, i) => Math.abs(g / expected[i] - 1) < 1e-5));
});

test('second derivatives, parameters and gradients stay', () => {
  const w = tensor([2], { requiresGrad: true });
  let made: Parameter | undefined;
  scope(() => {
    w.mul(w).mul(w).sum().backward({ createGraph: true });
    made = new Parameter(w.detach().mul(4));
    w.grad = noGrad(() => w.grad?.mul(2) ?? null);
  });
  equal([made?.array(), w.grad?.array()], [[8], [24]]);
});

test('scopes in scopes hand on what they return', () => {
  const outer = scope(() => {
    const inner = scope(() => tensor([1]).add(1));
    return inner.mul(10);
  });
  equal(outer.array(), [20]);
  const twice = scope(() => scope(() => tensor([1]).add(1)));
  equal(twice.array(), [2]);
});

test('an error leaves no scope open, and a promise is refused', () => {
  const x = tensor([1, 2]);
  throwsError(() => scope(() => { x.add(1); throw new RangeError('mine'); }), RangeError, /mine/);
  throwsError(() => scope(async () => x.add(1)), StateError, /asynchronous/);
  const free = x.add(1);
  for (let i = 0; i < 3; i++) scope(() => void x.add(2));
  equal(free.array(), [2, 3]);
});

test.run();
