/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../errors.ts';
import { areFinite } from '../ops/finite.ts';
import { Tensor } from '../tensor.ts';

/** What is not finite, and where. */
export interface NonFiniteReport {
  /** What it is: a parameter, a buffer, the gradient of a parameter, the output of a module, or a value given to `value`. */
  readonly kind: 'parameter' | 'buffer' | 'gradient' | 'output' | 'value';
  /** Name of the parameter, buffer or module, as in state dictionaries; '' for the model itself. */
  readonly name: string;
  /** Steps of the optimizer before. */
  readonly step: number;
  /** The first element that is not finite: NaN or an infinity. */
  readonly value: number;
  /** Where that is. */
  readonly index: readonly number[];
  /** How many are not finite. */
  readonly count: number;
  /** How many there are. */
  readonly numel: number;
}

/** A value that should be finite is not. */
export class NonFiniteError extends StateError {
  override name = 'NonFiniteError';
  /** What was found. */
  readonly report: NonFiniteReport;

  constructor(report: NonFiniteReport) {
    const { kind, name, step, value, index, count, numel } = report;
    const what = { parameter: 'parameter', buffer: 'buffer', gradient: 'the gradient of', output: 'the output of', value: 'value' }[kind];
    const whose = kind === 'output' && name === '' ? 'the model' : `'${name}'`;
    const hint = {
      gradient: 'detectAnomaly(() => …) around the step names the operation that made it',
      output: 'the inputs, parameters and modules before were finite',
      parameter: 'the gradients before the step were finite: the learning rate may be too high',
      buffer: 'a module writes it in its forward pass',
      value: 'the modules before had finite outputs',
    }[kind];
    super(`NonFiniteGuard: ${what} ${whose} is not finite at step ${step}, got ${value} (${count} of ${numel} elements, the first at [${index.join(', ')}]); expected finite numbers`, { values: { ...report }, hint });
    this.report = report;
  }
}

/** What the guard needs of a model. */
export interface GuardedModel {
  namedParameters(): readonly (readonly [string, Tensor])[];
  namedBuffers(): readonly (readonly [string, Tensor])[];
  namedModules(): readonly (readonly [string, GuardedModule])[];
}

/** What the guard needs of a module to see its outputs. */
export interface GuardedModule {
  registerForwardHook(hook: (module: never, inputs: never, output: never) => undefined): () => void;
}

/** What the guard needs of an optimizer. */
export interface GuardedOptimizer {
  registerStepPreHook(hook: () => void): () => void;
  registerStepPostHook(hook: () => void): () => void;
}

/** Options of `NonFiniteGuard`. */
export interface NonFiniteGuardOptions {
  /** Gradients are looked at before each of its steps, parameters and buffers after; default none: call `check` after `backward`. */
  readonly optimizer?: GuardedOptimizer;
  /** Look at the output of every module; default true. */
  readonly outputs?: boolean;
  /** The number of the first step; default 0. */
  readonly step?: number;
}

/**
 * Watches a model and fails at the first NaN or infinity, with its place: which parameter, gradient, buffer or module output, at which step, how many elements. Looking costs
 * one pass over the values. Tensors on other devices than the CPU are not looked at.
 *
 *     const guard = new NonFiniteGuard(model, { optimizer });
 *     // … train; NonFiniteGuard: the gradient of '0.weight' is not finite at step 7, got NaN (…)
 *     guard.detach();
 *
 * @see https://pytorch.org/docs/stable/autograd.html#anomaly-detection
 */
export class NonFiniteGuard {
  /** Steps so far. */
  step: number;
  private readonly model: GuardedModel;
  private readonly removers: (() => void)[] = [];

  /** @throws ArgumentError for something that is no model or optimizer, and for bad options */
  constructor(model: GuardedModel, options: NonFiniteGuardOptions = {}) {
    checkOptions('NonFiniteGuard', options, ['optimizer', 'outputs', 'step']);
    const { optimizer, outputs = true, step = 0 } = options;
    if (typeof model?.namedParameters !== 'function' || typeof model.namedModules !== 'function') {
      throw new ArgumentError(`NonFiniteGuard: not a module, got ${show(model)}; expected a Module`);
    }
    if (optimizer !== undefined && typeof optimizer?.registerStepPreHook !== 'function') {
      throw new ArgumentError(`NonFiniteGuard: not an optimizer, got ${show(optimizer)}; expected an object with registerStepPreHook and registerStepPostHook`);
    }
    checkNumber('NonFiniteGuard', 'step', step, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && v >= 0);
    this.model = model;
    this.step = step;
    if (outputs) for (const [name, module] of model.namedModules()) this.removers.push(module.registerForwardHook((_module, _inputs, output) => this.see(name, output)));
    if (optimizer !== undefined) {
      this.removers.push(
        optimizer.registerStepPreHook(() => this.require(this.gradients())),
        optimizer.registerStepPostHook(() => {
          this.require(this.tensors());
          this.step++;
        }),
      );
    }
  }

  /** Looks at all gradients, parameters and buffers now, and counts a step. @throws NonFiniteError at the first that is not finite */
  check(): void {
    this.require(this.gradients());
    this.require(this.tensors());
    this.step++;
  }

  /** Looks at a value of yours, such as the loss, and returns it. @throws NonFiniteError when it is not finite */
  value<T extends Tensor | number>(name: string, x: T): T {
    if (typeof x === 'number' ? !Number.isFinite(x) : !areFinite([x])) throw new NonFiniteError(this.describe('value', name, x));
    return x;
  }

  /** All gradients, parameters and buffers that are not finite, without an error. */
  report(): NonFiniteReport[] {
    return [...this.gradients(), ...this.tensors()].filter(({ x }) => !areFinite([x])).map(({ kind, name, x }) => this.describe(kind, name, x));
  }

  /** Removes the hooks: the model and the optimizer are as before. */
  detach(): void {
    for (const remove of this.removers.splice(0)) remove();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.detach();
  }

  private gradients(): Seen[] {
    return this.model.namedParameters().flatMap(([name, p]) => (p.gradient === null ? [] : [{ kind: 'gradient', name, x: p.gradient }]));
  }

  private tensors(): Seen[] {
    const parameters: Seen[] = this.model.namedParameters().map(([name, x]) => ({ kind: 'parameter', name, x }));
    return [...parameters, ...this.model.namedBuffers().map(([name, x]): Seen => ({ kind: 'buffer', name, x }))];
  }

  private see(name: string, output: unknown): undefined {
    this.require(tensorsIn(output).map((x) => ({ kind: 'output', name, x })));
  }

  private require(seen: readonly Seen[]): void {
    if (areFinite(seen.map(({ x }) => x))) return;
    for (const { kind, name, x } of seen) if (!areFinite([x])) throw new NonFiniteError(this.describe(kind, name, x));
  }

  private describe(kind: NonFiniteReport['kind'], name: string, x: Tensor | number): NonFiniteReport {
    const { step } = this;
    if (typeof x === 'number') return { kind, name, step, value: x, index: [], count: 1, numel: 1 };
    const values = x.data();
    let [first, count] = [-1, 0];
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      if (count++ === 0) first = i;
    }
    const index: number[] = [];
    for (let d = x.shape.length - 1, rest = first; d >= 0; d--) {
      index.unshift(rest % x.shape[d]);
      rest = Math.floor(rest / x.shape[d]);
    }
    return { kind, name, step, value: values[first], index, count, numel: values.length };
  }
}

interface Seen {
  readonly kind: NonFiniteReport['kind'];
  readonly name: string;
  readonly x: Tensor;
}

/** Tensors in an output, also in arrays and objects. */
function tensorsIn(output: unknown, depth = 4): Tensor[] {
  if (output instanceof Tensor) return [output];
  if (typeof output !== 'object' || output === null || depth === 0) return [];
  const items: unknown[] = Array.isArray(output) ? output : Object.values(output);
  return items.flatMap((item) => tensorsIn(item, depth - 1));
}
