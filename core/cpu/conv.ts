import type { TypedArray } from '../dtype.ts';
import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { CHUNK, type ConvGeometry, type Frame, type Pair, frameImages, images, stridesOf4, tapsOf, windowFrame } from './frame.ts';
import { COLUMNS, ROWS, sums, tile, writeChecked } from './tile.ts';

/**
 * Results that share their kernel taps: all of them in a convolution, those of one residue of the stride in its gradient.
 * Result (i, j) lies at `to + i·toStep[0] + j·toStep[1]` of its plane and reads its window at `i·fromStep[0] + j·fromStep[1]` of the frame.
 */
interface Phase {
  readonly grid: Pair;
  readonly to: number;
  readonly toStep: Pair;
  readonly fromStep: Pair;
  /** Where the frame is read, relative to the window, for each term of a sum. */
  readonly terms: Int32Array;
  /** The weights, packed group by group in panels of rows. */
  readonly weights: Float64Array;
}

/** Which row and term of the sums each weight belongs to. */
interface Taps {
  /** Result channels in a group, the rows. */
  readonly rows: number;
  /** Frame channels in a group, the outer part of the terms. */
  readonly depth: number;
  readonly groupStep: number;
  readonly rowStep: number;
  readonly depthStep: number;
  /** Kernel taps: where their weight lies and where they read the frame. */
  readonly weightAt: readonly number[];
  readonly frameAt: readonly number[];
}

function phaseOf(w: Tensor, groups: number, plane: number, taps: Taps, layout: Pick<Phase, 'grid' | 'to' | 'toStep' | 'fromStep'>): Phase {
  const { rows, depth, weightAt, frameAt } = taps;
  const size = weightAt.length;
  const count = depth * size;
  const terms = new Int32Array(count);
  for (let d = 0, k = 0; d < depth; d++) for (let t = 0; t < size; t++) terms[k++] = d * plane + frameAt[t];
  const perGroup = Math.ceil(rows / ROWS) * ROWS * count;
  const weights = new Float64Array(groups * perGroup);
  const { cells } = w.storage;
  for (let g = 0; g < groups; g++) {
    for (let r = 0; r < rows; r++) {
      let to = g * perGroup + (r - (r % ROWS)) * count + (r % ROWS);
      for (let d = 0; d < depth; d++) {
        const at = w.offset + g * taps.groupStep + r * taps.rowStep + d * taps.depthStep;
        for (let t = 0; t < size; t++, to += ROWS) weights[to] = cells[at + weightAt[t]];
      }
    }
  }
  return { ...layout, terms, weights };
}

/** What `sweep` computes: `cells[n][g·rows + r][place] = bias[r] + Σ weights · frame`. */
interface Sweep {
  readonly cells: TypedArray;
  readonly offset: number;
  /** Elements of one channel of one result. */
  readonly plane: number;
  readonly source: Tensor;
  readonly batch: number;
  readonly groups: number;
  /** Result channels in a group. */
  readonly rows: number;
  readonly frame: Frame;
  readonly phases: readonly Phase[];
  readonly bias: Tensor | undefined;
}

/** Sums of all phases over all images, chunk by chunk. */
function sweep(s: Sweep): void {
  const { offset, plane, batch, groups, rows, frame } = s;
  const area = frame.size[0] * frame.size[1];
  const image = frame.channels * area;
  const chunk = Math.max(1, Math.min(batch, Math.floor(CHUNK / Math.max(image, 1))));
  const framed = images(chunk * image + 1);
  for (let first = 0; first < batch; first += chunk) {
    const count = Math.min(chunk, batch - first);
    frameImages(framed, s.source, frame, first, count);
    for (const phase of s.phases) {
      const { grid, fromStep, toStep } = phase;
      const places = count * grid[0] * grid[1];
      const froms = new Int32Array(places);
      const tos = new Int32Array(places);
      for (let n = 0, p = 0; n < count; n++) {
        const base = offset + (first + n) * groups * rows * plane + phase.to;
        for (let i = 0; i < grid[0]; i++) {
          for (let j = 0; j < grid[1]; j++, p++) {
            froms[p] = n * image + i * fromStep[0] + j * fromStep[1];
            tos[p] = base + i * toStep[0] + j * toStep[1];
          }
        }
      }
      for (let g = 0; g < groups; g++) sweepGroup(s, phase, g, framed, froms, tos);
    }
  }
}

/** The sums of one group: places in columns of four, channels in rows of three. */
function sweepGroup(s: Sweep, { terms, weights }: Phase, group: number, framed: Float64Array, froms: Int32Array, tos: Int32Array): void {
  const { cells, plane, rows, bias, frame } = s;
  const base = group * (frame.channels / s.groups) * frame.size[0] * frame.size[1];
  const depth = terms.length;
  const places = froms.length;
  const start = group * Math.ceil(rows / ROWS) * ROWS * depth;
  for (let p = 0; p < places; p += COLUMNS) {
    const columns = Math.min(COLUMNS, places - p);
    const b0 = base + froms[p];
    const b1 = columns > 1 ? base + froms[p + 1] : b0;
    const b2 = columns > 2 ? base + froms[p + 2] : b0;
    const b3 = columns > 3 ? base + froms[p + 3] : b0;
    for (let r = 0; r < rows; r += ROWS) {
      tile(depth, weights, start + r * depth, framed, terms, b0, b1, b2, b3);
      for (let q = 0; q < ROWS && r + q < rows; q++) {
        const channel = group * rows + r + q;
        const add = bias === undefined ? 0 : bias.storage.cells[bias.offset + channel * bias.strides[0]];
        for (let c = 0; c < columns; c++) cells[tos[p + c] + channel * plane] = sums[q * COLUMNS + c] + add;
      }
    }
  }
}

/** Kernel of the convolution `y[n, o, p] = bias[o] + Σ x[n, c, p·stride - padding + k·dilation] · weight[o, c, k]`. */
export const convKernel: Kernel<ConvGeometry> = ([out], [input, weight, bias], geometry) => {
  const w = weight as Tensor;
  const { groups, inChannels, outChannels, output, stride, batch } = geometry;
  const frame = windowFrame(geometry);
  const area = frame.size[0] * frame.size[1];
  const steps = stridesOf4(w);
  const rows = outChannels / groups;
  const taps = { rows, depth: inChannels / groups, groupStep: rows * steps[0], rowStep: steps[0], depthStep: steps[1], ...tapsOf(geometry, steps, frame.size[1]) };
  const phase = phaseOf(w, groups, area, taps, { grid: output, to: 0, toStep: [output[1], 1], fromStep: [stride[0] * frame.size[1], stride[1]] });
  writeChecked('conv', out.dtype, out.storage.cells, (cells) => {
    sweep({
      cells, offset: out.offset, plane: output[0] * output[1], source: input as Tensor, batch, groups, rows, frame, phases: [phase], bias: bias as Tensor | undefined,
    });
  });
};

/** Taps of one residue of the stride along one dimension: kernel index, and how many outputs further on it reads. */
interface Residue {
  readonly first: number;
  readonly count: number;
  readonly taps: readonly { readonly index: number; readonly shift: number }[];
}

/** Input positions by residue of the stride: position `first + stride·i` receives from output `i + shift` through each tap. */
function residues(geometry: ConvGeometry, d: 0 | 1): Residue[] {
  const { stride, padding, dilation, kernel, input } = geometry;
  return Array.from({ length: Math.min(stride[d], input[d]) }, (_, first) => {
    const taps = [];
    for (let index = 0; index < kernel[d]; index++) {
      const shift = (first + padding[d] - index * dilation[d]) / stride[d];
      if (Number.isInteger(shift)) taps.push({ index, shift });
    }
    return { first, count: Math.ceil((input[d] - first) / stride[d]), taps };
  });
}

/** Kernel of the gradient to the input, which is the transposed convolution: it spreads `y` over `x`. */
export const convInputKernel: Kernel<ConvGeometry> = ([out], [grads, weight, bias], geometry) => {
  const w = weight as Tensor;
  const { groups, inChannels, outChannels, input, output, batch } = geometry;
  const [vertical, horizontal] = [residues(geometry, 0), residues(geometry, 1)];
  const before = [vertical, horizontal].map((list) => Math.max(0, ...list.flatMap((r) => r.taps.map((t) => -t.shift))));
  const reach = [vertical, horizontal].map((list, d) => before[d] + Math.max(1, ...list.flatMap((r) => r.taps.map((t) => r.count + t.shift))));
  const frame: Frame = { channels: outChannels, inner: output, before: [before[0], before[1]], size: [reach[0], reach[1]] };
  const [width, area] = [frame.size[1], frame.size[0] * frame.size[1]];
  const steps = stridesOf4(w);
  const rows = inChannels / groups;
  const depth = outChannels / groups;
  const phases = vertical.flatMap((v) =>
    horizontal.map((h) => {
      const weightAt = v.taps.flatMap((s) => h.taps.map((t) => s.index * steps[2] + t.index * steps[3]));
      const frameAt = v.taps.flatMap((s) => h.taps.map((t) => (s.shift + before[0]) * width + t.shift + before[1]));
      const taps = { rows, depth, groupStep: depth * steps[0], rowStep: steps[1], depthStep: steps[0], weightAt, frameAt };
      const toStep: Pair = [geometry.stride[0] * input[1], geometry.stride[1]];
      return phaseOf(w, groups, area, taps, { grid: [v.count, h.count], to: v.first * input[1] + h.first, toStep, fromStep: [width, 1] });
    }),
  );
  writeChecked('convTranspose', out.dtype, out.storage.cells, (cells) => {
    sweep({
      cells, offset: out.offset, plane: input[0] * input[1], source: grads as Tensor, batch, groups, rows, frame, phases, bias: bias as Tensor | undefined,
    });
  });
};
