import type { Kernel } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { CHUNK, type ConvGeometry, type Pair, frameImages, images, stridesOf4, tapsOf, windowFrame } from './frame.ts';
import { COLUMNS, ROWS, packRows, scratch, sums, tile, writeChecked } from './tile.ts';

const panels = scratch();

/** Kernel of the gradient to the weight: `w[o, c, k] = Σ y[n, o, p] · x[n, c, p·stride - padding + k·dilation]`. */
export const convWeightKernel: Kernel<ConvGeometry> = ([out], [input, grads], geometry) => {
  const y = grads as Tensor;
  const { groups, inChannels, outChannels, output, stride, batch, kernel } = geometry;
  const frame = windowFrame(geometry);
  const area = frame.size[0] * frame.size[1];
  const image = inChannels * area;
  const places = output[0] * output[1];
  const chunk = Math.max(1, Math.min(batch, Math.floor(CHUNK / Math.max(image, 1))));
  const framed = images(chunk * image + 1);
  const [rows, depth] = [outChannels / groups, inChannels / groups];
  const { frameAt } = tapsOf(geometry, [0, 0, 0, 0], frame.size[1]);
  const columns = Int32Array.from({ length: depth * kernel[0] * kernel[1] }, (_, k) => Math.floor(k / frameAt.length) * area + frameAt[k % frameAt.length]);
  const totals = new Float64Array(outChannels * columns.length);
  const terms = new Int32Array(chunk * places);
  for (let n = 0, p = 0; n < chunk; n++) {
    for (let i = 0; i < output[0]; i++) {
      for (let j = 0; j < output[1]; j++) terms[p++] = n * image + i * stride[0] * frame.size[1] + j * stride[1];
    }
  }
  for (let first = 0; first < batch; first += chunk) {
    const count = Math.min(chunk, batch - first);
    frameImages(framed, input as Tensor, frame, first, count);
    for (let g = 0; g < groups; g++) addProducts(totals, framed, { base: g * depth * area, columns, terms, y, output, first, count, channel: g * rows, rows });
  }
  writeChecked('conv', out.dtype, out.storage.cells, (cells) => {
    for (let i = 0; i < totals.length; i++) cells[out.offset + i] = totals[i];
  });
};

/** A group of channels in a chunk of images. */
interface Part {
  /** Where the group's channels begin in the frame. */
  readonly base: number;
  /** Where the weights of one result channel read the frame. */
  readonly columns: Int32Array;
  /** Where the places of the results read the frame. */
  readonly terms: Int32Array;
  readonly y: Tensor;
  readonly output: Pair;
  readonly first: number;
  readonly count: number;
  readonly channel: number;
  readonly rows: number;
}

/** Adds the products of one group and chunk: channels of `y` in rows of three, weights of a channel in columns of four. */
function addProducts(totals: Float64Array, framed: Float64Array, { base, columns, terms, y, output, first, count, channel, rows }: Part): void {
  const [byImage, byChannel, byRow, byColumn] = stridesOf4(y);
  const [height, width] = output;
  const places = height * width;
  const depth = count * places;
  const panel = panels(ROWS * depth);
  for (let r = 0; r < rows; r += ROWS) {
    const height3 = Math.min(ROWS, rows - r);
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < height; i++) {
        const at = y.offset + (first + n) * byImage + (channel + r) * byChannel + i * byRow;
        packRows(panel, (n * places + i * width) * ROWS, y.storage.cells, at, byChannel, byColumn, height3, width);
      }
    }
    for (let c = 0; c < columns.length; c += COLUMNS) {
      const width4 = Math.min(COLUMNS, columns.length - c);
      const b0 = base + columns[c];
      const b1 = width4 > 1 ? base + columns[c + 1] : b0;
      const b2 = width4 > 2 ? base + columns[c + 2] : b0;
      const b3 = width4 > 3 ? base + columns[c + 3] : b0;
      tile(depth, panel, 0, framed, terms, b0, b1, b2, b3);
      for (let q = 0; q < height3; q++) {
        const to = (channel + r + q) * columns.length + c;
        for (let k = 0; k < width4; k++) totals[to + k] += sums[q * COLUMNS + k];
      }
    }
  }
}
