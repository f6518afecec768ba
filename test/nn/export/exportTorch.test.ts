import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { PolyakError } from '../../../core/errors.ts';
import { loadSafetensors, saveSafetensors } from '../../../core/io/index.ts';
import * as P from '../../../index.ts';
import { exportTorch, torchSource } from '../../../nn/index.ts';
import { tensorsOf } from '../../../nn/export/trace.ts';
import { Lambda, type OnnxCase, cases } from '../../onnx/cases.ts';
import { allClose, equal, is, ok, rejectsError, throwsError } from '../../assert.ts';

const { F } = P;
const throws = (fn: () => unknown, message: RegExp): void => throwsError(fn, PolyakError, message);

// ---- a net with most of what a net of one's own has ----

class Block extends P.Module {
  norm = new P.BatchNorm2d(4);
  conv = new P.Conv2d(4, 4, 3, { padding: 1, bias: false });
  dropout = new P.Dropout(0.25);
  forward(x: P.Tensor): P.Tensor {
    return x.add(this.dropout.forward(this.conv.forward(this.norm.forward(x).relu())));
  }
}

class Net extends P.Module {
  stem = new P.Conv2d(1, 4, 3, { padding: 1, stride: 2 });
  blocks = [new Block(), new Block()];
  scale = new P.Parameter(P.full([4, 1, 1], 0.5));
  offset = new P.Buffer(P.ones([4, 1, 1]));
  heads = { main: new P.Sequential(new P.Flatten(), new P.Linear(16, 8), new P.GELU(), new P.Linear(8, 3)), side: new P.Linear(4, 2) };
  forward(image: P.Tensor): { main: P.Tensor; side: P.Tensor } {
    let x = F.maxPool2d(this.stem.forward(image), 2);
    for (const block of this.blocks) x = block.forward(x);
    const y = F.avgPool2d(x.mul(this.scale).sub(this.offset).clamp(-2, 2), 2);
    return { main: this.heads.main.forward(y), side: this.heads.side.forward(y.mean([2, 3])) };
  }
}

const net = (): Net => {
  P.manualSeed(0);
  return new Net();
};
const example = (): P.Tensor => P.zeros([2, 1, 16, 16]);
const classesOf = (text: string): string => text.slice(text.indexOf('class '), text.indexOf('\n\n\ndef load_model'));

test('the code of a net reads as one would write it', () => {
  is(classesOf(torchSource(net(), { exampleInputs: example() })['model.py']), readFileSync(new URL('../../fixtures/torch_net.py', import.meta.url), 'utf8').trimEnd());
});

test('the page shows what is written', () => {
  class Net extends P.Module {
    conv = new P.Conv2d(1, 8, 3, { padding: 1 });
    norm = new P.BatchNorm2d(8);
    dropout = new P.Dropout(0.25);
    head = new P.Linear(8 * 14 * 14, 10);
    forward(image: P.Tensor): P.Tensor {
      const x = F.maxPool2d(this.norm.forward(this.conv.forward(image)).relu(), 2);
      return this.head.forward(this.dropout.forward(x.flatten(1)));
    }
  }
  const page = readFileSync(new URL('../../../docs/pytorch.md', import.meta.url), 'utf8');
  const shown = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const text = torchSource(new Net(), { exampleInputs: P.zeros([2, 1, 28, 28]) })['model.py'];
  ok(shown !== '' && text.includes(shown.trimEnd()), text);
});

test('ties, recurrent layers, masks and sizes are written as they are in PyTorch', () => {
  const tied = cases.find(({ name }) => name === 'a tied transformer') as OnnxCase;
  const text = torchSource(P.noGrad(() => tied.model()), { exampleInputs: tied.inputs(), ...(tied.dynamicAxes && { dynamicAxes: tied.dynamicAxes }) })['model.py'];
  ok(text.includes('    model.head.weight = model.embedding.weight\n'));
  ok(text.includes('nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.1, batch_first=True, norm_first=True), num_layers=2, enable_nested_tensor=False)'));
  ok(text.includes('time = tokens.shape[1]\n') && text.includes('torch.triu(torch.full((time, time), float("-inf")') && text.includes('self.positions[:time]'), text);
  const lstm = cases.find(({ name }) => name === 'an LSTM classifier') as OnnxCase;
  const code = torchSource(lstm.model(), { exampleInputs: lstm.inputs(), dynamicAxes: [{ 0: 'batch', 1: 'time' }] })['model.py'];
  ok(code.includes('self.rnn = nn.LSTM(8, 6, batch_first=True)') && /x, \(_, _\) = self\.rnn\(x\)\n\s+x = x\[:, -1\]\n/.test(code), code);
});

test('the training script knows the arguments and the loss', () => {
  const { 'train.py': text, 'safetensors_file.py': reader } = torchSource(net(), { exampleInputs: example(), loss: 'mse' });
  ok(text.includes('INPUTS = [{"shape": (1, 16, 16), "dtype": "float32"}]\nLOSS = "mse"\n'));
  for (const word of ['DistributedDataParallel', 'DistributedSampler', 'torch.optim.AdamW', 'AveragedModel', '"nccl" if cuda else "gloo"', '--synthetic', 'os.replace']) ok(text.includes(word), word);
  ok(reader.includes('def load_file') && reader.includes('def save_file'));
  const tokens = torchSource(new P.Embedding(9, 2), { exampleInputs: P.tensor([[3, 8]], { dtype: 'int64' }) })['train.py'];
  ok(tokens.includes('{"shape": (2,), "dtype": "int64", "high": 9}'));
});

test('a module whose calls differ, or an operation without a form, is refused and nothing is written', async () => {
  class Shape extends P.Module {
    forward(x: P.Tensor): P.Tensor {
      return x.ndim > 2 ? x.mean(2) : x.neg();
    }
  }
  class Twice extends P.Module {
    shape = new Shape();
    forward(x: P.Tensor): P.Tensor {
      return this.shape.forward(this.shape.forward(x));
    }
  }
  throws(() => torchSource(new Twice(), { exampleInputs: P.ones([2, 3, 4]) }), /forward of 'shape' does other things in other calls/);
  throws(() => torchSource(new Lambda((x) => x.nanToNum()), { exampleInputs: P.ones([2]) }), /exportTorch: nanToNum has no form/);
  throws(() => torchSource(net(), {} as never), /no examples, got no exampleInputs/);
  throws(() => torchSource(net(), { exampleInputs: example(), loss: 'l1' } as never), /unknown loss, got 'l1'/);
  throws(() => torchSource(net(), { exampleInputs: example(), opset: 17 } as never), /unknown option, got 'opset'/);
  const folder = mkdtempSync(join(tmpdir(), 'polyak-torch-'));
  try {
    await rejectsError(() => exportTorch(new Lambda((x) => x.nanToNum()), join(folder, 'out'), { exampleInputs: P.ones([2]) }), PolyakError, /nanToNum/);
    equal(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

// ---- with PyTorch ----

const python = '/usr/bin/python3';

/** PyTorch's version; null where there is none. */
function torchVersion(): string | null {
  try {
    return execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { stdio: 'pipe' }).toString().trim();
  } catch {
    return null;
  }
}

/** Checks every model in the folders it is given: strict keys, the same results. */
const checker = `
import importlib.util, sys, warnings
import torch
warnings.filterwarnings("ignore")

def leaves(x):
    if isinstance(x, torch.Tensor):
        return [x]
    return [leaf for part in (x.values() if isinstance(x, dict) else x) for leaf in leaves(part)]

sys.path.insert(0, sys.argv[1])
from safetensors_file import load_file, save_file
for folder in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("model", folder + "/model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load_model().eval()
    found = load_file(folder + "/example.safetensors")
    inputs = [found[key] for key in sorted(found) if key.startswith("input")]
    with torch.no_grad():
        outputs = leaves(model(*inputs))
    expected = [found[key] for key in sorted(found) if key.startswith("output")]
    same = len(outputs) == len(expected) and all(a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-5, atol=1e-5) for a, b in zip(outputs, expected))
    print(folder.split("/")[-1], "same" if same else "different")
    torch.manual_seed(1)
    fresh = {key: torch.rand_like(value) if value.is_floating_point() else value for key, value in model.state_dict().items()}
    model.load_state_dict(fresh)
    with torch.no_grad():
        outputs = leaves(model(*inputs))
    save_file(fresh, folder + "/fresh.safetensors")
    save_file({f"output_{i}": y.contiguous() for i, y in enumerate(outputs)}, folder + "/outputs.safetensors")
`;

/** Models that go to PyTorch and back. */
const chosen = ['Conv2d', 'BatchNorm2d', 'LSTM', 'GRU', 'MultiheadAttention', 'TransformerEncoderLayer', 'TransformerDecoderLayer', 'Transformer', 'a small net', 'a residual block', 'a tied transformer', 'an LSTM classifier', 'views', 'products', 'writes in place', 'GroupNorm', 'Embedding', 'Upsample bilinear'];

/** Runs train.py in two processes, as torchrun starts them, and gives what they print. */
async function trainTwice(folder: string, args: readonly string[]): Promise<string[]> {
  const port = String(20000 + (process.pid % 20000));
  const runs = [0, 1].map((rank) => new Promise<string>((resolve, reject) => {
    const env = { ...process.env, MASTER_ADDR: '127.0.0.1', MASTER_PORT: port, WORLD_SIZE: '2', RANK: String(rank), LOCAL_RANK: String(rank), OMP_NUM_THREADS: '1' };
    const child = spawn(python, ['train.py', ...args], { cwd: folder, env, timeout: 100_000 });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`train.py of rank ${rank} ended with ${code}: ${err.slice(-2000)}`))));
  }));
  return Promise.all(runs);
}

const version = torchVersion();
if (version === null) console.log(`exportTorch: SKIPPED the tests that run the code, for ${python} has no PyTorch`);
else {
  test(`PyTorch ${version} loads the code and the weights strictly and computes the same, and its weights come back`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'polyak-torch-'));
    try {
      const models: { readonly name: string; readonly folder: string; readonly model: P.Module; readonly inputs: readonly P.Tensor[] }[] = [];
      const own: OnnxCase = { name: 'a net of one’s own', model: net, inputs: () => [P.randn([2, 1, 16, 16])], other: () => [P.randn([3, 1, 16, 16])] };
      for (const { name, model: make, inputs, other, dynamicAxes } of [own, ...cases.filter((c) => chosen.includes(c.name))]) {
        P.manualSeed(5);
        const model = P.noGrad(() => make().eval());
        const folder = join(root, `model${models.length}`);
        await exportTorch(model, folder, { exampleInputs: inputs(), ...(dynamicAxes && { dynamicAxes }) });
        const given = other?.() ?? inputs();
        const outputs = tensorsOf(P.noGrad(() => model.forward(...(given as never[]))));
        const named = (kind: string, list: readonly P.Tensor[]): [string, P.Tensor][] => list.map((x, i) => [`${kind}_${String(i).padStart(2, '0')}`, x]);
        await saveSafetensors(join(folder, 'example.safetensors'), Object.fromEntries([...named('input', given), ...named('output', outputs)]));
        models.push({ name, folder, model, inputs: given });
      }
      writeFileSync(join(root, 'check.py'), checker);
      const printed = execFileSync(python, [join(root, 'check.py'), ...models.map(({ folder }) => folder)], { stdio: 'pipe', timeout: 200_000 }).toString();
      equal(printed.trim().split('\n'), models.map((_, i) => `model${i} same`), models.map(({ name }, i) => `model${i} is ${name}`).join(', '));
      for (const { folder, model, inputs } of models) {
        model.loadStateDict((await loadSafetensors(join(folder, 'fresh.safetensors'))).tensors);
        const { tensors } = await loadSafetensors(join(folder, 'outputs.safetensors'));
        tensorsOf(P.noGrad(() => model.forward(...(inputs as never[])))).forEach((y, i) => {
          allClose(y.to('float64'), tensors[`output_${i}`].to('float64'), { rtol: 1e-4, atol: 1e-4 });
        });
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test('two processes train five steps, stay in step, go on from their checkpoint, and their weights come back', async () => {
    const root = mkdtempSync(join(tmpdir(), 'polyak-torch-'));
    try {
      const model = net();
      await exportTorch(model, root, { exampleInputs: example() });
      const common = ['--synthetic', '--examples', '64', '--batch-size', '4', '--cpu', '--epochs', '2', '--save-every', '2', '--lr', '0.01'];
      const sums = (texts: readonly string[]): string[] => texts.map((text) => /rank \d of 2 checksum (\S+)/.exec(text)?.[1] ?? 'none');
      const texts = await trainTwice(root, [...common, '--steps', '5']);
      const [a, b] = sums(texts);
      ok(a === b && a !== 'none', `${a} and ${b}`);
      equal([...texts[0].matchAll(/step (\d+)/g)].map((m) => m[1]), ['1', '2', '3', '4', '5']);
      ok(existsSync(join(root, 'run', 'checkpoint.pt')));
      const before = model.stateDict()['stem.weight'].clone();
      model.loadStateDict((await loadSafetensors(join(root, 'run', 'average.safetensors'))).tensors);
      const average = model.stateDict()['stem.weight'].clone();
      model.loadStateDict((await loadSafetensors(join(root, 'run', 'model.safetensors'))).tensors);
      ok(!average.equal(before) && !average.equal(model.stateDict()['stem.weight']));
      const more = await trainTwice(root, [...common, '--steps', '7']);
      equal([...more[0].matchAll(/epoch (\d+) step (\d+)/g)].map((m) => `${m[1]}:${m[2]}`), ['0:6', '0:7']);
      const [c, d] = sums(more);
      ok(c === d && c !== a);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
}

test.run();
