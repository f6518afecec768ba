import type { Numbers } from '../data.ts';
import type { Opened, Task, Tasks } from '../side.ts';

// What memory allows: one Float32Array into another, 4 bytes read and 4 written per element.

function copy({ weights }: Numbers): Task {
  const size = weights.reduce((sum, { data }) => sum + data.length, 0);
  const [from, to] = [new Float32Array(size).fill(1), new Float32Array(size).fill(2)];
  return { step: () => to.set(from), check: () => [], amount: (8 * size) / 1e9 };
}

const no = 'only beside W7';

export async function open(): Promise<Opened> {
  const tasks: Tasks = {
    W1: no, W2: no, W3: no, W4: no, W5: no, W6: no, 'W7-1M': copy, 'W7-10M': copy, 'W8-matmul-128': no, 'W8-matmul-256': no, 'W8-matmul-512': no,
    'W8-matmul-1024': no, 'W8-add': no, 'W8-exp': no, 'W8-relu': no, autograd: no, import: no,
  };
  return { tasks, threads: 1 };
}
