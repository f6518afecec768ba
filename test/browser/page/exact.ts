import { Adam, F, Parameter, SGD, type Tensor, manualSeed, randint, tensor, where } from '../../../index.ts';

const text = (x: Tensor): string => `${x.dtype}[${x.shape.join()}] ${Array.from(x.data()).join()}`;

/** Results of operations whose JavaScript is made from expressions, in exact arithmetic: the same text everywhere. */
export function exactResults(): string[] {
  manualSeed(3);
  const double = tensor([-2.5, -1, -0, 0, 0.5, 3.25, Infinity, NaN], { dtype: 'float64' });
  const int = randint(-20, 20, [3, 4]);
  const float = tensor([[-1.5, 2], [0.25, -8]]);
  const results = [
    double.add(1), double.mul(double), double.abs().sqrt(), double.round(), double.sub(1).div(3), double.gt(0), double.isnan(), double.to('float32'), double.to('bool'),
    double.clamp(-1, 1), double.maximum(0), F.relu(double), F.leakyRelu(double, 0.25), where(double.gt(0), double, double.neg()),
    int.add(int), int.t().mul(2), int.remainder(7), int.floorDivide(3), int.bitwiseAnd(5), int.sum(0), int.prod(1), int.eq(3), int.amax(1), int.cumsum(0), int.add(0.5), int.to('uint8'),
    F.leakyRelu(float, 0.5), F.threshold(float, 0, -1), F.hardtanh(float), float.t().contiguous(), float.sum(), float.pow(2), float.clamp(-1, 1), float.square().mean(1),
  ].map(text);
  for (const options of [{ momentum: 0.5, nesterov: true }, { momentum: 0.5, weightDecay: 0.25 }, { maximize: true }]) {
    for (const dtype of ['float32', 'float64'] as const) {
      const p = new Parameter(tensor([1, -2, 3], { dtype }));
      const optimizer = new SGD([p], { lr: 0.1, ...options });
      for (let i = 0; i < 3; i++) {
        optimizer.zeroGrad();
        p.square().sum().backward();
        optimizer.step();
      }
      results.push(text(p));
    }
  }
  const p = new Parameter(tensor([1, -2, 3], { dtype: 'float64' }));
  const optimizer = new Adam([p], { lr: 0.5, amsgrad: true });
  for (let i = 0; i < 3; i++) {
    optimizer.zeroGrad();
    p.square().sum().backward();
    optimizer.step();
  }
  return [...results, text(p)];
}
