import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { renderCoverage, outcomes } from '../../docs/make-gpu.ts';
import { useGpu } from '../../gpu/index.ts';
import { equal, is, ok } from '../assert.ts';

// Every sample of every operation on the device, in WebAssembly, against the CPU: values, dtypes, shapes and gradients.

test('what runs on the device agrees with the CPU, and the page says what runs', async () => {
  await useGpu({ backend: 'webasm' });
  const found = await outcomes(1e-5);
  equal([...found].flatMap(([name, { failures }]) => failures.map((f) => `${name}: ${f}`)), []);
  const runs = (name: string): boolean => found.get(name)?.missing.length === 0;
  // What the nets of the examples and the benchmarks stand on.
  const needed = [
    'add', 'sub', 'mul', 'div', 'pow', 'exp', 'log', 'tanh', 'sigmoid', 'relu', 'gelu', 'silu', 'clamp', 'maskedFill', 'eq', 'lt', 'sum', 'mean', 'amax', 'argmax', 'max', 'norm', 'var', 'logsumexp',
    'matmul', 'bmm', 'addmm', 'linear', 'softmax', 'logSoftmax', 'crossEntropy', 'nllLoss', 'mseLoss', 'binaryCrossEntropyWithLogits', 'conv1d', 'conv2d', 'convTranspose2d', 'maxPool2d', 'avgPool2d',
    'adaptiveAvgPool2d', 'batchNorm', 'layerNorm', 'groupNorm', 'embedding', 'gather', 'scatter', 'indexSelect', 'cat', 'stack', 'chunk', 'narrow', 'transpose', 'reshape', 'flip', 'tril', 'lerp', 'copy',
    'scaledDotProductAttention', 'multiHeadAttentionForward', 'dropout',
  ];
  equal(needed.filter((name) => !runs(name)), []);
  ok([...found.values()].filter(({ agreed }) => agreed > 0).length > 300);
  is(readFileSync(new URL('../../docs/gpu-ops.md', import.meta.url), 'utf8') === renderCoverage(found), true, "run 'npm run docs:gpu'");
});

test.run();
