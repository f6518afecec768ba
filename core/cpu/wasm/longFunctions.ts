import type { Fn } from '../../expr.ts';
import type { V128 } from './code.ts';
import type { FunctionBuilder } from './function.ts';
import { cos, log10, log2, pow, sin, tan } from './math-double.ts';
import { erf, erfc } from './math-erf.ts';
import { exp, exp2, expm1, tanh } from './math-exp.ts';
import { log, log1p } from './math-log.ts';
import { geluSlope, normalCdf } from './math-normal.ts';

/** Writes a function of four floats. */
export type Emit = (f: FunctionBuilder, ...args: V128[]) => V128;

/** Functions of the length of a program of their own. A build can have formulas bring along those that they name (.ci/boundKernels.ts). */
export const longFunctions: Partial<Readonly<Record<Fn, Emit>>> = { exp, exp2, expm1, tanh, log, log1p, log2, log10, erf, erfc, normalCdf, geluSlope, sin, cos, tan, pow };

/** The shorter ones: six vectors of these at a time do better than four. */
export const shorter: readonly Fn[] = ['exp', 'exp2', 'expm1', 'tanh'];
