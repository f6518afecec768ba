// Deep Q-learning on a small grid; the target net is the average. node --import tsx examples/dqn.ts
import { Adam, ExponentialMovingAverage, F, Linear, ReLU, Sequential, manualSeed, noGrad, rand, randint, tensor } from '../index.ts';

const SIZE = 5;
const moves = [[-1, 0], [0, 1], [1, 0], [0, -1]] as const;
const arrows = ['↑', '→', '↓', '←'];
const walls = new Set(['1,1', '1,2', '1,3', '3,1', '3,3', '3,4']);
const goal = [SIZE - 1, SIZE - 1] as const;

type Place = readonly [row: number, column: number];

/** One step in the world: walls and edges stop it, the goal pays 1, every other step costs a little. */
function act([r, c]: Place, action: number): { readonly place: Place; readonly reward: number; readonly done: boolean } {
  const [dr, dc] = moves[action];
  const [nr, nc] = [r + dr, c + dc];
  const free = nr >= 0 && nr < SIZE && nc >= 0 && nc < SIZE && !walls.has(`${nr},${nc}`);
  const place: Place = free ? [nr, nc] : [r, c];
  const done = place[0] === goal[0] && place[1] === goal[1];
  return { place, reward: done ? 1 : -0.02, done };
}

const oneHot = ([r, c]: Place): number[] => Array.from({ length: SIZE * SIZE }, (_, i) => (i === r * SIZE + c ? 1 : 0));

manualSeed(0);
const chance = (): number => rand([]).item();
const below = (n: number): number => randint(0, n, []).item();

const net = new Sequential(new Linear(SIZE * SIZE, 64), new ReLU(), new Linear(64, 4));
const target = new ExponentialMovingAverage(net, { momentum: 0.02 });
target.updateParameters(net);
const optimizer = new Adam(net.parameters(), { lr: 2e-3 });
interface Experience { readonly from: Place; readonly action: number; readonly reward: number; readonly to: Place; readonly done: boolean }
const memory: Experience[] = [];

const best = (place: Place): number => noGrad(() => net.forward(tensor([oneHot(place)])).argmax(1).item());

function learn(): void {
  const batch = Array.from({ length: 32 }, () => memory[below(memory.length)]);
  const reward = tensor(batch.map((e) => e.reward), { dtype: 'float32' });
  const goesOn = tensor(batch.map((e) => (e.done ? 0 : 0.95)), { dtype: 'float32' });
  const future = noGrad(() => target.forward(tensor(batch.map((e) => oneHot(e.to)), { dtype: 'float32' })).amax(1));
  const all = net.forward(tensor(batch.map((e) => oneHot(e.from)), { dtype: 'float32' }));
  const chosen = all.gather(1, tensor(batch.map((e) => [e.action]), { dtype: 'int64' })).squeeze(1);
  optimizer.zeroGrad();
  F.smoothL1Loss(chosen, reward.add(future.mul(goesOn))).backward();
  optimizer.step();
  target.updateParameters(net);
}

for (let episode = 1; episode <= 150; episode++) {
  let [place, steps]: [Place, number] = [[0, 0], 0];
  for (let done = false; !done && steps < 60; steps++) {
    const action = chance() < Math.max(0.1, 1 - episode / 60) ? below(4) : best(place);
    const next = act(place, action);
    memory.push({ from: place, action, reward: next.reward, to: next.place, done: next.done });
    ({ place, done } = next);
    if (memory.length >= 64) learn();
  }
  if (episode % 50 === 0) console.log(`episode ${episode}: ${steps} steps`);
}

const cell = (r: number, c: number): string => (walls.has(`${r},${c}`) ? '█' : r === goal[0] && c === goal[1] ? '★' : arrows[best([r, c])]);
console.log(Array.from({ length: SIZE }, (_, r) => Array.from({ length: SIZE }, (__, c) => cell(r, c)).join(' ')).join('\n'));
let [place, length]: [Place, number] = [[0, 0], 0];
for (let done = false; !done && length < 60; length++) ({ place, done } = act(place, best(place)));
console.log(`from the corner to the goal in ${length} steps; the shortest way has 8`);
