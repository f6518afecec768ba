// What to save, how to resume? A run is stopped half way, and its averages go on from a file, from less, or from nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BaseAveragedModel, ExponentialMovingAverage, StochasticWeightAverage, WarmupEMA, averageState, loadAverage, loadSafetensors, saveAverage, saveSafetensors } from '../../index.ts';
import { Net, evaluate, percent, row, train } from '../digits.ts';

const STOP = 176; // of 352 steps
const SOON = 198; // half a pass over the data later
const SEED = 0;
const rules: Readonly<Record<string, (model: Net) => BaseAveragedModel<Net>>> = {
  'EMA 0.01': (m) => new ExponentialMovingAverage(m, { momentum: 0.01, updateBuffers: true }),
  'warm-up to 0.01': (m) => new WarmupEMA(m, { decay: 0.99, updateBuffers: true }),
  'mean (SWA)': (m) => new StochasticWeightAverage(m, { updateBuffers: true }),
};
const folder = mkdtempSync(join(tmpdir(), 'polyak-docs-'));
const file = (rule: string, what: string): string => join(folder, `${Object.keys(rules).indexOf(rule)}-${what}.safetensors`);

/** Trains with averages that take part after some step, and tells how good they are. */
function run(averages: readonly BaseAveragedModel<Net>[], after: number, at?: (step: number) => void): number[][] {
  const soon: number[] = [];
  train({
    seed: SEED,
    afterStep: (model, step) => {
      if (step > after) for (const average of averages) average.updateParameters(model);
      at?.(step);
      if (step === SOON) soon.push(...averages.map((average) => evaluate(average).accuracy));
    },
  });
  return averages.map((average, i) => [soon[i], evaluate(average).accuracy]);
}

const bits = (average: BaseAveragedModel<Net>): string => JSON.stringify(Object.values(average.module.stateDict()).map((t) => Array.from(t.data())));

const names = Object.keys(rules);
const whole = names.map((name) => rules[name](new Net()));
const saving: Promise<void>[] = [];
const wholeResults = run(whole, 0, (step) => {
  if (step !== STOP) return;
  names.forEach((name, i) => {
    saving.push(saveAverage(file(name, 'average'), whole[i]), saveSafetensors(file(name, 'weights'), averageState(whole[i], 'plain')));
  });
});
await Promise.all(saving);

const ways: Readonly<Record<string, (name: string) => Promise<BaseAveragedModel<Net>>>> = {
  'saveAverage, loadAverage': async (name) => {
    const average = rules[name](new Net());
    await loadAverage(file(name, 'average'), average);
    return average;
  },
  'its weights only, no counter': async (name) => {
    const average = rules[name](new Net());
    average.loadStateDict((await loadSafetensors(file(name, 'weights'))).tensors);
    return average;
  },
  'not saved, started anew': (name) => Promise.resolve(rules[name](new Net())),
};

console.log(`stopped after ${STOP} of 352 steps; test accuracy of the average\n`);
row('', `after ${SOON}`, 'at the end', 'same bits');
const resumed = await Promise.all(Object.values(ways).map((load) => Promise.all(names.map(load))));
const results = resumed.map((averages) => run(averages, STOP));
names.forEach((name, i) => {
  row(name);
  row('  never stopped', ...wholeResults[i].map(percent));
  Object.keys(ways).forEach((way, k) => row(`  ${way}`, ...results[k][i].map(percent), bits(resumed[k][i]) === bits(whole[i]) ? 'yes' : 'no'));
});
rmSync(folder, { recursive: true });
