import type { DType, TypedArray } from '../dtype.ts';
import type { Shape } from '../shape.ts';

/** A tensor in a trace. */
export interface Value {
  /** Counts values in the order in which they came. */
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Which argument it is; null for none. */
  readonly input: number | null;
  /** The name of the parameter or buffer it is; null for none. */
  readonly name: string | null;
  /** The elements, of a parameter or of what does not depend on the arguments and parameters; null for the rest. */
  readonly data: TypedArray | null;
  /** The step that made it; null where nothing did. */
  readonly step: Step | null;
  /** Which result of the step it is. */
  readonly index: number;
}

/** A primitive, or a view, that ran. */
export interface Step {
  /** The primitive's name; `view.` and a kind for views; `put` for a write through a view. */
  readonly op: string;
  readonly inputs: readonly (Value | number)[];
  readonly outputs: readonly Value[];
  readonly attrs: unknown;
  /** The path of the module whose `forward` was running. */
  readonly scope: string;
}

/** One run of a function, step by step. */
export interface Trace {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly steps: readonly Step[];
  readonly values: readonly Value[];
}
