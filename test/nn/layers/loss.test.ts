// Losses with their options, against PyTorch 1.13.
import { test } from 'uvu';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';
import { ArgumentError, type Tensor, tensor } from '../../../index.ts';
import * as nn from '../../../nn/index.ts';

const x = tensor([[0.5, -1, 2], [1, 0.25, -0.5]]);
const y = tensor([[0, 1, 0.5], [1, 0.75, 0.2]]);
const classes = tensor([2n, 0n]);
const weight = tensor([1, 2, 3]);
const signs = tensor([[1, -1, 1], [-1, 1, 1]]);
const p = x.sigmoid();
const variance = tensor([[1, 2, 0.5], [0.1, 1, 3]]);
const logP = x.logSoftmax(1);
const q = y.softmax(1);

const cases: readonly (readonly [string, () => Tensor, number | readonly number[]])[] = [
  ['MSELoss', () => new nn.MSELoss().forward(x, y), 1.206667],
  ['MSELoss, sum', () => new nn.MSELoss({ reduction: 'sum' }).forward(x, y), 7.24],
  ['L1Loss', () => new nn.L1Loss().forward(x, y), 0.8666666],
  ['L1Loss, none', () => new nn.L1Loss({ reduction: 'none' }).forward(x, y), [0.5, 2, 1.5, 0, 0.5, 0.7]],
  ['SmoothL1Loss', () => new nn.SmoothL1Loss({ beta: 0.5 }).forward(x, y), 0.6583334],
  ['HuberLoss', () => new nn.HuberLoss({ delta: 0.5 }).forward(x, y), 0.3291667],
  ['CrossEntropyLoss', () => new nn.CrossEntropyLoss().forward(x, classes), 0.3846436],
  ['CrossEntropyLoss, weighted', () => new nn.CrossEntropyLoss({ weight, labelSmoothing: 0.1, reduction: 'sum' }).forward(x, classes), 1.730576],
  ['CrossEntropyLoss, ignoring', () => new nn.CrossEntropyLoss({ ignoreIndex: 0 }).forward(x, classes), 0.2413113],
  ['NLLLoss, weighted', () => new nn.NLLLoss({ weight }).forward(logP, classes), 0.3129774],
  ['NLLLoss, ignoring', () => new nn.NLLLoss({ ignoreIndex: 2 }).forward(logP, classes), 0.5279758],
  ['BCELoss', () => new nn.BCELoss().forward(p, y), 0.8233407],
  ['BCELoss, weighted', () => new nn.BCELoss({ weight }).forward(p, y), 1.715626],
  ['BCEWithLogitsLoss', () => new nn.BCEWithLogitsLoss().forward(x, y), 0.8233408],
  ['BCEWithLogitsLoss, weighted', () => new nn.BCEWithLogitsLoss({ posWeight: weight, weight }).forward(x, y), 2.555644],
  ['KLDivLoss', () => new nn.KLDivLoss({ reduction: 'batchmean' }).forward(logP, q), 0.5313945],
  ['KLDivLoss, log target', () => new nn.KLDivLoss({ logTarget: true, reduction: 'sum' }).forward(logP, q.log()), 1.062789],
  ['CosineEmbeddingLoss', () => new nn.CosineEmbeddingLoss({ margin: 0.1 }).forward(x, y, tensor([1, -1])), 0.8249303],
  ['MarginRankingLoss', () => new nn.MarginRankingLoss({ margin: 0.5 }).forward(x, y, signs), 0.45],
  ['HingeEmbeddingLoss', () => new nn.HingeEmbeddingLoss().forward(x, signs), 0.7083333],
  ['HingeEmbeddingLoss, margin', () => new nn.HingeEmbeddingLoss({ margin: 2 }).forward(x, signs), 1.041667],
  ['SoftMarginLoss', () => new nn.SoftMarginLoss().forward(x, signs), 0.6295908],
  ['TripletMarginLoss', () => new nn.TripletMarginLoss().forward(x, y, signs), 1.215738],
  ['TripletMarginLoss, swap', () => new nn.TripletMarginLoss({ margin: 3, p: 1, swap: true, reduction: 'none' }).forward(x, y, signs), [5.5, 1.15]],
  ['GaussianNLLLoss', () => new nn.GaussianNLLLoss({ full: true }).forward(x, y, variance), 1.415552],
  ['PoissonNLLLoss', () => new nn.PoissonNLLLoss().forward(x, y), 2.154499],
  ['PoissonNLLLoss, rate', () => new nn.PoissonNLLLoss({ logInput: false, full: true }).forward(p, y.mul(4)), 3.573403],
];

for (const [name, loss, expected] of cases) {
  test(name, () => allClose(loss().data(), typeof expected === 'number' ? [expected] : [...expected], { rtol: 2e-6, atol: 1e-6 }));
}

test('weights are buffers, shared and saved under PyTorch\'s names', () => {
  const loss = new nn.CrossEntropyLoss({ weight });
  ok(loss.weight instanceof nn.Buffer);
  is(loss.weight?.storage, weight.storage);
  equal(Object.keys(loss.stateDict()), ['weight']);
  equal(Object.keys(new nn.BCEWithLogitsLoss({ posWeight: weight }).stateDict()), ['pos_weight']);
  equal(Object.keys(new nn.CrossEntropyLoss().stateDict()), []);
  is(loss.double().weight?.dtype, 'float64');
});

test('bad arguments are refused', () => {
  throwsError(() => Reflect.construct(nn.MSELoss, [{ reduction: 'avg' }]), ArgumentError, /MSELoss: unknown reduction, got 'avg'; expected one of mean, sum, none/);
  throwsError(() => Reflect.construct(nn.MSELoss, [{ reduction: 'batchmean' }]), ArgumentError, /unknown reduction/);
  throwsError(() => Reflect.construct(nn.CrossEntropyLoss, [{ label_smoothing: 0.1 }]), ArgumentError, /did you mean 'labelSmoothing'/);
  throwsError(() => new nn.CrossEntropyLoss({ labelSmoothing: 2 }), ArgumentError, /labelSmoothing/);
  throwsError(() => new nn.CrossEntropyLoss({ ignoreIndex: 0.5 }), ArgumentError, /ignoreIndex/);
  throwsError(() => Reflect.construct(nn.NLLLoss, [{ weight: [1, 2] }]), ArgumentError, /NLLLoss: weight is not a tensor/);
  throwsError(() => new nn.HuberLoss({ delta: 0 }), ArgumentError, /delta/);
});

test.run();
