import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { ArgumentError, Lookahead, Parameter, SGD, SWALR, StateError, StepLR, tensor } from '../../index.ts';
import { allClose, equal, is, throwsError } from '../assert.ts';

const recorded = (JSON.parse(readFileSync(new URL('../fixtures/schedule_free.json', import.meta.url), 'utf8')) as { readonly swalr: Readonly<Record<string, readonly number[][]>> }).swalr;

const fresh = (): Parameter => new Parameter(tensor([1, -2]));

for (const [name, expected] of Object.entries(recorded)) {
  test(`SWALR ${name}: PyTorch's rates`, () => {
    const optimizer = new SGD([{ params: [fresh()], lr: 0.5 }, { params: [fresh()], lr: 0.1 }], { lr: 1 });
    const first = name.endsWith('After') ? new StepLR(optimizer, 2, { gamma: 0.5 }) : null;
    const [, strategy, epochs] = /^(cos|linear)(\d)/.exec(name) ?? [];
    let scheduler = new SWALR(optimizer, [0.05, 0.2], { annealEpochs: Number(epochs), annealStrategy: strategy === 'cos' ? 'cos' : 'linear' });
    const rates = [optimizer.paramGroups.map(({ lr }) => lr)];
    for (let epoch = 0; epoch < 8; epoch++) {
      if (first !== null && epoch < 3) first.step();
      else scheduler.step();
      rates.push(optimizer.paramGroups.map(({ lr }) => lr));
      if (epoch !== 5) continue;
      const kept = optimizer.paramGroups.map(({ lr }) => lr);
      const again = new SWALR(optimizer, [1, 1], { lastEpoch: 0 });
      again.loadStateDict(scheduler.stateDict());
      optimizer.paramGroups.forEach((group, i) => (group.lr = kept[i]));
      scheduler = again;
    }
    rates.forEach((r, i) => allClose(r, expected[i], { rtol: 1e-12, atol: 1e-15 }));
  });
}

test('SWALR refuses rates and options out of range', () => {
  const optimizer = new SGD([fresh()], { lr: 0.5 });
  throwsError(() => new SWALR(optimizer, [0.1, 0.2]), ArgumentError, /swaLr/);
  throwsError(() => new SWALR(optimizer, -1), ArgumentError, /swaLr/);
  throwsError(() => new SWALR(optimizer, 0.1, { annealEpochs: 1.5 }), ArgumentError, /annealEpochs/);
  // @ts-expect-error no such strategy
  throwsError(() => new SWALR(optimizer, 0.1, { annealStrategy: 'step' }), ArgumentError, /annealStrategy/);
  is(optimizer.paramGroups[0].lr, 0.5);
});

test('SWALR reads the state that PyTorch 1.13 writes, and its own has the same keys and the settings', () => {
  const optimizer = new SGD([fresh()], { lr: 0.5 });
  const scheduler = new SWALR(optimizer, 0.05, { annealEpochs: 4, annealStrategy: 'linear' });
  scheduler.step();
  equal(scheduler.stateDict(), { anneal_epochs: 4, swa_lr: [0.05], _anneal_strategy: 'linear', base_lrs: [0.5], last_epoch: 1, _step_count: 2, _last_lr: [0.3875] });
  const theirs = { anneal_func: 'SWALR._linear_anneal', anneal_epochs: 10, base_lrs: [0.5], last_epoch: 2, verbose: false, _step_count: 3, _get_lr_called_within_step: false, _last_lr: [0.41] };
  scheduler.loadStateDict(theirs);
  equal([scheduler.settings.annealEpochs, scheduler.settings.swaLr, scheduler.settings.annealStrategy, scheduler.lastEpoch], [10, [0.05], 'linear', 2]);
  throwsError(() => scheduler.loadStateDict({ ...theirs, swa_lr: [1, 2], gamma: 1 }), StateError, /2 differences[\s\S]*swa_lr[\s\S]*gamma/);
});

test('SWALR through a Lookahead sets the rates within; a group that came later has no rate to go to', () => {
  const inner = new SGD([fresh()], { lr: 0.5 });
  const scheduler = new SWALR(new Lookahead(inner), 0.1, { annealEpochs: 1 });
  scheduler.step();
  is(inner.paramGroups[0].lr, 0.1);
  inner.addParamGroup({ params: [fresh()] });
  throwsError(() => scheduler.step(), ArgumentError, /no rate for group 1/);
  equal([scheduler.lastEpoch, inner.paramGroups[0].lr], [1, 0.1]);
});

test.run();
