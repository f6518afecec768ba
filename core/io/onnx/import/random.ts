import { type DType, isFloat } from '../../../dtype.ts';
import { type RandomOptions, bernoulli, rand, randn } from '../../../ops/random.ts';
import { Generator, defaultGenerator } from '../../../random.ts';
import type { Tensor } from '../../../tensor.ts';
import type { OnnxNode } from '../model.ts';
import type { NodeReader, Operator, Operators } from './node.ts';
import { typeAttribute } from './tensors.ts';

// Operators that draw numbers.

const generators = new WeakMap<OnnxNode, Generator>();

/** The default generator; a node with a seed has a generator of its own, which goes on from run to run. */
function generatorOf(n: NodeReader): Generator {
  if (!n.has('seed')) return defaultGenerator;
  const own = generators.get(n.node) ?? new Generator(Math.trunc(n.node.attributes.get('seed')?.kind === 'int' ? n.int('seed', 0) : n.float('seed', 0)));
  generators.set(n.node, own);
  return own;
}

type Draw = (n: NodeReader, shape: readonly number[], options: RandomOptions) => Tensor;

const uniform: Draw = (n, shape, options) => {
  const [low, high] = [n.float('low', 0), n.float('high', 1)];
  if (!(low <= high)) throw n.fault(`no range, got ${low} to ${high}`, 'low ≤ high');
  return rand(shape, { ...options, generator: generatorOf(n) }).mul(high - low).add(low);
};

const normal: Draw = (n, shape, options) => {
  const [mean, scale] = [n.float('mean', 0), n.float('scale', 1)];
  if (!(scale >= 0)) throw n.fault(`no deviation, got scale ${scale}`, 'a scale ≥ 0');
  return randn(shape, { ...options, generator: generatorOf(n) }).mul(scale).add(mean);
};

function floats(n: NodeReader, fallback: DType): DType {
  const dtype = typeAttribute(n, 'dtype', fallback);
  if (!isFloat(dtype)) throw n.fault(`not a type of floats, got ${dtype}`, 'float, double or half precision');
  return dtype;
}

const shaped = (draw: Draw): Operator => (n) => {
  const shape = n.ints('shape');
  if (shape === null) throw n.fault('no shape, got none', 'attribute shape');
  return draw(n, n.shape(shape), { dtype: floats(n, 'float32') });
};

const alike = (draw: Draw): Operator => (n) => draw(n, n.in(0).shape, { dtype: floats(n, n.in(0).dtype), device: n.in(0).device });

/** Drops elements where training_mode, an input since operator set 12, says so; the mask says which are kept. */
const dropout: Operator = (n) => {
  const x = n.in(0);
  const [ratio, training] = n.opset < 12 ? [0, 0] : [n.numbers(1)?.[0] ?? 0.5, n.numbers(2)?.[0] ?? 0];
  if (training === 0 || ratio === 0) return n.wants(1) ? [x, x.eq(x).logicalOr(x.ne(x))] : [x];
  if (!(ratio > 0 && ratio < 1)) throw n.fault(`no ratio, got ${ratio}`, '0 ≤ ratio < 1');
  if (!isFloat(x.dtype)) throw n.fault(`not floats, got ${x.dtype}`, 'float32 or float64');
  const kept = rand(x.shape, { dtype: x.dtype, device: x.device, generator: generatorOf(n) }).ge(ratio);
  return [x.mul(kept).div(1 - ratio), kept];
};

/** Operators that draw numbers. */
export const randomOperators: Operators = {
  RandomUniform: shaped(uniform),
  RandomNormal: shaped(normal),
  RandomUniformLike: alike(uniform),
  RandomNormalLike: alike(normal),
  Bernoulli: (n) => bernoulli(n.in(0).detach(), { generator: generatorOf(n) }).to(typeAttribute(n, 'dtype', n.in(0).dtype)),
  Dropout: dropout,
};
