import { ArgumentError, checkOptions, show } from '../../core/errors.ts';
import { type FilePath, writeFileAtomic } from '../../core/io/files.ts';
import { encodeModel } from '../../core/io/onnx/encode.ts';
import { opsets, writeGraph } from '../../core/io/onnx/export/write.ts';
import type { Tensor } from '../../core/tensor.ts';
import { Module } from '../module.ts';
import { type DynamicAxes, tensorsOf, traceModule } from './trace.ts';

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /** Names of the arguments; default `input`, or `input_0`, `input_1`, … */
  readonly inputNames?: readonly string[];
  /** Names of the results; default `output`, or `output_0`, `output_1`, … */
  readonly outputNames?: readonly string[];
  /** Axes that may have other sizes than the examples, by argument and axis: `[{ 0: 'batch' }]`. Axes of one name have one size. Default none. */
  readonly dynamicAxes?: DynamicAxes;
  /** Version of the operator set, 17 to 21; default 17. */
  readonly opset?: number;
}

function namesOf(what: 'input' | 'output', given: readonly string[] | undefined, count: number): readonly string[] {
  if (given === undefined) return count === 1 ? [what] : Array.from({ length: count }, (_, i) => `${what}_${i}`);
  const names: unknown = given;
  if (!Array.isArray(names) || names.length !== count || names.some((n: unknown) => typeof n !== 'string' || n === '')) {
    throw new ArgumentError(`exportOnnx: ${what}Names do not fit, got ${show(given)}; expected ${count} names`);
  }
  return given;
}

/**
 * A model as an ONNX file. `forward` runs on the examples in evaluation mode, and what it computes is written down: parameters and buffers become
 * initializers under their names in the state dictionary, tied ones once; dropout is gone, and batch norm uses its running statistics. Sizes
 * named in `dynamicAxes` stay open: the model then runs with several sizes, and what differs becomes a formula of the sizes.
 *
 *     const bytes = exportOnnx(model, [zeros([1, 1, 28, 28])], { dynamicAxes: [{ 0: 'batch' }] });
 *
 * @param exampleInputs - the arguments of `forward`, one tensor or several
 * @returns the bytes of the file, the same for the same model
 * @throws StateError for an operation without a form in ONNX, naming it and its module, for values read in `forward`, and for more than 2 GB; ArgumentError for options that do not fit
 * @see https://onnx.ai/onnx/ and https://pytorch.org/docs/stable/onnx.html
 */
export function exportOnnx(model: Module, exampleInputs: Tensor | readonly Tensor[], options?: ExportOnnxOptions): Uint8Array {
  if (!(model instanceof Module)) throw new ArgumentError(`exportOnnx: not a module, got ${show(model)}; expected a Module`);
  checkOptions('exportOnnx', options, ['inputNames', 'outputNames', 'dynamicAxes', 'opset']);
  const { dynamicAxes = [], opset = 17 } = options ?? {};
  if (!opsets.includes(opset)) throw new ArgumentError(`exportOnnx: no such opset, got ${show(opset)}; expected one of ${opsets.join(', ')}`);
  const args = Array.isArray(exampleInputs) ? (exampleInputs as readonly Tensor[]) : [exampleInputs as Tensor];
  const inputNames = namesOf('input', options?.inputNames, args.length);
  const { graph, result } = traceModule('exportOnnx', model, args, dynamicAxes);
  const outputNames = namesOf('output', options?.outputNames, tensorsOf(result).length);
  return encodeModel(writeGraph(graph, { opset, inputNames, outputNames, name: model.constructor.name || 'model', producerVersion: '' }));
}

/**
 * Writes a model to an ONNX file, as `exportOnnx` gives it. The path holds either the old file or the whole new one.
 *
 * @throws as `exportOnnx`, before anything is written; StateError when the file cannot be written
 */
export async function saveOnnx(path: FilePath, model: Module, exampleInputs: Tensor | readonly Tensor[], options?: ExportOnnxOptions): Promise<void> {
  await writeFileAtomic('saveOnnx', path, [exportOnnx(model, exampleInputs, options)]);
}
