// A PyTorch script (ported.py) line by line: the same seed, the same losses. node --import tsx examples/ported.ts
import { AdamW, Dropout, ExponentialMovingAverage, F, LayerNorm, Linear, LinearLR, Module, type Tensor, clipGradNorm_, manualSeed, noGrad, randn, randperm } from '../index.ts';

manualSeed(0);
const x = randn([256, 8]);
const y = x.narrow(1, 0, 1).mul(x.narrow(1, 1, 1)).tanh().add(randn([256, 1]).mul(0.1));

class Net extends Module {
  hiddenLayer = new Linear(8, 32);
  norm = new LayerNorm(32);
  drop = new Dropout(0.1);
  head = new Linear(32, 1);

  forward(x: Tensor): Tensor {
    const h = this.drop.forward(F.gelu(this.norm.forward(this.hiddenLayer.forward(x))));
    return this.head.forward(h);
  }
}

const net = new Net();
const averaged = new ExponentialMovingAverage(net, { momentum: 0.05 });
const optimizer = new AdamW(net.parameters(), { lr: 3e-2, weightDecay: 0.01 });
const scheduler = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 10 });
for (let step = 0; step < 150; step++) {
  const rows = randperm(256).narrow(0, 0, 32);
  const loss = F.mseLoss(net.forward(x.indexSelect(0, rows)), y.indexSelect(0, rows));
  optimizer.zeroGrad();
  loss.backward();
  clipGradNorm_(net.parameters(), 1);
  optimizer.step();
  scheduler.step();
  averaged.updateParameters(net);
  if (step % 25 === 24) console.log(`step ${step + 1}  loss ${loss.item().toFixed(6)}`);
}
net.eval();
averaged.eval();
noGrad(() => console.log(`raw ${F.mseLoss(net.forward(x), y).item().toFixed(6)}  average ${F.mseLoss(averaged.forward(x), y).item().toFixed(6)}`));

// The lines that ported.py prints with PyTorch 1.13.
console.log(`
PyTorch
step 25  loss 0.090787
step 50  loss 0.047712
step 75  loss 0.017971
step 100  loss 0.019405
step 125  loss 0.018703
step 150  loss 0.022103
raw 0.017831  average 0.012475`);
