import { StateError } from '../../errors.ts';
import { type OnnxAttribute, type OnnxDim, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxValueInfo, elementTypes } from './model.ts';
import { type Field, bytesOf, doublesOf, fieldsOf, floatOf, floatsOf, integersOf, signed, textOf } from './wire.ts';

const refuse = (fact: string, expected: string): StateError => new StateError(`importOnnx: ${fact}; expected ${expected}`);

/** How deep graphs may lie in the attributes of each other's nodes. */
const DEEPEST = 32;

/** Bytes of an element in `raw_data`. */
const widths: Readonly<Record<number, number>> = {
  [elementTypes.FLOAT]: 4, [elementTypes.UINT8]: 1, [elementTypes.INT8]: 1, [elementTypes.UINT16]: 2, [elementTypes.INT16]: 2, [elementTypes.INT32]: 4, [elementTypes.INT64]: 8,
  [elementTypes.BOOL]: 1, [elementTypes.FLOAT16]: 2, [elementTypes.DOUBLE]: 8, [elementTypes.UINT32]: 4, [elementTypes.UINT64]: 8, [elementTypes.BFLOAT16]: 2,
};

/** Elements of one kind of field, as the bytes that `raw_data` would hold. */
function packedBytes(values: readonly number[], type: number): Uint8Array {
  const width = widths[type];
  const view = new DataView(new ArrayBuffer(width * values.length));
  values.forEach((v, i) => {
    if (type === elementTypes.FLOAT) view.setFloat32(4 * i, v, true);
    else if (type === elementTypes.DOUBLE) view.setFloat64(8 * i, v, true);
    else if (!Number.isInteger(v)) throw refuse(`a tensor of integers holds a fraction, got ${v}`, 'whole numbers');
    else if (width === 8) view.setBigInt64(8 * i, v >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(v), true); // the largest is no double
    else if (width === 4) view.setInt32(4 * i, v, true);
    else if (width === 2) view.setInt16(2 * i, v, true);
    else view.setInt8(i, v);
  });
  return new Uint8Array(view.buffer);
}

function tensor(bytes: Uint8Array): OnnxTensor {
  const dims: number[] = [];
  let [name, type, raw]: [string, number, Uint8Array | null] = ['', 0, null];
  const values: number[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) dims.push(...integersOf(field));
    else if (field.number === 2) type = signed(field);
    else if (field.number === 8) name = textOf(field);
    else if (field.number === 9) raw = bytesOf(field);
    else if (field.number === 4) append(values, floatsOf(field));
    else if (field.number === 5 || field.number === 7 || field.number === 11) append(values, integersOf(field));
    else if (field.number === 10) append(values, doublesOf(field));
    else if (field.number === 13 || (field.number === 14 && signed(field) !== 0)) throw refuse(`tensor '${name}' keeps its elements in another file, got external data`, 'all elements in the file');
  }
  const width = widths[type];
  if (width === undefined) throw refuse(`tensor '${name}' has elements of another kind, got type ${type}`, 'numbers or truth values');
  let count = 1;
  for (const n of dims) {
    if (!(n >= 0)) throw refuse(`tensor '${name}' has an invalid size, got ${n}`, 'sizes ≥ 0');
    count *= n;
  }
  const found = raw ?? packedBytes(values, type);
  if (found.length !== count * width) throw refuse(`the elements of tensor '${name}' do not fit, got ${found.length} bytes for ${dims.join(' × ')}`, `${count * width} bytes`);
  return { name, dims, type, raw: found };
}

/** A tensor whose elements are no view of the file. */
function owned(t: OnnxTensor): OnnxTensor {
  return { ...t, raw: t.raw.slice() };
}

function append(list: number[], more: readonly number[]): void {
  for (const v of more) list.push(v);
}

interface Parts {
  type: number;
  float: number;
  int: number;
  readonly floats: number[];
  readonly ints: number[];
  readonly strings: string[];
  text: string;
  tensor: OnnxTensor | null;
  graph: OnnxGraph | null;
}

function attribute(bytes: Uint8Array, depth: number): [string, OnnxAttribute] {
  let name = '';
  const p: Parts = { type: 0, float: 0, int: 0, floats: [], ints: [], strings: [], text: '', tensor: null, graph: null };
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) name = textOf(field);
    else if (field.number === 2) p.float = floatOf(field);
    else if (field.number === 3) p.int = signed(field);
    else if (field.number === 4) p.text = textOf(field);
    else if (field.number === 5) p.tensor = owned(tensor(bytesOf(field)));
    else if (field.number === 6) p.graph = inner(bytesOf(field), depth + 1);
    else if (field.number === 7) append(p.floats, floatsOf(field));
    else if (field.number === 8) append(p.ints, integersOf(field));
    else if (field.number === 9) p.strings.push(textOf(field));
    else if (field.number === 20) p.type = signed(field);
  }
  return [name, attributeOf(p)];
}

function attributeOf({ type, float, int, text, tensor: value, graph: within, floats, ints, strings }: Parts): OnnxAttribute {
  if (type === 1) return { kind: 'float', value: float };
  if (type === 2) return { kind: 'int', value: int };
  if (type === 3) return { kind: 'string', value: text };
  if (type === 4 && value !== null) return { kind: 'tensor', value };
  if (type === 5 && within !== null) return { kind: 'graph', value: within };
  if (type === 6) return { kind: 'floats', value: floats };
  if (type === 7) return { kind: 'ints', value: ints };
  if (type === 8) return { kind: 'strings', value: strings };
  return { kind: 'other', value: null };
}

/** The graph of an attribute, whose elements are no views of the file. */
function inner(bytes: Uint8Array, depth: number): OnnxGraph {
  if (depth > DEEPEST) throw refuse(`graphs lie too deep in each other, got ${depth} of them`, `at most ${DEEPEST}`);
  const found = graph(bytes, depth);
  return { ...found, initializers: found.initializers.map(owned) };
}

function node(bytes: Uint8Array, depth: number): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  let [name, type, domain] = ['', '', ''];
  const attributes = new Map<string, OnnxAttribute>();
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) inputs.push(textOf(field));
    else if (field.number === 2) outputs.push(textOf(field));
    else if (field.number === 3) name = textOf(field);
    else if (field.number === 4) type = textOf(field);
    else if (field.number === 5) attributes.set(...attribute(bytesOf(field), depth));
    else if (field.number === 7) domain = textOf(field);
  }
  return { name, type, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes };
}

function dim(bytes: Uint8Array): OnnxDim {
  let size: OnnxDim = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) size = signed(field);
    else if (field.number === 2) size = textOf(field);
  }
  return size;
}

/** The fields of one number in a message. */
function all(bytes: Uint8Array, number: number): Field[] {
  return [...fieldsOf(bytes)].filter((field) => field.number === number);
}

function valueInfo(bytes: Uint8Array): OnnxValueInfo {
  let [name, type]: [string, number] = ['', 0];
  let shape: OnnxDim[] | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) name = textOf(field);
    if (field.number !== 2) continue;
    for (const tensorType of all(bytesOf(field), 1)) {
      for (const part of fieldsOf(bytesOf(tensorType))) {
        if (part.number === 1) type = signed(part);
        if (part.number === 2) shape = all(bytesOf(part), 1).map((d) => dim(bytesOf(d)));
      }
    }
  }
  return { name, type, shape };
}

function graph(bytes: Uint8Array, depth: number): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const [inputs, outputs]: [OnnxValueInfo[], OnnxValueInfo[]] = [[], []];
  let name = '';
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) nodes.push(node(bytesOf(field), depth));
    else if (field.number === 2) name = textOf(field);
    else if (field.number === 5) initializers.push(tensor(bytesOf(field)));
    else if (field.number === 11) inputs.push(valueInfo(bytesOf(field)));
    else if (field.number === 12) outputs.push(valueInfo(bytesOf(field)));
    else if (field.number === 15) throw refuse('the graph has sparse tensors, got a sparse initializer', 'dense tensors');
  }
  return { name, nodes, initializers, inputs, outputs };
}

/**
 * Reads a model. Nothing larger than a few times the file is made on the way.
 *
 * @throws StateError for a damaged file, for external data, and for what is no tensor of numbers
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  let [irVersion, opset]: [number, number] = [0, 0];
  let [producer, producerVersion] = ['', ''];
  const domains = new Map<string, number>();
  let found: OnnxGraph | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) irVersion = signed(field);
    else if (field.number === 2) producer = textOf(field);
    else if (field.number === 3) producerVersion = textOf(field);
    else if (field.number === 7) found = graph(bytesOf(field), 0);
    else if (field.number === 8) {
      let [domain, version]: [string, number] = ['', 0];
      for (const part of fieldsOf(bytesOf(field))) {
        if (part.number === 1) domain = textOf(part);
        if (part.number === 2) version = signed(part);
      }
      if (domain === '' || domain === 'ai.onnx') opset = version;
      else domains.set(domain, version);
    }
  }
  if (found === null || opset < 1) throw refuse(`no model, got a file ${found === null ? 'without a graph' : 'without an operator set'}`, 'an ONNX model');
  return { irVersion, producer, producerVersion, opset, domains, graph: found };
}
