import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import { ArgumentError, StateError, currentTrial, reportTrial, tensor, trialParameters } from '../../../index.ts';
import { equal, is, throwsError } from '../../assert.ts';

const entry = new URL('../../../index.ts', import.meta.url).href;

function inTrial(text: string | undefined, fn: () => void): void {
  if (text === undefined) delete process.env.POLYAK_TRIAL;
  else process.env.POLYAK_TRIAL = text;
  try {
    fn();
  } finally {
    delete process.env.POLYAK_TRIAL;
  }
}

const trial = (parameters: object): string => JSON.stringify({ trial: 3, configuration: 1, attempt: 2, parameters });

test('outside a sweep a script has its own parameters', () => {
  inTrial(undefined, () => {
    is(currentTrial(), null);
    equal(trialParameters({ lr: 0.1, name: 'x', on: false, none: null }), { lr: 0.1, name: 'x', on: false, none: null });
  });
});

test('in a sweep those of the trial replace them', () => {
  inTrial(trial({ lr: 0.5, on: true, none: 3, seed: null }), () => {
    equal(currentTrial(), { trial: 3, configuration: 1, attempt: 2, parameters: { lr: 0.5, on: true, none: 3, seed: null } });
    const p = trialParameters({ lr: 0.1, name: 'x', on: false, none: null, seed: 0 });
    equal(p, { lr: 0.5, name: 'x', on: true, none: 3, seed: null as never });
    const lr: number = p.lr;
    is(lr, 0.5);
  });
});

test('parameters that the script does not know, and other types, are refused', () => {
  inTrial(trial({ lt: 1 }), () => throwsError(() => trialParameters({ lr: 1 }), ArgumentError, /does not know, got 'lt'; expected one of lr/));
  inTrial(trial({ lr: 'high' }), () => throwsError(() => trialParameters({ lr: 1 }), ArgumentError, /'lr' has another type, got 'high'; expected a number such as 1/));
  for (const text of ['{', '{}', '1']) inTrial(text, () => throwsError(() => currentTrial(), StateError, /POLYAK_TRIAL is no trial/));
  throwsError(() => trialParameters(null as never), ArgumentError, /no defaults/);
  throwsError(() => reportTrial(3 as never), ArgumentError, /not metrics/);
  throwsError(() => reportTrial({ loss: tensor([1, 2]) }), ArgumentError, /'loss' is not one number/);
});

test('metrics are one line of JSON on the standard output', () => {
  const code = `import { reportTrial, tensor } from ${JSON.stringify(entry)}; reportTrial({ loss: tensor([0.5]), best: NaN, note: 'a\\nb' }); process.exit(0);`;
  const out = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code], { encoding: 'utf8' });
  is(out, '{"loss":0.5,"best":"NaN","note":"a\\nb"}\n');
});

test.run();
