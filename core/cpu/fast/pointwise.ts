import type { Expr } from '../../expr.ts';
import { broadcastStrides } from '../../shape.ts';
import type { Operand } from '../../tape.ts';
import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts, threadCount } from '../threads/threads.ts';
import type { CpuStorage } from '../memory/storage.ts';
import type { WasmKernel } from '../wasm/kernel.ts';
import { copyFlat, copyStrided } from './copy.ts';
import { runMatrix, runPlanes } from './pointwisePlane.ts';
import { ELEMENT_INT, NUMBER, Program, SPLAT, TARGET_BOOL, TARGET_INT, VECTOR, elementOf, numberMode, operandMode, targetOf } from './pointwiseProgram.ts';

/** Elements from which a call is worth splitting over threads. */
const WORTH_SPLITTING = 65_536;

/** Number of elements of a tensor without gaps; -1 where there are gaps. */
function lengthOf({ shape, strides }: Tensor): number {
  let n = 1;
  let gapless = true;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d];
    if (size !== 1 && strides[d] !== n) gapless = false;
    n *= size;
  }
  return gapless || n === 0 ? n : -1;
}

/** Whether elements of the same index lie in the same order. */
function isLike(x: Tensor, out: Tensor): boolean {
  const { shape, strides } = x;
  const rank = shape.length;
  if (rank !== out.shape.length) return false;
  for (let d = 0; d < rank; d++) if (shape[d] !== out.shape[d] || (strides[d] !== out.strides[d] && shape[d] !== 1)) return false;
  return true;
}

function isSingle({ shape }: Tensor): boolean {
  for (let d = 0; d < shape.length; d++) if (shape[d] !== 1) return false;
  return true;
}

/** Expressions of one operation that get kernels. An attribute that keeps changing would have a module compiled for each of its values. */
const MOST_PROGRAMS = 64;

const SECOND_NUMBER = numberMode(1);

/** Addresses and numbers of the operands of the call at hand. */
const at = new Float64Array(3);

/**
 * The kernel of a pointwise expression: float32 results of float32, integer and bool operands, bool results of float32 and bool operands, and
 * copies that convert. Parameters as for the reference, `pointwiseKernel`.
 */
export function fastPointwise<A>(keyOf: (attrs: A) => string, exprOf: (attrs: A) => Expr, numberOf?: (attrs: A) => number): FastKernel<A> {
  const programs = new Map<string, Program>();
  let last: Program | null = null;
  let lastAttrs: A | undefined;
  const find = (attrs: A): Program | null => {
    // Attributes that are objects may be others behind the same reference.
    if (last !== null && attrs === lastAttrs && typeof attrs !== 'object') return last;
    const key = keyOf(attrs);
    let program = programs.get(key);
    if (program === undefined) {
      if (programs.size === MOST_PROGRAMS) return null;
      program = new Program(exprOf(attrs));
      programs.set(key, program);
    }
    last = program;
    lastAttrs = attrs;
    return program;
  };
  return (outputs, inputs, attrs) => {
    const program = find(attrs);
    return program !== null && program.vectorizable && run(program, outputs[0], inputs, numberOf === undefined ? 0 : numberOf(attrs));
  };
}

const floatAddress = ({ storage, offset }: Tensor): number => (storage as CpuStorage).locate() + 4 * offset;

/** Float32 tensors of one layout without gaps, the second perhaps a number: what most calls are, and where every nanosecond counts. */
function runAlike(program: Program, out: Tensor, inputs: readonly Operand[], w: number): boolean {
  const count = inputs.length;
  const x = inputs[0];
  if (count > 2 || typeof x === 'number') return false;
  const second = count === 2 ? inputs[1] : x;
  const y = typeof second === 'number' ? x : second;
  if (out.storage.dtype !== 'float32' || x.storage.dtype !== 'float32' || y.storage.dtype !== 'float32') return false;
  const { shape, strides } = out;
  const rank = shape.length;
  if (x.shape.length !== rank || y.shape.length !== rank) return false;
  let n = 1;
  for (let d = rank - 1; d >= 0; d--) {
    const size = shape[d];
    if (x.shape[d] !== size || y.shape[d] !== size) return false;
    if (size !== 1 && (strides[d] !== n || x.strides[d] !== n || y.strides[d] !== n)) return false;
    n *= size;
  }
  if (n === 0 || n >= WORTH_SPLITTING) return false;
  const to = floatAddress(out);
  const from = floatAddress(x);
  if (count === 1) program.flatKernel(0, 1).run(n, to, from, w);
  else if (typeof second === 'number') program.flatKernel(SECOND_NUMBER, 2).run(n, to, from, second, w);
  else program.flatKernel(0, 2).run(n, to, from, floatAddress(second), w);
  return true;
}

function run(general: Program, out: Tensor, inputs: readonly Operand[], w: number): boolean {
  const program = general.specialized(inputs, w);
  if (program.copies < 0 && (runAlike(program, out, inputs, w) || runMatrix(program, out, inputs, w))) return true;
  const target = targetOf(out.dtype);
  if (target < 0) return false;
  if (program.copies >= 0) {
    const done = copy(out, inputs[program.copies], target);
    if (done !== null) return done;
  } else if (target >= TARGET_INT) return false;
  const n = lengthOf(out);
  if (n === 0) return true;
  const count = inputs.length;
  let flat = n > 0;
  let mode = target;
  for (let i = 0; i < count; i++) {
    const x = inputs[i];
    if (typeof x === 'number') {
      at[i] = x;
      mode |= numberMode(i);
      continue;
    }
    const element = elementOf(x.dtype);
    // Large integers would be rounded before they are compared.
    if (element < 0 || (element === ELEMENT_INT && target === TARGET_BOOL && program.copies < 0)) return false;
    if (!flat) continue;
    if (isLike(x, out)) mode |= operandMode(i, element, VECTOR);
    else if (isSingle(x)) mode |= operandMode(i, element, SPLAT);
    else {
      flat = false;
      continue;
    }
    at[i] = addressOf(x);
  }
  if (!flat) return runPlanes(program, target, out, inputs, w);
  const kernel = program.flatKernel(mode, count);
  if (n >= WORTH_SPLITTING && target < TARGET_INT && threadCount() > 1) {
    split(kernel, n, out, inputs, mode, w);
    return true;
  }
  const to = addressOf(out);
  if (count === 2) return !kernel.run(n, to, at[0], at[1], w);
  if (count === 1) return !kernel.run(n, to, at[0], w);
  return !kernel.run(n, to, at[0], at[1], at[2], w);
}

/** Splits a long run by multiples of 16 elements. */
function split(kernel: WasmKernel, n: number, out: Tensor, inputs: readonly Operand[], mode: number, w: number): void {
  const each = Math.ceil(n / threadCount() / 16) * 16;
  const parts: number[][] = [];
  const to = addressOf(out);
  const item = (mode & 3) === TARGET_BOOL ? 1 : 4;
  for (let first = 0; first < n; first += each) {
    const part = [Math.min(each, n - first), to + first * item];
    inputs.forEach((_, i) => {
      const code = (mode >> (2 + 4 * i)) & 15;
      const step = code === NUMBER || code % 3 !== VECTOR ? 0 : code === 6 ? 1 : 4;
      part.push(at[i] + first * step);
    });
    parts.push([...part, w]);
  }
  runParts(kernel, parts);
}

/** Copies where the bits stay; null where they have to be converted, false where only the reference can do that. */
function copy(out: Tensor, x: Operand, target: number): boolean | null {
  // A kernel reads numbers as float32.
  if (typeof x === 'number') return target >= TARGET_INT && Math.fround(x) !== x ? false : null;
  const element = elementOf(x.dtype);
  if (element < 0) return false;
  const sameBits = (element === 0 && target === 0) || (element === ELEMENT_INT && target === TARGET_INT) || x.dtype === out.dtype || (x.dtype === 'bool' && target === 3);
  // Integers that do not fit a byte wrap around.
  if (!sameBits) return element === ELEMENT_INT && target === 3 ? false : null;
  const item = element === 2 ? 1 : 4;
  const n = lengthOf(out);
  if (n === 0) return true;
  if (n > 0 && isLike(x, out)) copyFlat(addressOf(out), addressOf(x), n * item);
  else return copyStrided(addressOf(out), addressOf(x), out.shape, out.strides, broadcastStrides(x.shape, x.strides, out.shape), item);
  return true;
}
