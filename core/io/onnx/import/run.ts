import { PolyakError, StateError } from '../../../errors.ts';
import type { Tensor } from '../../../tensor.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from '../model.ts';
import { productOperators } from './conv.ts';
import { detectionOperators } from './detection.ts';
import { indexingOperators } from './indexing.ts';
import { NodeReader, type Operators } from './node.ts';
import { normOperators } from './norm.ts';
import { pointwiseOperators } from './pointwise.ts';
import { poolOperators } from './pool.ts';
import { quantizeOperators } from './quantize.ts';
import { randomOperators } from './random.ts';
import { recurrentOperators } from './recurrent.ts';
import { reduceOperators } from './reduce.ts';
import { resizeOperators } from './resize.ts';
import { shapeOperators } from './shapes.ts';
import { signalOperators } from './signal.ts';

const operators: Operators = {
  ...pointwiseOperators, ...shapeOperators, ...reduceOperators, ...indexingOperators, ...productOperators, ...poolOperators, ...normOperators, ...recurrentOperators, ...resizeOperators,
  ...randomOperators, ...signalOperators, ...quantizeOperators, ...detectionOperators,
};

/** Operators that can be run. */
export const operatorNames: readonly string[] = Object.keys(operators);

/** The newest operator set whose changes are known. */
const NEWEST = 25;

const label = ({ type, name }: OnnxNode): string => `${type}${name === '' ? '' : ` '${name}'`}`;

function checkNames({ nodes, initializers, inputs, outputs }: OnnxGraph): void {
  const known = new Set<string>();
  const add = (name: string, what: string): void => {
    if (known.has(name)) throw new StateError(`importOnnx: a name is given twice, got '${name}' of ${what}; expected distinct names`);
    known.add(name);
  };
  for (const { name } of initializers) add(name, 'an initializer');
  // Before version 4 of the format, initializers are listed among the inputs, too.
  for (const { name } of inputs) if (!known.has(name)) add(name, 'an input');
  for (const node of nodes) {
    const missing = node.inputs.find((name) => name !== '' && !known.has(name));
    if (missing !== undefined) throw new StateError(`importOnnx: ${label(node)} reads a value that no earlier node makes, got '${missing}'; expected nodes in order`);
    for (const name of node.outputs) if (name !== '') add(name, label(node));
  }
  const open = outputs.find(({ name }) => !known.has(name));
  if (open !== undefined) throw new StateError(`importOnnx: an output that no node makes, got '${open.name}'; expected a value of the graph`);
}

/**
 * Refuses a model that cannot be run, before anything runs.
 *
 * @throws StateError for operators or operator sets that are not known, and for a graph that does not fit together
 */
export function checkModel({ opset, graph }: OnnxModel): void {
  if (opset > NEWEST) throw new StateError(`importOnnx: the operator set is too new, got ${opset}; expected at most ${NEWEST}`);
  const unknown = new Set(graph.nodes.filter((node) => node.domain !== '' || !Object.hasOwn(operators, node.type)).map((node) => (node.domain === '' ? node.type : `${node.domain}.${node.type}`)));
  if (unknown.size > 0) throw new StateError(`importOnnx: operators that polyak does not run, got ${[...unknown].sort().join(', ')}; expected others`, { values: { operators: [...unknown] } });
  checkNames(graph);
}

/** The element types that a file states: those of inputs, initializers and constants, by name. */
export function elementTypesOf({ inputs, initializers, nodes }: OnnxGraph): ReadonlyMap<string, number> {
  const types = new Map([...inputs, ...initializers].map(({ name, type }) => [name, type]));
  for (const { type, outputs, attributes } of nodes) {
    const value = type === 'Constant' ? attributes.get('value') : undefined;
    if (value?.kind === 'tensor') types.set(outputs[0], value.value.type);
  }
  return types;
}

/** Runs one node on its inputs, of whose element types the file states some. */
function runNode(node: OnnxNode, opset: number, inputs: readonly (Tensor | null)[], types: readonly number[]): readonly Tensor[] {
  try {
    const made = operators[node.type](new NodeReader(node, opset, inputs, types));
    return Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor];
  } catch (error) {
    if (error instanceof PolyakError && !error.message.includes(node.type)) error.message = `${label(node)}: ${error.message}`;
    throw error;
  }
}

/** How often each value is read, the graph's outputs once more. */
function readsOf({ nodes, outputs }: OnnxGraph): Map<string, number> {
  const reads = new Map<string, number>();
  for (const name of [...nodes.flatMap((node) => node.inputs), ...outputs.map((o) => o.name)]) reads.set(name, (reads.get(name) ?? 0) + 1);
  return reads;
}

/** Runs a graph: its outputs from its inputs and constants, by name, and from what `elementTypesOf` says of them. */
export function runGraph({ opset, graph }: OnnxModel, given: ReadonlyMap<string, Tensor>, types: ReadonlyMap<string, number>): Tensor[] {
  const values = new Map(given);
  const reads = readsOf(graph);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? null : (values.get(name) ?? null)));
    const made = runNode(node, opset, inputs, node.inputs.map((name) => types.get(name) ?? 0));
    node.outputs.forEach((name, i) => {
      if (name === '') return;
      const value = made.at(i);
      if (value === undefined) throw new StateError(`${label(node)}: output ${i} is not made, got it asked for; expected at most ${made.length} outputs`);
      values.set(name, value);
    });
    // What nobody reads any more is let go.
    for (const name of node.inputs) {
      const left = (reads.get(name) ?? 0) - 1;
      reads.set(name, left);
      if (left === 0) values.delete(name);
    }
  }
  return graph.outputs.map(({ name }) => values.get(name) as Tensor);
}
