import { ArgumentError, ShapeError, show } from '../core/errors.ts';
import { cat } from '../core/ops/join.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';

function checkAll(op: string, parameters: Iterable<Tensor>): readonly Tensor[] {
  const list = [...parameters];
  for (const p of list) if (!(p instanceof Tensor)) throw new ArgumentError(`${op}: not a tensor, got ${show(p)}; expected Parameters`);
  return list;
}

/**
 * All parameters one behind the other in one dimension; gradients flow back.
 *
 * @throws ArgumentError for anything that is no tensor, or for none
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html
 */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const list = checkAll('parametersToVector', parameters);
  if (list.length === 0) throw new ArgumentError('parametersToVector: no parameters, got an empty list; expected at least one');
  return cat(list.map((p) => p.flatten()));
}

/**
 * Copies consecutive parts of a vector into parameters; the inverse of `parametersToVector`.
 *
 * @throws ShapeError when the vector is too short, before anything is written
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const op = 'vectorToParameters';
  if (!(vector instanceof Tensor)) throw new ArgumentError(`${op}: not a tensor, got ${show(vector)}; expected a Tensor`);
  const list = checkAll(op, parameters);
  const wanted = list.reduce((n, p) => n + p.numel(), 0);
  if (vector.ndim !== 1 || vector.shape[0] < wanted) throw new ShapeError(`${op}: the vector does not fit, got ${show(vector)}; expected [${wanted}]`);
  noGrad(() => {
    let at = 0;
    for (const p of list) {
      p.copy_(vector.detach().narrow(0, at, p.numel()).reshape(p.shape));
      at += p.numel();
    }
  });
}
