import { type BaseAveragedModel, Module, Parameter, noGrad, zeros } from '../../index.ts';

/** Most columns of a profile. */
export const COLUMNS = 128;

/** Weights of past steps: column `i` holds what the steps from `i · width` to `(i + 1) · width` weigh together. */
export interface Columns {
  readonly weights: Float32Array;
  readonly width: number;
}

/** One number for each column. */
class Marks extends Module {
  cells = new Parameter(zeros([COLUMNS]));
  forward(): void {}
}

/**
 * The weight of each past step in an average, kept up while it trains. Average vectors that are 1 in the column of their step and 0 elsewhere, by the same rule: the
 * result is the profile. When there are no more columns, neighbours become one.
 */
export class Profile {
  readonly average: BaseAveragedModel<Marks>;
  private readonly marks = new Marks();
  width = 1;

  /** @param rule - makes the average whose profile it is */
  constructor(rule: (marks: Marks) => BaseAveragedModel<Marks>) {
    this.average = rule(this.marks);
  }

  /** Takes in a step, counted from 0. */
  add(step: number): void {
    if (step >= COLUMNS * this.width) this.halve();
    noGrad(() => {
      const cell = this.marks.cells.select(0, Math.floor(step / this.width));
      cell.fill_(1);
      this.average.updateParameters(this.marks);
      cell.fill_(0);
    });
  }

  /** The columns after so many steps. */
  columns(steps: number): Columns {
    return { weights: Float32Array.from(this.average.module.cells.data().subarray(0, Math.ceil(steps / this.width))), width: this.width };
  }

  /** Everything that a rule remembers of the vectors has their shape. */
  private halve(): void {
    this.width *= 2;
    noGrad(() => {
      for (const x of [...this.average.parameters(), ...this.average.buffers()]) {
        if (x.numel() !== COLUMNS) continue;
        const pairs = x.reshape([COLUMNS / 2, 2]).sum(1);
        x.zero_();
        x.narrow(0, 0, COLUMNS / 2).copy_(pairs);
      }
    });
  }
}
