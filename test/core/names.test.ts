import { test } from 'uvu';
import fc from 'fast-check';
import { equal, is } from '../assert.ts';
import { toCamelCase, toSnakeCase } from '../../core/names.ts';

test('camelCase fields get PyTorch names', () => {
  const pairs = [
    ['weight', 'weight'],
    ['runningMean', 'running_mean'],
    ['numBatchesTracked', 'num_batches_tracked'],
    ['weightIhL0', 'weight_ih_l0'],
    ['inProjWeight', 'in_proj_weight'],
    ['conv1', 'conv1'],
    ['fc2Bias', 'fc2_bias'],
    ['biasK', 'bias_k'],
    ['aB', 'a_b'],
    ['toQKV', 'to_q_k_v'],
    ['_hiddenLayer', '_hidden_layer'],
  ];
  for (const [field, key] of pairs) {
    is(toSnakeCase(field), key);
    is(toCamelCase(key), field);
  }
});

test('names that no camelCase field has stay', () => {
  for (const name of ['Q', 'BN1', 'Mixed_5b', 'fc_1', 'branch3x3dbl_1', 'fc_Q', 'layer__x', 'trailing_', '0', '12', 'a-b', '_']) {
    is(toSnakeCase(name), name);
    is(toCamelCase(name), name);
  }
});

test('each is the inverse of the other', () => {
  const lower = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/);
  fc.assert(
    fc.property(fc.array(lower, { minLength: 1, maxLength: 4 }), (words) => {
      const key = words.join('_');
      is(toSnakeCase(toCamelCase(key)), key);
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,12}$/), (field) => {
      is(toCamelCase(toSnakeCase(field)), field);
    }),
    { numRuns: 200 },
  );
  equal(toSnakeCase(toSnakeCase('runningMean')), 'running_mean');
});

test.run();
