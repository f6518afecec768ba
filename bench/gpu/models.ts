import { ExponentialMovingAverage, F, type Module, ReLU, type Tensor, cat } from '../../index.ts';
import { type Numbers, numbersOf } from '../data.ts';
import { T, Transformer, fill, floatsOf, integersOf, leNet, mlp, optimizerOf } from '../nets.ts';
import { type WorkloadId, chooseWorkloads } from '../workloads.ts';

// The training workloads on any device: the model, its optimizer and an average beside it.

type Model = Module & { forward(x: Tensor): Tensor };

function modelOf(id: WorkloadId, numbers: Numbers): Model {
  return id === 'W5' ? new Transformer() : id === 'W4' ? leNet() : mlp(numbers, () => new ReLU());
}

/** A workload that trains on a device. */
export interface Training {
  /** One step: gradients, update, average. */
  readonly step: () => Tensor;
  readonly model: Model;
  readonly average: ExponentialMovingAverage<Model>;
}

/** A workload on a device, from the same numbers on every device, with its batch repeated `times`. */
export function trainingOf(id: 'W1' | 'W3' | 'W4' | 'W5', device: string, times = 1): Training {
  const [workload] = chooseWorkloads([id]);
  const numbers = numbersOf(workload);
  const model = modelOf(id, numbers);
  fill(model, numbers.weights);
  model.to(device);
  const labels = integersOf(numbers.integers[0]);
  const [input, target] = id === 'W5'
    ? [labels.narrow(1, 0, T).contiguous(), labels.narrow(1, 1, T).reshape([-1])]
    : [floatsOf(numbers.floats[0]), labels];
  const repeated = (batch: Tensor): Tensor => (times === 1 ? batch : cat(new Array<Tensor>(times).fill(batch)));
  const [x, y] = [repeated(input).to(device), repeated(target).to(device)];
  const optimizer = optimizerOf(model, workload.optimizer);
  const average = new ExponentialMovingAverage(model, { momentum: 0.1 });
  return {
    model,
    average,
    step: () => {
      optimizer.zeroGrad();
      const loss = F.crossEntropy(model.forward(x), y);
      loss.backward();
      optimizer.step();
      average.updateParameters(model);
      return loss;
    },
  };
}
