import { type DType, isFloat, resultType } from '../../../dtype.ts';
import { StateError } from '../../../errors.ts';
import { type GraphStep, type GraphValue, isValue } from '../../../trace/merge.ts';
import type { Size } from '../../../trace/sizes.ts';
import { type Attributes, type GraphBuilder, elementType } from './builder.ts';

/** How a primitive is written: gives the name of its result, or the names of several. */
export type Rule = (s: StepWriter) => string | readonly string[];
/** Rules by the name of the primitive. */
export type Rules = Readonly<Record<string, Rule>>;

/** A step that is being written, with the builder at hand. */
export class StepWriter {
  readonly b: GraphBuilder;
  readonly step: GraphStep;

  constructor(b: GraphBuilder, step: GraphStep) {
    this.b = b;
    this.step = step;
  }

  /** Attributes, of which those that depend on sizes are no numbers. */
  attrs<A>(): A {
    return this.step.attrs as A;
  }

  /** The first result. */
  get out(): GraphValue {
    return this.step.outputs[0];
  }

  /** An input that is a tensor. */
  tensor(i: number): GraphValue {
    const x = this.step.inputs[i];
    if (isValue(x)) return x;
    throw new StateError(`exportOnnx: ${this.step.op} of a number, got ${String(x)}; expected a tensor`);
  }

  /** Whether there is an input and it is a tensor. */
  has(i: number): boolean {
    return i < this.step.inputs.length && isValue(this.step.inputs[i]);
  }

  /** The name of an input that is a tensor. */
  in(i: number): string {
    return this.b.value(this.tensor(i));
  }

  /** The shape of an input. */
  shape(i: number): readonly Size[] {
    return this.tensor(i).shape;
  }

  /** An input as a tensor of a dtype; a number becomes one without dimensions. */
  as(i: number, dtype: DType): string {
    const x = this.step.inputs[i];
    if (typeof x === 'number') return this.b.scalar(x, dtype);
    return isValue(x) ? this.cast(this.b.value(x), x.dtype, dtype) : this.cast(this.node('Squeeze', [this.b.sizes([x])]), 'int64', dtype);
  }

  cast(name: string, from: DType, to: DType): string {
    return from === to ? name : this.b.node('Cast', [name], { to: elementType[to] });
  }

  /** The dtype that all inputs are promoted to. */
  get promoted(): DType {
    const operands = this.step.inputs.map((x) => (!isValue(x) ? Number(typeof x === 'number' ? x : x.seen[0]) : { dtype: x.dtype, shape: x.shape.map(() => 1) }));
    return resultType(...operands);
  }

  node(type: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.b.node(type, inputs, attributes);
  }

  /** The names of several outputs. */
  many(type: string, inputs: readonly string[], attributes: Attributes, count: number): string[] {
    return this.b.many(type, inputs, attributes, count);
  }

  /** A number of the result's dtype. */
  num(value: number): string {
    return this.b.scalar(value, this.out.dtype);
  }

  /** Refuses what the rule does not do. */
  refuse(fact: string, expected: string): StateError {
    const where = this.step.scope === '' ? '' : ` in '${this.step.scope}'`;
    return new StateError(`exportOnnx: ${this.step.op}${where} ${fact}; expected ${expected}`, { values: { op: this.step.op, module: this.step.scope } });
  }

  /** A dtype that ONNX computes in: integers of one byte and truth values go through 32 bits. */
  computing(dtype: DType): DType {
    return isFloat(dtype) || dtype === 'int32' || dtype === 'int64' ? dtype : 'int32';
  }
}
