import { importOnnx } from '../../nn/export/importOnnx.ts';
import { exportOnnx } from '../../nn/export/onnx.ts';
import { tensorsOf } from '../../nn/export/trace.ts';
import { type Module, type Tensor, manualSeed, noGrad } from '../../index.ts';
import { type OnnxCase, cases } from './cases.ts';
import { type Ort, difference, findOrt, fromOrt, toOrt } from './compare.ts';

// npm run test:onnx [-- word …]: exports every case and compares polyak with onnxruntime-node, which is installed apart:
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

async function run(ort: Ort, { name, model: make, inputs, other, dynamicAxes, tolerance = 1e-5 }: OnnxCase, opset: number): Promise<string | null> {
  try {
    manualSeed(7);
    const model = noGrad(() => make().eval());
    const args = inputs();
    const bytes = exportOnnx(model, args, { opset, ...(dynamicAxes !== undefined && { dynamicAxes }) });
    const fault = (await compare(ort, bytes, model, args, tolerance)) ?? (other === undefined ? null : await compare(ort, bytes, model, other(), tolerance));
    return fault === null ? null : `${name} (opset ${opset}): ${fault}`;
  } catch (error) {
    return `${name} (opset ${opset}): ${error instanceof Error ? error.message : String(error)}`;
  }
}

const ort = findOrt();
const words = process.argv.slice(2);
if (ort === null) console.log('onnx: skipped, onnxruntime-node is not installed\nONNXRUNTIME_NODE_INSTALL=skip npm install --prefix test/onnx');
else {
  let passed = 0;
  const faults: string[] = [];
  for (const c of cases.filter(({ name }) => words.length === 0 || words.some((w) => name.includes(w)))) {
    for (const opset of [17, 21]) {
      const fault = await run(ort, c, opset);
      if (fault === null) passed++;
      else faults.push(fault);
    }
  }
  for (const fault of faults) console.log(`FAIL  ${fault}`);
  console.log(`${passed} passed, ${faults.length} failed`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
