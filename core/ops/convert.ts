import { getDevice } from '../device.ts';
import type { Device } from '../storage.ts';
import { type DType, checkDType, dtypes } from '../dtype.ts';
import { ArgumentError, DeviceError, ShapeError, checkOptions, show } from '../errors.ts';
import { arg } from '../expr.ts';
import { apply, applyInPlace } from '../op.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import { Tensor, emptyTensor } from '../tensor.ts';
import { toCell } from './creation.ts';
import type { Named } from './byName.ts';
import { type InPlace, type Method, cast, checkBeside, checkOperand, checkTensor, inPlaceMethod, method, pointwise } from './define.ts';
import { type Operand, isGradEnabled } from '../tape.ts';

const family = 'copy';

/**
 * The tensor in another dtype, on another device, or both; itself when nothing changes. Gradients flow through a change of dtype, and not from one device to
 * another, which would have to wait.
 *
 * @param target - a dtype name, a device, or another tensor whose dtype and device it takes
 * @throws ArgumentError for a name that is neither; DeviceError for a tensor that requires grad and is to leave its device, unless gradients are off
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.to.html
 */
export const to: Method<(x: Tensor, target: string | Device | Tensor, options?: { readonly dtype?: DType }) => Tensor> = method(
  { name: 'to', family, torch: 'Tensor.to', samples: (s) => [[s.float([2, 3]), 'float64'], [s.float([3], 0, 9), 'int64'], [s.bool([3]), 'float32']] },
  (x: Tensor, target: string | Device | Tensor, options?: { readonly dtype?: DType }): Tensor => {
    checkTensor('to', x);
    checkOptions('to', options, ['dtype']);
    const [dtype, device] = destination(x, target);
    const wanted = options?.dtype ?? dtype;
    checkDType('to', wanted);
    return toDType(toDevice(x, device), wanted);
  },
);

function destination(x: Tensor, target: string | Device | Tensor): [DType, Device] {
  if (target instanceof Tensor) return [target.dtype, target.device];
  const dtype = dtypes.find((d) => d === target);
  if (dtype !== undefined) return [dtype, x.device];
  try {
    return [x.dtype, getDevice(target)];
  } catch {
    throw new ArgumentError(`to: neither dtype nor device, got ${show(target)}; expected one of ${dtypes.join(', ')}, or a registered device`);
  }
}

function toDType(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(cast, [x], dtype);
}

/** Moving between devices goes through the `transfer` a device registers; the CPU knows only itself. */
function toDevice(x: Tensor, device: Device): Tensor {
  if (x.device === device) return x;
  if (x.device.name !== 'cpu') {
    throw new DeviceError(`to: elements cannot be read at once, got ${show(x)} on ${x.device.name}; expected a CPU tensor`, { hint: 'await x.cpu() first' });
  }
  if (x.requiresGrad && isGradEnabled()) {
    throw new DeviceError(`to: gradients do not flow from one device to another, got ${show(x)} that requires grad; expected one that does not`, {
      hint: 'move what it is made from, or detach() it first; a module moves as a whole, and requiresGrad_() afterwards makes a leaf there',
    });
  }
  return new Tensor(device.adopt(x.dtype, x.data()), x.shape);
}

/** Sugar for `to('float32')` and its like. @see https://pytorch.org/docs/stable/generated/torch.Tensor.float.html */
export const float: Method<(x: Tensor) => Tensor> = method({ name: 'float', family, torch: 'Tensor.float', samples: (s) => [[s.int([3])]] }, (x: Tensor): Tensor => toDType(x, 'float32'));
/** As float64. @see https://pytorch.org/docs/stable/generated/torch.Tensor.double.html */
export const double: Method<(x: Tensor) => Tensor> = method({ name: 'double', family, torch: 'Tensor.double', samples: (s) => [[s.int([3])]] }, (x: Tensor): Tensor => toDType(x, 'float64'));
/** As int64. @see https://pytorch.org/docs/stable/generated/torch.Tensor.long.html */
export const long: Method<(x: Tensor) => Tensor> = method({ name: 'long', family, torch: 'Tensor.long', differentiable: false, samples: (s) => [[s.float([3], 0, 9)]] }, (x: Tensor): Tensor => toDType(x, 'int64'));
/** As int32. @see https://pytorch.org/docs/stable/generated/torch.Tensor.int.html */
export const int: Method<(x: Tensor) => Tensor> = method({ name: 'int', family, torch: 'Tensor.int', differentiable: false, samples: (s) => [[s.float([3], 0, 9)]] }, (x: Tensor): Tensor => toDType(x, 'int32'));
/** As uint8. @see https://pytorch.org/docs/stable/generated/torch.Tensor.byte.html */
export const byte: Method<(x: Tensor) => Tensor> = method({ name: 'byte', family, torch: 'Tensor.byte', differentiable: false, samples: (s) => [[s.float([3], 0, 9)]] }, (x: Tensor): Tensor => toDType(x, 'uint8'));
/** As bool: true where not 0. @see https://pytorch.org/docs/stable/generated/torch.Tensor.bool.html */
export const bool: Method<(x: Tensor) => Tensor> = method({ name: 'bool', family, torch: 'Tensor.bool', differentiable: false, samples: (s) => [[s.int([3], 0, 2)]] }, (x: Tensor): Tensor => toDType(x, 'bool'));

/**
 * The tensor on the CPU, itself when it is there; a promise, since other devices answer later. What the tensor holds at the call comes back, without history.
 *
 * @throws DeviceError, in the promise, when the device was lost
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.cpu.html
 */
export const cpu: Method<(x: Tensor) => Promise<Tensor>> = method({ name: 'cpu', family, torch: 'Tensor.cpu', samples: () => [] }, async (x: Tensor): Promise<Tensor> => {
  if (x.device.name === 'cpu') return x;
  const { shape } = x;
  const whole = x.isContiguous() && x.numel() === x.storage.length ? x.detach() : x.detach().clone();
  const cells = await whole.storage.read();
  if (whole.storage !== x.storage) whole.storage.discard();
  return new Tensor(getDevice('cpu').adopt(x.dtype, cells), shape);
});

// Copies into a tensor: the second operand decides the values, the first the dtype.
const copyOp = pointwise({
  name: 'copy',
  dtype: (t, [self]) => (typeof self === 'number' ? t : self.dtype),
  expr: () => arg(1),
  backward: [(g) => emptyTensor(g.shape, g.dtype, g.device), (g) => g],
});

function copied(name: string, x: Tensor, source: Operand): Tensor {
  checkTensor(name, x);
  if (typeof source !== 'number' && !sameShape(broadcastShapes(name, x.shape, source.shape), x.shape)) {
    throw new ShapeError(`${name}: the source is larger, got ${show(source)} for ${show(x)}; expected a shape that broadcasts to [${x.shape.join(', ')}]`);
  }
  return name.endsWith('_') ? applyInPlace(copyOp, [x, source], undefined) : apply(copyOp, [x, source], undefined);
}

/** A number in the range of the dtype, or a scalar tensor. */
function filling(name: string, x: Tensor, value: Operand): Operand {
  checkTensor(name, x);
  const source = checkBeside(name, value, x, 'value');
  if (typeof source === 'number') return toCell(name, source, x.dtype);
  if (source.ndim > 0) throw new ShapeError(`${name}: the value is not a scalar, got ${show(source)}; expected a number or 0 dimensions`);
  return source;
}

/** `copy(x, source)`: `source` broadcast to the shape and cast to the dtype of `x`; `x.copy_(source)` in place. @see https://pytorch.org/docs/stable/generated/torch.Tensor.copy_.html */
export const copy: InPlace<(x: Tensor, source: Operand) => Tensor> = inPlaceMethod(
  { name: 'copy', family, torch: null, samples: (s) => [[s.float([2, 3]), s.float([3])]] },
  (x: Tensor, source: Operand): Tensor => copied('copy', x, checkOperand('copy', source, 'source')),
  (x: Tensor, source: Operand): Tensor => copied('copy_', x, checkOperand('copy_', source, 'source')),
);

/** `x.fill_(value)`: `value` everywhere. @see https://pytorch.org/docs/stable/generated/torch.Tensor.fill_.html */
export const fill: InPlace<Named<'value', Operand | boolean, object, Tensor>> = inPlaceMethod(
  { name: 'fill', parameters: ['value'], family, torch: null, samples: (s) => [[s.float([2, 3]), 2]] },
  (x: Tensor, value: Operand): Tensor => copied('fill', x, filling('fill', x, value)),
  (x: Tensor, value: Operand): Tensor => copied('fill_', x, filling('fill_', x, value)),
);

/** `x.zero_()`: zero everywhere. @see https://pytorch.org/docs/stable/generated/torch.Tensor.zero_.html */
export const zero: InPlace<(x: Tensor) => Tensor> = inPlaceMethod(
  { name: 'zero', family, torch: null, samples: (s) => [[s.float([2, 3])]] },
  (x: Tensor): Tensor => copied('zero', x, 0),
  (x: Tensor): Tensor => copied('zero_', x, 0),
);
