import { type Tensor, rand } from '../../index.ts';
import { trainingOf } from './models.ts';

/** Something to time on both devices. */
export interface Case {
  readonly name: string;
  /** Multiplications and additions of one run, where that is known. */
  readonly flops: number | null;
  /** Work of one run, as a multiple of that of the family's first case. */
  readonly work: number;
  /** Makes everything on a device; what comes back is what is timed. */
  readonly open: (device: string) => () => Tensor;
}

/** Cases of one kind, the smallest first. */
export interface Family {
  readonly name: string;
  readonly cases: readonly Case[];
}

function product(n: number, least: number): Case {
  return {
    name: `product ${n}³`, flops: 2 * n ** 3, work: (n / least) ** 3,
    open: (device) => {
      const [a, b] = [rand([n, n]).to(device), rand([n, n]).to(device)];
      return () => a.matmul(b);
    },
  };
}

function training(id: 'W1' | 'W3' | 'W4', batch: number, times: number): Case {
  return { name: `${id}, batch ${batch * times}`, flops: null, work: times, open: (device) => trainingOf(id, device, times).step };
}

/** Everything that is timed. Without a graphics processor, products end at 1024³ and batches at four times their size; `quick` is to see that all runs. */
export function families(software: boolean, quick: boolean): readonly Family[] {
  const most = quick ? 256 : software ? 1024 : 4096;
  const times = [1, 4, 16].filter((n) => n <= (quick ? 1 : software ? 4 : 16));
  const sizes = [64, 128, 256, 512, 1024, 2048, 4096].filter((n) => n <= most);
  const batches = (id: 'W1' | 'W3' | 'W4', batch: number): Case[] => times.map((n) => training(id, batch, n));
  return [
    { name: 'product', cases: sizes.map((n) => product(n, sizes[0])) },
    { name: 'W1, MLP 784-128-10 with Adam', cases: batches('W1', 64) },
    { name: 'W4, LeNet with SGD and momentum', cases: batches('W4', 32) },
    { name: 'W3, MLP 1024-1024-1024-10 with Adam', cases: quick ? [] : batches('W3', 128) },
  ];
}

/** The case from which on the second device wins always, if it wins in the last one. `ratios` are times of the first over those of the second. */
export function winsFrom(cases: readonly { readonly name: string; readonly ratio: number }[]): string | null {
  const last = cases.findLastIndex(({ ratio }) => ratio <= 1);
  return last === cases.length - 1 ? null : cases[last + 1].name;
}
