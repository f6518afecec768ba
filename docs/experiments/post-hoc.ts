// Post-hoc synthesis: two widths are tracked and stored every now and then, others are made afterwards, and compared with ones that were tracked beside them.
import { AveragedProfiles, MemorySnapshots, type Module, type SnapshotInfo, type Tensor, deepCopy, synthesize, synthesizeAll } from '../../index.ts';
import { Net, evaluate, percent, row, train } from '../digits.ts';

const widths = [0.03, 0.05, 0.07, 0.1, 0.12, 0.15, 0.2, 0.25];
const dtypes = ['float32', 'float16', 'bfloat16'] as const;

/** Relative L2 distance of a state dictionary from a model's, over floating entries. */
function distance(state: Readonly<Record<string, Tensor>>, model: Module): number {
  let [apart, size] = [0, 0];
  for (const [name, x] of Object.entries(model.stateDict())) {
    if (x.dtype !== 'float32') continue;
    const [u, v] = [state[name].data(), x.data()];
    for (let i = 0; i < v.length; i++) {
      apart += (u[i] - v[i]) ** 2;
      size += v[i] ** 2;
    }
  }
  return Math.sqrt(apart / size);
}

/** What one training run leaves: snapshots of two widths, taken at several distances, and every width as it was tracked directly. */
async function run(): Promise<{ stores: Map<number, MemorySnapshots>; halves: Record<(typeof dtypes)[number], MemorySnapshots>; atEnd: Net[]; after192: Net[] }> {
  const stores = new Map([8, 16, 32, 88, 176].map((every) => [every, new MemorySnapshots()] as const));
  const halves = { float32: new MemorySnapshots(), float16: new MemorySnapshots(), bfloat16: new MemorySnapshots() };
  const pending: Promise<SnapshotInfo[]>[] = [];
  let profiles: AveragedProfiles<Net>[] = [];
  let after192: Net[] = [];
  train({
    seed: 0,
    start: (model) => {
      profiles = [[0.05, 0.15], widths].map((sigmaRel) => new AveragedProfiles(model, { sigmaRel, updateBuffers: true }));
    },
    afterStep: (model, step) => {
      for (const p of profiles) p.updateParameters(model);
      for (const [every, store] of stores) if (step % every === 0) pending.push(profiles[0].snapshot(store));
      if (step % 32 === 0) for (const dtype of dtypes) pending.push(profiles[0].snapshot(halves[dtype], { dtype }));
      if (step === 192) after192 = profiles[1].averages.map((average) => deepCopy(average.module));
    },
  });
  await Promise.all(pending);
  return { stores, halves, atEnd: profiles[1].averages.map((average) => average.module), after192 };
}

const scientific = (v: number): string => v.toExponential(1);
const { stores, halves, atEnd, after192 } = await run();
const [tenth, wide] = [widths.indexOf(0.1), widths.indexOf(0.15)];

const store = stores.get(32) ?? new MemorySnapshots();
console.log(`352 steps; widths 0.05 and 0.15 are tracked and stored every 32 steps: ${store.list().length} snapshots\n`);
row('width', 'residual', 'distance', 'of 0.15', 'tracked', 'made');
const net = new Net();
const sweep = await synthesizeAll(store, widths.map((sigmaRel) => ({ sigmaRel })));
sweep.forEach((made, i) => {
  made.copyTo(net);
  const name = `${widths[i]}${made.residual === 0 ? ' (stored)' : ''}`;
  const far = distance(atEnd[wide].stateDict(), atEnd[i]);
  row(name, scientific(made.residual), scientific(distance(made.state, atEnd[i])), scientific(far), percent(evaluate(atEnd[i]).accuracy), percent(evaluate(net).accuracy));
});

console.log('\nWidth 0.1, from more or fewer snapshots of the same two widths\n');
row('a snapshot every', 'number', 'residual', 'distance', 'condition');
for (const [every, some] of stores) {
  const made = await synthesize(some, { sigmaRel: 0.1 });
  row(`${every} steps`, String(made.weights.length), scientific(made.residual), scientific(distance(made.state, atEnd[tenth])), made.condition.toFixed(0));
}

console.log('\nWidth 0.1 as it was after 192 of the 352 steps\n');
row('a snapshot every', 'number', 'residual', 'distance');
for (const [every, some] of stores) {
  const made = await synthesize(some, { sigmaRel: 0.1, steps: 192 });
  row(`${every} steps${192 % every === 0 ? '' : ', none after 192'}`, String(made.weights.length), scientific(made.residual), scientific(distance(made.state, after192[tenth])));
}

console.log('\nWidth 0.1 at the end, from 22 snapshots stored in fewer bits\n');
row('', 'bytes', 'distance');
for (const [dtype, some] of Object.entries(halves)) {
  const made = await synthesize(some, { sigmaRel: 0.1 });
  row(dtype, String(some.list().reduce((sum, info) => sum + some.get(info).length, 0)), scientific(distance(made.state, atEnd[tenth])));
}
