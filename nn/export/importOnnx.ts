import { isFloat } from '../../core/dtype.ts';
import { ArgumentError, show } from '../../core/errors.ts';
import { type FilePath, withFile } from '../../core/io/files.ts';
import { decodeModel } from '../../core/io/onnx/decode.ts';
import { checkModel, elementTypesOf, runGraph } from '../../core/io/onnx/import/run.ts';
import { tensorOf } from '../../core/io/onnx/import/tensors.ts';
import type { OnnxModel } from '../../core/io/onnx/model.ts';
import { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { Buffer, Parameter } from '../parameter.ts';

/** Initializers that are statistics and no parameters: the last two inputs of batch norm. */
function statisticsOf({ graph }: OnnxModel): Set<string> {
  return new Set(graph.nodes.filter((node) => node.type === 'BatchNormalization').flatMap((node) => node.inputs.slice(3, 5)));
}

type Tree = Map<string, Parameter | Buffer | Tree>;

/** Tensors by the parts of their names, as the modules of the net they come from had them; false where that does not go. */
function place(tree: Tree, name: string, value: Parameter | Buffer): boolean {
  const parts = name.split('.');
  const last = parts.pop() ?? '';
  if (last === '' || parts.includes('')) return false;
  let at = tree;
  for (const part of parts) {
    const below = at.get(part) ?? new Map<string, Parameter | Buffer | Tree>();
    if (!(below instanceof Map)) return false;
    at.set(part, below);
    at = below;
  }
  if (at.has(last)) return false;
  at.set(last, value);
  return true;
}

function treeOf(state: ReadonlyMap<string, Parameter | Buffer>): Tree {
  const tree: Tree = new Map();
  for (const [name, value] of state) {
    let plain = name;
    // Names that are no paths get one part, with underscores.
    while (!place(tree, plain, value)) plain = plain === name ? `_${name.replaceAll('.', '_')}` : `${plain}_`;
  }
  return tree;
}

/**
 * A model read from an ONNX file. Its float initializers are Parameters under their names (statistics of batch norm are Buffers), so that it can be
 * trained on, saved and loaded; integers and constants inside the graph are fixed. It computes what the file says: dropout and batch norm
 * train where their nodes do, whatever the mode of the module.
 */
export class OnnxModule extends Module {
  /** Names of the inputs, in the order of `forward`'s arguments. */
  readonly inputNames: readonly string[];
  /** Names of the outputs, in order. */
  readonly outputNames: readonly string[];
  private readonly model: OnnxModel;
  private readonly state: ReadonlyMap<string, Parameter | Buffer>;
  private readonly tree: Tree;
  private readonly constants: ReadonlyMap<string, Tensor>;
  private readonly elementTypes: ReadonlyMap<string, number>;

  /** @throws StateError for a file that is damaged or holds what polyak does not run */
  constructor(bytes: Uint8Array) {
    super();
    const model = decodeModel(bytes);
    checkModel(model);
    const { graph } = model;
    const statistics = statisticsOf(model);
    const state = new Map<string, Parameter | Buffer>();
    const constants = new Map<string, Tensor>();
    for (const initializer of graph.initializers) {
      const value = tensorOf(initializer);
      if (!isFloat(value.dtype)) constants.set(initializer.name, value);
      else state.set(initializer.name, statistics.has(initializer.name) ? new Buffer(value) : new Parameter(value));
    }
    // The elements are in the tensors now.
    this.model = { ...model, graph: { ...graph, initializers: [] } };
    this.state = state;
    this.tree = treeOf(state);
    this.constants = constants;
    this.elementTypes = elementTypesOf(graph);
    this.inputNames = graph.inputs.map(({ name }) => name).filter((name) => !state.has(name) && !constants.has(name));
    this.outputNames = graph.outputs.map(({ name }) => name);
  }

  override memberEntries(): Iterable<readonly [string, unknown]> {
    return this.tree;
  }

  /**
   * Runs the model.
   *
   * @param inputs - tensors in the order of `inputNames`
   * @returns the output, or an array of them where there are several
   * @throws ArgumentError for another number of inputs; what an operator throws where sizes do not fit
   */
  forward(...inputs: Tensor[]): Tensor | Tensor[] {
    if (inputs.length !== this.inputNames.length || inputs.some((x) => !(x instanceof Tensor))) {
      throw new ArgumentError(`OnnxModule: inputs do not fit, got ${show(inputs)}; expected tensors for ${this.inputNames.join(', ')}`);
    }
    const values = new Map<string, Tensor>([...this.state, ...this.constants]);
    inputs.forEach((x, i) => values.set(this.inputNames[i], x));
    const outputs = runGraph(this.model, values, this.elementTypes);
    return outputs.length === 1 ? outputs[0] : outputs;
  }

  override extraRepr(): string {
    return `${this.inputNames.join(', ')} -> ${this.outputNames.join(', ')}`;
  }
}

/**
 * Reads an ONNX model as a module: what `exportOnnx` writes, and MLPs, CNNs and recurrent nets that other tools write (operator sets up to 25). Float
 * initializers become Parameters under their names.
 *
 *     const model = importOnnx(bytes);
 *     const y = model.forward(x);
 *
 * @param bytes - the whole file
 * @throws StateError for a damaged file, external data, and operators that polyak does not run, which the error names; ArgumentError for what are no bytes
 * @see https://onnx.ai/onnx/operators/
 */
export function importOnnx(bytes: Uint8Array): OnnxModule {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentError(`importOnnx: not bytes, got ${show(bytes)}; expected a Uint8Array`);
  return new OnnxModule(bytes);
}

/**
 * Reads an ONNX file, as `importOnnx` reads its bytes.
 *
 * @throws StateError when the file cannot be read, and as `importOnnx`
 */
export async function loadOnnx(path: FilePath): Promise<OnnxModule> {
  return importOnnx(await withFile('loadOnnx', path, (source) => source.read(0, source.size)));
}
