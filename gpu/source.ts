/**
 * A kernel as text: what one thread does, in the language of gpu.js. Locals hold floats, so that whole numbers in them are exact up to 2^24; expressions of
 * integer parameters and `this.thread.x` are exact beyond.
 */
export interface Source {
  /** Tells kernels apart. */
  readonly name: string;
  /** Parameters that are arrays; at most 7. */
  readonly arrays: readonly string[];
  /** Parameters that are whole numbers. */
  readonly integers: readonly string[];
  /** Parameters that are floats. */
  readonly floats: readonly string[];
  /** Statements, the last of which returns element `this.thread.x` of the result. */
  readonly body: string;
  /** A shader of its own for WebGPU, which uses what gpu.js's language lacks. */
  readonly shader?: Shader;
}

/** A shader in WGSL: bindings are the parameters as a uniform struct, the arrays, and the result, in this order. */
export interface Shader {
  readonly code: string;
  /** Workgroups for the integer parameters. */
  readonly groups: (integers: readonly number[]) => readonly [number, number, number];
}

const sources = new Map<string, Source>();

/** The kernel of a name, written when it is first asked for. */
export function sourceOf(name: string, write: () => Omit<Source, 'name'>): Source {
  let source = sources.get(name);
  if (source === undefined) sources.set(name, (source = { name, ...write() }));
  return source;
}

/** The function that gpu.js reads. */
export function textOf({ arrays, integers, floats, body }: Source): string {
  return `function (${[...arrays, ...integers, ...floats].join(', ')}) { ${body} }`;
}

/** The types of its parameters, for gpu.js. */
export function typesOf({ arrays, integers, floats }: Source): string[] {
  return [...arrays.map(() => 'Input'), ...integers.map(() => 'Integer'), ...floats.map(() => 'Float')];
}
