import { StateError } from '../../../core/errors.ts';
import { type GraphStep, type GraphValue, isValue } from '../../../core/trace/merge.ts';
import { type Size, SymbolicSize, sameSize } from '../../../core/trace/sizes.ts';
import { python } from './python.ts';

/** What the code of a step needs to know of the function it stands in. */
export interface CodeScope {
  /** The name or expression of a value. */
  readonly value: (x: GraphValue) => string;
  /** The name of a variable that holds the size of an axis. */
  readonly axis: (name: string) => string;
  /** Whether anything reads a value. */
  readonly isRead: (x: GraphValue) => boolean;
}

/** A step that is being written as code. */
export class CodeStep {
  readonly step: GraphStep;
  private readonly scope: CodeScope;

  constructor(step: GraphStep, scope: CodeScope) {
    this.step = step;
    this.scope = scope;
  }

  attrs<A>(): A {
    return this.step.attrs as A;
  }

  get out(): GraphValue {
    return this.step.outputs[0];
  }

  /** Whether anything reads an output. */
  wants(i: number): boolean {
    return this.scope.isRead(this.step.outputs[i]);
  }

  /** The device of the first operand that is a tensor. */
  get device(): string {
    return `${this.atom(this.step.inputs.findIndex((x) => isValue(x)))}.device`;
  }

  /** An operand as an argument. */
  in(i: number): string {
    const x = this.step.inputs[i];
    return isValue(x) ? this.scope.value(x) : this.size(x);
  }

  /** An operand beside an operator or a dot. */
  atom(i: number): string {
    const text = this.in(i);
    return /^[\w.[\]]+$/.test(text) || /^[\w.]+\([^()]*\)$/.test(text) ? text : `(${text})`;
  }

  /** A size, or another number, as an expression. */
  size(n: Size): string {
    if (!(n instanceof SymbolicSize)) return python(n);
    if (n.terms === null) throw this.refuse('needs a size that is no polynomial of the dynamic axes');
    return n.terms.map(({ axes, factor }) => [...(factor === 1 && axes.length > 0 ? [] : [String(factor)]), ...axes.map((axis) => this.scope.axis(axis))].join(' * ')).join(' + ');
  }

  /** Sizes as a tuple. */
  sizes(sizes: readonly Size[]): string {
    return sizes.length === 1 ? `(${this.size(sizes[0])},)` : `(${sizes.map((n) => this.size(n)).join(', ')})`;
  }

  /** The sizes of a reshape, of which one may follow from the others. */
  reshapeSizes(): string {
    const { shape } = this.out;
    const x = this.step.inputs[0] as GraphValue;
    const open = shape.filter((n) => typeof n !== 'number');
    if (open.length === 1) return shape.map((n) => (typeof n === 'number' ? n : -1)).join(', ') || '()';
    return shape.map((n, d) => (typeof n !== 'number' && d < x.shape.length && sameSize(n, x.shape[d]) ? `${this.atom(0)}.shape[${d}]` : this.size(n))).join(', ') || '()';
  }

  /** Says what cannot be written. */
  refuse(fact: string): StateError {
    const where = this.step.scope === '' ? '' : ` in '${this.step.scope}'`;
    return new StateError(`exportTorch: ${this.step.op}${where} ${fact}, got it in forward; expected layers, or operations that PyTorch has`, { values: { op: this.step.op, module: this.step.scope } });
  }
}
