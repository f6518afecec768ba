// An operation with a gradient of its own: rounding that lets gradients through, so that weights can learn to be -1, 0 or 1. node --import tsx examples/customOp.ts
import { Adam, F, Parameter, customOp, manualSeed, noGrad, rand, randn, tensor } from '../index.ts';

/** Rounds to -1, 0 or 1; backward it is the identity inside [-1.5, 1.5] (Bengio et al. 2013, straight-through estimator). */
const ternary = customOp({
  name: 'ternary',
  forward: (x) => x.clamp(-1, 1).round(),
  backward: (grad, { inputs: [x] }) => [grad.mul(x.abs().le(1.5))],
});

manualSeed(0);
const truth = tensor([[1, 0, -1, 1, 0, 0, -1, 1]]);
const weight = new Parameter(rand([1, 8]).sub(0.5));
const optimizer = new Adam([weight], { lr: 0.02 });
for (let step = 1; step <= 60; step++) {
  const x = randn([64, 8]);
  optimizer.zeroGrad();
  const loss = F.mseLoss(F.linear(x, ternary(weight)), F.linear(x, truth.to('float32')));
  loss.backward();
  optimizer.step();
  if (step % 10 === 0) console.log(`step ${step}  loss ${loss.item().toFixed(4)}`);
}
console.log('wanted ', [...truth.data()].join(' '));
console.log('learned', [...noGrad(() => ternary(weight)).data()].join(' '));
