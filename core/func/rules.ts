import { type Batch, forEach } from '../batching.ts';
import { resultType } from '../dtype.ts';
import { StateError, show } from '../errors.ts';
import { type Primitive, applyInPlace, applyMany } from '../op.ts';
import { sameShape } from '../shape.ts';
import type { Operand } from '../tape.ts';
import type { Tensor} from '../tensor.ts';
import { emptyTensor } from '../tensor.ts';
import { stack } from '../ops/join.ts';
import { clone, contiguous, expand, reshape, select } from '../ops/view.ts';
import { type Examples, all } from './batched.ts';

/** Runs an operation for all examples: results with the examples in front. */
export function runBatched<A>(op: Primitive<A>, device: Examples, operands: readonly Operand[], attrs: A): readonly Tensor[] {
  const batched = operands.map((x) => typeof x !== 'number' && x.device === device);
  const { batching } = op;
  const examples = batching === 'broadcast' || batching === 'random' ? all : dense;
  const batch: Batch = { inputs: operands.map((x, i) => (batched[i] ? examples(x as Tensor) : x)), batched, size: device.size };
  if (batching === 'random') return [filled(op, device, operands[0] as Tensor, attrs)];
  if (batching === 'broadcast') return applyMany(op, aligned(batch, operands), attrs);
  if (batching !== undefined && 'shift' in batching) {
    const inputs = batch.inputs.map((x, i) => (typeof x === 'number' || batched[i] ? x : forEach(x, device.size)));
    return applyMany(op, inputs, batching.shift(attrs, operands, device.size) as A);
  }
  return batching?.run(batch, attrs, (inputs, changed) => applyMany(op, inputs, changed as A)) ?? oneByOne((inputs) => applyMany(op, inputs, attrs), batch, op.name);
}

/** All examples of a tensor, without gaps if one has none: kernels may rely on what the operation saw of its operand. */
function dense(x: Tensor): Tensor {
  return x.isContiguous() ? contiguous(all(x)) : all(x);
}

/** Operands whose dimensions broadcast behind the examples. A scalar of one example does not widen the dtype, so that it is cast before it gets a dimension. */
function aligned({ inputs, batched, size }: Batch, operands: readonly Operand[]): readonly Operand[] {
  let rank = 0;
  const dtype = inputs.length < 2 ? null : resultType(...operands);
  inputs.forEach((x, i) => {
    if (typeof x !== 'number') rank = Math.max(rank, x.ndim - (batched[i] ? 1 : 0));
  });
  return inputs.map((x, i) => {
    if (typeof x === 'number' || !batched[i] || x.ndim - 1 === rank) return x;
    if (x.ndim === 1 && dtype !== null && x.dtype !== dtype) return reshape(x.to(dtype), [size, ...new Array<number>(rank).fill(1)]);
    return reshape(x, [size, ...new Array<number>(rank - x.ndim + 1).fill(1), ...x.shape.slice(1)]);
  });
}

/** Calls a function with one example after the other and stacks what comes out. */
export function oneByOne(fn: (inputs: readonly Operand[]) => readonly Tensor[], { inputs, batched, size }: Batch, name: string): readonly Tensor[] {
  if (size === 0) throw new StateError(`vmap: ${name} has no rule for zero examples, got an empty batch; expected at least one example`);
  const rows = Array.from({ length: size }, (_, b) => fn(inputs.map((x, i) => (typeof x !== 'number' && batched[i] ? select(x, 0, b) : x))));
  return rows[0].map((first, k) => {
    const parts = rows.map((row) => row[k]);
    const odd = parts.find((y) => !sameShape(y.shape, first.shape));
    if (odd !== undefined) {
      throw new StateError(`vmap: the shape of the result of ${name} depends on values, got ${show(first)} and ${show(odd)}; expected one shape for all examples`);
    }
    return stack(parts);
  });
}

/** Random numbers in the shape of `x`, as the device says: the same for all examples or others for each. */
function filled<A>(op: Primitive<A>, { randomness, size, below }: Examples, x: Tensor, attrs: A): Tensor {
  if (randomness === 'error') throw randomnessRefused(`${op.name}_`);
  if (randomness === 'different') return applyInPlace(op, [clone(all(x))], attrs);
  const same = applyInPlace(op, [emptyTensor(x.shape, x.dtype, below)], attrs);
  return expand(same, [size, ...x.shape]);
}

/** Says that random numbers need a decision. */
export function randomnessRefused(name: string): StateError {
  return new StateError(`${name}: random numbers under vmap, got randomness 'error'; expected 'same' or 'different'`, {
    hint: "vmap(fn, { randomness: 'different' }) draws for each example, 'same' once for all",
  });
}
