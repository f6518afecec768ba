import { importOnnx } from '../../nn/export/importOnnx.ts';
import { type ExportOnnxOptions, exportOnnx } from '../../nn/export/onnx.ts';
import { tensorsOf } from '../../nn/export/trace.ts';
import { type Module, type Tensor, manualSeed, noGrad } from '../../index.ts';
import { type OnnxCase, cases } from './cases.ts';
import { PolyakError } from '../../core/errors.ts';
import { type Ort, difference, findOrt, fromOrt, toOrt } from './compare.ts';
import { sampleCases } from './samples.ts';

// npm run test:onnx [-- word …]: exports every case, and every operation on its samples, and compares polyak with onnxruntime-node, which is installed apart:
// ONNXRUNTIME_NODE_INSTALL=skip npm install --prefix test/onnx

const show = (x: Tensor): string => `${x.dtype}[${x.shape.join(', ')}]`;

async function compare(ort: Ort, bytes: Uint8Array, model: Module, inputs: readonly Tensor[], tolerance: number): Promise<string | null> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run(Object.fromEntries(inputs.map((x, i) => [session.inputNames[i], toOrt(ort, x)])));
  const expected = tensorsOf(noGrad(() => model.forward(...(inputs as never[]))));
  const again = tensorsOf(noGrad(() => importOnnx(bytes).forward(...inputs)));
  for (const [i, name] of session.outputNames.entries()) {
    const back = difference(expected[i], again[i]);
    if (!(back <= tolerance)) return `${name} comes back as ${show(again[i])}, expected ${show(expected[i])}: difference ${back}`;
    const got = fromOrt(results[name]);
    const d = difference(expected[i], got);
    if (!(d <= tolerance)) return `${name} is ${show(got)}, expected ${show(expected[i])}: difference ${d}`;
  }
  return null;
}

/** A fault, null, or 'refused' where ONNX has no form for what the model does. */
async function run(ort: Ort, { name, model: make, inputs, other, dynamicAxes, tolerance = 1e-5 }: OnnxCase, opset: number): Promise<string | null> {
  try {
    manualSeed(7);
    const model = noGrad(() => make().eval());
    const args = inputs();
    const bytes = exported(model, args, { opset, ...(dynamicAxes !== undefined && { dynamicAxes }) });
    if (bytes === null) return 'refused';
    const fault = (await compare(ort, bytes, model, args, tolerance)) ?? (other === undefined ? null : await compare(ort, bytes, model, other(), tolerance));
    return fault === null ? null : `${name} (opset ${opset}): ${fault}`;
  } catch (error) {
    return `${name} (opset ${opset}): ${error instanceof Error ? error.message : String(error)}`;
  }
}

function exported(model: Module, args: readonly Tensor[], options: ExportOnnxOptions): Uint8Array | null {
  try {
    return exportOnnx(model, args, options);
  } catch (error) {
    if (error instanceof PolyakError && /^(?:exportOnnx|trace): /.test(error.message)) return null;
    throw error;
  }
}

async function main(ort: Ort, words: readonly string[]): Promise<void> {
  let passed = 0;
  const faults: string[] = [];
  const refused = new Set<string>();
  const chosen = (list: readonly OnnxCase[]): OnnxCase[] => list.filter(({ name }) => words.length === 0 || words.some((w) => name.includes(w)));
  const all: readonly (readonly [OnnxCase, number])[] = [...chosen(cases).flatMap((c) => [[c, 17] as const, [c, 21] as const]), ...chosen(sampleCases()).map((c) => [c, 21] as const)];
  for (const [c, opset] of all) {
    const fault = await run(ort, c, opset);
    if (fault === null) passed++;
    else if (fault !== 'refused') faults.push(fault);
    else if (cases.includes(c)) faults.push(`${c.name} is refused`);
    else refused.add(c.name.split(' ')[0]);
  }
  for (const fault of faults) console.log(`FAIL  ${fault}`);
  if (refused.size > 0) console.log(`${refused.size} operations have no form in ONNX for some of their samples: ${[...refused].join(', ')}`);
  console.log(`${passed} passed, ${faults.length} failed`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

const found = findOrt();
if (found === null) console.log('onnx: skipped, onnxruntime-node is not installed\nONNXRUNTIME_NODE_INSTALL=skip npm install --prefix test/onnx');
else await main(found, process.argv.slice(2));
