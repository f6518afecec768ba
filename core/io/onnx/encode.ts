import { StateError } from '../../errors.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from './model.ts';
import { MessageWriter } from './wire.ts';

/** A protocol buffer holds at most 2 GB. */
const LIMIT = 2 ** 31 - 1;

function tensor({ name, dims, type, raw }: OnnxTensor): MessageWriter {
  const out = new MessageWriter();
  if (dims.length > 0) out.packed(1, dims);
  out.int(2, type);
  if (name !== '') out.text(8, name);
  return out.bytes(9, raw);
}

const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8, other: 0 } as const;

function attribute(name: string, a: OnnxAttribute): MessageWriter {
  const out = new MessageWriter().text(1, name);
  if (a.kind === 'float') out.float(2, a.value);
  else if (a.kind === 'int') out.int(3, a.value);
  else if (a.kind === 'string') out.text(4, a.value);
  else if (a.kind === 'tensor') out.message(5, tensor(a.value));
  else if (a.kind === 'graph') out.message(6, graph(a.value));
  else if (a.kind === 'floats') out.floats(7, a.value);
  else if (a.kind === 'ints') out.packed(8, a.value);
  else if (a.kind === 'strings') for (const text of a.value) out.text(9, text);
  return out.int(20, attributeTypes[a.kind]);
}

function node({ name, type, domain, inputs, outputs, attributes }: OnnxNode): MessageWriter {
  const out = new MessageWriter();
  for (const input of inputs) out.text(1, input);
  for (const output of outputs) out.text(2, output);
  out.text(3, name).text(4, type);
  for (const [key, value] of attributes) out.message(5, attribute(key, value));
  if (domain !== '') out.text(7, domain);
  return out;
}

function valueInfo({ name, type, shape }: OnnxValueInfo): MessageWriter {
  const tensorType = new MessageWriter().int(1, type);
  if (shape !== null) {
    const dims = new MessageWriter();
    for (const dim of shape) {
      const size = new MessageWriter();
      if (typeof dim === 'number') size.int(1, dim);
      else if (dim !== null) size.text(2, dim);
      dims.message(1, size);
    }
    tensorType.message(2, dims);
  }
  return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, tensorType));
}

function graph({ name, nodes, initializers, inputs, outputs }: OnnxGraph): MessageWriter {
  const out = new MessageWriter();
  for (const n of nodes) out.message(1, node(n));
  out.text(2, name);
  for (const t of initializers) out.message(5, tensor(t));
  for (const v of inputs) out.message(11, valueInfo(v));
  for (const v of outputs) out.message(12, valueInfo(v));
  return out;
}

/**
 * The bytes of a model; the same model gives the same bytes.
 *
 * @throws StateError for more than 2 GB
 */
export function encodeModel({ irVersion, producer, producerVersion, opset, domains, graph: g }: OnnxModel): Uint8Array {
  const elements = g.initializers.reduce((n, t) => n + t.raw.length, 0);
  if (elements > LIMIT) throw tooLarge(elements);
  const out = new MessageWriter().int(1, irVersion).text(2, producer).text(3, producerVersion).message(7, graph(g));
  for (const [domain, version] of [['', opset] as const, ...domains]) {
    const set = new MessageWriter();
    if (domain !== '') set.text(1, domain);
    out.message(8, set.int(2, version));
  }
  if (out.length > LIMIT) throw tooLarge(out.length);
  return out.finish();
}

function tooLarge(bytes: number): StateError {
  return new StateError(`onnx: the model does not fit into one file, got ${bytes} bytes; expected at most ${LIMIT}`, {
    hint: 'external data is not written; export parts of the model, or save its state as safetensors',
  });
}
