import { test } from 'uvu';
import { allPrimitives, apply, applyInPlace, applyMany, primitive } from '../../core/op.ts';
import { allOps, free } from '../../core/ops/define.ts';
import { ArgumentError, DTypeError, ShapeError, StateError, Tensor, grad, gradcheck, ones, tensor } from '../../index.ts';
import { allClose, equal, is, ok, throwsError } from '../assert.ts';

const leaf = (data: number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

/** Sum and difference of two tensors of one shape: two outputs, one formula for all gradients. */
const both = primitive<number>({
  name: 'test.both',
  infer: ([x]) => {
    const { shape, dtype } = x as Tensor;
    return [{ shape, dtype }, { shape, dtype }];
  },
  cpu: ([sum, difference], [x, y], scale) => {
    const [a, b] = [(x as Tensor).data(), (y as Tensor).data()];
    for (let i = 0; i < a.length; i++) {
      sum.storage.cells[i] = scale * (a[i] + b[i]);
      difference.storage.cells[i] = scale * (a[i] - b[i]);
    }
  },
  backward: (node, s, d) => {
    const scale = node.attrs as number;
    const zero = ones(node.inputs[0].shape, { dtype: 'float64' }).mul(0);
    return [(s ?? zero).add(d ?? zero).mul(scale), (s ?? zero).sub(d ?? zero).mul(scale)];
  },
});

test('several outputs', () => {
  const [x, y] = [leaf([1, 2]), leaf([3, 5])];
  const [s, d] = applyMany(both, [x, y], 2);
  allClose(s, [8, 14]);
  allClose(d, [-4, -6]);
  is(s.node, d.node);
  is(d.outputIndex, 1);
  allClose(grad(d.sum(), y)[0], [-2, -2]);
  gradcheck((a, b) => applyMany(both, [a, b], 3), [x, y]);
  throwsError(() => applyInPlace(both, [x.mul(1), y], 1), StateError, /several outputs/);
});

test('names are used once', () => {
  throwsError(() => primitive({ name: 'test.both', infer: () => ({ shape: [], dtype: 'float32' }), cpu: () => {} }), StateError, /defined twice/);
  throwsError(() => free({ name: 'add', family: 'test', samples: () => [] }, () => 1), StateError, /'add' is defined twice/);
});

test('primitives are listed with a kernel for the CPU', () => {
  ok(allPrimitives().size > 50);
  for (const [name, op] of allPrimitives()) ok(op.kernels.has('cpu'), name);
});

test('at least one operand is a tensor', () => {
  const op = allPrimitives().get('add');
  ok(op !== undefined);
  throwsError(() => apply(op, [1, 2], undefined as never), ArgumentError, /add: no tensor among the operands, got \[1, 2\]/);
});

test('a primitive without a gradient gives a result without a history, and no in-place writes on recorded tensors', () => {
  const x = leaf([1, 2]);
  is(x.gt(1).requiresGrad, false);
  const op = primitive({ name: 'test.noGradient', infer: ([y]) => y as Tensor, cpu: () => {} });
  is(apply(op, [x], undefined).requiresGrad, false);
  throwsError(() => applyInPlace(op, [x.mul(1)], undefined), StateError, /test\.noGradient_: not differentiable/);
});

test('in place: the result must fit in shape and dtype, and nothing is written where it does not', () => {
  const x = ones([2]);
  throwsError(() => x.add_(ones([3, 2])), ShapeError, /add_: the result does not fit in place, got \[3, 2\] for float32\[2\]; expected \[2\]/);
  const i = ones([2], { dtype: 'int64' });
  throwsError(() => i.add_(0.5), DTypeError, /add_: the result does not fit in place, got float32 for int64\[2\]/);
  throwsError(() => i.div_(2), DTypeError, /does not fit in place/);
  allClose(i, [1, 1]);
  is(i.storage.version, 0);
  is(i.add_(2), i);
  allClose(i, [3, 3]);
  is(x.add_(ones([2], { dtype: 'float64' })).dtype, 'float32');
});

test('in place: the tensor itself as the other operand', () => {
  const x = tensor([1, 2, 3]);
  allClose(x.mul_(x), [1, 4, 9]);
  const m = tensor([[1, 2], [3, 4]]);
  allClose(m.add_(m.t()), [[2, 5], [5, 8]]);
});

test('the registry knows every public operation', () => {
  ok(allOps().size > 100);
  for (const [name, op] of allOps()) {
    is(name, op.opName);
    is(op.name, name);
    if (op.isMethod) is(typeof Reflect.get(Tensor.prototype, name), 'function', name);
    if (op.inPlace !== null) is(typeof Reflect.get(Tensor.prototype, `${name}_`), 'function', name);
    ok(op.torch === null || /^[a-z_.A-Z0-9]+$/.test(op.torch), name);
  }
  equal(allOps().get('logicalNot')?.torch, 'logical_not');
});

test('arguments of a wrong type are refused', () => {
  const x = ones([2]);
  throwsError(() => Reflect.apply(x.add, x, ['1']), ArgumentError, /add: other is not a tensor or number, got '1'/);
  throwsError(() => Reflect.apply(x.add, x, [undefined]), ArgumentError, /got undefined/);
  throwsError(() => Reflect.apply(x.exp, [1], []), ArgumentError, /exp: input is not a tensor/);
  throwsError(() => Reflect.apply(x.add, x, [1, { alpha: '2' }]), ArgumentError, /alpha is not a number/);
});

test.run();
