import { test } from 'uvu';
import { StateError, customOp, detectAnomaly, isAnomalyCheckNanEnabled, isAnomalyEnabled, setDetectAnomaly, tensor } from '../../index.ts';
import { equal, is, ok, throwsError } from '../assert.ts';

const root = () => tensor([0, 4], { requiresGrad: true });
/** At 0 the gradient of sqrt is infinite, and infinity times 0 is NaN. */
const bad = (x: ReturnType<typeof root>) => x.sqrt().mul(0).sum();

test('the error names the operation, its input and where it was called', () => {
  const x = root();
  let error: unknown;
  try {
    detectAnomaly(() => bad(x).backward());
  } catch (e) {
    error = e;
  }
  ok(error instanceof StateError);
  equal([error.values.operation, error.values.input, error.values.count], ['sqrt', 0, 1]);
  ok(/gradient of 'sqrt' is not a number, got NaN for its input 0 \(1 of 2 elements\)/.test(error.message), error.message);
  ok(String(error.values.call).includes('anomaly.test.ts'), String(error.values.call));
  is(x.grad, null);
});

test('without it the pass goes through, and it is off again afterwards', () => {
  const x = root();
  is(detectAnomaly(() => isAnomalyEnabled() && isAnomalyCheckNanEnabled()), true);
  equal([isAnomalyEnabled(), isAnomalyCheckNanEnabled()], [false, false]);
  bad(x).backward();
  ok(Number.isNaN(x.grad?.data()[0]));
});

test('a forward pass outside has no stack, and the error says so', () => {
  const loss = bad(root());
  throwsError(() => detectAnomaly(() => loss.backward()), StateError, /run the forward pass inside detectAnomaly too/);
});

test('infinite gradients are no anomaly, and checkNan: false looks at nothing', () => {
  const x = root();
  detectAnomaly(() => x.sqrt().sum().backward());
  equal([...(x.grad?.data() ?? [])], [Infinity, 0.25]);
  detectAnomaly(() => bad(root()).backward(), { checkNan: false });
});

test('gradients that add up are looked at one by one, also those of custom operations', () => {
  const wrong = customOp({ name: 'wrong', forward: (x) => x.mul(2), backward: (grad) => [grad.mul(NaN)] });
  const x = tensor([1, 2], { requiresGrad: true });
  throwsError(() => detectAnomaly(() => x.exp().add(wrong(x)).add(x.mul(3)).sum().backward()), StateError, /gradient of 'wrong'/);
});

test('the switch works without a function, and errors leave it as it was', () => {
  setDetectAnomaly(true);
  try {
    throwsError(() => bad(root()).backward(), StateError, /'sqrt'/);
    throwsError(() => detectAnomaly(() => { throw new Error('mine'); }, { checkNan: false }), Error, /mine/);
    is(isAnomalyCheckNanEnabled(), true);
  } finally {
    setDetectAnomaly(false);
  }
  throwsError(() => setDetectAnomaly('yes' as never), Error, /not a boolean/);
  throwsError(() => detectAnomaly(() => 1, { check: true } as never), Error, /unknown option/);
  throwsError(() => detectAnomaly(async () => 1), StateError, /asynchronous/);
});

test.run();
