import { StateError } from '../../../errors.ts';
import type { Graph, GraphStep } from '../../../trace/merge.ts';
import { SymbolicSize } from '../../../trace/sizes.ts';
import type { OnnxDim, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from '../model.ts';
import { GraphBuilder, elementType } from './builder.ts';
import { writeFormula } from './formula.ts';
import { convRules } from './rules/conv.ts';
import { indexingRules } from './rules/indexing.ts';
import { lossRules } from './rules/loss.ts';
import { matrixRules } from './rules/matrix.ts';
import { normRules } from './rules/norm.ts';
import { pointwiseRules } from './rules/pointwise.ts';
import { poolRules } from './rules/pool.ts';
import { recurrentRules } from './rules/recurrent.ts';
import { reduceRules } from './rules/reduce.ts';
import { viewRules } from './rules/views.ts';
import { type Rules, StepWriter } from './step.ts';

const rules: Rules = {
  ...pointwiseRules, ...viewRules, ...reduceRules, ...matrixRules, ...convRules, ...poolRules, ...normRules, ...indexingRules, ...recurrentRules, ...lossRules,
};

/** The version of the file format that came with an operator set. */
const irVersions: Readonly<Record<number, number>> = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10 };

/** Operator sets that can be written. */
export const opsets: readonly number[] = Object.keys(irVersions).map(Number);

function write(b: GraphBuilder, step: GraphStep): void {
  b.scope = step.scope;
  const s = new StepWriter(b, step);
  const rule = Object.hasOwn(rules, step.op) ? rules[step.op] : undefined;
  const made = rule === undefined ? writeFormula(s) : rule(s);
  if (made === undefined) throw s.refuse('has no form in ONNX, got a model that uses it', 'an operation that ONNX has');
  [made].flat().forEach((name, i) => b.define(step.outputs[i], name));
}

/** The nodes that the outputs need, in order. */
function needed(nodes: readonly OnnxNode[], outputs: Iterable<string>): OnnxNode[] {
  const wanted = new Set(outputs);
  return nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    for (const name of node.inputs) wanted.add(name);
    return true;
  }).reverse();
}

/** Operators whose outputs behind the first are optional. */
const optionalOutputs: readonly string[] = ['MaxPool', 'LSTM', 'GRU', 'RNN', 'SoftmaxCrossEntropyLoss'];

/** Optional outputs at the end that nobody reads are left out. */
function withoutUnread(nodes: readonly OnnxNode[], outputs: Iterable<string>): OnnxNode[] {
  const read = new Set([...outputs, ...nodes.flatMap((node) => node.inputs)]);
  return nodes.map((node) => ({ ...node, outputs: !optionalOutputs.includes(node.type) ? node.outputs : node.outputs.slice(0, node.outputs.findLastIndex((name) => read.has(name)) + 1) }));
}

/** What a graph is written with. */
export interface WriteOptions {
  readonly opset: number;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly name: string;
  readonly producerVersion: string;
}

/**
 * A graph in ONNX.
 *
 * @throws StateError for a primitive that ONNX lacks, naming it and the module it is in
 */
export function writeGraph(graph: Graph, { opset, inputNames, outputNames, name, producerVersion }: WriteOptions): OnnxModel {
  const axes = new Map<string, readonly [string, number]>();
  graph.inputs.forEach((x, i) => x.shape.forEach((n, d) => {
    if (n instanceof SymbolicSize && n.axis !== null && !axes.has(n.axis)) axes.set(n.axis, [inputNames[i], d]);
  }));
  const b = new GraphBuilder(opset, axes);
  for (const taken of [...inputNames, ...outputNames]) {
    if (b.unique(taken) !== taken) throw new StateError(`exportOnnx: a name is taken twice, got '${taken}'; expected distinct names of inputs and outputs`);
  }
  graph.inputs.forEach((x, i) => b.define(x, inputNames[i]));
  for (const step of graph.steps) write(b, step);
  b.scope = '';
  const ends: OnnxNode[] = graph.outputs.map((y, i) => ({ name: outputNames[i], type: 'Identity', domain: '', inputs: [b.value(y)], outputs: [outputNames[i]], attributes: new Map() }));
  const nodes = joined(withoutUnread(needed([...b.nodes, ...ends], outputNames), outputNames), outputNames);
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const initializers: OnnxTensor[] = b.initializers.filter((t) => read.has(t.name));
  const info = (value: Graph['inputs'][number], label: string): OnnxValueInfo => ({ name: label, type: elementType[value.dtype], shape: value.shape.map(dimOf) });
  return {
    irVersion: irVersions[opset],
    producer: 'polyak',
    producerVersion,
    opset,
    domains: new Map(),
    graph: { name, nodes, initializers, inputs: graph.inputs.map((x, i) => info(x, inputNames[i])), outputs: graph.outputs.map((y, i) => info(y, outputNames[i])) },
  };
}

function dimOf(n: number | SymbolicSize): OnnxDim {
  return typeof n === 'number' ? n : n.terms === null ? null : n.toString();
}

/** The node that makes an output takes its name, where nothing else reads it under its own. */
function joined(nodes: readonly OnnxNode[], ends: readonly string[]): OnnxNode[] {
  const readers = new Map<string, number>();
  for (const name of nodes.flatMap((node) => node.inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  const makers = new Set(nodes.flatMap((node) => (node.type === 'Constant' ? [] : node.outputs)));
  const renamed = new Map<string, string>();
  for (const { type, inputs, outputs } of nodes) {
    if (type === 'Identity' && ends.includes(outputs[0]) && readers.get(inputs[0]) === 1 && makers.has(inputs[0])) renamed.set(inputs[0], outputs[0]);
  }
  return nodes.filter(({ type, inputs, outputs }) => type !== 'Identity' || renamed.get(inputs[0]) !== outputs[0]).map((node) => ({ ...node, outputs: node.outputs.map((name) => renamed.get(name) ?? name) }));
}
