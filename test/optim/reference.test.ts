import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { numelOf } from '../../core/shape.ts';
import {
  ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, type DType, Muon, NAdam, type Optimizer, type OptimizerStateDict, RAdam, RMSprop, Rprop, SGD, Tensor, tensor,
} from '../../index.ts';
import { allClose, equal, ok } from '../assert.ts';

interface Recorded {
  readonly name: keyof typeof makers;
  readonly options: object;
  readonly dtype: DType;
  readonly shapes: readonly (readonly number[])[];
  readonly trace: readonly (readonly (readonly number[])[])[];
  readonly state: Readonly<Record<string, Readonly<Record<string, readonly number[] | null>>>>;
  /** The state dictionary after step MIDDLE. */
  readonly middle: OptimizerStateDict;
}

const MIDDLE = 12;

const { optimizers, muonInBfloat16 } = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as {
  readonly optimizers: readonly Recorded[];
  readonly muonInBfloat16: Recorded['trace'];
};

const start = (shape: readonly number[], i: number, dtype: DType): Tensor => tensor(Array.from({ length: numelOf(shape) }, (_, k) => (((7 * k + 3 * i) % 13) - 6) / 4), { dtype }).reshape(shape);

function gradient(p: Tensor, i: number, step: number): Tensor | null {
  if ((i === 1 && step % 3 === 1) || (i === 0 && step % 4 === 2)) return null;
  const wave = tensor(Array.from({ length: p.numel() }, (_, k) => (((5 * k + 11 * step + i) % 17) - 8) / 16), { dtype: p.dtype }).reshape(p.shape);
  return p.detach().mul(0.5).add(wave);
}

const makers = { ASGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Muon, NAdam, RAdam, RMSprop, Rprop, SGD };

const make = ({ name, options }: Recorded, params: readonly Tensor[]): Optimizer => new makers[name](params, options);

/** Row-major, or the same values in a transposed layout, or every second element of a longer row. */
const layouts = {
  plain: (x: Tensor): Tensor => x,
  strided: (x: Tensor): Tensor => (x.ndim === 2 ? x.t().clone().t() : x.ndim === 1 ? tensor(Array.from(x.data()).flatMap((v) => [v, 99]), { dtype: x.dtype }).reshape([-1, 2]).select(1, 0) : x),
};

const toleranceOf = ({ dtype }: Recorded): { readonly rtol: number; readonly atol: number } => (dtype === 'float64' ? { rtol: 1e-12, atol: 1e-13 } : { rtol: 2e-6, atol: 1e-6 });

/** Tensors of a recorded value. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unpacked);
  const fields = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(fields.data)) return tensor(fields.data as number[], { dtype: fields.dtype as DType }).reshape(fields.shape as number[]);
  return Object.fromEntries(Object.entries(fields).map(([key, v]) => [key, unpacked(v)]));
}

for (const recorded of optimizers) {
  for (const [layout, lay] of Object.entries(layouts)) {
    test(`${recorded.name} ${JSON.stringify(recorded.options)} ${recorded.dtype}, ${layout}: PyTorch's numbers`, () => {
      const params = recorded.shapes.map((shape, i) => lay(start(shape, i, recorded.dtype)).detach().requiresGrad_());
      const optimizer = make(recorded, params);
      recorded.trace.forEach((expected, step) => {
        params.forEach((p, i) => {
          p.grad = gradient(p, i, step);
        });
        optimizer.step();
        params.forEach((p, i) => allClose(p.data(), expected[i], toleranceOf(recorded)));
      });
      const { state } = optimizer.stateDict();
      for (const [number, fields] of Object.entries(recorded.state)) {
        const kept = Object.entries(fields).filter(([, v]) => v !== null);
        equal(Object.keys(state[number] ?? {}).sort(), kept.map(([key]) => key).sort());
        for (const [key, value] of kept) allClose((state[number][key] as Tensor).data(), value ?? [], toleranceOf(recorded));
      }
    });
  }
}

for (const recorded of optimizers) {
  test(`${recorded.name} ${JSON.stringify(recorded.options)} ${recorded.dtype}: goes on from PyTorch's state`, () => {
    const { dtype, trace } = recorded;
    const params = recorded.shapes.map((shape, i) => tensor([...trace[MIDDLE][i]], { dtype }).reshape(shape).requiresGrad_());
    const optimizer = new makers[recorded.name](params);
    const middle = unpacked(recorded.middle) as OptimizerStateDict;
    optimizer.loadStateDict(middle);
    for (const [name, value] of Object.entries(recorded.options)) equal(Reflect.get(optimizer.paramGroups[0], name), value);
    const again = optimizer.stateDict();
    equal(Object.keys(again.state), Object.keys(middle.state).filter((key) => Object.values(middle.state[key]).some((value) => value !== null)));
    for (const [key, fields] of Object.entries(middle.state)) {
      for (const [name, value] of Object.entries(fields)) {
        if (value === null) continue;
        const own = again.state[key][name];
        ok(own instanceof Tensor, `${name} is saved as a tensor`);
        if (value instanceof Tensor) allClose(own, value, { rtol: 0, atol: 0 });
      }
    }
    for (let step = MIDDLE + 1; step < trace.length; step++) {
      params.forEach((p, i) => {
        p.grad = gradient(p, i, step);
      });
      optimizer.step();
      params.forEach((p, i) => allClose(p.data(), trace[step][i], toleranceOf(recorded)));
    }
  });
}

test("Muon is close to PyTorch's, which iterates in bfloat16", () => {
  const single = optimizers.find(({ name, dtype }) => name === 'Muon' && dtype === 'float32');
  ok(single !== undefined);
  const params = single.shapes.map((shape, i) => start(shape, i, 'float32').requiresGrad_());
  const optimizer = new Muon(params, { lr: 0.02 });
  muonInBfloat16.forEach((expected, step) => {
    params.forEach((p, i) => {
      p.grad = gradient(p, i, step);
    });
    optimizer.step();
    params.forEach((p, i) => allClose(p.data(), expected[i], { rtol: 0.02, atol: 0.01 }));
  });
});

test.run();
