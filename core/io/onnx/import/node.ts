import { StateError, show } from '../../../errors.ts';
import { tensor } from '../../../ops/creation.ts';
import type { Tensor } from '../../../tensor.ts';
import { untraced } from '../../../tracing.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../model.ts';

/** What an operator gives: a tensor for each output. */
export type Operator = (n: NodeReader) => Tensor | readonly Tensor[];
/** Operators by type. */
export type Operators = Readonly<Record<string, Operator>>;

/** A graph in an attribute, to be run on its inputs. */
export interface Body {
  readonly graph: OnnxGraph;
  readonly run: (inputs: readonly Tensor[]) => Tensor[];
}

/** Elements that one operator may make. */
const MOST = 2 ** 31;

/** An operation that runs: its inputs and attributes. */
export class NodeReader {
  readonly node: OnnxNode;
  readonly opset: number;
  private readonly values: readonly (Tensor | null)[];
  private readonly types: readonly number[];
  private readonly runWithin: (graph: OnnxGraph, inputs: readonly Tensor[]) => Tensor[];

  /** @param runWithin - runs a graph that reads the values around the node */
  constructor(node: OnnxNode, opset: number, values: readonly (Tensor | null)[], types: readonly number[], runWithin: (graph: OnnxGraph, inputs: readonly Tensor[]) => Tensor[]) {
    this.node = node;
    this.runWithin = runWithin;
    this.opset = opset;
    this.values = values;
    this.types = types;
  }

  /** Number of inputs, optional ones that are left out included. */
  get count(): number {
    return this.values.length;
  }

  /** An input that must be there. */
  in(i: number): Tensor {
    return this.values.at(i) ?? this.missing(i);
  }

  private missing(i: number): never {
    throw this.fault(`input ${i} is missing, got ${this.values.length} inputs`, 'an input');
  }

  /** An input, or null. */
  maybe(i: number): Tensor | null {
    return i < this.values.length ? this.values[i] : null;
  }

  /** The element type that the file states for an input, which a dtype may hold with others; 0 where it states none. */
  elementType(i: number): number {
    return this.types[i] ?? 0;
  }

  /** All inputs. */
  get all(): Tensor[] {
    return this.values.map((x, i) => x ?? this.missing(i));
  }

  int(name: string, fallback: number): number {
    const a = this.node.attributes.get(name);
    if (a === undefined) return fallback;
    if (a.kind !== 'int') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'an integer');
    return a.value;
  }

  float(name: string, fallback: number): number {
    const a = this.node.attributes.get(name);
    if (a === undefined) return fallback;
    if (a.kind !== 'float') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'a float');
    return a.value;
  }

  text(name: string, fallback: string): string {
    const a = this.node.attributes.get(name);
    if (a === undefined) return fallback;
    if (a.kind !== 'string') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'a string');
    return a.value;
  }

  ints(name: string): readonly number[] | null {
    const a = this.node.attributes.get(name);
    if (a === undefined) return null;
    if (a.kind !== 'ints') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'integers');
    return a.value;
  }

  floats(name: string): readonly number[] | null {
    const a = this.node.attributes.get(name);
    if (a === undefined) return null;
    if (a.kind !== 'floats') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'floats');
    return a.value;
  }

  strings(name: string): readonly string[] | null {
    const a = this.node.attributes.get(name);
    if (a === undefined) return null;
    if (a.kind !== 'strings') throw this.fault(`attribute ${name} is of another kind, got ${a.kind}`, 'strings');
    return a.value;
  }

  constant(name: string): OnnxTensor | null {
    const a = this.node.attributes.get(name);
    return a?.kind === 'tensor' ? a.value : null;
  }

  /** A graph that must be there. */
  body(name: string): Body {
    const a = this.node.attributes.get(name);
    if (a?.kind !== 'graph') throw this.fault(`attribute ${name} is no graph, got ${a?.kind ?? 'none'}`, 'a graph');
    return { graph: a.value, run: (inputs) => this.runWithin(a.value, inputs) };
  }

  /** Whether an attribute is there. */
  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  /** The elements of an input that says how to go on: sizes, axes, bounds. */
  numbers(i: number): number[] | null {
    const x = this.maybe(i);
    return x === null ? null : Array.from(x.data());
  }

  /** Numbers that are an attribute in early operator sets and an input later. */
  either(name: string, input: number): readonly number[] | null {
    return this.ints(name) ?? this.numbers(input);
  }

  /** Whether output `i` is asked for. */
  wants(i: number): boolean {
    return (this.node.outputs[i] ?? '') !== '';
  }

  /** An axis as a number from 0. */
  axis(axis: number, rank: number): number {
    if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1)) throw this.fault(`no such axis, got ${axis}`, `${-rank} to ${rank - 1}`);
    return axis < 0 ? axis + rank : axis;
  }

  axes(axes: readonly number[], rank: number): number[] {
    return axes.map((a) => this.axis(a, rank));
  }

  /** Refuses sizes that are none, or more than fits. */
  shape(shape: readonly number[]): readonly number[] {
    if (shape.some((n) => !Number.isInteger(n) || n < 0) || shape.reduce((a, b) => a * b, 1) > MOST) throw this.fault(`not a shape, got ${show(shape)}`, 'sizes ≥ 0 of fewer than 2^31 elements');
    return shape;
  }

  /** What is wrong, with the place. */
  fault(fact: string, expected: string): StateError {
    const { type, name } = this.node;
    return new StateError(`${type}${name === '' ? '' : ` '${name}'`}: ${fact}; expected ${expected}`);
  }
}

/** Integers as a tensor. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return untraced(() => tensor(Int32Array.from(values), { dtype: 'int64' }).reshape(shape));
}
