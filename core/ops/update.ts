import { whenFast } from '../cpu/engine.ts';
import { updateKernel } from '../cpu/update.ts';
import type { Device } from '../storage.ts';
import { isFloat } from '../dtype.ts';
import { ArgumentError, DTypeError, DeviceError, ShapeError, StateError, show } from '../errors.ts';
import { type Expr, arg } from '../expr.ts';
import { KernelTable } from '../kernels.ts';
import { sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** Tensors by column and target: `targets[c][k]` is column `c` (parameter, gradient, …) of target `k`. All columns are of one length. */
export type Targets = readonly (readonly Tensor[])[];

/**
 * Applies a rule on one device to lists of checked tensors, in place and without recording. The lists are the caller's, who changes them after the call.
 *
 * @param plain - true when all tensors are known to be float32 without gaps
 */
export type UpdateKernel = (targets: Targets, scalars: readonly number[], plain?: boolean) => void;

/**
 * One step of an optimizer or an average: a pointwise formula over several tensors of one shape, some of which it overwrites. It runs over
 * whole lists of such tuples, each in one pass.
 */
export interface UpdateRule {
  /** Name in messages. */
  readonly name: string;
  /** What the columns are. */
  readonly columns: readonly string[];
  /** What the numbers are, which all targets share. */
  readonly scalars: readonly string[];
  /**
   * New value of each column, null where a column is only read, all computed from the values before the update. `arg(c)` is column `c`,
   * `arg(columns.length + i)` is scalar `i`. Every operation rounds to the dtype of the columns, so that devices agree to the bit.
   */
  readonly body: readonly (Expr | null)[];
  readonly kernels: KernelTable<UpdateKernel>;
}

/** An update rule as it is written down. */
export interface UpdateDefinition extends Omit<UpdateRule, 'body' | 'kernels'> {
  /** The formula, from the columns and the scalars. */
  readonly body: (columns: readonly Expr[], scalars: readonly Expr[]) => readonly (Expr | null)[];
}

/** A device that makes the kernels of rules from their formulas. */
export interface UpdatingDevice extends Device {
  updateOf(rule: UpdateRule): UpdateKernel;
}

const isUpdating = (device: Device): device is UpdatingDevice => 'updateOf' in device;

const rules = new Map<string, UpdateRule>();

/**
 * Defines an update rule; its CPU kernel is made from the formula.
 *
 *     const lerpRule = updateRule({
 *       name: 'lerp', columns: ['average', 'source'], scalars: ['weight'],
 *       body: ([a, x], [w]) => [e.add(a, e.mul(w, e.sub(x, a))), null],
 *     });
 *     applyUpdate(lerpRule, [averages, sources], [0.1]);
 *
 * @throws StateError for a name that is taken
 */
export function updateRule({ name, columns, scalars, body }: UpdateDefinition): UpdateRule {
  if (rules.has(name)) throw new StateError(`updateRule: '${name}' is defined twice, got a second definition; expected distinct names`);
  const formula = body(columns.map((_, c) => arg(c)), scalars.map((_, i) => arg(columns.length + i)));
  if (formula.length !== columns.length) {
    throw new ArgumentError(`updateRule: '${name}' gives ${formula.length} values, got ${columns.length} columns; expected a value or null for each`);
  }
  const rule: UpdateRule = { name, columns, scalars, body: formula, kernels: new KernelTable<UpdateKernel>(cpuKernel(formula, scalars.length)) };
  rules.set(name, rule);
  return rule;
}

/** The kernel on the CPU: in Wasm where that runs. */
function cpuKernel(formula: UpdateRule['body'], scalars: number): UpdateKernel {
  const reference = updateKernel(formula, scalars);
  const inWasm = whenFast(({ fastUpdate }) => fastUpdate(formula, scalars, reference));
  return (targets, values, plain) => (inWasm() ?? reference)(targets, values, plain);
}

/** All update rules by name: what a device can give kernels for. */
export function allUpdateRules(): ReadonlyMap<string, UpdateRule> {
  return rules;
}

/**
 * Applies a rule to lists of tensors, in place. Nothing is recorded, as under `noGrad`; autograd notices the writes where it kept a value.
 *
 * @param targets - one list per column; the tensors of one target have the same shape, floating dtype and device, in any memory layout
 * @param scalars - the numbers of the rule, in its order
 * @throws ShapeError, DTypeError, DeviceError or StateError when tensors do not fit; nothing is written then
 */
export function applyUpdate(rule: UpdateRule, targets: Targets, scalars: readonly number[]): void {
  checkLists(rule, targets, scalars);
  const n = targets[0].length;
  if (n === 0) return;
  const { device } = targets[0][0].storage;
  const plain = arePlain(rule, targets, device);
  let mixed = false;
  if (!plain) {
    for (let k = 0; k < n; k++) {
      checkTarget(rule, targets, k);
      mixed ||= targets[0][k].storage.device !== device;
    }
  }
  if (mixed) applyPerDevice(rule, targets, scalars);
  else kernelOf(rule, device)(targets, scalars, plain);
  for (let c = 0; c < targets.length; c++) {
    if (rule.body[c] === null) continue;
    const column = targets[c];
    for (let k = 0; k < n; k++) column[k].storage.version++;
  }
}

function checkLists(rule: UpdateRule, targets: Targets, scalars: readonly number[]): void {
  let fit = targets.length === rule.columns.length && scalars.length === rule.scalars.length;
  for (let c = 1; c < targets.length; c++) fit &&= targets[c].length === targets[0].length;
  if (fit) return;
  throw new ArgumentError(
    `${rule.name}: lists do not fit, got lengths [${targets.map((column) => column.length).join(', ')}] and ${scalars.length} scalars; expected ${rule.columns.length} lists of one length and ${rule.scalars.length} scalars`,
  );
}

/**
 * The usual case, told in a few comparisons: float32 tensors without gaps on one device, those of a target of one shape and each in a block of its own. Others
 * need a closer look.
 */
function arePlain({ body }: UpdateRule, targets: Targets, device: Device): boolean {
  const [first] = targets;
  for (let k = 0; k < first.length; k++) if (!isPlain(first[k], device) || !isDense(first[k])) return false;
  for (let c = 1; c < targets.length; c++) {
    const column = targets[c];
    for (let k = 0; k < column.length; k++) {
      const x = column[k];
      const like = first[k];
      if (!isPlain(x, device) || !sameShape(x.shape, like.shape) || !sameShape(x.strides, like.strides)) return false;
    }
    for (let other = 0; other < c; other++) {
      if (body[c] !== null || body[other] !== null) {
        const before = targets[other];
        for (let k = 0; k < column.length; k++) if (column[k].storage === before[k].storage) return false;
      }
    }
  }
  return true;
}

function isPlain({ storage }: Tensor, device: Device): boolean {
  return storage.dtype === 'float32' && storage.device === device;
}

/** Whether the strides are those of row-major order, also where they do not matter. */
function isDense({ shape, strides }: Tensor): boolean {
  let n = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (strides[d] !== n) return false;
    n *= shape[d];
  }
  return true;
}

function kernelOf(rule: UpdateRule, device: Device): UpdateKernel {
  const kernel = rule.kernels.on(device) ?? (isUpdating(device) ? device.updateOf(rule) : undefined);
  if (kernel === undefined) {
    throw new DeviceError(`${rule.name}: no kernel on this device, got '${device.name}'; expected one of ${rule.kernels.names().join(', ')}`);
  }
  return kernel;
}

/** Each device gets its part of the lists; kernels are found before the first one runs. */
function applyPerDevice(rule: UpdateRule, targets: Targets, scalars: readonly number[]): void {
  const parts = new Map<Device, Tensor[][]>();
  for (let k = 0; k < targets[0].length; k++) {
    const { device } = targets[0][k];
    let part = parts.get(device);
    if (part === undefined) parts.set(device, (part = targets.map(() => [])));
    for (let c = 0; c < targets.length; c++) part[c].push(targets[c][k]);
  }
  const ready = [...parts].map(([device, part]): [UpdateKernel, Tensor[][]] => [kernelOf(rule, device), part]);
  for (const [kernel, part] of ready) kernel(part, scalars);
}

function checkTarget(rule: UpdateRule, targets: Targets, k: number): void {
  const first = targets[0][k];
  const { name, columns } = rule;
  if (!isFloat(first.dtype)) throw new DTypeError(`${name}: ${columns[0]} is not a float tensor, got ${show(first)}; expected float32 or float64`);
  for (let c = 0; c < targets.length; c++) {
    const x = targets[c][k];
    if (!sameShape(x.shape, first.shape)) {
      throw new ShapeError(`${name}: ${columns[c]} has another shape than ${columns[0]}, got ${show(x)} and ${show(first)}; expected equal shapes`);
    }
    if (x.dtype !== first.dtype) {
      throw new DTypeError(`${name}: ${columns[c]} has another dtype than ${columns[0]}, got ${show(x)} and ${show(first)}; expected one dtype`);
    }
    if (x.device !== first.device) {
      throw new DeviceError(`${name}: ${columns[c]} is on another device than ${columns[0]}, got ${x.device.name} and ${first.device.name}; expected one device`);
    }
    if (rule.body[c] === null) continue;
    checkOwnCells(rule, x, c);
    for (let other = 0; other < targets.length; other++) {
      if (other !== c && targets[other][k].storage === x.storage) checkApart(rule, targets[other][k], other, x, c);
    }
  }
}

/** A cell that several elements share would be written several times. */
function checkOwnCells(rule: UpdateRule, { shape, strides }: Tensor, c: number): void {
  for (let d = 0; d < shape.length; d++) {
    if (strides[d] === 0 && shape[d] > 1) {
      throw new StateError(`${rule.name}: ${rule.columns[c]} has elements that share one cell, got an expanded [${shape.join(', ')}]; expected a tensor of its own`, {
        hint: 'clone() it first',
      });
    }
  }
}

/** Columns in one block of memory must lie on each other exactly (and one be read only) or not at all. */
function checkApart(rule: UpdateRule, x: Tensor, c: number, written: Tensor, w: number): void {
  const same = x.offset === written.offset && x.strides.every((s, d) => s === written.strides[d] || x.shape[d] <= 1);
  if (same ? rule.body[c] === null : !overlap(x, written)) return;
  throw new StateError(`${rule.name}: ${rule.columns[c]} and ${rule.columns[w]} share memory, got overlapping tensors ${show(x)}; expected separate ones`, {
    hint: 'clone() one of them first',
  });
}

/** Whether the stretches of memory from first to last element meet. */
function overlap(a: Tensor, b: Tensor): boolean {
  const end = (x: Tensor): number => x.shape.reduce((at, size, d) => at + (size - 1) * x.strides[d], x.offset);
  return a.numel() > 0 && a.offset <= end(b) && b.offset <= end(a);
}
