// Layers draw their weights as PyTorch does: the same seed gives the same numbers. Recorded with PyTorch 1.13.
import { test } from 'uvu';
import { allClose, equal, is } from '../../assert.ts';
import { manualSeed, tensor } from '../../../index.ts';
import { Bilinear, Conv1d, Conv2d, ConvTranspose2d, Embedding, Linear, ReLU, Sequential } from '../../../nn/index.ts';

const exact = { rtol: 1e-6, atol: 1e-8 };

test('Linear', () => {
  manualSeed(0);
  const layer = new Linear(4, 2);
  allClose(layer.weight.data(), [-0.0037434101, 0.2682218, -0.41152257, -0.36796951, -0.19257718, 0.13407868, -0.00990659, 0.39644474], exact);
  allClose(layer.bias?.data() ?? [], [-0.044372022, 0.13230628], exact);
});

test('Linear in float64 draws in float64', () => {
  manualSeed(0);
  const layer = new Linear(2, 2, { dtype: 'float64' });
  allClose(layer.weight.data(), [0.6647553301890121, 0.29390167076471757, -0.05744119269283829, 0.595027081222347], { rtol: 1e-14 });
  allClose(layer.bias?.data() ?? [], [0.20509507754883882, 0.411745297777725], { rtol: 1e-14 });
});

test('Conv2d', () => {
  manualSeed(0);
  const layer = new Conv2d(2, 3, 2);
  equal(layer.weight.shape, [3, 2, 2, 2]);
  allClose(
    layer.weight.data(),
    [
      -0.0026469906, 0.18966144, -0.29099038, -0.26019374, -0.13617262, 0.094807945, -0.0070050168, 0.28032875, -0.031375758, 0.093554668, -0.10684846,
      -0.069496356, -0.33776671, -0.23415208, -0.14574288, 0.01309688, 0.1397721, 0.21214008, -0.23968837, -0.15395936, 0.12841664, 0.29358646,
      -0.072761349, 0.26456815,
    ],
    exact,
  );
  allClose(layer.bias?.data() ?? [], [-0.056986921, 0.037410934, 0.32013419], exact);
});

test('Conv1d with groups and without bias', () => {
  manualSeed(0);
  const layer = new Conv1d(4, 2, 3, { groups: 2, bias: false });
  equal(layer.weight.shape, [2, 2, 3]);
  is(layer.bias, null);
  allClose(
    layer.weight.data(),
    [
      -0.0030564817, 0.21900219, -0.33600679, -0.30044585, -0.15723862, 0.10947479, -0.0080886967, 0.32369578, -0.036229607, 0.10802763, -0.12337797,
      -0.080247484,
    ],
    exact,
  );
});

test('ConvTranspose2d counts its fan as PyTorch does', () => {
  manualSeed(0);
  const layer = new ConvTranspose2d(2, 3, 2);
  equal(layer.weight.shape, [2, 3, 2, 2]);
  allClose(layer.weight.data().slice(0, 4), [-0.0021612588, 0.15485792, -0.23759267, -0.2124473], exact);
  allClose(layer.bias?.data() ?? [], [-0.046529628, 0.0305459, 0.26138845], exact);
});

test('Embedding, with a padding row of zeros', () => {
  manualSeed(0);
  const layer = new Embedding(3, 4, { paddingIdx: 1 });
  allClose(layer.weight.data(), [1.5409961, -0.2934289, -2.1787894, 0.56843126, 0, 0, 0, 0, -0.71925759, -0.40334353, -0.59663534, 0.18203649], exact);
  equal(layer.weight.requiresGrad, true);
});

test('Bilinear', () => {
  manualSeed(0);
  const layer = new Bilinear(2, 3, 2);
  allClose(
    layer.weight.data(),
    [
      -0.0052939812, 0.37932289, -0.58198076, -0.52038747, -0.27234524, 0.18961589, -0.014010034, 0.5606575, -0.062751517, 0.18710934, -0.21369691,
      -0.13899271,
    ],
    exact,
  );
  const y = layer.forward(tensor([[1, -2], [0.5, 3]]), tensor([[1, 2, 3], [-1, 0, 2]]));
  allClose(y, [[-0.67566311, 1.7652714], [1.4439906, -1.9193349]], { rtol: 1e-5 });
});

test('a net of several layers draws in their order', () => {
  manualSeed(0);
  const net = new Sequential(new Linear(3, 2), new ReLU(), new Linear(2, 1));
  allClose(net.forward(tensor([[1, 2, 3], [-1, 0.5, 2]])), [[-0.20385411], [-0.011408061]], { rtol: 1e-5 });
});

test.run();
