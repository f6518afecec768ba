import { type DType, isFloat } from '../../../../dtype.ts';
import type { Rule, Rules, StepWriter } from '../step.ts';

// Operations on single elements. What stands not here is written from its formula.

/** A node of one input, in the dtype of the result. */
const unary = (type: string): Rule => (s) => s.node(type, [s.as(0, s.out.dtype)]);

/** Converts operands to what ONNX computes in, and the result back. */
function computed(s: StepWriter, write: (dtype: DType) => string): string {
  const dtype = s.computing(s.out.dtype);
  return s.cast(write(dtype), dtype, s.out.dtype);
}

const binary = (type: string): Rule => (s) => computed(s, (dtype) => s.node(type, [s.as(0, dtype), s.as(1, dtype)]));

/** `x + alpha·y` and its like. */
const scaled = (type: string, reversed = false): Rule => (s) => computed(s, (dtype) => {
  const alpha = s.attrs<number | undefined>() ?? 1;
  const times = (i: number): string => (alpha === 1 ? s.as(i, dtype) : s.node('Mul', [s.as(i, dtype), s.b.scalar(alpha, dtype)]));
  return reversed ? s.node(type, [s.as(1, dtype), times(0)]) : s.node(type, [s.as(0, dtype), times(1)]);
});

/** True where it is not 0. */
const truth = (s: StepWriter, i: number): string => {
  const x = s.tensor(i);
  return x.dtype === 'bool' ? s.in(i) : s.node('Not', [s.node('Equal', [s.as(i, s.computing(x.dtype)), s.b.scalar(0, s.computing(x.dtype))])]);
};

const comparison = (type: string, negated = false): Rule => (s) => {
  const dtype = s.computing(s.promoted);
  const made = s.node(type, [s.as(0, dtype), s.as(1, dtype)]);
  return s.cast(negated ? s.node('Not', [made]) : made, 'bool', s.out.dtype);
};

const logic = (type: string): Rule => (s) => s.node(type, s.step.inputs.map((x, i) => (typeof x === 'number' ? s.b.scalar(x === 0 ? 0 : 1, 'bool') : truth(s, i))));

/** Operations on bits, which ONNX has since operator set 18; of truth values they are logic. */
const bits = (ofTruth: string, ofIntegers: string): Rule => (s) => {
  if (s.out.dtype === 'bool') return logic(ofTruth)(s);
  if (s.b.opset < 18) throw s.refuse(`works on bits, got opset ${s.b.opset}`, '18 or later');
  return s.node(ofIntegers, s.step.inputs.map((_, i) => s.as(i, s.out.dtype)));
};

const divided: Rule = (s) => {
  const mode = s.attrs<string | null | undefined>() ?? null;
  return computed(s, (dtype) => {
    const [x, y] = [s.as(0, dtype), s.as(1, dtype)];
    if (mode === null) return s.node('Div', [x, y]);
    if (isFloat(dtype)) {
      const quotient = s.node('Div', [x, y]);
      return mode === 'floor' ? s.node('Floor', [quotient]) : s.node('Mul', [s.node('Sign', [quotient]), s.node('Floor', [s.node('Abs', [quotient])])]);
    }
    // Integer division of ONNX drops the fraction.
    if (mode === 'trunc') return s.node('Div', [x, y]);
    return s.node('Div', [s.node('Sub', [x, s.node('Mod', [x, y])]), y]);
  });
};

const remainder: Rule = (s) => computed(s, (dtype) => {
  const [x, y] = [s.as(0, dtype), s.as(1, dtype)];
  if (!isFloat(dtype)) return s.node('Mod', [x, y]);
  return s.node('Sub', [x, s.node('Mul', [y, s.node('Floor', [s.node('Div', [x, y])])])]);
});

const clamp: Rule = (s) => computed(s, (dtype) => {
  const side = s.attrs<string>();
  const low = side === 'max' ? s.as(0, dtype) : s.node('Max', [s.as(0, dtype), s.as(1, dtype)]);
  return side === 'min' ? low : s.node('Min', [low, s.as(side === 'both' ? 2 : 1, dtype)]);
});

/** Writes of another tensor over all of this one. */
const copy: Rule = (s) => {
  const source = s.as(1, s.out.dtype);
  const to = s.out.shape;
  const same = s.has(1) && s.shape(1).length === to.length && s.shape(1).every((n, d) => String(n) === String(to[d]));
  return same ? s.node('Identity', [source]) : s.node('Expand', [source, s.b.sizes(to)]);
};

/** Rules of pointwise primitives. */
export const pointwiseRules: Rules = {
  add: (s) => (s.out.dtype === 'bool' ? logic('Or')(s) : scaled('Add')(s)),
  sub: scaled('Sub'),
  rsub: scaled('Sub', true),
  mul: (s) => (s.out.dtype === 'bool' ? logic('And')(s) : binary('Mul')(s)),
  pow: binary('Pow'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  div: divided,
  divRounded: divided,
  remainder,
  floorDivide: (s) => computed(s, (dtype) => {
    const [x, y] = [s.as(0, dtype), s.as(1, dtype)];
    return isFloat(dtype) ? s.node('Floor', [s.node('Div', [x, y])]) : s.node('Div', [s.node('Sub', [x, s.node('Mod', [x, y])]), y]);
  }),
  fmod: (s) => computed(s, (dtype) => s.node('Mod', [s.as(0, dtype), s.as(1, dtype)], { fmod: 1 })),
  square: (s) => computed(s, (dtype) => s.node('Mul', [s.as(0, dtype), s.as(0, dtype)])),
  reciprocal: unary('Reciprocal'),
  rsqrt: (s) => s.node('Reciprocal', [s.node('Sqrt', [s.as(0, s.out.dtype)])]),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  relu: (s) => (isFloat(s.out.dtype) ? s.node('Relu', [s.in(0)]) : computed(s, (dtype) => s.node('Max', [s.as(0, dtype), s.b.scalar(0, dtype)]))),
  softsign: unary('Softsign'),
  hardswish: unary('HardSwish'),
  gelu: (s) => {
    const x = s.as(0, s.out.dtype);
    if (s.b.opset >= 20) return s.node('Gelu', [x], { approximate: s.attrs<string>() });
    if (s.attrs<string>() === 'tanh') {
      const cubed = s.node('Mul', [s.node('Mul', [x, x]), x]);
      const inner = s.node('Mul', [s.num(Math.sqrt(2 / Math.PI)), s.node('Add', [x, s.node('Mul', [s.num(0.044715), cubed])])]);
      return s.node('Mul', [s.node('Mul', [s.num(0.5), x]), s.node('Add', [s.num(1), s.node('Tanh', [inner])])]);
    }
    return s.node('Mul', [s.node('Mul', [s.num(0.5), x]), s.node('Add', [s.num(1), s.node('Erf', [s.node('Mul', [x, s.num(Math.SQRT1_2)])])])]);
  },
  prelu: (s) => s.node('PRelu', [s.as(0, s.out.dtype), s.as(1, s.out.dtype)]),
  clamp,
  eq: comparison('Equal'),
  ne: comparison('Equal', true),
  lt: comparison('Less'),
  le: comparison('LessOrEqual'),
  gt: comparison('Greater'),
  ge: comparison('GreaterOrEqual'),
  logicalAnd: logic('And'),
  logicalOr: logic('Or'),
  logicalXor: logic('Xor'),
  logicalNot: logic('Not'),
  bitwiseAnd: bits('And', 'BitwiseAnd'),
  bitwiseOr: bits('Or', 'BitwiseOr'),
  bitwiseXor: bits('Xor', 'BitwiseXor'),
  bitwiseNot: bits('Not', 'BitwiseNot'),
  isnan: (s) => (isFloat(s.tensor(0).dtype) ? s.node('IsNaN', [s.in(0)]) : s.node('Expand', [s.b.scalar(0, 'bool'), s.b.sizes(s.out.shape)])),
  isinf: (s) => s.node('IsInf', [s.as(0, isFloat(s.tensor(0).dtype) ? s.tensor(0).dtype : 'float32')]),
  where: (s) => s.node('Where', [truth(s, 0), s.as(1, s.out.dtype), s.as(2, s.out.dtype)]),
  maskedFill: (s) => s.node('Where', [truth(s, 1), s.as(2, s.out.dtype), s.as(0, s.out.dtype)]),
  cast: (s) => s.cast(s.in(0), s.tensor(0).dtype, s.out.dtype),
  identity: (s) => s.in(0),
  clone: (s) => s.in(0),
  cloneBeside: (s) => s.in(0),
  copy,
};
