import type { DType, TypedArray } from '../../../dtype.ts';
import { StateError } from '../../../errors.ts';
import type { GraphValue } from '../../../trace/merge.ts';
import type { Size, SymbolicSize } from '../../../trace/sizes.ts';
import { type OnnxAttribute, type OnnxNode, type OnnxTensor, elementTypes, int64Tensor, rawOf } from '../model.ts';

/** A float attribute; plain numbers are integers. */
export interface FloatAttribute {
  readonly float: number;
}

/** Attributes as rules write them. */
export type Attributes = Readonly<Record<string, number | string | readonly number[] | readonly string[] | FloatAttribute | undefined>>;

/** The element type of a dtype. */
export const elementType: Readonly<Record<DType, number>> = {
  float32: elementTypes.FLOAT, float64: elementTypes.DOUBLE, int32: elementTypes.INT32, int64: elementTypes.INT64, uint8: elementTypes.UINT8, bool: elementTypes.BOOL,
};

const emptyOf: Readonly<Record<DType, (values: readonly number[]) => TypedArray>> = {
  float32: (v) => Float32Array.from(v), float64: (v) => Float64Array.from(v), int32: (v) => Int32Array.from(v), int64: (v) => Int32Array.from(v),
  uint8: (v) => Uint8Array.from(v), bool: (v) => Uint8Array.from(v),
};

/** Collects the nodes of a graph. Values are known by their names. */
export class GraphBuilder {
  readonly opset: number;
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  /** The path of the module that the next nodes belong to. */
  scope = '';
  private readonly taken = new Set<string>();
  private readonly names = new Map<number, string>();
  private readonly constants = new Map<string, string>();
  /** Where the size of a named axis is found. */
  private readonly axes: ReadonlyMap<string, readonly [input: string, axis: number]>;

  constructor(opset: number, axes: ReadonlyMap<string, readonly [input: string, axis: number]>) {
    this.opset = opset;
    this.axes = axes;
  }

  /** A name that is not taken yet, which then is. */
  unique(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.taken.has(name); i++) name = `${wanted}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Says how a value is called. */
  define(value: GraphValue, name: string): void {
    this.names.set(value.id, name);
  }

  /** The name of a value; parameters and constants are added when they are first asked for. */
  value(value: GraphValue): string {
    const known = this.names.get(value.id);
    if (known !== undefined) return known;
    const name = this.leaf(value);
    this.define(value, name);
    return name;
  }

  private leaf({ origin, shape, dtype }: GraphValue): string {
    const type = elementType[dtype];
    if (origin.kind === 'parameter') {
      const name = this.unique(origin.name);
      this.initializers.push({ name, dims: this.numbers(shape), type, raw: rawOf(origin.data, type) });
      return name;
    }
    if (origin.kind === 'constant') return this.constant(origin.data, this.numbers(shape), dtype);
    if (origin.kind === 'filled') return this.node('Expand', [this.scalar(origin.value, dtype), this.sizes(shape)]);
    if (origin.kind === 'range') {
      const count = this.node('Cast', [this.node('Squeeze', [this.sizes(shape)])], { to: type });
      const end = this.node('Add', [this.scalar(origin.start, dtype), this.node('Mul', [count, this.scalar(origin.step, dtype)])]);
      return this.node('Range', [this.scalar(origin.start, dtype), end, this.scalar(origin.step, dtype)]);
    }
    const { op, scope } = origin.kind === 'step' ? origin.step : { op: 'an argument', scope: '' };
    throw new StateError(`exportOnnx: a result of ${op}${scope === '' ? '' : ` in '${scope}'`} has no form in ONNX, got a model that reads it; expected the other results`);
  }

  private numbers(shape: readonly Size[]): number[] {
    return shape.map((n) => {
      if (typeof n === 'number') return n;
      throw new StateError(`exportOnnx: a parameter depends on the sizes of the arguments, got size ${n.toString()}; expected a fixed shape`);
    });
  }

  /** Adds a node and gives the names of its outputs. */
  many(type: string, inputs: readonly string[], attributes: Attributes, count: number): string[] {
    const name = this.unique(this.scope === '' ? type : `${this.scope}/${type}`);
    const outputs = Array.from({ length: count }, (_, i) => (i === 0 ? name : this.unique(`${name}:${i}`)));
    this.nodes.push({ name, type, domain: '', inputs: trimmed(inputs), outputs, attributes: attributesOf(type, attributes) });
    return outputs;
  }

  /** Adds a node with one output and gives its name. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.many(type, inputs, attributes, 1)[0];
  }

  /** A constant; equal ones are added once. */
  constant(data: TypedArray, dims: readonly number[], dtype: DType): string {
    const type = elementType[dtype];
    return this.tensor({ name: '', dims, type, raw: rawOf(data, type) });
  }

  private tensor(value: OnnxTensor): string {
    const key = value.raw.length <= 64 ? `${value.type}:${value.dims.join(',')}:${value.raw.join(',')}` : null;
    const known = key === null ? undefined : this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.unique('Constant');
    this.nodes.push({ name, type: 'Constant', domain: '', inputs: [], outputs: [name], attributes: new Map([['value', { kind: 'tensor', value }]]) });
    if (key !== null) this.constants.set(key, name);
    return name;
  }

  /** A number as a tensor without dimensions. */
  scalar(value: number, dtype: DType): string {
    return this.constant(emptyOf[dtype]([value]), [], dtype);
  }

  /** Numbers as a vector. */
  vector(values: readonly number[], dtype: DType): string {
    return this.constant(emptyOf[dtype](values), [values.length], dtype);
  }

  /** Fixed sizes, axes or bounds, which may need 64 bits, as a vector. */
  ints(values: readonly number[]): string {
    return this.tensor(int64Tensor(values));
  }

  /** Sizes as a vector, computed from the arguments where they depend on them. */
  sizes(sizes: readonly Size[]): string {
    if (sizes.every((n) => typeof n === 'number')) return this.ints(sizes);
    const parts = sizes.map((n) => (typeof n === 'number' ? this.ints([n]) : this.size(n)));
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, { axis: 0 });
  }

  /** A size as a vector of one. */
  private size(size: SymbolicSize): string {
    if (size.terms === null) {
      throw new StateError(`exportOnnx: a size is no polynomial of the dynamic axes, got ${size.seen.join(', ')} in the traces; expected sums and products of sizes`, {
        hint: 'leave that axis out of dynamicAxes',
      });
    }
    const key = `size:${size.toString()}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const terms = size.terms.map(({ axes, factor }) => {
      const factors = [...axes.map((axis) => this.axis(axis)), ...(factor === 1 && axes.length > 0 ? [] : [this.ints([factor])])];
      return factors.reduce((a, b) => this.node('Mul', [a, b]));
    });
    const name = terms.reduce((a, b) => this.node('Add', [a, b]));
    this.constants.set(key, name);
    return name;
  }

  private axis(name: string): string {
    const known = this.constants.get(`axis:${name}`);
    if (known !== undefined) return known;
    const [input, axis] = this.axes.get(name) as readonly [string, number];
    const size = this.node('Gather', [this.node('Shape', [input]), this.ints([axis])], { axis: 0 });
    this.constants.set(`axis:${name}`, size);
    return size;
  }
}

/** Without optional inputs at the end that are left out. */
function trimmed(inputs: readonly string[]): readonly string[] {
  let n = inputs.length;
  while (n > 0 && inputs[n - 1] === '') n--;
  return inputs.slice(0, n);
}

function attributesOf(type: string, attributes: Attributes): Map<string, OnnxAttribute> {
  const out = new Map<string, OnnxAttribute>();
  const integer = (key: string, v: number): number => {
    if (Number.isInteger(v)) return v;
    throw new StateError(`exportOnnx: ${key} of ${type} depends on the sizes of the arguments, got ${String(v)}; expected a number`, { hint: 'leave that axis out of dynamicAxes' });
  };
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === 'string') out.set(key, { kind: 'string', value });
    else if (typeof value === 'object' && 'float' in value) out.set(key, { kind: 'float', value: value.float });
    else if (!Array.isArray(value)) out.set(key, { kind: 'int', value: integer(key, value as number) });
    else if (value.some((v) => typeof v === 'string')) out.set(key, { kind: 'strings', value: value as string[] });
    else out.set(key, { kind: 'ints', value: value.map((v: number) => integer(key, v)) });
  }
  return out;
}
