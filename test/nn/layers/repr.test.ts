// The print forms of PyTorch.
import { test } from 'uvu';
import { is } from '../../assert.ts';
import { ones } from '../../../index.ts';
import * as nn from '../../../nn/index.ts';

const cases: readonly (readonly [nn.Module, string])[] = [
  [new nn.Linear(4, 2), 'Linear(in_features=4, out_features=2, bias=True)'],
  [new nn.Linear(4, 2, { bias: false }), 'Linear(in_features=4, out_features=2, bias=False)'],
  [new nn.Bilinear(2, 3, 4), 'Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)'],
  [new nn.Identity(), 'Identity()'],
  [new nn.Flatten(), 'Flatten(start_dim=1, end_dim=-1)'],
  [new nn.Unflatten(1, [2, 5]), 'Unflatten(dim=1, unflattened_size=(2, 5))'],
  [new nn.Conv2d(1, 16, 3, { padding: 1 }), 'Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))'],
  [
    new nn.Conv2d(2, 4, [3, 5], { stride: 2, padding: 'valid', dilation: [1, 2], groups: 2, bias: false }),
    'Conv2d(2, 4, kernel_size=(3, 5), stride=(2, 2), padding=valid, dilation=(1, 2), groups=2, bias=False)',
  ],
  [new nn.Conv1d(1, 2, 3), 'Conv1d(1, 2, kernel_size=(3,), stride=(1,))'],
  [new nn.ConvTranspose2d(2, 3, 2, { stride: 2, outputPadding: 1 }), 'ConvTranspose2d(2, 3, kernel_size=(2, 2), stride=(2, 2), output_padding=(1, 1))'],
  [new nn.ConvTranspose1d(2, 3, 2, { padding: 1 }), 'ConvTranspose1d(2, 3, kernel_size=(2,), stride=(1,), padding=(1,))'],
  [new nn.MaxPool2d(2), 'MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'],
  [
    new nn.MaxPool2d([2, 3], { stride: 1, padding: [1, 1], ceilMode: true }),
    'MaxPool2d(kernel_size=(2, 3), stride=1, padding=(1, 1), dilation=1, ceil_mode=True)',
  ],
  [new nn.MaxPool1d(2), 'MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'],
  [new nn.AvgPool1d(2), 'AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))'],
  [new nn.AvgPool2d(2, { stride: 1 }), 'AvgPool2d(kernel_size=2, stride=1, padding=0)'],
  [new nn.AdaptiveAvgPool2d([1, null]), 'AdaptiveAvgPool2d(output_size=(1, None))'],
  [new nn.AdaptiveAvgPool2d(1), 'AdaptiveAvgPool2d(output_size=1)'],
  [new nn.AdaptiveAvgPool1d(3), 'AdaptiveAvgPool1d(output_size=3)'],
  [new nn.AdaptiveMaxPool2d(2), 'AdaptiveMaxPool2d(output_size=2)'],
  [new nn.BatchNorm1d(4), 'BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)'],
  [new nn.BatchNorm2d(4, { eps: 1e-3, momentum: null, affine: false }), 'BatchNorm2d(4, eps=0.001, momentum=None, affine=False, track_running_stats=True)'],
  [new nn.InstanceNorm2d(3), 'InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)'],
  [new nn.LayerNorm(10), 'LayerNorm((10,), eps=1e-05, elementwise_affine=True)'],
  [new nn.LayerNorm([2, 3], { eps: 1e-6, elementwiseAffine: false }), 'LayerNorm((2, 3), eps=1e-06, elementwise_affine=False)'],
  [new nn.RMSNorm(3), 'RMSNorm((3,), eps=None, elementwise_affine=True)'],
  [new nn.GroupNorm(2, 4), 'GroupNorm(2, 4, eps=1e-05, affine=True)'],
  [new nn.Dropout(0.2), 'Dropout(p=0.2, inplace=False)'],
  [new nn.Embedding(10, 3), 'Embedding(10, 3)'],
  [new nn.Embedding(10, 3, { paddingIdx: 0 }), 'Embedding(10, 3, padding_idx=0)'],
  [new nn.ReLU(), 'ReLU()'],
  [new nn.LeakyReLU(0.2), 'LeakyReLU(negative_slope=0.2)'],
  [new nn.ELU(), 'ELU(alpha=1.0)'],
  [new nn.CELU(0.5), 'CELU(alpha=0.5)'],
  [new nn.GELU(), "GELU(approximate='none')"],
  [new nn.GELU({ approximate: 'tanh' }), "GELU(approximate='tanh')"],
  [new nn.Softplus(), 'Softplus(beta=1.0, threshold=20.0)'],
  [new nn.Hardtanh(), 'Hardtanh(min_val=-1.0, max_val=1.0)'],
  [new nn.Hardshrink(), 'Hardshrink(0.5)'],
  [new nn.Softshrink(0.3), 'Softshrink(0.3)'],
  [new nn.Threshold(0.1, 20), 'Threshold(threshold=0.1, value=20)'],
  [new nn.PReLU(), 'PReLU(num_parameters=1)'],
  [new nn.GLU(), 'GLU(dim=-1)'],
  [new nn.Softmax(1), 'Softmax(dim=1)'],
  [new nn.MSELoss(), 'MSELoss()'],
  [new nn.CrossEntropyLoss(), 'CrossEntropyLoss()'],
  [new nn.ModuleList([new nn.Linear(1, 1)]), 'ModuleList(\n  (0): Linear(in_features=1, out_features=1, bias=True)\n)'],
  [new nn.ModuleDict({ someKey: new nn.ReLU() }), 'ModuleDict(\n  (someKey): ReLU()\n)'],
  [new nn.ParameterList([ones([2, 3])]), 'ParameterList(\n  (0): Parameter containing: [float32 of size 2x3]\n)'],
  [new nn.Sequential(), 'Sequential()'],
  [
    new nn.Sequential(new nn.Sequential(new nn.Linear(1, 2), new nn.ReLU()), new nn.Linear(2, 1)),
    `Sequential(
  (0): Sequential(
    (0): Linear(in_features=1, out_features=2, bias=True)
    (1): ReLU()
  )
  (1): Linear(in_features=2, out_features=1, bias=True)
)`,
  ],
];

for (const [module, text] of cases) test(text.split('\n')[0], () => is(module.toString(), text));

test.run();
