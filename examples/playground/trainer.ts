import {
  type BaseAveragedModel, F, type Optimizer, StateError, Tensor, cat, defaultGenerator, linspace, meshgrid, noGrad, randint, saveCheckpoint, stack, tensor, unpackCheckpoint,
} from '../../index.ts';
import { EXTENT } from './extent.ts';
import { MemoryFile } from './memoryFile.ts';
import { type Classifier, averageOf, netOf, optimizerOf } from './nets.ts';
import { type DigitFiles, type Problem, problemOf } from './problems.ts';
import { type Columns, Profile } from './profile.ts';
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

/** What both nets make of examples that they were not trained on. */
export interface Look {
  readonly score: Both<Score>;
  /** For points: the probability of class 1 on a grid, row by row. For digits: what each of the first `SHOWN` is taken for. */
  readonly picture: Both<Float32Array>;
}

/** Points a side of a picture of decisions. */
export const GRID = 64;
/** Digits that are shown with what the nets take them for. */
export const SHOWN = 25;

/** Something of both, in one go. */
const each = <T, U>({ raw, average }: Both<T>, look: (x: T) => U): Both<U> => ({ raw: look(raw), average: look(average) });

/** A run: a net, its optimizer and its average, step by step, all on the device that the settings name. */
export class Trainer {
  readonly settings: Settings;
  readonly problem: Problem;
  readonly model: Classifier;
  readonly average: BaseAveragedModel<Classifier>;
  step = 0;
  private readonly optimizer: Optimizer;
  private readonly profile: Profile;
  /** What is learned from, on the device. */
  private readonly inputs: Tensor;
  private readonly labels: Tensor;
  /** What is looked at: the examples to test on, and for points the grid. */
  private readonly seen: Tensor;
  private loss: Tensor | null = null;

  constructor(settings: Settings, files: DigitFiles | null) {
    const { data, device } = settings;
    this.settings = settings;
    this.problem = problemOf(settings, files);
    this.model = netOf(settings).to(device);
    this.optimizer = optimizerOf(this.model, settings);
    this.average = averageOf(this.model, settings);
    this.profile = new Profile((marks) => averageOf(marks, settings));
    const { inputs, labels, testInputs } = this.problem;
    this.inputs = inputs.to(device);
    this.labels = labels.to(device);
    this.seen = (data === 'digits' ? testInputs : cat([testInputs, grid()])).to(device);
  }

  /** Number of weights. */
  get size(): number {
    return this.model.parameters().reduce((n, p) => n + p.numel(), 0);
  }

  /** The digits that are shown. */
  get shown(): Tensor {
    return this.problem.testInputs.narrow(0, 0, SHOWN);
  }

  /** One step, and the average of it. On a GPU it is only begun: `settle` waits. */
  train(): void {
    const { batch, device } = this.settings;
    const rows = randint(0, this.labels.shape[0], [batch]).to(device);
    this.model.train();
    this.optimizer.zeroGrad();
    this.loss = F.crossEntropy(this.model.forward(this.inputs.indexSelect(0, rows)), this.labels.indexSelect(0, rows));
    this.loss.backward();
    this.optimizer.step();
    this.average.updateParameters(this.model);
    this.profile.add(this.step);
    this.step++;
  }

  /** Waits until all steps are done; the loss of the last batch, 0 before the first. */
  async settle(): Promise<number> {
    return this.loss === null ? 0 : (await this.loss.detach().cpu()).item();
  }

  /** The logits of both nets in eval mode, on the CPU. */
  private async logits(x: Tensor): Promise<Both<Tensor>> {
    this.model.eval();
    this.average.eval();
    const [raw, average] = await Promise.all(noGrad(() => [this.model.forward(x).cpu(), this.average.forward(x).cpu()]));
    return { raw, average };
  }

  /** How both nets do, and what there is to draw. */
  async look(): Promise<Look> {
    const { testLabels } = this.problem;
    const n = testLabels.shape[0];
    const logits = await this.logits(this.seen);
    return noGrad(() => ({
      score: each(logits, (all) => {
        const some = all.narrow(0, 0, n);
        return { loss: F.crossEntropy(some, testLabels).item(), accuracy: some.argmax(1).eq(testLabels).to('float32').mean().item() };
      }),
      picture: each(logits, (all) => {
        const shown = this.settings.data === 'digits' ? all.narrow(0, 0, SHOWN).argmax(1) : F.softmax(all.narrow(0, n, GRID * GRID), 1).select(1, 1);
        return Float32Array.from(shown.data());
      }),
    }));
  }

  /** Probabilities of the ten digits for an image of 64 values from 0 to 1. */
  async classify(pixels: Float32Array): Promise<Both<Float32Array>> {
    const logits = await this.logits(tensor(pixels).reshape([1, 1, 8, 8]).to(this.settings.device));
    return noGrad(() => each(logits, (x) => Float32Array.from(F.softmax(x, 1).data())));
  }

  /** Weights of past steps in the average. */
  weights(): Columns {
    return this.profile.columns(this.step);
  }

  private parts() {
    return { model: this.model, optimizer: this.optimizer, average: this.average, profile: this.profile.average, generator: defaultGenerator };
  }

  /** The whole run as a checkpoint. */
  async save(): Promise<Blob> {
    const file = new MemoryFile();
    await saveCheckpoint(file, { ...this.parts(), step: this.step, width: this.profile.width, settings: { ...this.settings } });
    return file.getFile();
  }

  /** The settings in a checkpoint of a run. @throws StateError for any other file */
  static settingsIn(bytes: Uint8Array<ArrayBuffer>): Settings {
    const { settings } = unpackCheckpoint(bytes);
    if (typeof settings !== 'object' || settings === null || settings instanceof Tensor) throw new StateError('playground: a checkpoint of something else, got no settings; expected one that was saved here');
    return settingsFrom(settings as Record<string, unknown>);
  }

  /** A run that goes on from a checkpoint, bit for bit. @throws StateError for any other file: random numbers are then as they were */
  static load(bytes: Uint8Array<ArrayBuffer>, settings: Settings, files: DigitFiles | null): Trainer {
    const before = defaultGenerator.getState();
    try {
      const trainer = new Trainer(settings, files);
      const { step, width } = unpackCheckpoint(bytes, { ...trainer.parts(), step: 0, width: 0, settings: {} });
      trainer.step = Number(step);
      trainer.profile.width = Number(width);
      return trainer;
    } catch (error) {
      defaultGenerator.setState(before);
      throw error;
    }
  }
}

/** Points all over the square, row by row from the upper left: (GRID², 2). */
function grid(): Tensor {
  const axis = linspace(-EXTENT, EXTENT, GRID);
  const [y, x] = meshgrid([axis.neg(), axis], { indexing: 'ij' });
  return stack([x.flatten(), y.flatten()], 1);
}
