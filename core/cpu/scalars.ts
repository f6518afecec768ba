import * as bessel from './bessel.ts';
import * as bits from './bits.ts';
import * as errorTail from './errorTail.ts';
import * as gammaRatio from './gammaRatio.ts';
import * as modifiedBessel from './modifiedBessel.ts';
import * as polynomials from './polynomials.ts';
import * as special from './special.ts';

/** The functions of the expression language that JavaScript's Math lacks, by name. */
export const scalars = { ...special, ...errorTail, ...gammaRatio, ...bessel, ...modifiedBessel, ...polynomials, ...bits };
