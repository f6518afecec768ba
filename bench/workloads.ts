/** A tensor of floats that every side makes by itself: uniform between `low` and `high`, drawn from `seed`. */
export interface FloatSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly seed: number;
}

/** A tensor of whole numbers from 0 to below `below`. */
export interface IntegerSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly below: number;
  readonly seed: number;
}

/** The rule that trains a workload. */
export interface OptimizerSpec {
  readonly kind: 'sgd' | 'adam' | 'adamw';
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** Something to time, as data: each side builds it from this in its own words. */
export interface Workload {
  readonly id: WorkloadId;
  readonly title: string;
  /** What is reported. Rates: the more the better; 'ns/op' and 'ms': the less. */
  readonly unit: 'steps/s' | 'GB/s' | 'GFLOP/s' | 'Gelem/s' | 'ns/op' | 'ms';
  /** A rate is `amount / seconds`, a time `amount · seconds`, with the seconds of one step. */
  readonly amount: number;
  /** Steps whose losses are compared. */
  readonly checks: number;
  /** Parameters in the order and layout of PyTorch's `parameters()`. */
  readonly weights: readonly FloatSpec[];
  readonly floats: readonly FloatSpec[];
  readonly integers: readonly IntegerSpec[];
  readonly optimizer: OptimizerSpec;
}

const ids = [
  'W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7-1M', 'W7-10M', 'W8-matmul-128', 'W8-matmul-256', 'W8-matmul-512', 'W8-matmul-1024', 'W8-add', 'W8-exp', 'W8-relu', 'autograd', 'import',
] as const;

/** The name of a workload. */
export type WorkloadId = (typeof ids)[number];

/** Number of operations in the chain of `autograd`. */
export const CHAIN = 100;
/** Weight of the newest model in W7. */
export const MOMENTUM = 0.1;

const floats = (name: string, shape: readonly number[], low: number, high: number, seed: number): FloatSpec => ({ name, shape, low, high, seed });
const around = (name: string, shape: readonly number[], bound: number, seed: number): FloatSpec => floats(name, shape, -bound, bound, seed);

/** Weight and bias of layers, given as name, shape of the weight, and inputs of one output. */
function layers(...list: readonly (readonly [string, readonly number[], number])[]): FloatSpec[] {
  return list.flatMap(([name, shape, inputs], i) => [
    around(`${name}.weight`, shape, 1 / Math.sqrt(inputs), 2 * i + 1),
    around(`${name}.bias`, [shape[0]], 1 / Math.sqrt(inputs), 2 * i + 2),
  ]);
}

const dense = (name: string, inputs: number, outputs: number): readonly [string, readonly number[], number] => [name, [outputs, inputs], inputs];

function norm(name: string, size: number): FloatSpec[] {
  return [floats(`${name}.weight`, [size], 1, 1, 0), floats(`${name}.bias`, [size], 0, 0, 0)];
}

function transformer(): FloatSpec[] {
  const block = (i: number): FloatSpec[] => {
    const [qkv, qkvBias, proj, projBias, up, upBias, down, downBias] = layers(
      dense(`${i}.qkv`, 128, 384), dense(`${i}.proj`, 128, 128), dense(`${i}.up`, 128, 512), dense(`${i}.down`, 512, 128),
    ).map((s) => ({ ...s, seed: s.seed + 20 * (i + 1) }));
    return [...norm(`${i}.norm1`, 128), qkv, qkvBias, proj, projBias, ...norm(`${i}.norm2`, 128), up, upBias, down, downBias];
  };
  // A module's own parameters come before those of its submodules.
  return [around('position', [64, 128], 0.1, 12), around('token', [64, 128], 0.1, 11), ...block(0), ...block(1), ...norm('norm', 128), ...layers(dense('head', 128, 64))];
}

const sgd: OptimizerSpec = { kind: 'sgd', lr: 1e-2, momentum: 0, weightDecay: 0 };
const adam: OptimizerSpec = { kind: 'adam', lr: 1e-3, momentum: 0, weightDecay: 0 };

const none = { amount: 1, checks: 1, weights: [], floats: [], integers: [], optimizer: sgd } as const;

const mlp = {
  weights: layers(dense('0', 784, 128), dense('2', 128, 10)),
  floats: [floats('x', [64, 784], 0, 1, 101)],
  integers: [{ name: 'y', shape: [64], below: 10, seed: 102 }],
  optimizer: adam,
};

function averaging(id: WorkloadId, n: number): Workload {
  const ten = (prefix: string, from: number): FloatSpec[] => Array.from({ length: 10 }, (_, i) => around(`${prefix}${i}`, [n / 10_000, 1000], 1, from + i));
  return { ...none, id, title: `EMA of ${n / 1e6}M parameters, 12 bytes each`, unit: 'GB/s', amount: (12 * n) / 1e9, weights: ten('average', 1), floats: ten('source', 21) };
}

function product(id: WorkloadId, n: number): Workload {
  return { ...none, id, title: `matrix product ${n}³`, unit: 'GFLOP/s', amount: (2 * n ** 3) / 1e9, floats: [floats('a', [n, n], 0, 1, 1), floats('b', [n, n], 0, 1, 2)] };
}

function pointwise(id: WorkloadId, title: string): Workload {
  return { ...none, id, title, unit: 'Gelem/s', amount: 1e-3, floats: [around('a', [1_000_000], 1, 1), around('b', [1_000_000], 1, 2)] };
}

const training = { ...none, unit: 'steps/s' } as const;

/** All workloads. */
export const workloads: readonly Workload[] = [
  { ...training, ...mlp, id: 'W1', title: 'MLP 784-128-10 relu, batch 64, Adam', checks: 5 },
  {
    ...training, id: 'W2', title: 'MLP 2-16-16-1 tanh, batch 32, SGD', checks: 5,
    weights: layers(dense('0', 2, 16), dense('2', 16, 16), dense('4', 16, 1)),
    floats: [floats('x', [32, 2], 0, 1, 101), floats('y', [32, 1], 0, 1, 102)],
  },
  {
    ...training, id: 'W3', title: 'MLP 1024-1024-1024-10 relu, batch 128, Adam', checks: 3, optimizer: adam,
    weights: layers(dense('0', 1024, 1024), dense('2', 1024, 1024), dense('4', 1024, 10)),
    floats: [floats('x', [128, 1024], 0, 1, 101)],
    integers: [{ name: 'y', shape: [128], below: 10, seed: 102 }],
  },
  {
    ...training, id: 'W4', title: 'LeNet 1x28x28, batch 32, SGD momentum', checks: 5, optimizer: { ...sgd, momentum: 0.9 },
    weights: layers(['0', [8, 1, 5, 5], 25], ['3', [16, 8, 5, 5], 200], dense('7', 256, 10)),
    floats: [floats('x', [32, 1, 28, 28], 0, 1, 101)],
    integers: [{ name: 'y', shape: [32], below: 10, seed: 102 }],
  },
  {
    ...training, id: 'W5', title: 'transformer, batch 8, T 64, d 128, 4 heads, 2 layers, AdamW', checks: 3,
    optimizer: { kind: 'adamw', lr: 1e-3, momentum: 0, weightDecay: 0.01 },
    weights: transformer(),
    integers: [{ name: 'tokens', shape: [8, 65], below: 64, seed: 101 }],
  },
  {
    ...training, id: 'W6', title: 'LSTM, batch 32, T 32, 64 to 128, Adam', checks: 3, optimizer: adam,
    weights: [
      around('input.weight', [512, 64], 1 / Math.sqrt(128), 1), around('input.bias', [512], 1 / Math.sqrt(128), 2),
      around('hidden.weight', [512, 128], 1 / Math.sqrt(128), 3), around('hidden.bias', [512], 1 / Math.sqrt(128), 4),
      around('head.weight', [10, 128], 1 / Math.sqrt(128), 5), around('head.bias', [10], 1 / Math.sqrt(128), 6),
    ],
    floats: [around('x', [32, 32, 64], 1, 101)],
    integers: [{ name: 'y', shape: [32], below: 10, seed: 102 }],
  },
  averaging('W7-1M', 1_000_000),
  averaging('W7-10M', 10_000_000),
  product('W8-matmul-128', 128),
  product('W8-matmul-256', 256),
  product('W8-matmul-512', 512),
  product('W8-matmul-1024', 1024),
  pointwise('W8-add', 'a + b of 1M floats'),
  pointwise('W8-exp', 'exp of 1M floats'),
  pointwise('W8-relu', 'relu of 1M floats'),
  {
    ...none, id: 'autograd', title: `${CHAIN} operations on 16 floats (relu, add, mul), forward and backward`, unit: 'ns/op', amount: 1e9 / CHAIN,
    floats: [floats('x', [16], 0.1, 1, 1), floats('add', [16], -0.05, 0.1, 2), floats('mul', [16], 0.9, 1, 3)],
  },
  { ...training, ...mlp, id: 'import', title: 'from import to the end of the first step of W1, fresh process', unit: 'ms', amount: 1e3 },
];

/** The workloads a word names: `W1` is one, `W8` a family. No words: all. */
export function chooseWorkloads(words: readonly string[]): Workload[] {
  const named = (word: string): Workload[] => workloads.filter(({ id }) => id === word || id.startsWith(`${word}-`));
  for (const word of words) {
    if (named(word).length === 0) throw new RangeError(`bench: unknown workload, got '${word}'; expected one of ${ids.join(', ')} or the start of one`);
  }
  return words.length === 0 ? [...workloads] : workloads.filter((w) => words.some((word) => named(word).includes(w)));
}
