import { type DType, type TypedArray, isFloat } from '../core/dtype.ts';
import { DTypeError, DeviceError } from '../core/errors.ts';
import type { Formula, Kernel, Primitive } from '../core/op.ts';
import type { UpdateKernel, UpdateRule, UpdatingDevice } from '../core/ops/update.ts';
import { Storage } from '../core/storage.ts';
import type { Backend } from './backend.ts';
import { foldKernel } from './kernels/fold.ts';
import { pointwiseKernel } from './kernels/pointwise.ts';
import { rowsKernel } from './kernels/rows.ts';
import { writtenKernel } from './kernels/table.ts';
import { updateKernel } from './kernels/update.ts';
import { ones, zeros } from './launch.ts';
import { GpuStorage } from './storage.ts';

/** Whole numbers up to here are exact as floats. */
const EXACT = 2 ** 24;

let backend: Backend | null = null;

/** The backend that runs kernels. @throws DeviceError before one was started */
export function activeBackend(): Backend {
  if (backend === null) throw new DeviceError("gpu: no backend was started, got a tensor for the device; expected a started one", { hint: 'await useGpu() first' });
  return backend;
}

/** The backend, if one was started. */
export function currentBackend(): Backend | null {
  return backend;
}

/** Makes a backend the one that new tensors go to. */
export function setBackend(next: Backend | null): void {
  backend = next;
}

function checkDType(dtype: DType): void {
  if (dtype === 'float64') throw new DTypeError("gpu: no doubles on the device, got float64; expected float32 or another dtype", { hint: "to('float32') first" });
}

function fresh(dtype: DType, length: number): GpuStorage {
  checkDType(dtype);
  const storage = new GpuStorage(gpu, activeBackend(), dtype, length);
  if (Storage.temporaries !== null) {
    storage.temporary = true;
    Storage.temporaries.push(storage);
  }
  return storage;
}

/** The elements as floats. @throws DTypeError for whole numbers that floats do not hold */
function asFloats(dtype: DType, cells: TypedArray): Float32Array {
  if (cells instanceof Float32Array) return cells;
  if (!isFloat(dtype) && !(cells instanceof Uint8Array)) {
    for (let i = 0; i < cells.length; i++) {
      if (cells[i] > EXACT || cells[i] < -EXACT) {
        throw new DTypeError(`gpu: a whole number does not fit, got ${cells[i]} in ${dtype}; expected at most 2^24 in size, since the device keeps floats`, { values: { value: cells[i] } });
      }
    }
  }
  return Float32Array.from(cells);
}

function compiled<A>(name: string, formula: Formula<A>): Kernel<A> {
  switch (formula.kind) {
    case 'pointwise': return pointwiseKernel(name, formula);
    case 'fold': return foldKernel(name, formula);
    case 'rows': return rowsKernel(name, formula);
  }
}

/** Kernels made from the formulas of primitives. */
const made = new Map<unknown, Kernel<never>>();

/** The device 'gpu'. */
export const gpu: UpdatingDevice = {
  name: 'gpu',
  allocate: (dtype, length) => {
    const storage = fresh(dtype, length);
    if (length > 0) storage.replace(zeros(storage.backend, length));
    return storage;
  },
  empty: fresh,
  adopt: (dtype, cells) => {
    checkDType(dtype);
    const elements = asFloats(dtype, cells);
    const storage = fresh(dtype, cells.length);
    if (elements.length > 0) storage.replace(storage.backend.upload(elements));
    return storage;
  },
  bernoulli: (dtype, length, p, seed) => {
    const storage = fresh(dtype, length);
    if (length > 0) storage.replace(ones(storage.backend, length, p, seed));
    return storage;
  },
  kernelOf<A>(op: Primitive<A>): Kernel<A> | undefined {
    const written = writtenKernel(op);
    const { formula } = op;
    if (written !== undefined || formula === undefined) return written;
    let kernel = made.get(op);
    if (kernel === undefined) made.set(op, (kernel = compiled(op.name, formula)));
    return kernel as Kernel<A>;
  },
  updateOf: (rule: UpdateRule): UpdateKernel => updateKernel(rule),
};
