import type { DType } from '../../dtype.ts';
import type { Expr } from '../../expr.ts';
import type { Operand } from '../../tape.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { Choices } from './pointwiseChoice.ts';
import { hasOwnPower, isVectorizable } from '../wasm/pointwise-graph.ts';
import { type Access, type Element, type PointwiseSpec, type Target, flatKernel, planeKernel } from '../wasm/pointwise.ts';

// How a kernel is asked for, as one number: two bits for what is written, then four bits for each operand.

const targets: readonly Target[] = ['float32', 'bool', 'int32', 'uint8'];
const elements: readonly Element[] = ['float32', 'int32', 'uint8'];

/** What is written, as a number; -1 for what kernels do not write. */
export function targetOf(dtype: DType): number {
  switch (dtype) {
    case 'float32': return 0;
    case 'bool': return 1;
    case 'int32':
    case 'int64': return 2;
    case 'uint8': return 3;
    case 'float64': return -1;
  }
}

/** Targets from this one on are integers. */
export const TARGET_BOOL = 1;
export const TARGET_INT = 2;

/** What an operand's elements are, as a number; -1 for what kernels do not read. */
export function elementOf(dtype: DType): number {
  switch (dtype) {
    case 'float32': return 0;
    case 'int32':
    case 'int64': return 1;
    case 'uint8':
    case 'bool': return 2;
    case 'float64': return -1;
  }
}

/** The element that int32 and int64 have in memory. */
export const ELEMENT_INT = 1;

/** How an operand is read: three ways for each kind of element, or a number. */
export const VECTOR = 0;
export const SPLAT = 1;
export const STEP = 2;
export const NUMBER = 9;

const ways: readonly Access['by'][] = ['vector', 'splat', 'step'];

/** Operand `i` with elements of a kind, read in one of the ways. */
export const operandMode = (i: number, element: number, way: number): number => (3 * element + way) << (2 + 4 * i);
/** Operand `i` as a number. */
export const numberMode = (i: number): number => NUMBER << (2 + 4 * i);

function specOf(expr: Expr, mode: number, operands: number): PointwiseSpec {
  return {
    expr,
    target: targets[mode & 3],
    operands: Array.from({ length: operands }, (_, i): Access => {
      const code = (mode >> (2 + 4 * i)) & 15;
      return code === NUMBER ? { from: 'float32', by: 'number' } : { from: elements[Math.floor(code / 3)], by: ways[code % 3] };
    }),
  };
}

/** The number of the operand that a power of the expression has as its exponent; -1 without one. */
function exponentIn({ fn, args }: Expr): number {
  if (fn === 'pow' && args[1].fn === 'arg') return args[1].value;
  return args.reduce((found, x) => (found >= 0 ? found : exponentIn(x)), -1);
}

/** The expression with a constant in the place of an exponent. */
function withExponent(expr: Expr, operand: number, value: number): Expr {
  const args = expr.args.map((x, i): Expr =>
    expr.fn === 'pow' && i === 1 && x.fn === 'arg' && x.value === operand ? { fn: 'const', args: [], value } : withExponent(x, operand, value),
  );
  return { ...expr, args };
}

/** The argument of expressions that is the kernel's own number. */
const NUMBER_ARGUMENT = 3;
const numbers = [0];

/** An expression and the kernels that were needed for it so far. */
export class Program {
  readonly expr: Expr;
  /** Whether there are kernels for it at all. */
  readonly vectorizable: boolean;
  /** The operand that is copied as it is, where that is all the expression does; else -1. */
  readonly copies: number;
  /** The operand that is an exponent, or -1. */
  private readonly exponent: number;
  private readonly flat = new Map<number, WasmKernel>();
  private readonly plane = new Map<number, WasmKernel>();
  private readonly special = new Map<number, Program>();
  private readonly choices: Choices;
  private lastMode = -1;
  private lastKernel: WasmKernel | null = null;

  constructor(expr: Expr) {
    this.expr = expr;
    this.vectorizable = isVectorizable(expr);
    this.copies = expr.fn === 'arg' ? expr.value : -1;
    this.exponent = exponentIn(expr);
    this.choices = new Choices([expr], NUMBER_ARGUMENT);
  }

  /** The program for these very numbers: an exponent for which products and roots do, and conditions that `w` alone decides. */
  specialized(inputs: readonly Operand[], w: number): Program {
    if (this.exponent >= 0) return this.withExponent(inputs[this.exponent]);
    const { decide } = this.choices;
    if (decide === null) return this;
    numbers[0] = w;
    const bits = decide(numbers);
    let program = this.special.get(bits);
    if (program === undefined) this.special.set(bits, (program = new Program(this.choices.chosen(this.expr, bits))));
    return program;
  }

  private withExponent(exponent: Operand | undefined): Program {
    if (typeof exponent !== 'number' || !hasOwnPower(exponent)) return this;
    let program = this.special.get(exponent);
    if (program === undefined) this.special.set(exponent, (program = new Program(withExponent(this.expr, this.exponent, exponent))));
    return program;
  }

  /** The kernel for elements side by side. */
  flatKernel(mode: number, operands: number): WasmKernel {
    if (mode === this.lastMode && this.lastKernel !== null) return this.lastKernel;
    let kernel = this.flat.get(mode);
    if (kernel === undefined) this.flat.set(mode, (kernel = flatKernel(specOf(this.expr, mode, operands))));
    this.lastMode = mode;
    this.lastKernel = kernel;
    return kernel;
  }

  /** The kernel for rows. */
  planeKernel(mode: number, operands: number): WasmKernel {
    let kernel = this.plane.get(mode);
    if (kernel === undefined) this.plane.set(mode, (kernel = planeKernel(specOf(this.expr, mode, operands))));
    return kernel;
  }
}
