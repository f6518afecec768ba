import { test } from 'uvu';
import { ArgumentError, StateError, grad, noGrad, tensor } from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

test('hooks behind the sum see the leaf with its gradient, once a pass, until removed', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const seen: unknown[] = [];
  const remove = x.registerPostAccumulateGradHook((leafItself) => {
    ok(leafItself === x);
    seen.push(leafItself.grad?.array());
    noGrad(() => x.sub_(x.grad?.mul(0.5) ?? 0));
    x.grad = null;
  });
  x.mul(3).add(x).sum().backward();
  x.mul(3).sum().backward();
  equal(seen, [[4, 4], [3, 3]]);
  equal(x.array(), [-2.5, -1.5]);
  is(x.grad, null);
  grad(x.sum(), [x]);
  remove();
  x.mul(2).sum().backward();
  is(seen.length, 2, 'neither for grad() nor after it is removed');
  throwsError(() => x.mul(2).registerPostAccumulateGradHook(() => {}), StateError, /registerPostAccumulateGradHook: not a leaf that requires grad/);
  throwsError(() => tensor([1]).registerPostAccumulateGradHook(() => {}), StateError, /not a leaf that requires grad/);
  throwsError(() => x.registerPostAccumulateGradHook(1 as never), ArgumentError, /not a function, got 1/);
});

test.run();
