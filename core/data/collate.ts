import { ArgumentError, ShapeError, show } from '../errors.ts';
import { tensor } from '../ops/creation.ts';
import { stack } from '../ops/join.ts';
import { sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';

/** What `defaultCollate` makes of items of a type: tensors of numbers and tensors, lists of texts, member by member for arrays and objects. */
export type Collated<T> = T extends Tensor | number | bigint | boolean
  ? Tensor
  : T extends string
    ? string[]
    : T extends ArrayBufferView
      ? Tensor
      : { [K in keyof T]: Collated<T[K]> };

/**
 * Makes one batch of a list of items, as DataLoader does by default: tensors and typed arrays are stacked along a new first
 * dimension, numbers become a tensor (int64 when all are whole, else float32), booleans a bool tensor, texts stay a list, and
 * arrays and objects are collated member by member.
 *
 * @param items - at least one; all of the same kind
 * @throws ShapeError when shapes or lengths differ, ArgumentError for items that cannot be put together
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
 */
export function defaultCollate<T>(items: readonly T[]): Collated<T> {
  if (!Array.isArray(items) || items.length === 0) throw new ArgumentError(`defaultCollate: no items, got ${show(items)}; expected an array of at least one item`);
  return collateAt(items, '') as Collated<T>;
}

function collateAt(items: readonly unknown[], where: string): unknown {
  const [first] = items;
  const mixed = items.find((x) => kindOf(x) !== kindOf(first));
  if (mixed !== undefined) throw new ArgumentError(`defaultCollate: items of different kinds${where}, got ${show(first)} and ${show(mixed)}; expected one kind`);
  switch (kindOf(first)) {
    case 'tensor':
      return stackTensors(items as readonly Tensor[], where);
    case 'number':
      return tensor(items as number[], { dtype: items.every(Number.isInteger) ? 'int64' : 'float32' });
    case 'bigint':
    case 'boolean':
      return tensor(items as boolean[]);
    case 'string':
      return [...items];
    case 'bytes':
      return stackTensors((items as readonly Float32Array[]).map((x) => tensor(x)), where);
    case 'array':
      return collateArrays(items as readonly (readonly unknown[])[], where);
    case 'object':
      return collateObjects(items as readonly Readonly<Record<string, unknown>>[], where);
    default:
      throw new ArgumentError(`defaultCollate: items cannot be put into a batch${where}, got ${show(first)}; expected tensors, numbers, booleans, texts, arrays or objects`, {
        hint: 'pass { collate: (items) => … } to DataLoader',
      });
  }
}

function kindOf(x: unknown): string {
  if (x instanceof Tensor) return 'tensor';
  if (Array.isArray(x)) return 'array';
  if (ArrayBuffer.isView(x)) return x instanceof DataView ? 'other' : 'bytes';
  if (typeof x !== 'object') return typeof x;
  if (x === null) return 'null';
  const prototype: unknown = Object.getPrototypeOf(x);
  return prototype === null || prototype === Object.prototype ? 'object' : 'other';
}

function stackTensors(items: readonly Tensor[], where: string): Tensor {
  const other = items.find((x) => !sameShape(x.shape, items[0].shape));
  if (other !== undefined) {
    throw new ShapeError(`defaultCollate: shapes differ${where}, got ${show(items[0])} and ${show(other)}; expected equal shapes`, { hint: 'pass { collate: (items) => … } that pads them' });
  }
  return stack(items);
}

function collateArrays(items: readonly (readonly unknown[])[], where: string): unknown[] {
  const [first] = items;
  const other = items.find((x) => x.length !== first.length);
  if (other !== undefined) throw new ShapeError(`defaultCollate: lengths differ${where}, got ${first.length} and ${other.length}; expected arrays of equal length`);
  return Array.from(first, (_, i) => collateAt(items.map((x) => x[i]), ` at ${path(where)}[${i}]`));
}

function collateObjects(items: readonly Readonly<Record<string, unknown>>[], where: string): Record<string, unknown> {
  const names = Object.keys(items[0]);
  const other = items.find((x) => Object.keys(x).length !== names.length || names.some((name) => !Object.hasOwn(x, name)));
  if (other !== undefined) throw new ArgumentError(`defaultCollate: names differ${where}, got { ${names.join(', ')} } and { ${Object.keys(other).join(', ')} }; expected the same names`);
  const entries = names.map((name) => [name, collateAt(items.map((x) => x[name]), ` at ${path(where)}.${name}`)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** Where an item lies, without the leading word. */
function path(where: string): string {
  return where === '' ? 'item' : where.slice(' at '.length);
}
