import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ExponentialMovingAverage, Linear, MomentumAnnealingEMA, PowerFunctionEMA, StochasticWeightAverage, effectiveWeights, gammaFromSigmaRel, postHocWeights, powerProfileWeights,
  profileSvg,
} from '../index.ts';

// npm run docs:figures: draws the figures of the docs into docs/figures. A test compares them with what this file gives.

const STEPS = 1000;

/** The weights of each rule after 1,000 updates. */
function rules(): Promise<string> {
  const model = new Linear(1, 1);
  const averages = {
    'ExponentialMovingAverage, momentum 0.01': new ExponentialMovingAverage(model, { momentum: 0.01 }),
    'ExponentialMovingAverage, momentum 0.002: its first model has 13.5 %': new ExponentialMovingAverage(model, { momentum: 0.002 }),
    'PowerFunctionEMA, sigmaRel 0.1': new PowerFunctionEMA(model, { sigmaRel: 0.1 }),
    'PowerFunctionEMA, sigmaRel 0.2': new PowerFunctionEMA(model, { sigmaRel: 0.2 }),
    'MomentumAnnealingEMA, gamma 3': new MomentumAnnealingEMA(model, { gamma: 3 }),
    'StochasticWeightAverage': new StochasticWeightAverage(model),
  };
  return profileSvg(Object.fromEntries(Object.entries(averages).map(([name, average]) => [name, effectiveWeights(average, STEPS)])), { top: 0.012 });
}

/** A width put together from snapshots of two others, beside the wanted one. */
function postHoc(): Promise<string> {
  const [narrow, wide, wanted] = [0.05, 0.15, 0.1].map(gammaFromSigmaRel);
  const made = (every: number): Float64Array => {
    const profiles = Array.from({ length: STEPS / every }, (_, i) => [narrow, wide].map((gamma) => ({ gamma, models: every * (i + 1) }))).flat();
    const { weights } = postHocWeights(profiles, { gamma: wanted, models: STEPS });
    const sum = new Float64Array(STEPS);
    profiles.forEach((p, k) => powerProfileWeights(p).forEach((w, i) => (sum[i] += weights[k] * w)));
    return sum;
  };
  return profileSvg({
    'sigmaRel 0.05, tracked': powerProfileWeights({ gamma: narrow, models: STEPS }),
    'sigmaRel 0.15, tracked': powerProfileWeights({ gamma: wide, models: STEPS }),
    'sigmaRel 0.1, wanted': powerProfileWeights({ gamma: wanted, models: STEPS }),
    'made from 20 snapshots': made(100),
    'made from 4 snapshots': made(500),
  });
}

/** The figures by file name. */
export async function figures(): Promise<Record<string, string>> {
  return { 'profiles.svg': await rules(), 'post-hoc.svg': await postHoc() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('figures/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [file, svg] of Object.entries(await figures())) writeFileSync(new URL(file, folder), svg);
}
