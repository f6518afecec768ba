import { isFloat } from '../../../dtype.ts';
import type { Tensor } from '../../../tensor.ts';
import { logicalXor } from '../../../ops/compare.ts';
import { where } from '../../../ops/select.ts';
import type { NodeReader, Operator, Operators } from './node.ts';
import { dtypeOf } from './tensors.ts';

// Operators on single elements.

const unary = (f: (x: Tensor, n: NodeReader) => Tensor): Operator => (n) => f(n.in(0), n);

/** Early operator sets broadcast only where they are told to, from an axis on. */
function second(n: NodeReader): Tensor {
  const [x, y] = [n.in(0), n.in(1)];
  if (n.opset >= 7 || n.int('broadcast', 0) === 0 || !n.has('axis')) return y;
  const behind = x.ndim - n.axis(n.int('axis', 0), x.ndim) - y.ndim;
  return behind > 0 ? y.reshape([...y.shape, ...new Array<number>(behind).fill(1)]) : y;
}

const binary = (f: (x: Tensor, y: Tensor, n: NodeReader) => Tensor): Operator => (n) => f(n.in(0), second(n), n);
const variadic = (f: (x: Tensor, y: Tensor) => Tensor): Operator => (n) => n.all.reduce(f);

/** Numbers of an input that are bounds. */
function clip(n: NodeReader): Tensor {
  const x = n.in(0);
  const bound = (name: string, i: number): number | null => {
    if (n.has(name)) return n.float(name, 0);
    const given = n.numbers(i);
    return given === null ? null : (given[0] ?? null);
  };
  const [min, max] = [bound('min', 1), bound('max', 2)];
  if (min === null && max === null) return x.clone();
  const made = min === null ? x.clamp({ max: max as number }) : max === null ? x.clamp({ min }) : x.clamp({ min, max });
  return made.to(x.dtype);
}

const selu = (x: Tensor, n: NodeReader): Tensor => {
  const [alpha, gamma] = [n.float('alpha', 1.6732631921768188), n.float('gamma', 1.0507010221481323)];
  return where(x.gt(0), x, x.expm1().mul(alpha)).mul(gamma);
};

/** Quotients of integers drop the fraction. */
const divide = (x: Tensor, y: Tensor): Tensor => (isFloat(x.dtype) ? x.div(y) : x.div(y, { roundingMode: 'trunc' }));

const modulo = (x: Tensor, y: Tensor, n: NodeReader): Tensor => (n.int('fmod', 0) === 1 ? x.fmod(y) : x.remainder(y));

/** Slopes that belong to channels broadcast from the first dimension in early operator sets. */
function prelu(n: NodeReader): Tensor {
  const [x, slope] = [n.in(0), n.in(1)];
  const fitting = n.opset < 7 && slope.ndim === 1 && x.ndim > 2 ? slope.reshape([slope.shape[0], ...new Array<number>(x.ndim - 2).fill(1)]) : slope;
  return where(x.lt(0), x.mul(fitting), x);
}

const cast: Operator = (n) => {
  const to = n.has('to') && n.node.attributes.get('to')?.kind === 'string' ? n.text('to', '') : dtypeOf('Cast', n.int('to', 1));
  const x = n.in(0);
  if (typeof to !== 'string' || !['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'].includes(to)) throw n.fault(`no such type, got ${to}`, 'a number of the specification');
  const dtype = to as 'float32';
  return isFloat(x.dtype) && !isFloat(dtype) && to !== 'bool' ? x.trunc().to(dtype) : x.to(dtype);
};

const isInfinite = (n: NodeReader): Tensor => {
  const [up, down] = [n.int('detect_positive', 1) === 1, n.int('detect_negative', 1) === 1];
  const x = n.in(0);
  return up && down ? x.isinf() : up ? x.eq(Infinity) : down ? x.eq(-Infinity) : x.ne(x).logicalAnd(x.eq(x));
};

/** Operators on single elements. */
export const pointwiseOperators: Operators = {
  Add: binary((x, y) => x.add(y)),
  Sub: binary((x, y) => x.sub(y)),
  Mul: binary((x, y) => x.mul(y)),
  Div: binary(divide),
  Mod: binary(modulo),
  Pow: binary((x, y) => x.pow(isFloat(x.dtype) ? y.to(x.dtype) : y).to(x.dtype)),
  Sum: variadic((x, y) => x.add(y)),
  Max: variadic((x, y) => x.maximum(y)),
  Min: variadic((x, y) => x.minimum(y)),
  Mean: (n) => n.all.reduce((x, y) => x.add(y)).div(n.count),
  Neg: unary((x) => x.neg()),
  Abs: unary((x) => x.abs()),
  Sign: unary((x) => x.sign()),
  Floor: unary((x) => x.floor()),
  Ceil: unary((x) => x.ceil()),
  Round: unary((x) => x.round()),
  Sqrt: unary((x) => x.sqrt()),
  Reciprocal: unary((x) => x.reciprocal()),
  Exp: unary((x) => x.exp()),
  Log: unary((x) => x.log()),
  Sin: unary((x) => x.sin()),
  Cos: unary((x) => x.cos()),
  Tan: unary((x) => x.tan()),
  Asin: unary((x) => x.asin()),
  Acos: unary((x) => x.acos()),
  Atan: unary((x) => x.atan()),
  Sinh: unary((x) => x.sinh()),
  Cosh: unary((x) => x.cosh()),
  Tanh: unary((x) => x.tanh()),
  Asinh: unary((x) => x.asinh()),
  Acosh: unary((x) => x.acosh()),
  Atanh: unary((x) => x.atanh()),
  Erf: unary((x) => x.erf()),
  Identity: unary((x) => x),
  Relu: unary((x) => x.relu()),
  Sigmoid: unary((x) => x.sigmoid()),
  Softplus: unary((x) => x.clamp({ min: 0 }).add(x.abs().neg().exp().log1p())),
  Softsign: unary((x) => x.div(x.abs().add(1))),
  LeakyRelu: unary((x, n) => where(x.lt(0), x.mul(n.float('alpha', 0.01)), x)),
  ThresholdedRelu: unary((x, n) => where(x.gt(n.float('alpha', 1)), x, 0)),
  Elu: unary((x, n) => where(x.lt(0), x.expm1().mul(n.float('alpha', 1)), x)),
  Celu: unary((x, n) => where(x.lt(0), x.div(n.float('alpha', 1)).expm1().mul(n.float('alpha', 1)), x)),
  Selu: unary(selu),
  HardSigmoid: unary((x, n) => x.mul(n.float('alpha', 0.2)).add(n.float('beta', 0.5)).clamp({ min: 0, max: 1 })),
  HardSwish: unary((x) => x.mul(x.div(6).add(0.5).clamp({ min: 0, max: 1 }))),
  Gelu: unary((x, n) => (n.text('approximate', 'none') === 'tanh'
    ? x.mul(0.5).mul(x.add(x.pow(3).mul(0.044715)).mul(Math.sqrt(2 / Math.PI)).tanh().add(1))
    : x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)))),
  Swish: unary((x, n) => x.mul(x.mul(n.float('alpha', 1)).sigmoid())),
  Mish: unary((x) => x.mul(x.clamp({ min: 0 }).add(x.abs().neg().exp().log1p()).tanh())),
  Shrink: unary((x, n) => {
    const [lambd, bias] = [n.float('lambd', 0.5), n.float('bias', 0)];
    return where(x.lt(-lambd), x.add(bias), where(x.gt(lambd), x.sub(bias), x.mul(0)));
  }),
  PRelu: prelu,
  Clip: clip,
  Equal: binary((x, y) => x.eq(y)),
  Less: binary((x, y) => x.lt(y)),
  Greater: binary((x, y) => x.gt(y)),
  LessOrEqual: binary((x, y) => x.le(y)),
  GreaterOrEqual: binary((x, y) => x.ge(y)),
  And: binary((x, y) => x.logicalAnd(y)),
  Or: binary((x, y) => x.logicalOr(y)),
  Xor: binary((x, y) => logicalXor(x, y)),
  Not: unary((x) => x.logicalNot()),
  BitwiseAnd: binary((x, y) => x.bitwiseAnd(y)),
  BitwiseOr: binary((x, y) => x.bitwiseOr(y)),
  BitwiseXor: binary((x, y) => x.bitwiseXor(y)),
  BitShift: binary((x, y, n) => (n.text('direction', 'LEFT') === 'LEFT' ? x.bitwiseLeftShift(y) : x.bitwiseRightShift(y))),
  BitwiseNot: unary((x) => x.bitwiseNot()),
  Where: (n) => where(n.in(0), n.in(1), n.in(2)),
  IsNaN: unary((x) => x.isnan()),
  IsInf: isInfinite,
  Cast: cast,
  CastLike: (n) => n.in(0).to(n.in(1).dtype),
};
