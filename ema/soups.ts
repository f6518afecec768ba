import { isFloat } from '../core/dtype.ts';
import { ArgumentError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import { noGrad } from '../core/tape.ts';
import { Tensor } from '../core/tensor.ts';
import { Module } from '../nn/module.ts';

/** Weights by name. */
export type SoupState = Record<string, Tensor>;

/** An ingredient of a soup: a model, a state dictionary, or a function that gives one, so that not all must be in memory. */
export type SoupSource = Module | Readonly<Record<string, unknown>> | (() => Module | Readonly<Record<string, unknown>> | Promise<Module | Readonly<Record<string, unknown>>>);

/** Options of `greedySoup`. */
export interface GreedySoupOptions<M extends Module = Module> {
  /** Scores a model on held-out data, at once or as a promise. */
  readonly evaluate: (model: M) => number | Promise<number>;
  /** Whether more is better, as for accuracy; false for a loss. Default true. */
  readonly higherIsBetter?: boolean;
  /** How much worse than before the soup may become by an ingredient; ≥ 0, default 0. */
  readonly tolerance?: number;
}

/** Options of `uniformSoup`. */
export interface UniformSoupOptions {
  /** A model of the same architecture that takes the mean in; default: none, the mean is only returned. */
  readonly into?: Module;
}

/** What `greedySoup` found. */
export interface GreedySoup {
  /** The averaged weights. The model has them too. */
  readonly state: SoupState;
  /** Numbers of the ingredients that went in, in this order. */
  readonly members: readonly number[];
  /** The soup's score. */
  readonly score: number;
  /** Each ingredient's own score. */
  readonly scores: readonly number[];
}

async function stateOf(name: string, source: SoupSource, i: number): Promise<ReadonlyMap<string, Tensor>> {
  const given: unknown = typeof source === 'function' ? await source() : source;
  const state: unknown = given instanceof Module ? given.stateDict() : given;
  if (typeof state !== 'object' || state === null || state instanceof Tensor) throw new ArgumentError(`${name}: ingredient ${i} has no weights, got ${show(given)}; expected a Module or a state dictionary`);
  const entries = Object.entries(state);
  for (const [key, value] of entries) if (!(value instanceof Tensor)) throw new ArgumentError(`${name}: '${key}' of ingredient ${i} is not a tensor, got ${show(value)}; expected a Tensor`);
  return onCpu(entries as [string, Tensor][]);
}

/** Entries where doubles are. */
async function onCpu(entries: Iterable<readonly [string, Tensor]>): Promise<ReadonlyMap<string, Tensor>> {
  return new Map(await Promise.all([...entries].map(async ([key, x]) => [key, await x.cpu()] as const)));
}

/** Differences between the names and shapes of two states. */
function differences(first: ReadonlyMap<string, Tensor>, other: ReadonlyMap<string, Tensor>): string[] {
  const problems: string[] = [];
  for (const [key, x] of first) {
    const y = other.get(key);
    if (y === undefined) problems.push(`missing: ${key}`);
    else if (!sameShape(x.shape, y.shape) || isFloat(x.dtype) !== isFloat(y.dtype)) problems.push(`${key}: got ${show(y)}, expected ${show(x)}`);
  }
  for (const key of other.keys()) if (!first.has(key)) problems.push(`unexpected: ${key}`);
  return problems;
}

function checkFits(name: string, what: string, first: ReadonlyMap<string, Tensor>, other: ReadonlyMap<string, Tensor>): void {
  const problems = differences(first, other);
  if (problems.length === 0) return;
  const averages = first.has('steps') !== other.has('steps');
  throw new StateError(
    `${name}: ${what} does not match, got ${problems.length} difference${problems.length === 1 ? '' : 's'}; expected the same names and shapes everywhere\n  ${problems.join('\n  ')}`,
    { values: { problems }, ...(averages ? { hint: "an average's weights are those of its module: pass average.module" } : {}) },
  );
}

/** A sum of states in doubles; entries that are no floats are those of the first. */
class Pot {
  /** States so far. */
  count = 0;
  private readonly like: ReadonlyMap<string, Tensor>;
  private readonly sums = new Map<string, Tensor>();

  constructor(first: ReadonlyMap<string, Tensor>) {
    this.like = new Map([...first].map(([key, x]) => [key, x.detach().clone()]));
  }

  /** Adds a state. */
  add(state: ReadonlyMap<string, Tensor>): void {
    this.count++;
    for (const [key, x] of state) {
      if (!isFloat(x.dtype)) continue;
      const sum = this.sums.get(key);
      if (sum === undefined) this.sums.set(key, x.detach().to('float64').clone());
      else sum.add_(x.detach().to('float64'));
    }
  }

  /** The mean, in the dtypes of the first state; with `extra`, as if that were in it. */
  mean(extra: ReadonlyMap<string, Tensor> | null = null): SoupState {
    const count = this.count + (extra === null ? 0 : 1);
    const out = Object.create(null) as SoupState;
    for (const [key, x] of this.like) {
      const sum = this.sums.get(key);
      if (sum === undefined) out[key] = x.clone();
      else {
        const added = extra?.get(key);
        out[key] = (added === undefined ? sum : sum.add(added.detach().to('float64'))).div(count).to(x);
      }
    }
    return out;
  }
}

function checkSources(name: string, sources: unknown): asserts sources is readonly SoupSource[] {
  if (!Array.isArray(sources) || sources.length === 0) throw new ArgumentError(`${name}: no ingredients, got ${show(sources)}; expected a list of modules, state dictionaries, or functions that give them`);
}

/**
 * The plain mean of several models' weights, entry by entry, summed in doubles. Integer entries are those of the first.
 *
 * @param sources - models, averages of one class, state dictionaries, or functions that give them, which are called one after the other
 * @param options - `into`: a model that takes the mean in, once all went well
 * @returns the state dictionary of the mean, on the CPU
 * @throws StateError with all differences when names or shapes do not fit, and ArgumentError for an empty list; no model is changed then
 * @see Wortsman et al. 2022, Model soups, https://arxiv.org/abs/2203.05482
 */
export async function uniformSoup(sources: readonly SoupSource[], options: UniformSoupOptions = {}): Promise<SoupState> {
  const name = 'uniformSoup';
  checkSources(name, sources);
  checkOptions(name, options, ['into']);
  const { into } = options;
  if (into !== undefined && !(into instanceof Module)) throw new ArgumentError(`${name}: into is not a module, got ${show(into)}; expected a Module`);
  const first = await stateOf(name, sources[0], 0);
  if (into !== undefined) checkFits(name, 'the model', first, new Map(Object.entries(into.stateDict())));
  const pot = new Pot(first);
  noGrad(() => pot.add(first));
  for (let i = 1; i < sources.length; i++) {
    const state = await stateOf(name, sources[i], i);
    checkFits(name, `ingredient ${i}`, first, state);
    noGrad(() => pot.add(state));
  }
  const mean = noGrad(() => pot.mean());
  into?.loadStateDict(mean);
  return mean;
}

/**
 * The mean of those models that help: ingredients are tried from the best to the worst, and each stays in the soup if its held-out score does not fall.
 *
 * @param sources - models of one architecture, state dictionaries, or functions that give them; each is asked for up to twice
 * @param model - takes the weights that are scored, and has the soup at the end; where something fails it gets its own back
 * @param options - `evaluate`, `higherIsBetter`, `tolerance`
 * @throws StateError with all differences when names or shapes do not fit; ArgumentError for a score that is NaN, and for options
 * @see Wortsman et al. 2022, Model soups, recipe 1, https://arxiv.org/abs/2203.05482
 */
export async function greedySoup<M extends Module>(sources: readonly SoupSource[], model: M, options: GreedySoupOptions<M>): Promise<GreedySoup> {
  const name = 'greedySoup';
  checkSources(name, sources);
  if (!(model instanceof Module)) throw new ArgumentError(`${name}: not a module, got ${show(model)}; expected a Module to score with`);
  checkOptions(name, options, ['evaluate', 'higherIsBetter', 'tolerance']);
  const { evaluate, higherIsBetter = true, tolerance = 0 } = options;
  if (typeof evaluate !== 'function') throw new ArgumentError(`${name}: no evaluate, got ${show(evaluate)}; expected a function that scores a model`);
  if (typeof higherIsBetter !== 'boolean') throw new ArgumentError(`${name}: invalid higherIsBetter, got ${show(higherIsBetter)}; expected true or false`);
  checkNumber(name, 'tolerance', tolerance, 'a finite number ≥ 0', (v) => v >= 0 && Number.isFinite(v));
  const own = await onCpu(Object.entries(model.stateDict()).map(([key, x]) => [key, x.detach().clone()] as const));
  const modes = model.modules().map((m) => [m, m.training] as const);
  const restoreModes = (): void => modes.forEach(([m, training]) => (m.training = training));
  // A source that is the model itself means what it was before it took in others.
  const stateAt = async (i: number): Promise<ReadonlyMap<string, Tensor>> => (sources[i] === model ? own : stateOf(name, sources[i], i));
  const scoreOf = async (state: ReadonlyMap<string, Tensor>): Promise<number> => {
    model.loadStateDict(Object.fromEntries(state));
    const score: unknown = await evaluate(model);
    if (typeof score !== 'number' || Number.isNaN(score)) throw new ArgumentError(`${name}: no score, got ${show(score)}; expected a number from evaluate`);
    return score;
  };
  const isAtLeast = (a: number, b: number): boolean => (higherIsBetter ? a >= b - tolerance : a <= b + tolerance);
  try {
    const scores: number[] = [];
    for (let i = 0; i < sources.length; i++) {
      const state = await stateAt(i);
      checkFits(name, `ingredient ${i}`, own, state);
      scores.push(await scoreOf(state));
    }
    // Ties keep the order they came in.
    const order = [...scores.keys()].sort((a, b) => (higherIsBetter ? scores[b] - scores[a] : scores[a] - scores[b]));
    const best = await stateAt(order[0]);
    const pot = new Pot(best);
    noGrad(() => pot.add(best));
    const members = [order[0]];
    let score = scores[order[0]];
    for (const i of order.slice(1)) {
      const state = await stateAt(i);
      const tried = await scoreOf(new Map(Object.entries(noGrad(() => pot.mean(state)))));
      if (!isAtLeast(tried, score)) continue;
      noGrad(() => pot.add(state));
      members.push(i);
      score = tried;
    }
    const state = noGrad(() => pot.mean());
    model.loadStateDict(state);
    restoreModes();
    return { state, members, score, scores };
  } catch (error) {
    model.loadStateDict(Object.fromEntries(own));
    restoreModes();
    throw error;
  }
}
