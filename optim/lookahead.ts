import { ArgumentError, ShapeError, StateError, checkNumber, checkOptions, show } from '../core/errors.ts';
import { type UpdateRule, applyUpdate, updateRule } from '../core/ops/update.ts';
import { between } from '../core/ops/ternary.ts';
import { sameShape } from '../core/shape.ts';
import { Tensor, emptyTensor } from '../core/tensor.ts';
import { Optimizer } from './optimizer.ts';
import type { OptimizerStateDict, ParamState, StateFields } from './state.ts';

/** Options of `Lookahead`. */
export interface LookaheadOptions {
  /** Steps of the fast weights between two of the slow ones, an integer ≥ 1; default 5. */
  readonly k?: number;
  /** How far the slow weights go towards the fast ones, above 0 and at most 1; default 0.5. */
  readonly alpha?: number;
  /**
   * What becomes of the running direction (SGD's momentum, Adam's first moment) when the slow weights have moved: it stays ('none', the default), is set
   * to 0 ('reset'), or is pulled back as the weights are ('pullback'): `m̄ ← m̄ + α·(m - m̄)`, `m ← m̄`, from `m̄ = 0` on.
   */
  readonly pullback?: 'none' | 'reset' | 'pullback';
}

/** State of a `Lookahead`: that of the optimizer within, and the slow weights. */
export interface LookaheadStateDict extends OptimizerStateDict {
  readonly lookahead: {
    /** Steps so far. */
    readonly step: number;
    /** By number of the parameter; none before the first step. */
    readonly slow_params: Readonly<Record<string, Tensor>>;
    /** The directions at the last pull back, by number of the parameter; only with 'pullback'. */
    readonly slow_momenta: Readonly<Record<string, Tensor>>;
  };
}

/** Slow weights go towards the fast ones, and these start from there. */
const pullRule: UpdateRule = updateRule({
  name: 'lookahead',
  columns: ['fast', 'slow'],
  scalars: ['alpha'],
  body: ([fast, slow], [alpha]) => [between(slow, fast, alpha), between(slow, fast, alpha)],
});

/** Names under which optimizers keep a running direction. */
const directions = ['momentumBuffer', 'expAvg'] as const;

/**
 * Takes `k` steps of an optimizer ("fast weights"), then moves a second set of weights ("slow weights") a share of the way, `φ ← φ + α·(θ - φ)`, and lets the
 * fast weights go on from there, `θ ← φ`. Used like the optimizer it wraps, whose groups and state it shows. Slow weights start as the parameters are at the
 * first step; whoever sets weights by hand later makes a new Lookahead.
 *
 * @see Zhang et al. 2019, Lookahead Optimizer: k steps forward, 1 step back, https://arxiv.org/abs/1907.08610
 */
export class Lookahead extends Optimizer {
  /** The optimizer of the fast weights. */
  readonly optimizer: Optimizer;
  readonly k: number;
  readonly alpha: number;
  readonly pullback: 'none' | 'reset' | 'pullback';
  private steps = 0;
  private readonly slow = new Map<Tensor, Tensor>();
  private readonly slowMomenta = new Map<Tensor, Tensor>();
  /** All parameters at the last step, in order. */
  private fast: readonly Tensor[] = [];

  /**
   * @param optimizer - makes the fast steps
   * @param options - `k`, `alpha`, `pullback`
   * @throws ArgumentError for something that is no optimizer, and options out of range
   */
  constructor(optimizer: Optimizer, options: LookaheadOptions = {}) {
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`Lookahead: not an optimizer, got ${show(optimizer)}; expected an Optimizer`);
    checkOptions('Lookahead', options, ['k', 'alpha', 'pullback']);
    const { k = 5, alpha = 0.5, pullback = 'none' } = options;
    checkNumber('Lookahead', 'k', k, 'an integer ≥ 1', (v) => Number.isSafeInteger(v) && v >= 1);
    checkNumber('Lookahead', 'alpha', alpha, 'a number above 0 and at most 1', (v) => v > 0 && v <= 1);
    if (!['none', 'reset', 'pullback'].includes(pullback)) throw new ArgumentError(`Lookahead: invalid pullback, got ${show(pullback)}; expected 'none', 'reset' or 'pullback'`);
    super(optimizer.paramGroups.map(({ params, lr }) => ({ params, lr })), optimizer.defaults);
    // The groups and the state are those of the optimizer within: who sets a rate here sets it there.
    Object.defineProperty(this, 'paramGroups', { value: optimizer.paramGroups, enumerable: true });
    Object.defineProperty(this, 'state', { value: optimizer.state, enumerable: true });
    this.optimizer = optimizer;
    this.k = k;
    this.alpha = alpha;
    this.pullback = pullback;
  }

  protected override checkGroup(): void {}

  protected override stateFields(): StateFields {
    return {};
  }

  protected override update(): void {}

  override addParamGroup(group: Parameters<Optimizer['addParamGroup']>[0]): void {
    this.optimizer.addParamGroup(group);
  }

  override zeroGrad(options?: { readonly setToNone?: boolean }): void {
    this.optimizer.zeroGrad(options);
  }

  protected override updateAll(): void {
    const params = this.isUnchanged() ? this.fast : this.params();
    // Slow weights start where the parameter was before its first step.
    const copies = params === this.fast ? null : params.map((p) => (this.slow.has(p) ? null : p.detach().clone()));
    if ((this.steps + 1) % this.k === 0) this.checkShapes(params);
    this.optimizer.step();
    if (copies !== null) this.takeIn(params, copies);
    this.steps++;
    if (this.steps % this.k === 0) this.pull();
  }

  private takeIn(params: readonly Tensor[], copies: readonly (Tensor | null)[]): void {
    copies.forEach((copy, i) => copy !== null && this.slow.set(params[i], copy));
    const present = new Set(params);
    for (const kept of [this.slow, this.slowMomenta]) for (const p of kept.keys()) if (!present.has(p)) kept.delete(p);
    this.fast = params;
  }

  private checkShapes(params: readonly Tensor[]): void {
    for (const p of params) {
      const slow = this.slow.get(p);
      if (slow !== undefined && !sameShape(slow.shape, p.shape)) {
        throw new ShapeError(`Lookahead.step: the parameter changed shape, got ${show(p)} with slow weights ${show(slow)}; expected its slow weights to fit`);
      }
    }
  }

  private params(): Tensor[] {
    return this.paramGroups.flatMap(({ params }) => params);
  }

  /** Whether the parameters are those of the last step. */
  private isUnchanged(): boolean {
    const { paramGroups, fast } = this;
    let n = 0;
    for (let g = 0; g < paramGroups.length; g++) {
      const { params } = paramGroups[g];
      for (let i = 0; i < params.length; i++) if (params[i] !== fast[n++]) return false;
    }
    return n === fast.length;
  }

  /** Moves the slow weights, and puts the fast ones there. */
  private pull(): void {
    const { fast, alpha } = this;
    applyUpdate(pullRule, [fast, fast.map((p) => fitting(this.slow, p, p))], [alpha]);
    if (this.pullback === 'none') return;
    const moving = fast.filter((p) => directionOf(this.optimizer.state.get(p)) !== undefined);
    const momenta = moving.map((p) => directionOf(this.optimizer.state.get(p)) ?? p);
    if (this.pullback === 'reset') for (const m of momenta) m.zero_();
    else applyUpdate(pullRule, [momenta, moving.map((p, i) => fitting(this.slowMomenta, p, momenta[i]))], [alpha]);
  }

  override stateDict(): LookaheadStateDict {
    const params = this.params();
    const numbered = (by: ReadonlyMap<Tensor, Tensor>): Record<string, Tensor> =>
      Object.fromEntries(params.flatMap((p, i) => {
        const value = by.get(p);
        return value === undefined ? [] : [[String(i), value] as const];
      }));
    return { ...this.optimizer.stateDict(), lookahead: { step: this.steps, slow_params: numbered(this.slow), slow_momenta: numbered(this.slowMomenta) } };
  }

  /**
   * Takes over a state, as `stateDict` wrote it.
   *
   * @throws StateError with the differences, before anything is written
   */
  override loadStateDict(state: OptimizerStateDict): void {
    const { lookahead, ...inner } = (state ?? {}) as Partial<LookaheadStateDict> & OptimizerStateDict;
    if (typeof lookahead !== 'object' || lookahead === null || !Number.isSafeInteger(lookahead.step) || lookahead.step < 0) {
      throw new StateError(`Lookahead.loadStateDict: no state of a Lookahead, got ${show(lookahead)}; expected { step, slow_params, slow_momenta } under 'lookahead'`, {
        hint: 'a state of the optimizer within is loaded with lookahead.optimizer.loadStateDict()',
      });
    }
    const params = this.params();
    const slow = readTensors('slow_params', lookahead.slow_params, params);
    const momenta = readTensors('slow_momenta', lookahead.slow_momenta, params);
    this.optimizer.loadStateDict(inner);
    this.steps = lookahead.step;
    this.fast = [];
    this.slow.clear();
    this.slowMomenta.clear();
    for (const [p, x] of slow) this.slow.set(p, x);
    for (const [p, x] of momenta) this.slowMomenta.set(p, x);
  }
}

/** What is kept for a parameter, as and where `like` is; zeros where nothing is. */
function fitting(kept: Map<Tensor, Tensor>, p: Tensor, like: Tensor): Tensor {
  const known = kept.get(p);
  const fits = known !== undefined && sameShape(known.shape, like.shape) ? known.to(like) : emptyTensor(like.shape, like.dtype, like.device);
  kept.set(p, fits);
  return fits;
}

/** Tensors by number of the parameter, copied. */
function readTensors(what: string, saved: unknown, params: readonly Tensor[]): Map<Tensor, Tensor> {
  if (typeof saved !== 'object' || saved === null) throw new StateError(`Lookahead.loadStateDict: ${what} is missing, got ${show(saved)}; expected tensors by number of the parameter`);
  const problems: string[] = [];
  const read = new Map<Tensor, Tensor>();
  for (const [key, value] of Object.entries(saved as Record<string, unknown>)) {
    const p = params[Number(key)];
    if (p === undefined) problems.push(`unexpected: ${what}[${key}]`);
    else if (!(value instanceof Tensor) || !sameShape(value.shape, p.shape)) problems.push(`${what}[${key}]: got ${show(value)}, expected ${show(p)}`);
    else read.set(p, value.detach().clone().to(p));
  }
  if (problems.length > 0) throw new StateError(`Lookahead.loadStateDict: the state does not match, got ${problems.length} differences; expected the parameters it was saved with\n  ${problems.join('\n  ')}`, { values: { problems } });
  return read;
}

function directionOf(state: ParamState | undefined): Tensor | undefined {
  for (const name of directions) {
    const value = state?.[name];
    if (value instanceof Tensor) return value;
  }
  return undefined;
}
