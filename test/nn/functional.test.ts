import { test } from 'uvu';
import { equal, is } from '../assert.ts';
import * as polyak from '../../index.ts';
import { allOps } from '../../core/ops/define.ts';
import * as nn from '../../nn/index.ts';

test('F has every operation that PyTorch keeps in nn.functional', () => {
  const missing = [...allOps().values()].filter((op) => op.torch?.startsWith('nn.functional.') && !(op.opName.replace('F.', '') in nn.F)).map((op) => op.opName);
  equal(missing, []);
});

test('F has the operations themselves', () => {
  for (const [name, fn] of Object.entries(nn.F)) {
    if (name.endsWith('_')) is(allOps().get(name.slice(0, -1)), Reflect.get(nn.F, name.slice(0, -1)), name); // see test/core/ops/overwriting.test.ts
    else is(allOps().get(`F.${name}`) ?? allOps().get(name), fn, name); // F.unfold is another operation than Tensor.unfold
  }
});

test('the root entry has everything of polyak/nn', () => {
  const root: Readonly<Record<string, unknown>> = polyak;
  const missing = Object.entries(nn).filter(([name, value]) => name !== 'functional' && name !== 'utils' && root[name] !== value).map(([name]) => name);
  equal(missing, []);
});

test.run();
