/// <reference lib="esnext.disposable" preserve="true" />
import { ArgumentError, checkNumber, checkOptions, show } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { Appender } from './appender.ts';
import {
  type EventTime, type HparamValue, hparamValues, histogramValue, record, scalarValue, startEvent, summaryEvent, tensorScalarValue, textValue, versionEvent,
} from './events.ts';
import { makeHistogram } from './histogram.ts';
import { nodeModules } from './nodeModules.ts';
import type { Message } from './protobuf.ts';
import { type Scalar, checkText, scalarOf } from './values.ts';

/** Options of `SummaryWriter`. */
export interface SummaryWriterOptions {
  /** Ends the name of the folder when none is given; default nothing. */
  readonly comment?: string;
  /** TensorBoard hides what came before from this step on: for a run that goes on from a checkpoint. Default: hide nothing. */
  readonly purgeStep?: number;
  /** Additions held back until they are written together; default 10. */
  readonly maxQueue?: number;
  /** Seconds after which an addition is not held back; default 120. */
  readonly flushSecs?: number;
  /** Ends the name of the file; default nothing. */
  readonly filenameSuffix?: string;
}

/** Options of the `add…` methods. */
export interface EventOptions {
  /** Seconds since 1970; default now. */
  readonly walltime?: number;
}

/** Options of `addScalar`. */
export interface ScalarOptions extends EventOptions {
  /** Write the number as a tensor, as newer writers do; default false. */
  readonly newStyle?: boolean;
  /** With `newStyle`: in double precision; default false. */
  readonly doublePrecision?: boolean;
}

/** Options of `addHistogram`. */
export interface SummaryHistogramOptions extends EventOptions {
  /** TensorBoard's buckets ('tensorflow', default), a number of equal ones, or their edges. */
  readonly bins?: 'tensorflow' | number | readonly number[];
  /** Join neighbouring buckets when there are more than this; default never. */
  readonly maxBins?: number;
}

/** Options of `addHparams`. */
export interface HparamsOptions {
  /** All values a setting can have, by name. */
  readonly hparamDomainDiscrete?: Readonly<Record<string, readonly HparamValue[]>>;
  /** Name of the folder that is made in the writer's for this run; default the time. */
  readonly runName?: string;
  /** Step of the metrics; default 0. */
  readonly globalStep?: number;
}

let files = 0;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Nov28_15-51-20`. */
function clock(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${MONTHS[date.getMonth()]}${two(date.getDate())}_${two(date.getHours())}-${two(date.getMinutes())}-${two(date.getSeconds())}`;
}

const now = (): number => Date.now() / 1000;

/**
 * Writes event files that TensorBoard shows: `tensorboard --logdir runs`. Everything is synchronous, so it works in loops without
 * `await`; what is held back is written by `flush` and `close`, every `maxQueue` additions, after `flushSecs`, and when the process ends. Node only.
 *
 * Differs from PyTorch's in that booleans among hyperparameters are written as such, that NaN and infinities in a histogram are an error of ours, and that
 * images, audio, graphs and embeddings are not there.
 *
 * @see https://pytorch.org/docs/stable/tensorboard.html
 */
export class SummaryWriter {
  /** The folder. */
  readonly logDir: string;
  private readonly settings: { readonly maxQueue: number; readonly flushSecs: number; readonly filenameSuffix: string };
  private readonly purgeStep: number | null;
  private main: Appender | null = null;
  /** Files of `addScalars`, by their folder. */
  private readonly others = new Map<string, Appender>();

  /**
   * Makes the folder and a file in it.
   *
   * @param logDir - a folder per run; default `runs/` with the time, the machine and the comment
   * @throws StateError when the folder or the file cannot be made, ArgumentError for bad options
   */
  constructor(logDir?: string, options: SummaryWriterOptions = {}) {
    checkOptions('SummaryWriter', options, ['comment', 'purgeStep', 'maxQueue', 'flushSecs', 'filenameSuffix']);
    const { comment = '', purgeStep, maxQueue = 10, flushSecs = 120, filenameSuffix = '' } = options;
    checkNumber('SummaryWriter', 'maxQueue', maxQueue, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && v >= 0);
    checkNumber('SummaryWriter', 'flushSecs', flushSecs, 'seconds ≥ 0', (v) => v >= 0);
    if (purgeStep !== undefined) checkStep('SummaryWriter', purgeStep);
    for (const text of [comment, filenameSuffix]) if (typeof text !== 'string' || text.includes('\0')) throw new ArgumentError(`SummaryWriter: not a text, got ${show(text)}; expected a string`);
    if (logDir !== undefined) checkText('SummaryWriter', 'logDir', logDir);
    const { path, os } = nodeModules('SummaryWriter');
    this.logDir = logDir ?? path.join('runs', `${clock(new Date())}_${os.hostname()}${comment}`);
    this.settings = { maxQueue, flushSecs, filenameSuffix };
    this.purgeStep = purgeStep ?? null;
    this.writer();
  }

  /**
   * Adds a number to a curve.
   *
   * @param tag - the curve's name; a `/` makes groups
   * @param value - a number or a tensor of one element; kept in single precision
   * @param globalStep - where on the axis; default 0
   * @throws ArgumentError for anything else
   * @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.add_scalar
   */
  addScalar(tag: string, value: Scalar, globalStep = 0, options: ScalarOptions = {}): void {
    checkOptions('addScalar', options, ['walltime', 'newStyle', 'doublePrecision']);
    checkText('addScalar', 'the tag', tag);
    const { newStyle = false, doublePrecision = false } = options;
    const number = scalarOf('addScalar', `'${tag}'`, value);
    const time = timeOf('addScalar', globalStep, options);
    this.put(this.writer(), time, newStyle ? tensorScalarValue(tag, number, doublePrecision) : scalarValue(tag, number));
  }

  /**
   * Adds numbers to several curves that are drawn together; each has a file in a folder of its own.
   *
   * @param mainTag - name of the picture
   * @param values - numbers by the name of their curve
   * @param globalStep - where on the axis; default 0
   * @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.add_scalars
   */
  addScalars(mainTag: string, values: Readonly<Record<string, Scalar>>, globalStep = 0, options: EventOptions = {}): void {
    checkOptions('addScalars', options, ['walltime']);
    checkText('addScalars', 'the tag', mainTag);
    const time = timeOf('addScalars', globalStep, options);
    const numbers = Object.entries(values).map(([name, value]) => [name, scalarOf('addScalars', `'${name}'`, value)] as const);
    for (const [name, number] of numbers) {
      const folder = `${this.logDir}/${mainTag.replaceAll('/', '_')}_${name}`;
      let file = this.others.get(folder);
      if (file?.isOpen !== true) this.others.set(folder, (file = this.create(folder)));
      this.put(file, time, scalarValue(mainTag, number));
    }
  }

  /**
   * Adds a histogram: how the values of a tensor are spread at a step.
   *
   * @param values - a tensor of any shape, or numbers; all finite
   * @param globalStep - which step; default 0
   * @throws ArgumentError when there are no values, one is not finite, or all lie outside the buckets
   * @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.add_histogram
   */
  addHistogram(tag: string, values: Tensor | ArrayLike<number>, globalStep = 0, options: SummaryHistogramOptions = {}): void {
    checkOptions('addHistogram', options, ['walltime', 'bins', 'maxBins']);
    checkText('addHistogram', 'the tag', tag);
    const { bins = 'tensorflow', maxBins } = options;
    if (maxBins !== undefined) checkNumber('addHistogram', 'maxBins', maxBins, 'an integer ≥ 1', (v) => Number.isSafeInteger(v) && v >= 1);
    const time = timeOf('addHistogram', globalStep, options);
    this.put(this.writer(), time, histogramValue(tag, makeHistogram(numbersOf(tag, values), bins, maxBins ?? null)));
  }

  /** Adds a text, which TensorBoard shows as Markdown. @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.add_text */
  addText(tag: string, text: string, globalStep = 0, options: EventOptions = {}): void {
    checkOptions('addText', options, ['walltime']);
    checkText('addText', 'the tag', tag);
    if (typeof text !== 'string') throw new ArgumentError(`addText: not a text, got ${show(text)}; expected a string`);
    this.put(this.writer(), timeOf('addText', globalStep, options), textValue(tag, text));
  }

  /**
   * Adds a row to TensorBoard's table of hyperparameters: the settings of a run and what came of them, in a folder of its own.
   *
   * @param hparams - settings by name; null ones are left out
   * @param metrics - numbers by name; other names than those of curves
   * @throws ArgumentError for other values, and for a domain of a setting that is not there
   * @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.add_hparams
   */
  addHparams(hparams: Readonly<Record<string, HparamValue | Tensor | null>>, metrics: Readonly<Record<string, Scalar>>, options: HparamsOptions = {}): void {
    const who = 'addHparams';
    checkOptions(who, options, ['hparamDomainDiscrete', 'runName', 'globalStep']);
    const { hparamDomainDiscrete = {}, runName = String(now()), globalStep = 0 } = options;
    checkText(who, 'runName', runName);
    const settings: Record<string, HparamValue> = {};
    for (const [name, value] of Object.entries(hparams)) {
      if (value === null) continue;
      settings[name] = typeof value === 'string' || typeof value === 'boolean' ? value : scalarOf(who, `'${name}'`, value);
    }
    for (const [name, domain] of Object.entries(hparamDomainDiscrete)) {
      if (!Object.hasOwn(settings, name) || !Array.isArray(domain) || !domain.every((v) => typeof v === typeof settings[name])) {
        throw new ArgumentError(`${who}: a domain does not fit, got ${show(domain)} for '${name}'; expected an array of values like that of the setting`);
      }
    }
    const numbers = Object.entries(metrics).map(([name, value]) => [name, scalarOf(who, `'${name}'`, value)] as const);
    checkStep(who, globalStep);
    const file = this.create(`${this.logDir}/${runName}`);
    try {
      for (const value of hparamValues(settings, Object.keys(metrics), hparamDomainDiscrete)) this.put(file, { walltime: now(), step: 0 }, value);
      for (const [name, number] of numbers) this.put(file, { walltime: now(), step: globalStep }, scalarValue(name, number));
    } finally {
      file.close();
    }
  }

  /** Writes what was held back. @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.flush */
  flush(): void {
    for (const file of [this.main, ...this.others.values()]) file?.flush();
  }

  /** Writes what was held back and closes the files; a later addition opens new ones. @see https://pytorch.org/docs/stable/tensorboard.html#torch.utils.tensorboard.writer.SummaryWriter.close */
  close(): void {
    for (const file of [this.main, ...this.others.values()]) file?.close();
    this.main = null;
    this.others.clear();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private put(file: Appender, time: EventTime, value: Message): void {
    file.add(record(summaryEvent(time, value)));
  }

  private writer(): Appender {
    if (this.main !== null) return this.main;
    this.main = this.create(this.logDir);
    const { purgeStep } = this;
    if (purgeStep !== null) {
      const time = { walltime: now(), step: purgeStep };
      this.main.add(record(versionEvent(time)));
      this.main.add(record(startEvent(time)));
    }
    return this.main;
  }

  /** A new file, which says what it is. */
  private create(folder: string): Appender {
    const { path, os } = nodeModules('SummaryWriter');
    const { maxQueue, flushSecs, filenameSuffix } = this.settings;
    const name = `events.out.tfevents.${String(Math.floor(now())).padStart(10, '0')}.${os.hostname()}.${process.pid}.${files++}${filenameSuffix}`;
    const file = new Appender(path.join(folder, name), { who: 'SummaryWriter', mode: 'new', maxQueue, flushSeconds: flushSecs });
    file.add(record(versionEvent({ walltime: now(), step: 0 })));
    file.flush();
    return file;
  }
}

function checkStep(who: string, step: unknown): void {
  checkNumber(who, 'globalStep', step, 'an integer', Number.isSafeInteger);
}

function timeOf(who: string, step: number, { walltime = now() }: EventOptions): EventTime {
  checkStep(who, step);
  checkNumber(who, 'walltime', walltime, 'seconds since 1970', Number.isFinite);
  return { walltime, step };
}

function numbersOf(tag: string, values: unknown): ArrayLike<number> {
  if (values instanceof Tensor) return values.data();
  if (Array.isArray(values) && values.every((v) => typeof v === 'number')) return values;
  if (isTypedArray(values)) return values;
  throw new ArgumentError(`addHistogram: '${tag}' has no numbers, got ${show(values)}; expected a tensor, a typed array or numbers`);
}

function isTypedArray(x: unknown): x is ArrayLike<number> {
  return ArrayBuffer.isView(x) && !(x instanceof DataView) && !(x instanceof BigInt64Array) && !(x instanceof BigUint64Array);
}
