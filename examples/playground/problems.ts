import { type Tensor, bernoulli, cat, full, manualSeed, rand, randn, randperm, readIdx, stack } from '../../index.ts';
import type { Settings } from './settings.ts';

/** What a net is to learn. */
export interface Problem {
  /** (N, 2) points or (N, 1, 8, 8) images */
  readonly inputs: Tensor;
  /** (N) */
  readonly labels: Tensor;
  readonly testInputs: Tensor;
  readonly testLabels: Tensor;
  readonly classes: number;
}

const POINTS = 400; // half of them to train on

/** Points of a family at random, by class: (n, 2) each. */
type Family = (n: number, label: 0 | 1) => Tensor;

const polar = (angle: Tensor, radius: Tensor): Tensor => stack([angle.cos().mul(radius), angle.sin().mul(radius)], 1);

const families: Readonly<Record<Exclude<Settings['data'], 'digits'>, Family>> = {
  moons: (n, label) => {
    const angle = rand([n]).mul(Math.PI);
    return label === 0 ? stack([angle.cos().sub(0.5), angle.sin().sub(0.25)], 1) : stack([angle.cos().neg().add(0.5), angle.sin().neg().add(0.25)], 1);
  },
  circles: (n, label) => polar(rand([n]).mul(2 * Math.PI), full([n], label === 0 ? 0.5 : 1.1)),
  checkers: (n, label) => {
    const [x, y] = [rand([n]).mul(2).sub(1), rand([n])];
    // The row is chosen so that the square has the colour of the class.
    const row = x.gt(0).to('float32').add(label).remainder(2);
    return stack([x, y.sub(row)], 1).mul(1.2);
  },
  spirals: (n, label) => {
    const t = rand([n]).sqrt();
    return polar(t.mul(3 * Math.PI).add(label * Math.PI), t.mul(1.35));
  },
};

function points(data: keyof typeof families, noise: number): Problem {
  const half = POINTS / 2;
  const inputs = cat([families[data](half, 0), families[data](half, 1)]);
  const labels = cat([full([half], 0), full([half], 1)]).to('int64');
  const order = randperm(POINTS);
  const strayed = inputs.add(randn([POINTS, 2]).mul(noise * (data === 'spirals' ? 0.25 : 0.8))).indexSelect(0, order);
  const mixed = labels.indexSelect(0, order);
  return { inputs: strayed.narrow(0, 0, half), labels: mixed.narrow(0, 0, half), testInputs: strayed.narrow(0, half, half), testLabels: mixed.narrow(0, half, half), classes: 2 };
}

const TRAIN = 1437; // the rest is by other writers

function digits(files: DigitFiles, noise: number): Problem {
  const images = readIdx(files.images).to('float32').div(16).unsqueeze(1); // (1797, 1, 8, 8)
  const labels = readIdx(files.labels).to('int64');
  const seen = images.narrow(0, 0, TRAIN);
  // Noise takes pixels away: the same ones for the whole run.
  const inputs = seen.mul(bernoulli(full(seen.shape, 1 - noise)));
  return { inputs, labels: labels.narrow(0, 0, TRAIN), testInputs: images.narrow(0, TRAIN, 360), testLabels: labels.narrow(0, TRAIN, 360), classes: 10 };
}

/** The files of the digits. */
export interface DigitFiles {
  readonly images: Uint8Array<ArrayBuffer>;
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** The problem that the settings name; the generator is seeded anew. */
export function problemOf({ data, noise, seed }: Settings, files: DigitFiles | null): Problem {
  manualSeed(seed);
  if (data !== 'digits') return points(data, noise);
  if (files === null) throw new Error('the digits have not been loaded');
  return digits(files, noise);
}
