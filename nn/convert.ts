import { getDevice } from '../core/device.ts';
import type { Device, Storage } from '../core/storage.ts';
import { type DType, checkDType, dtypes, isFloat } from '../core/dtype.ts';
import { ArgumentError, DTypeError, StateError, checkOptions, show } from '../core/errors.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { isUninitialized } from './shapeless.ts';

/** Where a module goes: a dtype, a device or its name, or a tensor to be like. */
export type ModuleTarget = string | Device | Tensor;

/** Dtype and device of a target; null where it says nothing. */
function destination(target: ModuleTarget, options: { readonly dtype?: DType } | undefined): { readonly dtype: DType | null; readonly device: Device | null } {
  checkOptions('Module.to', options, ['dtype']);
  const named = dtypes.find((d) => d === target);
  const dtype = options?.dtype ?? named ?? (target instanceof Tensor ? target.dtype : null);
  if (dtype !== null) {
    checkDType('Module.to', dtype);
    if (!isFloat(dtype)) throw new DTypeError(`Module.to: parameters are floats, got ${dtype}; expected float32 or float64`);
  }
  if (named !== undefined) return { dtype, device: null };
  if (target instanceof Tensor) return { dtype, device: target.device };
  if (typeof target !== 'string' && (typeof target !== 'object' || target === null)) {
    throw new ArgumentError(`Module.to: neither dtype nor device, got ${show(target)}; expected one of ${dtypes.join(', ')}, or a device`);
  }
  return { dtype, device: getDevice(target) };
}

/** Brings tensors to the CPU, in place, those that share memory together; all are read before any changes. */
export async function bringAll(tensors: readonly Tensor[]): Promise<void> {
  const storages = new Set(tensors.flatMap(({ storage, gradient }) => (gradient === null ? [storage] : [storage, gradient.storage])));
  const read = await Promise.all([...storages].map(async (storage): Promise<[Storage, Storage]> => [storage, (await new Tensor(storage, [storage.length]).cpu()).storage]));
  const here = new Map(read);
  const moved = (x: Tensor): Tensor => new Tensor(here.get(x.storage) ?? x.storage, x.shape, x.strides, x.offset);
  noGrad(() => {
    for (const x of tensors) {
      const { gradient } = x;
      const grad = gradient === null ? null : moved(gradient);
      x.assign_(moved(x));
      x.grad = grad;
    }
  });
}

/**
 * Gives tensors another dtype (floats only), another device, or both, in place: the Tensor objects stay, and those that share memory go on
 * sharing it. Gradients go along. Nothing is changed when anything cannot be converted.
 */
export function convertAll(tensors: readonly Tensor[], target: ModuleTarget, options: { readonly dtype?: DType } | undefined): void {
  const { dtype, device } = destination(target, options);
  const memo = new Map<Storage, Storage>();
  const converted = (storage: Storage): Storage => {
    const wanted = dtype !== null && isFloat(storage.dtype) ? dtype : storage.dtype;
    let made = memo.get(storage);
    if (made === undefined) {
      made = new Tensor(storage, [storage.length]).to(device ?? storage.device, { dtype: wanted }).storage;
      memo.set(storage, made);
    }
    return made;
  };
  noGrad(() => {
    const ready = tensors.map((x) => {
      if (x.node !== null || x.base !== null) throw new StateError(`Module.to: a tensor has history, got ${show(x)}; expected leaves that are no views`);
      if (isUninitialized(x)) return { x, storage: converted(x.storage), grad: null };
      const { grad } = x;
      return { x, storage: converted(x.storage), grad: grad === null ? null : new Tensor(converted(grad.storage), grad.shape, grad.strides, grad.offset) };
    });
    for (const { x, storage, grad } of ready) {
      if (storage === x.storage) continue;
      if (isUninitialized(x)) {
        x.storage = storage;
        continue;
      }
      x.assign_({ storage, shape: x.shape, strides: x.strides, offset: x.offset });
      x.grad = grad;
    }
  });
}
