import { type DType, type Module, Tensor, noGrad } from '../../../index.ts';
import { encodeModel } from '../../../core/io/onnx/encode.ts';
import { type OnnxAttribute, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor, elementTypes, int64Tensor } from '../../../core/io/onnx/model.ts';
import { type OnnxModule, importOnnx } from '../../../nn/index.ts';

// Models of one node, to try operators on.

/** An attribute; lists are of integers. */
export type Value = number | string | readonly number[] | { readonly float: number } | OnnxGraph;

/** An input: a tensor that is given when the model runs, integers or a tensor of the file, or null for one that is left out. */
export type Input = Tensor | readonly number[] | OnnxTensor | null;

const types: Readonly<Record<DType, number>> = {
  float32: elementTypes.FLOAT, float64: elementTypes.DOUBLE, int32: elementTypes.INT32, int64: elementTypes.INT64, uint8: elementTypes.UINT8, bool: elementTypes.BOOL,
};

function attributeOf(v: Value): OnnxAttribute {
  if (typeof v === 'number') return { kind: 'int', value: v };
  if (typeof v === 'string') return { kind: 'string', value: v };
  if ('nodes' in v) return { kind: 'graph', value: v };
  return 'float' in v ? { kind: 'float', value: v.float } : { kind: 'ints', value: v };
}

const constantOf = (x: readonly number[] | OnnxTensor): OnnxTensor => ('raw' in x ? x : int64Tensor(x));

/** What a model gives, without gradients. */
export const run = (model: Module, ...inputs: Tensor[]): Tensor[] => [noGrad(() => model.forward(...(inputs as never[])))].flat() as Tensor[];

/** A model of one node. */
export function modelOf(type: string, inputs: readonly Input[], attributes: Readonly<Record<string, Value>> = {}, opset = 17, outputs = 1): OnnxModule {
  const names = inputs.map((x, i) => (x === null ? '' : x instanceof Tensor ? `x${i}` : `c${i}`));
  const node: OnnxNode = { name: '', type, domain: '', inputs: names, outputs: Array.from({ length: outputs }, (_, i) => `y${i}`), attributes: new Map(Object.entries(attributes).map(([k, v]) => [k, attributeOf(v)])) };
  const info = (name: string, x: Input = null) => ({ name, type: x instanceof Tensor ? types[x.dtype] : elementTypes.FLOAT, shape: null });
  const model: OnnxModel = {
    irVersion: 8, producer: '', producerVersion: '', opset, domains: new Map(),
    graph: {
      name: 'one', nodes: [node], outputs: node.outputs.map((name) => info(name)),
      initializers: inputs.flatMap((x, i) => (x === null || x instanceof Tensor ? [] : [{ ...constantOf(x), name: `c${i}` }])),
      inputs: inputs.flatMap((x, i) => (x instanceof Tensor ? [info(`x${i}`, x)] : [])),
    },
  };
  return importOnnx(encodeModel(model));
}

/** What one node makes. */
export function single(type: string, inputs: readonly Input[], attributes: Readonly<Record<string, Value>> = {}, opset = 17, outputs = 1): Tensor[] {
  return run(modelOf(type, inputs, attributes, opset, outputs), ...inputs.filter((x): x is Tensor => x instanceof Tensor));
}
