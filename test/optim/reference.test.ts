import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import { numelOf } from '../../core/shape.ts';
import { ASGD, Adadelta, Adagrad, Adam, AdamW, Adamax, type DType, NAdam, type Optimizer, RAdam, RMSprop, Rprop, SGD, type Tensor, tensor } from '../../index.ts';
import { allClose, equal } from '../assert.ts';

interface Recorded {
  readonly name: keyof typeof makers;
  readonly options: object;
  readonly dtype: DType;
  readonly trace: readonly (readonly (readonly number[])[])[];
  readonly state: Readonly<Record<string, Readonly<Record<string, readonly number[] | null>>>>;
}

const { optimizers } = JSON.parse(readFileSync(new URL('../fixtures/optim.json', import.meta.url), 'utf8')) as { readonly optimizers: readonly Recorded[] };

const shapes = [[3, 2], [4], []];

const start = (i: number, dtype: DType): Tensor =>
  tensor(Array.from({ length: numelOf(shapes[i]) }, (_, k) => (((7 * k + 3 * i) % 13) - 6) / 4), { dtype }).reshape(shapes[i]);

function gradient(p: Tensor, i: number, step: number): Tensor | null {
  if ((i === 1 && step % 3 === 1) || (i === 0 && step % 4 === 2)) return null;
  const wave = tensor(Array.from({ length: p.numel() }, (_, k) => (((5 * k + 11 * step + i) % 17) - 8) / 16), { dtype: p.dtype }).reshape(p.shape);
  return p.detach().mul(0.5).add(wave);
}

const makers = { ASGD, Adadelta, Adagrad, Adam, AdamW, Adamax, NAdam, RAdam, RMSprop, Rprop, SGD };

const make = ({ name, options }: Recorded, params: readonly Tensor[]): Optimizer => new makers[name](params, options);

/** Row-major, or the same values in a transposed layout, or every second element of a longer row. */
const layouts = {
  plain: (x: Tensor): Tensor => x,
  strided: (x: Tensor): Tensor => (x.ndim === 2 ? x.t().clone().t() : x.ndim === 1 ? tensor(Array.from(x.data()).flatMap((v) => [v, 99]), { dtype: x.dtype }).reshape([-1, 2]).select(1, 0) : x),
};

for (const recorded of optimizers) {
  for (const [layout, lay] of Object.entries(layouts)) {
    test(`${recorded.name} ${JSON.stringify(recorded.options)} ${recorded.dtype}, ${layout}: PyTorch's numbers`, () => {
      const params = shapes.map((_, i) => lay(start(i, recorded.dtype)).detach().requiresGrad_());
      const optimizer = make(recorded, params);
      // PyTorch keeps eta, mu and mu_product as float32.
      const exact = recorded.dtype === 'float64' && recorded.name !== 'ASGD' && recorded.name !== 'NAdam';
      const tolerance = exact ? { rtol: 1e-12, atol: 1e-13 } : { rtol: 2e-6, atol: 1e-6 };
      recorded.trace.forEach((expected, step) => {
        params.forEach((p, i) => {
          p.grad = gradient(p, i, step);
        });
        optimizer.step();
        params.forEach((p, i) => allClose(p.data(), expected[i], tolerance));
      });
      const { state } = optimizer.stateDict();
      for (const [number, fields] of Object.entries(recorded.state)) {
        const kept = Object.entries(fields).filter(([, v]) => v !== null);
        equal(Object.keys(state[number] ?? {}).sort(), kept.map(([key]) => key).sort());
        for (const [key, value] of kept) allClose((state[number][key] as Tensor).data(), value ?? [], tolerance);
      }
    });
  }
}

test.run();
