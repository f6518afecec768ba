import { ArgumentError, StateError, checkNumber, show } from '../core/errors.ts';
import { cat } from '../core/ops/join.ts';
import { enableGrad, noGrad } from '../core/tape.ts';
import { Tensor, emptyTensor } from '../core/tensor.ts';
import { settingsOf } from './check.ts';
import type { OptimizerArguments, OptimizerOptions, ParamsInput } from './groups.ts';
import { type LinePoint, strongWolfe } from './lineSearch.ts';
import { Optimizer } from './optimizer.ts';
import type { OptimizerStateDict, ParamState, StateFields } from './state.ts';

/** Options of `LBFGS`. */
export interface LBFGSOptions extends OptimizerOptions {
  /** Learning rate, ≥ 0; default 1. */
  lr: number;
  /** Iterations of a step, ≥ 1; default 20. */
  maxIter: number;
  /** Evaluations of the closure in a step; default 5/4 of `maxIter`. */
  maxEval: number | null;
  /** Stops when no component of the gradient is larger; default 1e-7. */
  toleranceGrad: number;
  /** Stops when nothing moves more, the loss nor a parameter; default 1e-9. */
  toleranceChange: number;
  /** Updates that the estimate of the curvature is made of; default 100. */
  historySize: number;
  /** 'strong_wolfe' searches along each direction; default null, steps of `lr`. */
  lineSearchFn: 'strong_wolfe' | null;
}

/** What is kept between steps. */
interface Memory {
  funcEvals: number;
  nIter: number;
  d: Tensor | null;
  t: number;
  readonly oldDirs: Tensor[];
  readonly oldStps: Tensor[];
  readonly ro: number[];
  hDiag: number;
  prevFlatGrad: Tensor | null;
  prevLoss: number | null;
}

const fresh = (): Memory => ({ funcEvals: 0, nIter: 0, d: null, t: 1, oldDirs: [], oldStps: [], ro: [], hDiag: 1, prevFlatGrad: null, prevLoss: null });

const product = (a: Tensor, b: Tensor): number => a.dot(b).item();
const largest = (x: Tensor): number => x.abs().max().item();

/**
 * L-BFGS: steps along `-H·g`, where H estimates the inverse of the Hessian from the last `historySize` changes of parameters and gradients. Each `step(closure)`
 * makes up to `maxIter` iterations, each with one or more evaluations of the closure. All parameters are one group.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
 * @see Nocedal 1980, Updating quasi-Newton matrices with limited storage, https://doi.org/10.1090/S0025-5718-1980-0572855-7
 */
export class LBFGS extends Optimizer<LBFGSOptions, ParamState> {
  private memory: Memory = fresh();

  /**
   * @param params - tensors; groups are refused
   * @param args - `lr` by place or by name, and what else `LBFGSOptions` lists
   * @throws ArgumentError for parameters or options that are not allowed; StateError for a tensor that is no leaf
   */
  constructor(params: ParamsInput<LBFGSOptions>, ...args: OptimizerArguments<LBFGSOptions>) {
    const filled = settingsOf<LBFGSOptions>('LBFGS', args, { lr: 1, maxIter: 20, maxEval: null, toleranceGrad: 1e-7, toleranceChange: 1e-9, historySize: 100, lineSearchFn: null });
    super(params, { ...filled, maxEval: filled.maxEval ?? Math.floor((filled.maxIter * 5) / 4) });
    if (this.paramGroups.length !== 1) throw new ArgumentError(`LBFGS: several groups, got ${this.paramGroups.length}; expected one, since a direction is one for all parameters`);
  }

  protected override checkGroup(options: Readonly<LBFGSOptions>): void {
    super.checkGroup(options);
    const count = (v: number): boolean => Number.isSafeInteger(v) && v >= 1;
    checkNumber('LBFGS', 'maxIter', options.maxIter, 'an integer ≥ 1', count);
    if (options.maxEval !== null) checkNumber('LBFGS', 'maxEval', options.maxEval, 'null or an integer ≥ 1', count);
    checkNumber('LBFGS', 'historySize', options.historySize, 'an integer ≥ 1', count);
    checkNumber('LBFGS', 'toleranceGrad', options.toleranceGrad, 'a number ≥ 0', (v) => v >= 0);
    checkNumber('LBFGS', 'toleranceChange', options.toleranceChange, 'a number ≥ 0', (v) => v >= 0);
    if (options.lineSearchFn !== null && options.lineSearchFn !== 'strong_wolfe') throw new ArgumentError(`LBFGS: unknown lineSearchFn, got ${show(options.lineSearchFn)}; expected 'strong_wolfe' or null`);
  }

  /** Refused: a direction is one for all parameters. */
  override addParamGroup(): never {
    throw new ArgumentError('LBFGS.addParamGroup: several groups, got a second one; expected one, since a direction is one for all parameters');
  }

  protected override stateFields(): StateFields {
    return {};
  }

  protected override update(): void {
    throw new StateError('LBFGS: a step without its closure, got an update; expected step(closure)');
  }

  /**
   * Up to `maxIter` iterations.
   *
   * @param closure - clears the gradients, computes the loss, calls `backward()` and returns the loss, a tensor of one element or a number
   * @returns the loss before the step
   * @throws ArgumentError without a closure; what the closure throws; parameters are then where the last complete evaluation left them
   */
  protected override advance<T>(closure?: () => T): T | undefined {
    if (typeof closure !== 'function') throw new ArgumentError(`LBFGS.step: closure is not a function, got ${show(closure)}; expected a function that returns the loss`);
    this.checkGroup(this.paramGroups[0]);
    let given: { readonly loss: T } | null = null;
    const evaluate = (): { readonly loss: number; readonly gradient: Tensor } => {
      const loss = enableGrad(closure);
      given ??= { loss };
      return { loss: lossOf(loss), gradient: this.gradient() };
    };
    noGrad(() => this.iterate(evaluate));
    return (given as { readonly loss: T } | null)?.loss;
  }

  private iterate(evaluate: () => { readonly loss: number; readonly gradient: Tensor }): void {
    const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, lineSearchFn } = this.paramGroups[0];
    const { memory } = this;
    const most = maxEval ?? Math.floor((maxIter * 5) / 4);
    let { loss, gradient } = evaluate();
    let evaluations = 1;
    memory.funcEvals++;
    if (largest(gradient) <= toleranceGrad) return;
    for (let i = 1; i <= maxIter; i++) {
      memory.nIter++;
      const d = this.direction(gradient);
      memory.d = d;
      memory.prevFlatGrad = gradient.clone();
      memory.prevLoss = loss;
      memory.t = memory.nIter === 1 ? Math.min(1, 1 / gradient.abs().sum().item()) * lr : lr;
      const slope = product(gradient, d);
      if (slope > -toleranceChange) return;
      let calls = 0;
      if (lineSearchFn === 'strong_wolfe') {
        const before = this.paramGroups[0].params.map((p) => p.detach().clone());
        const at = (step: number): LinePoint<Tensor> => {
          this.move(d, step);
          try {
            const point = evaluate();
            return { ...point, slope: product(point.gradient, d) };
          } finally {
            this.paramGroups[0].params.forEach((p, k) => p.copy_(before[k]));
          }
        };
        const found = strongWolfe(at, memory.t, { loss, slope, gradient }, largest(d), toleranceChange);
        ({ loss, gradient } = found);
        memory.t = found.step;
        calls = found.evaluations;
        this.move(d, memory.t);
      } else {
        this.move(d, memory.t);
        if (i !== maxIter) {
          ({ loss, gradient } = evaluate());
          calls = 1;
        }
      }
      evaluations += calls;
      memory.funcEvals += calls;
      if (i === maxIter || evaluations >= most || largest(gradient) <= toleranceGrad) return;
      if (largest(d) * Math.abs(memory.t) <= toleranceChange || Math.abs(loss - memory.prevLoss) < toleranceChange) return;
    }
  }

  /** `-H·g` by the two loops over the changes that are kept. */
  private direction(gradient: Tensor): Tensor {
    const { memory } = this;
    if (memory.nIter === 1 || memory.d === null || memory.prevFlatGrad === null) {
      memory.oldDirs.length = memory.oldStps.length = memory.ro.length = 0;
      memory.hDiag = 1;
      return gradient.neg();
    }
    const [y, s] = [gradient.sub(memory.prevFlatGrad), memory.d.mul(memory.t)];
    const ys = product(y, s);
    if (ys > 1e-10) {
      if (memory.oldDirs.length === this.paramGroups[0].historySize) for (const list of [memory.oldDirs, memory.oldStps, memory.ro]) list.shift();
      memory.oldDirs.push(y);
      memory.oldStps.push(s);
      memory.ro.push(1 / ys);
      memory.hDiag = ys / product(y, y);
    }
    const q = gradient.neg();
    const weights: number[] = [];
    for (let i = memory.oldDirs.length - 1; i >= 0; i--) {
      weights[i] = product(memory.oldStps[i], q) * memory.ro[i];
      q.add_(memory.oldDirs[i].mul(-weights[i]));
    }
    const r = q.mul(memory.hDiag);
    for (let i = 0; i < memory.oldDirs.length; i++) r.add_(memory.oldStps[i].mul(weights[i] - product(memory.oldDirs[i], r) * memory.ro[i]));
    return r;
  }

  /** All gradients as one vector, zeros where there is none. */
  private gradient(): Tensor {
    return cat(this.paramGroups[0].params.map((p) => (p.grad === null ? emptyTensor([p.numel()], p.dtype, p.device) : p.grad.detach().reshape([-1])))).clone();
  }

  private move(d: Tensor, step: number): void {
    let at = 0;
    for (const p of this.paramGroups[0].params) {
      p.add_(d.narrow(0, at, p.numel()).reshape(p.shape).mul(step));
      at += p.numel();
    }
  }

  /** State and options in PyTorch's form: the memory belongs to parameter 0. Tensors are the optimizer's own. */
  override stateDict(): OptimizerStateDict {
    const { param_groups } = super.stateDict();
    const m = this.memory;
    if (m.nIter === 0 && m.funcEvals === 0) return { state: {}, param_groups };
    const state = {
      func_evals: m.funcEvals, n_iter: m.nIter, d: m.d, t: m.t, old_dirs: [...m.oldDirs], old_stps: [...m.oldStps], ro: [...m.ro], H_diag: m.hDiag, prev_flat_grad: m.prevFlatGrad, prev_loss: m.prevLoss,
    };
    return { state: { 0: state }, param_groups };
  }

  /**
   * Takes over state and options, as PyTorch or `stateDict` wrote them; tensors are copied.
   *
   * @throws StateError with what does not match, before anything is written
   */
  override loadStateDict(state: OptimizerStateDict): void {
    const first = state?.param_groups?.[0]?.params?.[0] ?? 0;
    const saved: unknown = state?.state?.[first];
    const loaded = saved === undefined ? fresh() : this.readMemory(saved);
    super.loadStateDict({ ...state, state: {} });
    this.memory = loaded;
  }

  private readMemory(saved: unknown): Memory {
    const fields: Readonly<Record<string, unknown>> = typeof saved === 'object' && saved !== null ? (saved as Readonly<Record<string, unknown>>) : {};
    const length = this.paramGroups[0].params.reduce((n, p) => n + p.numel(), 0);
    const fail = (key: string, rule: string): StateError => new StateError(`LBFGS.loadStateDict: the state does not match, got ${key}: ${show(fields[key])}; expected ${rule}`);
    const scalar = (value: unknown): number | null => (value instanceof Tensor && value.numel() === 1 ? value.item() : typeof value === 'number' ? value : null);
    const number = (key: string): number => {
      const value = scalar(fields[key]);
      if (value === null) throw fail(key, 'a number');
      return value;
    };
    const vector = (key: string, value: unknown): Tensor => {
      if (!(value instanceof Tensor) || value.ndim !== 1 || value.numel() !== length) throw fail(key, `vectors of ${length} elements`);
      return value.detach().clone();
    };
    const list = (key: string): readonly unknown[] => {
      const value = fields[key];
      if (!Array.isArray(value)) throw fail(key, 'a list');
      return value;
    };
    const ro = fields.ro === undefined || fields.ro === null ? [] : list('ro').map((value) => scalar(value) ?? NaN);
    const optional = (key: string): Tensor | null => (fields[key] === null || fields[key] === undefined ? null : vector(key, fields[key]));
    return {
      funcEvals: number('func_evals'),
      nIter: number('n_iter'),
      d: optional('d'),
      t: fields.t === null || fields.t === undefined ? 1 : number('t'),
      oldDirs: fields.old_dirs === undefined || fields.old_dirs === null ? [] : list('old_dirs').map((x) => vector('old_dirs', x)),
      oldStps: fields.old_stps === undefined || fields.old_stps === null ? [] : list('old_stps').map((x) => vector('old_stps', x)),
      ro,
      hDiag: fields.H_diag === undefined || fields.H_diag === null ? 1 : number('H_diag'),
      prevFlatGrad: optional('prev_flat_grad'),
      prevLoss: scalar(fields.prev_loss),
    };
  }
}

function lossOf(loss: unknown): number {
  const value = loss instanceof Tensor && loss.numel() === 1 ? loss.item() : loss;
  if (typeof value !== 'number') throw new ArgumentError(`LBFGS.step: the closure gave no loss, got ${show(loss)}; expected a tensor of one element or a number`);
  return value;
}
