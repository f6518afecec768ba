// Diffusion in two dimensions: noise becomes a spiral, and the width of the average is chosen after training. node --import tsx examples/diffusion.ts
import {
  Adam, AveragedProfiles, F, Linear, MemorySnapshots, Module, SiLU, Sequential, type Tensor, cat, full, manualSeed, noGrad, rand, randint, randn, stack, synthesizeAll, tensor,
} from '../index.ts';

const LEVELS = 50;
const betas = Array.from({ length: LEVELS }, (_, i) => 1e-3 + (0.12 * i) / (LEVELS - 1)); // variance of the noise that each level adds
const left = betas.map((_, i) => betas.slice(0, i + 1).reduce((product, b) => product * (1 - b), 1)); // variance of the signal that is left
const [signal, noisy] = [tensor(left).sqrt(), tensor(left).neg().add(1).sqrt()];

/** Points on a spiral of one and a half turns, about as large as the noise: (n, 2). */
function spiral(n: number): Tensor {
  const angle = rand([n]).sqrt().mul(3 * Math.PI);
  return stack([angle.cos(), angle.sin()], 1).mul(angle.div(6).unsqueeze(1)).add(randn([n, 2]).mul(0.03));
}

/** Guesses the noise in a point from the point and the level. */
class Denoiser extends Module {
  net = new Sequential(new Linear(2 + 6, 64), new SiLU(), new Linear(64, 64), new SiLU(), new Linear(64, 64), new SiLU(), new Linear(64, 2));

  forward(x: Tensor, level: Tensor): Tensor {
    const t = level.to('float32').div(LEVELS).unsqueeze(1);
    const waves = [1, 2, 4].flatMap((f) => [t.mul(f * Math.PI).sin(), t.mul(f * Math.PI).cos()]);
    return this.net.forward(cat([x, ...waves], 1));
  }
}

/** Points drawn from noise, level by level (Ho et al. 2020). */
function sample(model: Denoiser, n: number): Tensor {
  return noGrad(() => {
    let x = randn([n, 2]);
    for (let i = LEVELS - 1; i >= 0; i--) {
      const noise = model.forward(x, full([n], i));
      x = x.sub(noise.mul(betas[i] / Math.sqrt(1 - left[i]))).div(Math.sqrt(1 - betas[i]));
      if (i > 0) x = x.add(randn([n, 2]).mul(Math.sqrt(betas[i])));
    }
    return x;
  });
}

/** Energy distance of two clouds of points: 0 for the same distribution. */
function distance(a: Tensor, b: Tensor): number {
  const mean = (x: Tensor, y: Tensor): number => x.unsqueeze(1).sub(y.unsqueeze(0)).norm(2, -1).mean().item();
  return 2 * mean(a, b) - mean(a, a) - mean(b, b);
}

function draw(points: Tensor): string {
  const [width, height] = [56, 22];
  const cells = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  const values = points.data();
  for (let i = 0; i < values.length; i += 2) {
    const [c, r] = [Math.round(((values[i] + 1.8) / 3.6) * width), Math.round(((1.8 - values[i + 1]) / 3.6) * height)];
    if (cells[r]?.[c] !== undefined) cells[r][c] = cells[r][c] === ' ' ? '.' : cells[r][c] === '.' ? 'o' : '@';
  }
  return cells.map((row) => row.join('').trimEnd()).join('\n');
}

manualSeed(0);
const model = new Denoiser();
const optimizer = new Adam(model.parameters(), { lr: 5e-3 });
const profiles = new AveragedProfiles(model, { sigmaRel: [0.05, 0.2] });
const store = new MemorySnapshots();
for (let step = 1; step <= 3000; step++) {
  const [x, noise, level] = [spiral(128), randn([128, 2]), randint(0, LEVELS, [128])];
  const seen = x.mul(signal.take(level).unsqueeze(1)).add(noise.mul(noisy.take(level).unsqueeze(1)));
  optimizer.zeroGrad();
  const loss = F.mseLoss(model.forward(seen, level), noise);
  loss.backward();
  optimizer.step();
  profiles.updateParameters(model);
  if (step % 100 === 0) await profiles.snapshot(store);
  if (step % 1000 === 0) console.log(`step ${step}  loss ${loss.item().toFixed(3)}`);
}

const truth = spiral(1000);
/** How far 1000 samples are from the spiral; every net starts from the same noise. */
function judge(net: Denoiser, name: string): Tensor {
  manualSeed(1);
  const points = sample(net, 1000);
  console.log(`${name.padEnd(34)} ${(1000 * distance(points, truth)).toFixed(2)}`);
  return points;
}

console.log('\nEnergy distance of 1000 points to the spiral, in thousandths');
judge(model, 'raw weights');
const widths = [0.02, 0.05, 0.1, 0.15, 0.25];
const averaged = new Denoiser();
const clouds = (await synthesizeAll(store, widths.map((sigmaRel) => ({ sigmaRel })))).map((made, i) => {
  made.copyTo(averaged);
  return judge(averaged, `average of width ${widths[i]}, made afterwards`);
});
console.log(`\n1000 points of the average of width ${widths[2]}\n${draw(clouds[2])}`);
