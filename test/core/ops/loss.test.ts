import { test } from 'uvu';
import {
  ArgumentError, DTypeError, ShapeError, type Tensor, binaryCrossEntropy, binaryCrossEntropyWithLogits, cosineEmbeddingLoss, cosineSimilarity, crossEntropy, gaussianNllLoss, grad, gradcheck,
  gradgradcheck, hingeEmbeddingLoss, huberLoss, klDiv, l1Loss, manualSeed, mseLoss, multiMarginLoss, multilabelMarginLoss, nllLoss, ones, poissonNllLoss, randint, randn, smoothL1Loss, softMarginLoss, tensor, tripletMarginLoss, zeros,
} from '../../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

const near = { rtol: 1e-5, atol: 1e-6 };
const rows = [[1, 2, 0.5], [0.2, -1, 3], [-2, 0.1, 0.4], [1, 1, 1]];
const labels = tensor([1, 2, -100, 0], { dtype: 'int64' });
const weight = tensor([0.5, 2, 1]);

test('crossEntropy with weights, smoothing and labels that do not count', () => {
  const recorded = [
    { reduction: 'mean', labelSmoothing: 0, loss: [0.4440557], slope: [0.1321279, -0.2122676, 0.0801397, 0.0161004, 0.0048493, -0.0209497, 0, 0, 0, -0.0952381, 0.047619, 0.047619] },
    { reduction: 'mean', labelSmoothing: 0.2, loss: [0.6816629], slope: [0.1115935, -0.1660072, 0.0544137, 0.0071132, -0.0330843, 0.0259711, 0, 0, 0, -0.0634921, 0.0222222, 0.0412698] },
    { reduction: 'sum', labelSmoothing: 0, loss: [1.5541949], slope: [0.4624478, -0.7429366, 0.2804888, 0.0563512, 0.0169727, -0.0733238, 0, 0, 0, -0.3333333, 0.1666667, 0.1666667] },
    { reduction: 'none', labelSmoothing: 0.2, loss: [0.9846761, 0.7053562, 0, 0.6957878], slope: [0.3905771, -0.5810252, 0.190448, 0.0248963, -0.1157949, 0.0908987, 0, 0, 0, -0.2222222, 0.0777778, 0.1444444] },
  ] as const;
  for (const { reduction, labelSmoothing, loss, slope } of recorded) {
    const x = tensor(rows, { requiresGrad: true });
    const y = crossEntropy(x, labels, { weight, reduction, labelSmoothing });
    allClose(y.data(), loss, near);
    y.sum().backward();
    allClose(x.grad?.data() ?? [], slope, near);
  }
});

test('crossEntropy is nllLoss of logSoftmax', () => {
  manualSeed(0);
  for (const [shape, target] of [[[5, 4], [5]], [[2, 4, 3], [2, 3]], [[2, 4, 3, 2], [2, 3, 2]], [[4], []]] as const) {
    const a = randn(shape, { dtype: 'float64', requiresGrad: true });
    const y = randint(0, 4, target);
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      const [fused, plain] = [crossEntropy(a, y, { reduction }), nllLoss(a.logSoftmax(shape.length > 1 ? 1 : 0), y, { reduction })];
      allClose(fused, plain, { rtol: 1e-12 });
      allClose(grad(fused.sum(), a)[0], grad(plain.sum(), a)[0], { rtol: 1e-10, atol: 1e-14 });
    }
  }
});

test('crossEntropy with weights has derivatives of both orders', () => {
  manualSeed(1);
  const x = randn([3, 4, 2], { dtype: 'float64', requiresGrad: true });
  const y = tensor([[0, 3], [2, -1], [1, 1]], { dtype: 'int32' });
  const w = tensor([0.5, 2, 1, 3], { dtype: 'float64' });
  for (const reduction of ['mean', 'none'] as const) {
    const run = (a: Tensor): Tensor => crossEntropy(a, y, { weight: w, ignoreIndex: -1, labelSmoothing: 0.1, reduction });
    ok(gradcheck(run, [x]));
    ok(gradgradcheck(run, [x]));
  }
});

test('the fused gradient and the one in tensor operations agree', () => {
  const x = tensor(rows, { dtype: 'float64', requiresGrad: true });
  const loss = crossEntropy(x, labels, { weight: weight.to('float64'), labelSmoothing: 0.3 });
  allClose(grad(loss, x, { retainGraph: true })[0], grad(loss, x, { createGraph: true })[0], { rtol: 1e-12, atol: 1e-15 });
});

test('crossEntropy with probabilities and weights', () => {
  const q = tensor([[0.2, 0.3, 0.5], [1, 0, 0], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]]);
  allClose(crossEntropy(tensor(rows), q, { weight, labelSmoothing: 0.1 }).data(), [1.4855599], near);
});

test('crossEntropy takes large logits, any integer dtype, and no labels at all', () => {
  allClose(crossEntropy(tensor([[1000, -1000], [-1000, 1000]]), tensor([0, 0], { dtype: 'uint8' }), { reduction: 'none' }), [0, 2000]);
  ok(Number.isNaN(crossEntropy(tensor([[1, 2]]), tensor([-100], { dtype: 'int32' })).item()), 'the mean of nothing');
  is(crossEntropy(tensor([[1, 2]]), tensor([-100], { dtype: 'int32' }), { reduction: 'sum' }).item(), 0);
  is(crossEntropy(zeros([0, 3]), zeros([0], { dtype: 'int64' }), { reduction: 'sum' }).item(), 0);
});

test('labels that are no class are named, before anything is computed', () => {
  const x = tensor(rows);
  const bad = (values: number[]): Tensor => tensor(values, { dtype: 'int64' });
  throwsError(() => crossEntropy(x, bad([0, 3, 1, 1])), ArgumentError, /crossEntropy: no such class, got label 3; expected 0 to 2, or ignoreIndex -100/);
  throwsError(() => crossEntropy(x, bad([0, -1, 1, 1])), ArgumentError, /got label -1/);
  throwsError(() => nllLoss(x, bad([0, 7, 1, 1])), ArgumentError, /nllLoss: no such class, got label 7/);
  throwsError(() => crossEntropy(x, bad([0, 1])), ShapeError, /labels do not fit, got int64\[2\] for float32\[4, 3\]; expected \[4\]/);
  throwsError(() => crossEntropy(x, tensor([0, 1, 2, 0])), ShapeError, /probabilities do not fit/);
  throwsError(() => crossEntropy(x, tensor([true, false, true, true])), DTypeError, /labels are not whole numbers/);
  throwsError(() => nllLoss(x, tensor([0, 1, 2, 0])), DTypeError, /labels are not whole numbers/);
  throwsError(() => crossEntropy(x, bad([0, 1, 1, 1]), { weight: ones([2]) }), ShapeError, /weight does not fit/);
  throwsError(() => crossEntropy(x, bad([0, 1, 1, 1]), { reduction: 'avg' as never }), ArgumentError, /unknown reduction, got 'avg'/);
  throwsError(() => crossEntropy(x, bad([0, 1, 1, 1]), { labelSmoothing: 2 }), ArgumentError, /invalid labelSmoothing, got 2/);
  throwsError(() => crossEntropy(x, bad([0, 1, 1, 1]), { ignore_index: 1 } as never), ArgumentError, /did you mean 'ignoreIndex'/);
  throwsError(() => crossEntropy(bad([1]), bad([1])), DTypeError, /input is not a float tensor/);
  throwsError(() => crossEntropy(tensor(1), bad([1])), ShapeError, /no classes/);
});

test('nllLoss with weights', () => {
  const logp = tensor(rows).logSoftmax(1);
  allClose(nllLoss(logp, labels, { weight }).data(), [0.4440557], near);
  allClose(nllLoss(logp, labels, { weight, reduction: 'none' }).data(), [0.9287376, 0.0761511, 0, 0.5493062], near);
});

test('binaryCrossEntropy keeps its logarithms above -100', () => {
  const [a, t] = [tensor([0, 1, 0.3, 1]), tensor([0, 0, 1, 1])];
  allClose(binaryCrossEntropy(a, t, { reduction: 'none' }), [0, 100, 1.2039728, 0], near);
  allClose(binaryCrossEntropy(a, t, { weight: tensor([1, 2, 3, 0.5]) }).data(), [50.9029808], near);
  throwsError(() => binaryCrossEntropy(tensor([1.5]), tensor([1])), ArgumentError, /not a probability, got 1.5/);
  throwsError(() => binaryCrossEntropy(tensor([NaN]), tensor([1])), ArgumentError, /not a probability, got NaN/);
});

test('binaryCrossEntropyWithLogits with weights, for large logits too', () => {
  const z = tensor([[-100, 100], [0, 2]], { requiresGrad: true });
  const options = { posWeight: tensor([3, 0.5]), weight: tensor([[1], [2]]), reduction: 'none' } as const;
  const loss = binaryCrossEntropyWithLogits(z, tensor([[0, 1], [1, 0.5]]), options);
  allClose(loss.data(), [0, 0, 4.1588831, 2.190392], near);
  loss.sum().backward();
  allClose(z.grad?.data() ?? [], [0, 0, -3, 0.8211956], near);
  const inputs = [tensor([0.3, -1.2], { dtype: 'float64', requiresGrad: true }), tensor([0.2, 0.9], { dtype: 'float64', requiresGrad: true })] as const;
  const run = (x: Tensor, y: Tensor): Tensor => binaryCrossEntropyWithLogits(x, y, { posWeight: tensor([3, 0.5], { dtype: 'float64' }) });
  ok(gradcheck(run, inputs));
  ok(gradgradcheck(run, inputs));
});

test('slopes at kinks', () => {
  const slope = (loss: (x: Tensor, y: Tensor) => Tensor): number[] => [...grad(loss(kinks, zeros([4])).mul(4), kinks)[0].data()];
  const kinks = tensor([0, 1, -1, 2], { requiresGrad: true });
  equal(slope(smoothL1Loss), [0, 1, -1, 1]);
  equal(slope(l1Loss), [0, 1, -1, 1]);
});

test('values at the edges', () => {
  allClose(klDiv(tensor([-1, -2]), tensor([0, 0.5]), { reduction: 'none' }), [0, 0.6534264], near);
  allClose(gaussianNllLoss(tensor([1, 2]), tensor([0, 4]), tensor([0, 2]), { eps: 0.01 }).data(), [24.5219936], near);
  allClose(multiMarginLoss(tensor(rows), tensor([1, 2, 0, 0], { dtype: 'int64' }), { weight }).data(), [0.3541667], near);
  is(multiMarginLoss(tensor(rows[0]), tensor(1, { dtype: 'int64' })).item(), 0);
  allClose(cosineSimilarity(zeros([1, 3]), ones([1, 3])), [0]);
  is(mseLoss(tensor([1, 2], { dtype: 'int64' }), tensor([0.5, 0])).item(), 2.125);
  ok(Number.isNaN(mseLoss(zeros([0]), zeros([0])).item()));
});

test('a variance below eps still gets its gradient', () => {
  const variance = tensor([0.001], { dtype: 'float64', requiresGrad: true });
  gaussianNllLoss(tensor([1], { dtype: 'float64' }), tensor([0], { dtype: 'float64' }), variance, { eps: 0.1 }).backward();
  allClose(variance.grad ?? [], [0.5 * (10 - 100)], { rtol: 1e-9 });
});

test('losses of the difference broadcast input and target, as PyTorch does with a warning', () => {
  // The loss, its gradients to input (2, 1) and target (3); without reduction all losses and the gradients of their sum.
  const recorded = [
    [mseLoss, {}, 'mean', [2.9166666666666665], [-0.5, 0.5], [0, -1.3333333333333333, 1.3333333333333333]],
    [mseLoss, {}, 'sum', [17.5], [-3, 3], [0, -8, 8]],
    [mseLoss, {}, 'none', [0.25, 2.25, 6.25, 0.25, 6.25, 2.25], [-3, 3], [0, -8, 8]],
    [l1Loss, {}, 'mean', [1.5], [-1 / 6, 1 / 6], [0, -1 / 3, 1 / 3]],
    [l1Loss, {}, 'sum', [9], [-1, 1], [0, -2, 2]],
    [l1Loss, {}, 'none', [0.5, 1.5, 2.5, 0.5, 2.5, 1.5], [-1, 1], [0, -2, 2]],
    [smoothL1Loss, { beta: 0.75 }, 'mean', [1.1388888888888888], [-1 / 9, 1 / 9], [0, -1 / 3, 1 / 3]],
    [smoothL1Loss, { beta: 0.75 }, 'sum', [6.833333333333333], [-2 / 3, 2 / 3], [0, -2, 2]],
    [smoothL1Loss, { beta: 0.75 }, 'none', [1 / 6, 1.125, 2.125, 1 / 6, 2.125, 1.125], [-2 / 3, 2 / 3], [0, -2, 2]],
    [huberLoss, { delta: 0.75 }, 'mean', [0.8541666666666666], [-1 / 12, 1 / 12], [0, -0.25, 0.25]],
    [huberLoss, { delta: 0.75 }, 'sum', [5.125], [-0.5, 0.5], [0, -1.5, 1.5]],
    [huberLoss, { delta: 0.75 }, 'none', [0.125, 0.84375, 1.59375, 0.125, 1.59375, 0.84375], [-0.5, 0.5], [0, -1.5, 1.5]],
  ] as const;
  for (const [fn, options, reduction, values, toInput, toTarget] of recorded) {
    const [x, y] = [tensor([[0.5], [1.5]], { dtype: 'float64', requiresGrad: true }), tensor([1, -1, 3], { dtype: 'float64', requiresGrad: true })];
    const loss = fn(x, y, { ...options, reduction });
    equal(loss.shape, reduction === 'none' ? [2, 3] : []);
    allClose(loss.flatten(), values, { rtol: 1e-12 });
    loss.sum().backward();
    allClose((x.grad as Tensor).flatten(), toInput, { rtol: 1e-12, atol: 1e-14 });
    allClose(y.grad as Tensor, toTarget, { rtol: 1e-12, atol: 1e-14 });
    const second = (a: Tensor, b: Tensor): Tensor => fn(a, b, { ...options, reduction: 'sum' });
    ok(gradgradcheck(second, [x, y]));
  }
});

test('losses that PyTorch broadcasts without a word', () => {
  const x = tensor([[0.5], [1.5]], { dtype: 'float64', requiresGrad: true });
  const y = tensor([1, -1, 1], { dtype: 'float64' });
  const recorded = [
    [klDiv(x, y.abs()), -1, [-0.5, -0.5]],
    [klDiv(x, y.abs(), { reduction: 'batchmean' }), -3, [-1.5, -1.5]],
    [poissonNllLoss(x, y.abs()), 2.0652051705190964, [0.3243606353500641, 1.7408445351690323]],
    [hingeEmbeddingLoss(x, y), 0.75, [1 / 6, 1 / 3]],
  ] as const;
  for (const [loss, value, slope] of recorded) {
    x.grad = null;
    allClose(loss, value, { rtol: 1e-12 });
    loss.backward();
    allClose((x.grad as Tensor | null)?.flatten() as Tensor, slope, { rtol: 1e-12 });
  }
  equal(softMarginLoss(ones([2, 3]), y, { reduction: 'none' }).shape, [2, 3]);
  throwsError(() => softMarginLoss(x, y), ShapeError, /softMarginLoss: the target is larger/);
});

test('shapes that do not broadcast are refused, and those that differ where PyTorch refuses them', () => {
  throwsError(() => mseLoss(ones([3, 2]), ones([3])), ShapeError, /mseLoss: shapes do not broadcast, got \[3, 2\] and \[3\]/);
  throwsError(() => l1Loss(ones([2]), ones([3])), ShapeError, /l1Loss: shapes do not broadcast/);
  throwsError(() => smoothL1Loss(ones([2]), ones([3])), ShapeError, /smoothL1Loss: shapes do not broadcast/);
  throwsError(() => huberLoss(ones([2]), ones([3])), ShapeError, /huberLoss: shapes do not broadcast/);
  throwsError(() => binaryCrossEntropy(ones([2]), ones([2, 1])), ShapeError, /differ in shape/);
  throwsError(() => binaryCrossEntropyWithLogits(ones([2]), ones([2, 1])), ShapeError, /differ in shape/);
  for (const fn of [klDiv, hingeEmbeddingLoss, poissonNllLoss, softMarginLoss]) throwsError(() => fn(ones([2]), ones([3])), ShapeError, /do not broadcast/);
  throwsError(() => gaussianNllLoss(ones([2, 3]), ones([2, 3]), ones([3])), ShapeError, /variance does not fit/);
  throwsError(() => cosineEmbeddingLoss(ones([2, 3]), ones([2, 3]), ones([3])), ShapeError, /targets do not fit/);
});

test('other bad arguments are refused', () => {
  const [a, b] = [ones([2]), zeros([2])];
  throwsError(() => mseLoss(a, b, { reduction: 'batchmean' as never }), ArgumentError, /unknown reduction/);
  throwsError(() => mseLoss(a, b, { size: 1 } as never), ArgumentError, /unknown option/);
  throwsError(() => mseLoss(a, [0, 0] as never), ArgumentError, /target is not a tensor/);
  throwsError(() => mseLoss(ones([2], { dtype: 'int64' }), zeros([2], { dtype: 'int64' })), DTypeError, /no floats/);
  throwsError(() => smoothL1Loss(a, b, { beta: -1 }), ArgumentError, /invalid beta, got -1/);
  throwsError(() => gaussianNllLoss(a, b, tensor([1, -1])), ArgumentError, /a variance is negative, got -1/);
  throwsError(() => multiMarginLoss(ones([2, 3]), tensor([0, 3], { dtype: 'int64' })), ArgumentError, /no such class, got label 3/);
  throwsError(() => tripletMarginLoss(a, b, a, { margin: NaN }), ArgumentError, /invalid margin/);
  throwsError(() => klDiv(tensor(1), tensor(1), { reduction: 'batchmean' }), ShapeError, /no batch/);
});

test('margins count what is above 0 only, which NaN is not', () => {
  const x = tensor([[NaN, 1, 2], [1, 2, 3]]);
  allClose(multiMarginLoss(x, tensor([1, 0], { dtype: 'int64' })), (2 / 3 + (2 + 3) / 3) / 2);
  allClose(multilabelMarginLoss(x, tensor([[1, -1, 0], [0, -1, 0]], { dtype: 'int64' })), (2 / 3 + (2 + 3) / 3) / 2);
  ok(Number.isNaN(gaussianNllLoss(tensor([1]), tensor([1]), tensor([NaN])).item()));
});

test('crossEntropy with probabilities gives gradients to target and weight', () => {
  const recorded = [
    [{}, [0.25052610269025016, 1.0241906632929256, 0.5183598688653532], [0.7321843920539725, 0.4643687841079449, 0.4910921960269862, 1.0408922427945566, 3.1817844855891133, 0.04544612139727834]],
    [{ reduction: 'sum' }, [0.5010522053805003, 2.0483813265858513, 1.0367197377307065], [1.464368784107945, 0.9287375682158898, 0.9821843920539725, 2.081784485589113, 6.363568971178227, 0.09089224279455668]],
    [{ labelSmoothing: 0.2 }, [0.3186259911421021, 0.9408909729575758, 0.48622633741551785], [0.585747513643178, 0.37149502728635597, 0.392873756821589, 0.8327137942356453, 2.545427588471291, 0.036356897117822674]],
  ] as const;
  const f64 = { dtype: 'float64', requiresGrad: true } as const;
  for (const [options, toWeight, toTarget] of recorded) {
    const x = tensor([[1, 2, 0.5], [0.1, -1, 2]], f64);
    const target = tensor([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]], f64);
    const each = tensor([1, 2, 0.5], f64);
    crossEntropy(x, target, { weight: each, ...options }).backward();
    allClose(each.grad as never, toWeight, { rtol: 1e-12 });
    allClose((target.grad as Tensor).flatten(), toTarget, { rtol: 1e-12 });
  }
});

// PyTorch 1.13 takes integers as input of l1_loss and hinge_embedding_loss (without 'mean'), poisson_nll_loss, triplet_margin_loss and cosine_embedding_loss, and refuses
// them in mse_loss, smooth_l1_loss, huber_loss, kl_div, soft_margin_loss, multi_margin_loss, nll_loss and the cross-entropies.
test('losses of integers are PyTorch\'s', () => {
  const whole = { dtype: 'int64' } as const;
  const [x, y] = [tensor([[1, 2], [5, -3]], whole), tensor([[2, 0], [7, 1]], whole)];
  const third = y.abs();
  const signs = tensor([1, -1], whole);
  const recorded: readonly (readonly [Tensor, string, number[]])[] = [
    [l1Loss(x, y, { reduction: 'none' }), 'int64', [1, 2, 2, 4]],
    [l1Loss(x, y, { reduction: 'sum' }), 'int64', [9]],
    [l1Loss(x.abs().to('uint8'), y.to('uint8'), { reduction: 'none' }), 'uint8', [255, 2, 254, 2]],
    [hingeEmbeddingLoss(x, y, { reduction: 'none' }), 'int64', [1, 2, 5, -3]],
    [hingeEmbeddingLoss(x, y, { reduction: 'sum' }), 'int64', [5]],
    [poissonNllLoss(x, y, { reduction: 'none' }), 'float32', [0.7182817459106445, 7.389056205749512, 113.41316223144531, 3.0497870445251465]],
    [poissonNllLoss(x, y), 'float32', [31.1425724029541]],
    [tripletMarginLoss(x, y, third, { reduction: 'none' }), 'float32', [1, 1]],
    [cosineEmbeddingLoss(x, y, signs, { reduction: 'none' }), 'float32', [0.5527864098548889, 0.7761139869689941]],
    [cosineEmbeddingLoss(x.gt(1), y.gt(1), signs, { reduction: 'sum' }), 'float32', [2]],
  ];
  for (const [loss, dtype, values] of recorded) {
    is(loss.dtype, dtype);
    allClose(loss.flatten(), values, { rtol: 1e-6 });
  }
  throwsError(() => l1Loss(x, y), DTypeError, /mean/);
  throwsError(() => hingeEmbeddingLoss(x, y), DTypeError, /mean/);
  throwsError(() => l1Loss(x.gt(1), y.gt(1)), DTypeError, /bool/);
  throwsError(() => poissonNllLoss(x.gt(1), y), DTypeError, /bool/);
  for (const fn of [mseLoss, smoothL1Loss, huberLoss, klDiv, softMarginLoss, binaryCrossEntropyWithLogits]) throwsError(() => fn(x, y), DTypeError, /float/);
});

test.run();
