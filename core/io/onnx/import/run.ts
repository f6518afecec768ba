import { PolyakError, StateError } from '../../../errors.ts';
import type { Tensor } from '../../../tensor.ts';
import { type OnnxGraph, type OnnxModel, type OnnxNode, graphsOf } from '../model.ts';
import { controlOperators } from './control.ts';
import { productOperators } from './conv.ts';
import { detectionOperators } from './detection.ts';
import { indexingOperators } from './indexing.ts';
import { NodeReader, type Operators } from './node.ts';
import { normOperators } from './norm.ts';
import { pointwiseOperators } from './pointwise.ts';
import { poolOperators } from './pool.ts';
import { quantizeOperators } from './quantize.ts';
import { quantizedProductOperators } from './quantizedProducts.ts';
import { randomOperators } from './random.ts';
import { recurrentOperators } from './recurrent.ts';
import { reduceOperators } from './reduce.ts';
import { resizeOperators } from './resize.ts';
import { shapeOperators } from './shapes.ts';
import { signalOperators } from './signal.ts';
import { tensorOf } from './tensors.ts';

const operators: Operators = {
  ...pointwiseOperators, ...shapeOperators, ...reduceOperators, ...indexingOperators, ...productOperators, ...poolOperators, ...normOperators, ...recurrentOperators, ...resizeOperators,
  ...randomOperators, ...signalOperators, ...quantizeOperators, ...quantizedProductOperators, ...detectionOperators, ...controlOperators,
};

/** Operators that can be run. */
export const operatorNames: readonly string[] = Object.keys(operators);

/** The newest operator set whose changes are known. */
const NEWEST = 25;

const label = ({ type, name }: OnnxNode): string => `${type}${name === '' ? '' : ` '${name}'`}`;

function checkNames({ nodes, initializers, inputs, outputs }: OnnxGraph, around: ReadonlySet<string>): void {
  const known = new Set(around);
  const add = (name: string, what: string): void => {
    if (known.has(name)) throw new StateError(`importOnnx: a name is given twice, got '${name}' of ${what}; expected distinct names`);
    known.add(name);
  };
  for (const { name } of initializers) add(name, 'an initializer');
  // Before version 4 of the format, initializers are listed among the inputs, too.
  const own = new Set(initializers.map(({ name }) => name));
  for (const { name } of inputs) if (!own.has(name)) add(name, 'an input');
  for (const node of nodes) {
    const missing = node.inputs.find((name) => name !== '' && !known.has(name));
    if (missing !== undefined) throw new StateError(`importOnnx: ${label(node)} reads a value that no earlier node makes, got '${missing}'; expected nodes in order`);
    for (const graph of graphsOf(node)) checkNames(graph, known);
    for (const name of node.outputs) if (name !== '') add(name, label(node));
  }
  const open = outputs.find(({ name }) => !known.has(name));
  if (open !== undefined) throw new StateError(`importOnnx: an output that no node makes, got '${open.name}'; expected a value of the graph`);
}

/** All nodes, those of graphs within nodes included. */
function nodesOf({ nodes }: OnnxGraph): OnnxNode[] {
  return nodes.flatMap((node) => [node, ...graphsOf(node).flatMap(nodesOf)]);
}

/**
 * Refuses a model that cannot be run, before anything runs.
 *
 * @throws StateError for operators or operator sets that are not known, and for a graph that does not fit together
 */
export function checkModel({ opset, graph }: OnnxModel): void {
  if (opset > NEWEST) throw new StateError(`importOnnx: the operator set is too new, got ${opset}; expected at most ${NEWEST}`);
  const unknown = new Set(nodesOf(graph).filter((node) => node.domain !== '' || !Object.hasOwn(operators, node.type)).map((node) => (node.domain === '' ? node.type : `${node.domain}.${node.type}`)));
  if (unknown.size > 0) throw new StateError(`importOnnx: operators that polyak does not run, got ${[...unknown].sort().join(', ')}; expected others`, { values: { operators: [...unknown] } });
  checkNames(graph, new Set());
}

/** The element types that a file states: those of inputs, initializers and constants, by name. Names are distinct across graphs that see each other. */
export function elementTypesOf({ inputs, initializers, nodes }: OnnxGraph): ReadonlyMap<string, number> {
  const types = new Map([...inputs, ...initializers].map(({ name, type }) => [name, type]));
  for (const node of nodes) {
    const value = node.type === 'Constant' ? node.attributes.get('value') : undefined;
    if (value?.kind === 'tensor') types.set(node.outputs[0], value.value.type);
    for (const graph of graphsOf(node)) for (const [name, type] of elementTypesOf(graph)) types.set(name, type);
  }
  return types;
}

/** What a graph needs to be run: made once for each. */
interface Plan {
  /** The names that each node reads, those that graphs within it read included. */
  readonly reads: readonly (readonly string[])[];
  /** How often each of them is read, the graph's outputs once more. */
  readonly counts: ReadonlyMap<string, number>;
  /** Initializers as tensors. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Names of the inputs without those of initializers. */
  readonly inputs: readonly string[];
}

const plans = new WeakMap<OnnxGraph, Plan>();

function planOf(graph: OnnxGraph): Plan {
  const known = plans.get(graph);
  if (known !== undefined) return known;
  const constants = new Map(graph.initializers.map((t) => [t.name, tensorOf(t)]));
  const reads = graph.nodes.map((node) => [...node.inputs, ...graphsOf(node).flatMap((inner) => [...planOf(inner).counts.keys()])]);
  const counts = new Map<string, number>();
  for (const name of [...reads.flat(), ...graph.outputs.map((o) => o.name)]) counts.set(name, (counts.get(name) ?? 0) + 1);
  const plan = { reads, counts, constants, inputs: graph.inputs.map(({ name }) => name).filter((name) => !constants.has(name)) };
  plans.set(graph, plan);
  return plan;
}

/** A value by name. */
type Lookup = (name: string) => Tensor | undefined;

/** Runs graphs of one model. */
class Runner {
  private readonly opset: number;
  private readonly types: ReadonlyMap<string, number>;

  constructor(opset: number, types: ReadonlyMap<string, number>) {
    this.opset = opset;
    this.types = types;
  }

  /** The outputs of a graph, from values of its own, which are let go on the way, and from those around it. */
  run(graph: OnnxGraph, values: Map<string, Tensor>, around: Lookup): Tensor[] {
    const { reads, counts } = planOf(graph);
    const left = new Map(counts);
    const find: Lookup = (name) => values.get(name) ?? around(name);
    graph.nodes.forEach((node, at) => {
      const made = this.runNode(node, find);
      node.outputs.forEach((name, i) => {
        if (name === '') return;
        const value = made.at(i);
        if (value === undefined) throw new StateError(`${label(node)}: output ${i} is not made, got it asked for; expected at most ${made.length} outputs`);
        values.set(name, value);
      });
      // What nobody reads any more is let go.
      for (const name of reads[at]) {
        const more = (left.get(name) ?? 0) - 1;
        left.set(name, more);
        if (more === 0) values.delete(name);
      }
    });
    return graph.outputs.map(({ name }) => find(name) as Tensor);
  }

  /** Runs one node on its inputs, of whose element types the file states some. */
  private runNode(node: OnnxNode, find: Lookup): readonly Tensor[] {
    const inputs = node.inputs.map((name) => (name === '' ? null : (find(name) ?? null)));
    const types = node.inputs.map((name) => this.types.get(name) ?? 0);
    try {
      const made = operators[node.type](new NodeReader(node, this.opset, inputs, types, (graph, given) => this.runWithin(node, graph, given, find)));
      return Array.isArray(made) ? (made as readonly Tensor[]) : [made as Tensor];
    } catch (error) {
      if (error instanceof PolyakError && !error.message.includes(node.type)) error.message = `${label(node)}: ${error.message}`;
      throw error;
    }
  }

  /** Runs a graph of a node's attributes on its inputs. */
  private runWithin(node: OnnxNode, graph: OnnxGraph, given: readonly Tensor[], around: Lookup): Tensor[] {
    const { inputs, constants } = planOf(graph);
    if (given.length !== inputs.length) throw new StateError(`${label(node)}: the graph within takes other inputs, got ${given.length} for ${inputs.join(', ') || 'none'}; expected ${inputs.length}`);
    const values = new Map(constants);
    given.forEach((x, i) => values.set(inputs[i], x));
    return this.run(graph, values, around);
  }
}

/** Runs a model: its outputs from its inputs and constants, by name, and from what `elementTypesOf` says of them. */
export function runGraph({ opset, graph }: OnnxModel, given: ReadonlyMap<string, Tensor>, types: ReadonlyMap<string, number>): Tensor[] {
  return new Runner(opset, types).run(graph, new Map(given), () => undefined);
}
