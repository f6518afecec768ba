import { test } from 'uvu';
import {
  ArgumentError, BatchNorm1d, BatchNorm2d, Conv2d, ConvTranspose2d, Linear, type Module, Parameter, ShapeError, StateError, type Tensor, defaultGenerator, fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval,
  fuseLinearBnWeights, manualSeed, noGrad, ones, randn, removeSpectralNorm, removeWeightNorm, skipInit, spectralNorm, weightNorm, zeros,
} from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

/** A normalisation with statistics of its own, in evaluation mode. */
function used<B extends Module>(bn: B & { readonly runningMean: Tensor | null; readonly runningVar: Tensor | null; readonly weight: Tensor | null; readonly bias: Tensor | null }): B {
  noGrad(() => {
    bn.runningMean?.uniform_(-1, 1);
    bn.runningVar?.uniform_(0.5, 2);
    bn.weight?.uniform_(0.5, 2);
    bn.bias?.uniform_(-1, 1);
  });
  return bn.eval();
}

test('a fused layer does what convolution and normalisation do', () => {
  manualSeed(2);
  const x = randn([2, 4, 5, 5]);
  for (const affine of [true, false]) {
    for (const bias of [true, false]) {
      const bn = used(new BatchNorm2d(6, { affine, eps: 0.01 }));
      const conv = new Conv2d(4, 6, 3, { groups: 2, bias }).eval();
      const before = conv.weight.array();
      const fused = fuseConvBnEval(conv, bn);
      ok(fused instanceof Conv2d && fused !== conv && fused.weight instanceof Parameter && fused.bias !== null);
      allClose(fused.forward(x).detach(), bn.forward(conv.forward(x)).detach().data(), { rtol: 1e-4, atol: 1e-5 });
      equal(conv.weight.array(), before);
      const up = new ConvTranspose2d(4, 6, 3, { stride: 2, bias }).eval();
      allClose(fuseConvBnEval(up, bn, true).forward(x).detach(), bn.forward(up.forward(x)).detach().data(), { rtol: 1e-4, atol: 1e-5 });
    }
  }
  const linear = new Linear(3, 4).eval();
  const bn = used(new BatchNorm1d(4));
  const rows = randn([5, 3]);
  allClose(fuseLinearBnEval(linear, bn).forward(rows).detach(), bn.forward(linear.forward(rows)).detach().data(), { rtol: 1e-4, atol: 1e-5 });
});

test('weights alone', () => {
  const [w, b] = fuseConvBnWeights(ones([2, 1, 1]), null, ones([2]), ones([2]).mul(3), 1, null, null);
  allClose(w.detach(), [[[0.5]], [[0.5]]]);
  allClose(b.detach(), [-0.5, -0.5]);
  const [v, c] = fuseLinearBnWeights(ones([2, 2]), zeros([2]), zeros([2]), ones([2]), 0, ones([2]).mul(2), ones([2]));
  allClose(v.detach(), [[2, 2], [2, 2]]);
  allClose(c.detach(), [1, 1]);
  throwsError(() => fuseConvBnWeights(ones([3, 1, 1]), null, ones([2]), ones([2]), 1, null, null), ShapeError, /fuseConvBnWeights: the statistics do not fit/);
});

test('only in evaluation mode, and with statistics', () => {
  const [conv, bn] = [new Conv2d(1, 2, 1), new BatchNorm2d(2)];
  throwsError(() => fuseConvBnEval(conv, bn.eval()), StateError, /in training mode/);
  throwsError(() => fuseConvBnEval(conv.eval(), new BatchNorm2d(2, { trackRunningStats: false }).eval()), StateError, /no running statistics/);
  throwsError(() => fuseConvBnEval(conv, conv as never), ArgumentError, /not a batch normalisation/);
  throwsError(() => fuseLinearBnEval(conv as never, bn), ArgumentError, /not a Linear/);
});

test('skipInit draws nothing', () => {
  manualSeed(4);
  const before = defaultGenerator.getState();
  const layer = skipInit(Linear, 3, 2, { dtype: 'float64' });
  ok(layer instanceof Linear);
  equal([layer.weight.shape, layer.weight.dtype, layer.weight.requiresGrad], [[2, 3], 'float64', true]);
  equal(defaultGenerator.getState(), before);
  throwsError(() => skipInit(Linear, 0, 2), ArgumentError, /inFeatures/);
  const later = new Linear(3, 2);
  ok(JSON.stringify(defaultGenerator.getState()) !== JSON.stringify(before), 'initialisation is on again after an error');
  ok(later.weight.abs().sum().item() > 0);
  throwsError(() => skipInit(Map as never), ArgumentError, /skipInit: not a class of modules/);
});

test('norms are taken off again', () => {
  const layer = weightNorm(new Linear(3, 2));
  const w = layer.weight.detach().clone();
  throwsError(() => removeSpectralNorm(layer), ArgumentError, /removeSpectralNorm: no such norm, got 'weight' of Linear/);
  is(removeWeightNorm(layer), layer);
  allClose(layer.weight.detach(), w.data());
  equal(Object.keys(layer.stateDict()).sort(), ['bias', 'weight']);
  removeSpectralNorm(spectralNorm(layer));
  throwsError(() => removeWeightNorm(layer), ArgumentError, /no such norm/);
});

test.run();
