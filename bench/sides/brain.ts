import { type Opened, type SideOptions, type Task, type Tasks, family, loadPeer } from '../side.ts';
import type { Numbers } from '../data.ts';

// brain.js changes the weights after every example, has one activation for all layers, the last one included, and insists on some momentum. So a step
// here is one pass over the examples of the batch, and its losses are not those of the others. It finds gpu.js among polyak's own packages.

/** An example. */
interface Pattern {
  readonly input: Float32Array;
  readonly output: Float32Array;
}

/** What is used of a net. */
interface Net {
  /** Of each layer from 1 on, the weights of each node. */
  readonly weights: Float32Array[][];
  readonly biases: Float32Array[];
  initialize(): void;
  trainPatterns(patterns: readonly Pattern[]): void;
}

/** What is used of the module. */
interface Brain {
  readonly NeuralNetwork: new (options: { inputSize: number; hiddenLayers: number[]; outputSize: number; activation: 'tanh'; learningRate: number; momentum: number }) => Net;
}

/** The rows of a matrix. */
function rowsOf(data: Float32Array, [rows, size]: readonly number[]): Float32Array[] {
  return Array.from({ length: rows }, (_, i) => data.slice(i * size, (i + 1) * size));
}

function tasksOf({ NeuralNetwork }: Brain): Tasks {
  function train({ weights, floats: [x, y], workload: { optimizer } }: Numbers): Task {
    const matrices = weights.filter(({ shape }) => shape.length === 2);
    const biases = weights.filter(({ shape }) => shape.length === 1);
    const sizes = matrices.map(({ shape: [outputs] }) => outputs);
    const net = new NeuralNetwork({
      inputSize: matrices[0].shape[1], hiddenLayers: sizes.slice(0, -1), outputSize: sizes[sizes.length - 1], activation: 'tanh', learningRate: optimizer.lr, momentum: 1e-9,
    });
    net.initialize();
    matrices.forEach(({ data, shape }, i) => rowsOf(data, shape).forEach((row, node) => net.weights[i + 1][node].set(row)));
    biases.forEach(({ data }, i) => net.biases[i + 1].set(data));
    const outputs = rowsOf(y.data, y.shape);
    const patterns = rowsOf(x.data, x.shape).map((input, i) => ({ input, output: outputs[i] }));
    return { step: () => net.trainPatterns(patterns), check: () => [] };
  }

  return {
    ...family({ mlp: 'no softmax, one update per example', average: 'no averages', product: 'no tensors' }),
    W2: train,
    W4: 'no convolutions on the CPU',
    W5: 'no attention',
    W6: 'no LSTM over vectors in batches',
    'W8-add': 'no tensors', 'W8-exp': 'no tensors', 'W8-relu': 'no tensors',
    autograd: 'no tensors',
  };
}

export async function open({ peers }: SideOptions): Promise<Opened> {
  return { tasks: tasksOf(loadPeer<Brain>(peers, 'brain.js', ['NeuralNetwork'])), threads: 1 };
}
