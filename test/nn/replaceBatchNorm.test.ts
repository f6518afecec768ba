import { test } from 'uvu';
import { ArgumentError, BatchNorm1d, BatchNorm2d, Conv2d, Linear, Sequential, type StateDict, type Tensor, func, randn, vmap } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

test('batch norms use the statistics of the batch from then on', () => {
  const model = new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Sequential(new BatchNorm1d(4)));
  const x = randn([6, 3]);
  const expected = model.forward(x);
  is(func.replaceAllBatchNormModules_(model), model);
  equal(Array.from(model.namedBuffers()), []);
  equal(Object.keys(model.stateDict()), ['0.weight', '0.bias', '1.weight', '1.bias', '2.0.weight', '2.0.bias']);
  allClose(model.forward(x), expected, { rtol: 1e-6 });
  model.eval();
  allClose(model.forward(x), expected, { rtol: 1e-6 });
  ok(model.toString().includes('track_running_stats=False'));
});

test('gradients per example of a net with batch norms', () => {
  const model = func.replaceAllBatchNormModules_(new Sequential(new Conv2d(1, 2, 2), new BatchNorm2d(2)));
  const params = Object.fromEntries([...model.namedParameters()].map(([name, p]) => [name, p.detach()]));
  const loss = (p: StateDict, x: Tensor): Tensor => func.functionalCall(model, p, x.unsqueeze(0)).square().mul(x.sum()).mean();
  const images = randn([3, 1, 4, 4]);
  const each = vmap(func.grad(loss), { inDims: [null, 0] })(params, images);
  images.unbind(0).forEach((x, i) => {
    const alone = func.grad(loss)(params, x);
    for (const name of Object.keys(params)) allClose(each[name].select(0, i), alone[name], { rtol: 1e-4, atol: 1e-5 });
  });
});

test('what is no module is refused', () => {
  throwsError(() => func.replaceAllBatchNormModules_({} as never), ArgumentError, /not a module/);
});

test.run();
