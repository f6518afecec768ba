import { promoteTypes } from '../core/dtype.ts';
import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { type PlacedOrNamed, given } from '../core/given.ts';
import { stack } from '../core/ops/join.ts';
import { tensor } from '../core/ops/creation.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';

/** Options of `clipGradNorm_` and `getTotalNorm`. */
export interface ClipNormOptions {
  /** Order of the norm; Infinity for the largest absolute value; default 2. */
  readonly normType?: number;
  /** Throw when the norm is NaN or infinite; default false. */
  readonly errorIfNonfinite?: boolean;
}

function listOf(op: string, tensors: unknown): Tensor[] {
  if (tensors instanceof Tensor) return [tensors];
  if (typeof tensors !== 'object' || tensors === null || !(Symbol.iterator in tensors)) {
    const hint = typeof tensors === 'object' && tensors !== null && 'parameters' in tensors ? { hint: 'pass module.parameters()' } : {};
    throw new ArgumentError(`${op}: not iterable, got ${show(tensors)}; expected a tensor or tensors`, hint);
  }
  return [...(tensors as Iterable<unknown>)].map((x, i) => {
    if (!(x instanceof Tensor)) throw new ArgumentError(`${op}: element ${i} is not a tensor, got ${show(x)}; expected tensors`);
    return x;
  });
}

function gradsOf(op: string, parameters: unknown): Tensor[] {
  return listOf(op, parameters).flatMap(({ gradient }) => (gradient === null ? [] : [gradient.detach()]));
}

/** The norm over all elements; no elements have norm 0. */
function normOf(x: Tensor, p: number): Tensor {
  return x.numel() === 0 ? x.sum() : x.norm(p);
}

function totalNorm(op: string, tensors: readonly Tensor[], options: ClipNormOptions | undefined): Tensor {
  checkOptions(op, options, ['normType', 'errorIfNonfinite']);
  const p = options?.normType ?? 2;
  checkNumber(op, 'normType', p, 'a number', (v) => !Number.isNaN(v));
  if (tensors.length === 0) return tensor(0);
  const dtype = tensors.map((x) => x.dtype).reduce(promoteTypes);
  return noGrad(() => {
    const norms = tensors.map((x) => normOf(x.detach(), p).to(tensors[0].device).to(dtype));
    const total = normOf(stack(norms), p);
    if (options?.errorIfNonfinite === true && !Number.isFinite(total.item())) {
      throw new StateError(`${op}: the total norm is not finite, got ${total.item()}; expected a finite norm`, {
        hint: 'leave out errorIfNonfinite to scale by it anyway',
      });
    }
    return total;
  });
}

/**
 * Norm of tensors together, as if they were one vector.
 *
 * @param tensors - a tensor or several, of any shapes
 * @param options - see `ClipNormOptions`
 * @returns a scalar; 0 for no tensors
 * @throws ArgumentError for anything but tensors; StateError when the norm is not finite and `errorIfNonfinite` is set
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.get_total_norm.html
 */
export function getTotalNorm(tensors: Tensor | Iterable<Tensor>, options?: ClipNormOptions): Tensor {
  return totalNorm('getTotalNorm', listOf('getTotalNorm', tensors), options);
}

/** Scales gradients by `min(1, maxNorm / (norm + 1e-6))`. */
function scale(op: string, grads: readonly Tensor[], maxNorm: number, total: Tensor): void {
  checkNumber(op, 'maxNorm', maxNorm, 'a number ≥ 0', (v) => v >= 0);
  noGrad(() => {
    const factor = total.add(1e-6).reciprocal().mul(maxNorm).clamp(null, 1);
    for (const grad of grads) grad.mul_(factor.to(grad.device));
  });
}

/**
 * Scales the gradients of parameters, in place and all by `min(1, maxNorm / (totalNorm + 1e-6))`: the second half of `clipGradNorm_`, for a norm that is known.
 *
 * @param parameters - a tensor or several; those without gradient are skipped
 * @param maxNorm - ≥ 0
 * @param totalNorm - their norm, a scalar
 * @throws ArgumentError for a negative or NaN `maxNorm`, and a `totalNorm` that is no scalar; nothing is scaled then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grads_with_norm_.html
 */
export function clipGradsWithNorm_(parameters: Tensor | Iterable<Tensor>, maxNorm: number, totalNorm: Tensor): void {
  const op = 'clipGradsWithNorm_';
  if (!(totalNorm instanceof Tensor) || totalNorm.numel() !== 1) throw new ArgumentError(`${op}: totalNorm is no scalar, got ${show(totalNorm)}; expected a tensor of one element`);
  scale(op, gradsOf(op, parameters), maxNorm, totalNorm.detach().reshape([]));
}

/**
 * Scales the gradients of parameters, in place and all by `min(1, maxNorm / (norm + 1e-6))`, so that their norm together is at most `maxNorm`.
 *
 * @param parameters - a tensor or several; those without gradient are skipped
 * @param maxNorm - ≥ 0
 * @param rest - see `ClipNormOptions`; by place or by name
 * @returns the norm before scaling, a scalar
 * @throws ArgumentError for a negative or NaN `maxNorm`; StateError when the norm is not finite and `errorIfNonfinite` is set; nothing is scaled then
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
 */
export function clipGradNorm_(parameters: Tensor | Iterable<Tensor>, maxNorm: number, ...rest: PlacedOrNamed<ClipNormOptions, ['normType', 'errorIfNonfinite']>): Tensor {
  const op = 'clipGradNorm_';
  const options = given<ClipNormOptions>(op, ['normType', 'errorIfNonfinite'], rest);
  const grads = gradsOf(op, parameters);
  checkNumber(op, 'maxNorm', maxNorm, 'a number ≥ 0', (v) => v >= 0);
  const total = totalNorm(op, grads, options);
  scale(op, grads, maxNorm, total);
  return total;
}

/**
 * Limits every element of the gradients of parameters to `-clipValue` … `clipValue`, in place.
 *
 * @param parameters - a tensor or several; those without gradient are skipped
 * @param clipValue - ≥ 0
 * @throws ArgumentError for a negative or NaN `clipValue`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
 */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  const grads = gradsOf('clipGradValue_', parameters);
  checkNumber('clipGradValue_', 'clipValue', clipValue, 'a number ≥ 0', (v) => v >= 0);
  noGrad(() => grads.forEach((grad) => grad.clamp_(-clipValue, clipValue)));
}
