import { ArgumentError, ShapeError, StateError, checkOptions, show } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/io/files.ts';
import { saveSafetensors } from '../../core/io/safetensors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { safetensorsFile } from './torch/safetensorsFile.ts';
import { ModelWriter } from './torch/source.ts';
import { type TorchLoss, trainText } from './torch/train.ts';
import { type DynamicAxes, traceModule } from './trace.ts';

/** Options of `exportTorch` and `torchSource`. */
export interface ExportTorchOptions {
  /** The arguments of `forward`, one tensor or several, with the examples along the first dimension. */
  readonly exampleInputs: Tensor | readonly Tensor[];
  /** Axes that the code must not take as fixed, as in `exportOnnx`; default the first of every argument, as 'batch'. */
  readonly dynamicAxes?: DynamicAxes;
  /** What train.py minimises; default 'crossEntropy'. */
  readonly loss?: TorchLoss;
}

/** The files that `exportTorch` writes beside the weights, by name. */
export interface TorchSource {
  readonly 'model.py': string;
  readonly 'train.py': string;
  readonly 'safetensors_file.py': string;
}

const losses: readonly unknown[] = ['crossEntropy', 'mse', 'binaryCrossEntropyWithLogits'];

/** The first axis of every argument that has the size of the first one's. */
function batchAxes(args: readonly Tensor[]): DynamicAxes {
  return args.map(({ shape }) => (shape.length > 0 && shape[0] === args[0].shape[0] ? { 0: 'batch' } : null));
}

/**
 * A model as code for PyTorch: model.py with the modules, train.py, which trains on one machine or many, and safetensors_file.py, which reads the
 * weights without further packages. Layers of the library become layers of `torch.nn`. For modules with a `forward` of their own, what it does
 * on the examples, in evaluation mode, is written down, with the calls of submodules kept.
 *
 * @throws StateError for operations without a form in PyTorch, naming them and their module; ArgumentError for options that do not fit
 */
export function torchSource(model: Module, options: ExportTorchOptions): TorchSource {
  if (!(model instanceof Module)) throw new ArgumentError(`exportTorch: not a module, got ${show(model)}; expected a Module`);
  checkOptions('exportTorch', options, ['exampleInputs', 'dynamicAxes', 'loss']);
  const { exampleInputs, loss = 'crossEntropy' } = options ?? {};
  if (exampleInputs === undefined) throw new ArgumentError('exportTorch: no examples, got no exampleInputs; expected the arguments of forward');
  if (!losses.includes(loss)) throw new ArgumentError(`exportTorch: unknown loss, got ${show(loss)}; expected one of ${losses.join(', ')}`);
  const args = Array.isArray(exampleInputs) ? (exampleInputs as readonly Tensor[]) : [exampleInputs as Tensor];
  const trace = traceModule('exportTorch', model, args, options.dynamicAxes ?? batchAxes(args), true);
  const scalar = args.find((x) => x.ndim === 0);
  if (scalar !== undefined) throw new ShapeError(`exportTorch: an argument without examples, got ${show(scalar)}; expected them along the first dimension`);
  return { 'model.py': new ModelWriter(model, trace).text(), 'train.py': trainText(args, loss), 'safetensors_file.py': safetensorsFile };
}

async function makeFolder(folder: string): Promise<void> {
  let fs: { mkdir(path: string, options: { readonly recursive: true }): Promise<unknown> };
  try {
    fs = await import('node:fs/promises');
  } catch {
    throw new StateError(`exportTorch: there is no file system here, got '${folder}'; expected Node.js`, { hint: 'torchSource() gives the texts' });
  }
  await fs.mkdir(folder, { recursive: true });
}

/**
 * Writes a folder from which the model goes on in PyTorch: model.safetensors, model.py, train.py and safetensors_file.py.
 *
 *     await exportTorch(model, 'torch', { exampleInputs: [zeros([1, 1, 28, 28])] });
 *     // torchrun --nproc-per-node 8 train.py --data data.safetensors
 *
 * What train.py writes comes back with `model.loadStateDict((await loadSafetensors('run/average.safetensors')).tensors)`.
 *
 * @param folder - is made if it does not exist; files of these names in it are replaced
 * @throws as `torchSource`, before anything is written
 */
export async function exportTorch(model: Module, folder: string, options: ExportTorchOptions): Promise<void> {
  if (typeof folder !== 'string' || folder === '') throw new ArgumentError(`exportTorch: not a folder, got ${show(folder)}; expected a path`);
  const source = torchSource(model, options);
  await makeFolder(folder);
  await saveSafetensors(`${folder}/model.safetensors`, model.stateDict());
  for (const [name, text] of Object.entries(source)) await writeFileAtomic('exportTorch', `${folder}/${name}`, [new TextEncoder().encode(text as string)]);
}
