import { F, type Optimizer, type Tensor, effectiveWeights, defaultGenerator, linspace, meshgrid, noGrad, packCheckpoint, randint, stack, tensor, unpackCheckpoint } from '../../index.ts';
import { type AveragedClassifier, type Classifier, averageOf, netOf, optimizerOf } from './nets.ts';
import { EXTENT } from './extent.ts';
import { type DigitFiles, type Problem, problemOf } from './problems.ts';
import { type Settings, settingsFrom } from './settings.ts';

/** How a net does on examples that it was not trained on. */
export interface Score {
  readonly loss: number;
  /** Share of right answers. */
  readonly accuracy: number;
}

/** The same of the raw weights and of their average. */
export interface Both<T> {
  readonly raw: T;
  readonly average: T;
}

/** Points a side of a picture of decisions. */
export const GRID = 64;
/** Digits that are shown with what the nets take them for. */
export const SHOWN = 25;
/** Columns of the averaging profile. */
export const BINS = 120;

/** A run: a net, its optimizer and its average, step by step. */
export class Trainer {
  readonly settings: Settings;
  readonly problem: Problem;
  readonly model: Classifier;
  readonly average: AveragedClassifier;
  private readonly optimizer: Optimizer;
  private readonly grid: Tensor;
  step = 0;

  constructor(settings: Settings, files: DigitFiles | null) {
    this.settings = settings;
    this.problem = problemOf(settings, files);
    this.model = netOf(settings);
    this.optimizer = optimizerOf(this.model, settings);
    this.average = averageOf(this.model, settings);
    const axis = linspace(-EXTENT, EXTENT, GRID);
    const [y, x] = meshgrid([axis.neg(), axis], { indexing: 'ij' });
    this.grid = stack([x.flatten(), y.flatten()], 1); // (GRID², 2), from the upper left
  }

  /** Number of weights. */
  get size(): number {
    return this.model.parameters().reduce((n, p) => n + p.numel(), 0);
  }

  /** One step, and the average of it. */
  train(): void {
    const { inputs, labels } = this.problem;
    const rows = randint(0, labels.shape[0], [this.settings.batch]);
    this.model.train();
    this.optimizer.zeroGrad();
    F.crossEntropy(this.model.forward(inputs.indexSelect(0, rows)), labels.indexSelect(0, rows)).backward();
    this.optimizer.step();
    this.average.updateParameters(this.model);
    this.step++;
  }

  /** Something of both nets in eval mode. */
  private both<T>(look: (net: { forward(x: Tensor): Tensor }) => T): Both<T> {
    this.model.eval();
    this.average.eval();
    return noGrad(() => ({ raw: look(this.model), average: look(this.average) }));
  }

  evaluate(): Both<Score> {
    const { testInputs, testLabels } = this.problem;
    return this.both((net) => {
      const logits = net.forward(testInputs);
      return { loss: F.crossEntropy(logits, testLabels).item(), accuracy: logits.argmax(1).eq(testLabels).to('float32').mean().item() };
    });
  }

  /** For points: the probability of class 1 on a grid, row by row. For digits: what each of the first `SHOWN` is taken for. */
  picture(): Both<Float32Array> {
    const { data } = this.settings;
    return this.both((net) => Float32Array.from(data === 'digits' ? net.forward(this.shown()).argmax(1).data() : F.softmax(net.forward(this.grid), 1).select(1, 1).data()));
  }

  /** The digits that are shown. */
  shown(): Tensor {
    return this.problem.testInputs.narrow(0, 0, SHOWN);
  }

  /** Probabilities of the ten digits for an image of 64 values from 0 to 1. */
  classify(pixels: Float32Array): Both<Float32Array> {
    const x = tensor(pixels).reshape([1, 1, 8, 8]);
    return this.both((net) => Float32Array.from(F.softmax(net.forward(x), 1).data()));
  }

  /** Weight of past steps in the average, the oldest first, summed over up to `BINS` spans of equal length. */
  profile(): Float32Array {
    if (this.step === 0) return new Float32Array(0);
    const weights = effectiveWeights((probe) => averageOf(probe as Classifier, this.settings), this.step);
    const bins = new Float32Array(Math.min(BINS, this.step));
    weights.forEach((w, i) => (bins[Math.floor((i * bins.length) / weights.length)] += w));
    return bins;
  }

  private parts() {
    return { model: this.model, optimizer: this.optimizer, average: this.average, generator: defaultGenerator };
  }

  /** The whole run as the bytes of a checkpoint. */
  save(): Uint8Array {
    return packCheckpoint({ ...this.parts(), step: this.step, settings: { ...this.settings } });
  }

  /** A run that goes on from a checkpoint, bit for bit. @throws StateError for any other file */
  static load(bytes: Uint8Array<ArrayBuffer>, files: DigitFiles | null): Trainer {
    const { settings } = unpackCheckpoint(bytes);
    const trainer = new Trainer(settingsFrom(settings as Record<string, unknown>), files);
    const { step } = unpackCheckpoint(bytes, { ...trainer.parts(), step: 0, settings: {} });
    trainer.step = Number(step);
    return trainer;
  }
}

