import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, DTypeError, Parameter, ShapeError, Tensor, deepCopy, grad, manualSeed, noGrad, randn, tensor } from '../../../index.ts';
import * as nn from '../../../nn/index.ts';
import { allClose, equal, is, ok, throwsError } from '../../assert.ts';

interface Recorded {
  readonly start: Readonly<Record<string, readonly number[]>>;
  readonly outputs: readonly (readonly number[])[];
  readonly grads: readonly (readonly number[] | null)[];
}

const recorded = (JSON.parse(readFileSync(new URL('../../fixtures/transformer.json', import.meta.url), 'utf8')) as { cases: Record<string, Recorded> }).cases;
const [E, H] = [4, 2];
const layer = { dimFeedforward: 3, dropout: 0 } as const;

/** The values of make_transformer.py. */
function wave(shape: readonly number[], i: number): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: n }, (_, k) => (((7 * k + 3 * i) % 13) - 6) / 16), { dtype: 'float64' }).reshape(shape);
}

const causal = (size: number): Tensor => nn.Transformer.generateSquareSubsequentMask(size, { dtype: 'float64' });
const hidden = (rows: number, columns: number): Tensor => tensor(Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_row, j) => (i + 2 * j) % 4 === 3)));
const all = (out: Tensor | readonly (Tensor | null)[]): Tensor[] => (out instanceof Tensor ? [out] : out.filter((o) => o !== null));

type Inputs = readonly Tensor[];
/** A module, shapes of its inputs, and its call. */
type Case<M extends nn.Module> = readonly [make: () => M, shapes: readonly (readonly number[])[], run: (m: M, x: Inputs) => Tensor | readonly (Tensor | null)[]];
const of = <M extends nn.Module>(...[make, shapes, run]: Case<M>): (() => { module: M; shapes: readonly (readonly number[])[]; run: (x: Inputs) => Tensor[] }) => () => {
  const module = make();
  return { module, shapes, run: (x) => all(run(module, x)) };
};

const cases: Readonly<Record<string, ReturnType<typeof of>>> = {
  attention: of(() => new nn.MultiheadAttention(E, H), [[3, 2, E]], (m, [x]) => m.forward(x, x, x)),
  'attention, other keys': of(() => new nn.MultiheadAttention(E, H, { bias: false }), [[3, 2, E], [4, 2, E], [4, 2, E]], (m, [q, k, v]) => m.forward(q, k, v, { attnMask: wave([3, 4], 5) })),
  'attention, sizes': of(() => new nn.MultiheadAttention(E, H, { kdim: 3, vdim: 2, batchFirst: true }), [[2, 3, E], [2, 4, 3], [2, 4, 2]], (m, [q, k, v]) =>
    m.forward(q, k, v, { keyPaddingMask: hidden(2, 4), averageAttnWeights: false })),
  'attention, more keys': of(() => new nn.MultiheadAttention(E, H, { addBiasKv: true, addZeroAttn: true }), [[3, E], [2, E], [2, E]], (m, [q, k, v]) => m.forward(q, k, v, { attnMask: hidden(3, 2) })),
  'attention, output only': of(() => new nn.MultiheadAttention(E, H, { batchFirst: true }), [[2, 3, E]], (m, [x]) => m.forward(x, x, x, { attnMask: causal(3), needWeights: false })),
  'encoder layer': of(() => new nn.TransformerEncoderLayer(E, H, layer), [[3, 2, E]], (m, [x]) => m.forward(x, { srcMask: causal(3) })),
  'encoder layer, norm first': of(() => new nn.TransformerEncoderLayer(E, H, { ...layer, normFirst: true, activation: 'gelu', batchFirst: true, layerNormEps: 0.1 }), [[2, 4, E]], (m, [x]) =>
    m.forward(x, { srcKeyPaddingMask: hidden(2, 4) })),
  'decoder layer': of(() => new nn.TransformerDecoderLayer(E, H, layer), [[3, 2, E], [4, 2, E]], (m, [x, y]) => m.forward(x, y, { tgtMask: causal(3), memoryMask: wave([3, 4], 5) })),
  'decoder layer, norm first': of(() => new nn.TransformerDecoderLayer(E, H, { ...layer, normFirst: true, batchFirst: true }), [[2, 3, E], [2, 4, E]], (m, [x, y]) =>
    m.forward(x, y, { memoryKeyPaddingMask: hidden(2, 4) })),
  encoder: of(() => new nn.TransformerEncoder(new nn.TransformerEncoderLayer(E, H, layer), 2, new nn.LayerNorm(E)), [[3, 2, E]], (m, [x]) => m.forward(x, { mask: hidden(3, 3) })),
  decoder: of(() => new nn.TransformerDecoder(new nn.TransformerDecoderLayer(E, H, layer), 2), [[3, 2, E], [4, 2, E]], (m, [x, y]) => m.forward(x, y, { tgtMask: causal(3) })),
  transformer: of(() => new nn.Transformer({ dModel: E, nhead: H, numEncoderLayers: 1, numDecoderLayers: 1, ...layer }), [[3, 2, E], [2, 2, E]], (m, [x, y]) => m.forward(x, y, { tgtMask: causal(2) })),
  'transformer, unbatched': of(() => new nn.Transformer({ dModel: E, nhead: H, numEncoderLayers: 1, numDecoderLayers: 1, batchFirst: true, normFirst: true, ...layer }), [[3, E], [2, E]], (m, [x, y]) => m.forward(x, y)),
};

for (const [name, make] of Object.entries(cases)) {
  const expected = recorded[name];

  test(`${name}: a seed gives PyTorch's names and numbers`, () => {
    manualSeed(3);
    const { module } = make();
    const named = module.namedParameters();
    equal(named.map(([key]) => key), Object.keys(expected.start));
    for (const [key, p] of named) allClose(p.flatten().data().slice(0, 4), expected.start[key], { rtol: 1e-6, atol: 1e-7 });
  });

  test(`${name}: PyTorch's outputs and gradients, in training and evaluation`, () => {
    const { module, shapes, run } = make();
    module.double();
    noGrad(() => module.namedParameters().forEach(([key, p], i) => p.copy_(wave(p.shape, i).add(p.ndim === 1 && key.includes('norm') ? 1 : 0))));
    for (const training of [true, false]) {
      module.train(training);
      const inputs = shapes.map((shape, i) => wave(shape, 20 + i).requiresGrad_());
      const outputs = run(inputs);
      is(outputs.length, expected.outputs.length);
      outputs.forEach((y, i) => allClose(y.flatten(), [...expected.outputs[i]], { rtol: 1e-9, atol: 1e-11 }));
      const leaves = [...inputs, ...module.parameters()];
      const grads = grad(outputs, leaves, { gradOutputs: outputs.map((y, i) => wave(y.shape, 9 + i)), allowUnused: true });
      grads.forEach((g, i) => {
        const e = expected.grads[i];
        is(g === null, e === null);
        if (g !== null && e !== null) allClose(g.flatten(), [...e], { rtol: 1e-8, atol: 1e-10 });
      });
    }
  });
}

test('every recorded case is replayed', () => equal(Object.keys(recorded), Object.keys(cases)));

test('attention: output and weights by name and by position', () => {
  const m = new nn.MultiheadAttention(4, 2);
  const x = randn([3, 1, 4]);
  const result = m.forward(x, x, x);
  const [output, weights] = result;
  ok(output === result.attnOutput && weights === result.attnOutputWeights);
  equal([...output.shape], [3, 1, 4]);
  equal(weights?.shape, [1, 3, 3]);
  is(m.forward(x, x, x, { needWeights: false }).attnOutputWeights, null);
});

test('attention: refusals', () => {
  const m = new nn.MultiheadAttention(4, 2);
  const [x, y] = [randn([3, 2, 4]), randn([5, 2, 4])];
  throwsError(() => new nn.MultiheadAttention(5, 2), ArgumentError, /the heads do not divide/);
  throwsError(() => new nn.MultiheadAttention(0, 2), ArgumentError, /embedDim/);
  throwsError(() => m.forward(x, x, x, { isCausal: true }), ArgumentError, /isCausal without a mask/);
  throwsError(() => m.forward(x, y, x), ShapeError, /as many keys as values/);
  throwsError(() => m.forward(x, y, y, { attnMask: randn([5, 3]) }), ShapeError, /attnMask/);
  throwsError(() => m.forward(x, y, y, { attnMask: tensor([[1]], { dtype: 'int64' }) }), DTypeError, /attnMask/);
  throwsError(() => m.forward(x, y, y, { keyPaddingMask: tensor([false, true]) }), ShapeError, /keyPaddingMask/);
  throwsError(() => m.forward(randn([2, 3, 2, 4]), y, y), ShapeError, /2 or 3 dimensions/);
  throwsError(() => m.forward(randn([3, 2, 6]), y, y), ShapeError, /expected size 4/);
});

test('attention: without weights, queries that see nothing give the bias of the projection; with weights NaN, as in PyTorch', () => {
  const m = new nn.MultiheadAttention(4, 2);
  const x = randn([2, 1, 4]);
  const keyPaddingMask = tensor([[true, true]]);
  allClose(m.forward(x, x, x, { keyPaddingMask, needWeights: false }).attnOutput, [0, 0, 0, 0, 0, 0, 0, 0]);
  ok(m.forward(x, x, x, { keyPaddingMask }).attnOutput.isnan().all().item() === 1);
});

test('attention: the hint that a mask is causal changes no value', () => {
  manualSeed(1);
  const m = new nn.MultiheadAttention(4, 2, { batchFirst: true });
  const x = randn([2, 5, 4]);
  const attnMask = nn.Transformer.generateSquareSubsequentMask(5);
  const slow = m.forward(x, x, x, { attnMask });
  allClose(m.forward(x, x, x, { attnMask, isCausal: true, needWeights: false }).attnOutput, slow.attnOutput, { rtol: 1e-5, atol: 1e-6 });
  allClose(m.forward(x, x, x, { attnMask, isCausal: true }).attnOutput, slow.attnOutput);
});

test('stacks copy their layer: equal values, memory of their own', () => {
  const one = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3 });
  const stack = new nn.TransformerEncoder(one, 2, null, { enableNestedTensor: false });
  const [a, b] = [...stack.layers].map((l) => l.parameters());
  a.forEach((p, i) => {
    allClose(p, b[i], { rtol: 0, atol: 0 });
    ok(p.storage !== b[i].storage);
  });
  equal(Object.keys(stack.stateDict()).slice(0, 4), ['layers.0.self_attn.in_proj_weight', 'layers.0.self_attn.in_proj_bias', 'layers.0.self_attn.out_proj.weight', 'layers.0.self_attn.out_proj.bias']);
  equal(Object.keys(deepCopy(stack).stateDict()), Object.keys(stack.stateDict()));
});

test('transformer: refusals, activations, biases', () => {
  const model = new nn.Transformer({ dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 3, bias: false });
  ok(model.parameters().every((p) => p instanceof Parameter) && !Object.keys(model.stateDict()).some((key) => key.endsWith('bias')));
  throwsError(() => model.forward(randn([3, 2, 4]), randn([3, 1, 4])), ShapeError, /batches differ/);
  throwsError(() => model.forward(randn([3, 2, 5]), randn([3, 2, 4])), ShapeError, /not dModel/);
  throwsError(() => new nn.TransformerEncoderLayer(4, 2, { activation: 'tanh' as never }), ArgumentError, /unknown activation/);
  throwsError(() => new nn.TransformerEncoderLayer(4, 2, { dropout: 2 }), ArgumentError, /dropout/);
  const silu = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, activation: new nn.SiLU() });
  is(silu.toString().split('\n').at(-2), '  (activation): SiLU()');
  equal([...silu.eval().forward(randn([3, 2, 4])).shape], [3, 2, 4]);
});

test('dropout acts in training only', () => {
  manualSeed(2);
  const m = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, dropout: 0.5 });
  const x = randn([3, 2, 4]);
  const [a, b] = [m.forward(x), m.forward(x)];
  ok(a.sub(b).abs().max().item() > 0.01);
  m.eval();
  allClose(m.forward(x), m.forward(x), { rtol: 0, atol: 0 });
});

test('the print form is PyTorch\'s', () => {
  is(
    new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8 }).toString(),
    `TransformerEncoderLayer(
  (self_attn): MultiheadAttention(
    (out_proj): NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)
  )
  (linear1): Linear(in_features=4, out_features=8, bias=True)
  (dropout): Dropout(p=0.1, inplace=False)
  (linear2): Linear(in_features=8, out_features=4, bias=True)
  (norm1): LayerNorm((4,), eps=1e-05, elementwise_affine=True)
  (norm2): LayerNorm((4,), eps=1e-05, elementwise_affine=True)
  (dropout1): Dropout(p=0.1, inplace=False)
  (dropout2): Dropout(p=0.1, inplace=False)
)`,
  );
});

test.run();
