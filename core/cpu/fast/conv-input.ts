import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts } from '../threads/threads.ts';
import { type ConvGeometry, type Pair, stridesOf4 } from '../frame.ts';
import { allocate, release } from '../memory/heap.ts';
import { convPack } from '../wasm/conv-pack.ts';
import { convSpread, spreadFields } from '../wasm/conv-spread.ts';
import { tilesFor } from '../wasm/conv-tile.ts';
import { heap } from '../wasm/memory.ts';
import { areFloat32, gather } from './conv.ts';
import { type Images, type PlaceGrid, frameBytes, framedLayout, imagesOf, lines, partCount, splitRanges, tilesBytes, writeFrame, writeTerms, writeTiles } from './conv-layout.ts';

/** Cells from the first tap to the last. */
const extent = ({ kernel, dilation }: ConvGeometry, d: 0 | 1): number => (kernel[d] - 1) * dilation[d] + 1;

/**
 * Whether to gather: every result sums over its window of `y` with zeros around. That makes more products than spreading `y` does, but keeps the sums in
 * registers all the time; spreading loads and stores them once per tap, which costs about as much as four channels. With a stride, windows would
 * differ from place to place.
 */
function paysGathered(g: ConvGeometry): boolean {
  if (g.stride[0] !== 1 || g.stride[1] !== 1) return false;
  const depth = g.outChannels / g.groups;
  const vectors = ([height, width]: Pair): number => height * Math.ceil(width / 4);
  return vectors(g.input) <= vectors(g.output) * (1 + 4 / depth);
}

function gatherInput(geometry: ConvGeometry, y: Images, weight: Tensor, bias: number, to: number): void {
  const { groups, inChannels, outChannels, kernel, dilation, padding, input, output } = geometry;
  const [byOut, byIn, byRow, byColumn] = stridesOf4(weight);
  const [height, width] = [extent(geometry, 0), extent(geometry, 1)];
  const depth = outChannels / groups;
  gather({
    ...geometry,
    source: y,
    depth,
    rows: inChannels / groups,
    inner: output,
    before: [height - 1 - padding[0], width - 1 - padding[1]],
    size: [input[0] + height - 1, input[1] + width - 1],
    grid: input,
    // From the last tap to the first.
    weight: {
      address: addressOf(weight) + ((kernel[0] - 1) * byRow + (kernel[1] - 1) * byColumn) * 4,
      group: depth * byOut * 4,
      row: byIn * 4,
      depth: byOut * 4,
      steps: [-byRow * 4, -byColumn * 4],
    },
    stride: [1, 1],
    dilation,
    bias,
    to,
  });
}

function spreadInput(geometry: ConvGeometry, y: Images, weight: Tensor, bias: number, to: number): void {
  const { batch, groups, inChannels, outChannels, kernel, stride, padding, dilation, input, output } = geometry;
  const [byOut, byIn, byRow, byColumn] = stridesOf4(weight);
  const [rows, depth] = [inChannels / groups, outChannels / groups];
  const across = Math.ceil(output[1] / 4) * 4;
  // Rows of `y` are filled up to whole vectors with zeros, which are added behind the windows.
  const framed = framedLayout(y, output, [0, 0], output, 1, across - output[1]);
  const tiles = tilesFor(rows);

  // Where the windows lie: in the result, or in planes with padding and room for the last vectors.
  const size: Pair = [Math.max((output[0] - 1) * stride[0] + extent(geometry, 0), input[0] + padding[0]), Math.max((across - 1) * stride[1] + extent(geometry, 1), input[1] + padding[1])];
  const vectors = (output[0] * across) / 4;
  const inPlace = size[0] === input[0] && size[1] === input[1] && stride[1] === 1 && tiles.every((t) => vectors % t.vectors === 0);
  const result: Images = { address: to, image: inChannels * input[0] * input[1] * 4, channel: input[0] * input[1] * 4, row: input[1] * 4, column: 4 };
  const residue = Math.ceil(size[1] / stride[1]);
  const pitch = residue * stride[1] * 4;
  const spare = lines(size[0] * pitch + 16);
  // Windows start at up to this place of a plane, also those that only fill up a tile.
  const lastTap = (kernel[0] - 1) * dilation[0] * pitch + residue * stride[1] * 4;
  const target = inPlace
    ? { pitch: result.row, plane: result.channel, residue, copied: false, bordered: false }
    : { pitch, plane: spare + lines(lastTap + 16), residue, copied: true, bordered: true };
  const grid: PlaceGrid = { rows: output[0], columns: output[1], fromRow: framed.pitch, toRow: stride[0] * target.pitch, spare };

  const taps = kernel[0] * kernel[1];
  const frameAt = lines(4 * Object.keys(spreadFields).length);
  const backAt = frameAt + lines(frameBytes(1));
  const termsAt = backAt + lines(frameBytes(stride[1]));
  const tapsAt = termsAt + lines(depth * 4);
  const tilesAt = tapsAt + lines(taps * 4);
  const weightsAt = tilesAt + lines(tilesBytes(tiles, grid));
  const scratchAt = weightsAt + lines(inChannels * depth * taps * 4);
  const frameRoom = framed.copied ? lines(outChannels * framed.plane + 16) : 0;
  const scratch = frameRoom + (inPlace ? 0 : lines(5 * target.plane));
  const parts = partCount(batch * inChannels * depth * taps * output[0] * output[1]);
  const bytes = scratchAt + parts * scratch;
  const at = allocate(bytes);

  if (framed.copied) writeFrame(at + frameAt, y, framed, output, [0, 0], output, 1);
  if (!inPlace) writeFrame(at + backAt, result, target, input, padding, size, stride[1], true);
  writeTerms(at + tapsAt, 1, geometry, target);
  writeTiles(at + tilesAt, tiles, taps * depth, grid);
  const { i32, u8 } = heap;
  for (let k = 0, at4 = (at + termsAt) >> 2; k < depth; k++) i32[at4 + k] = k * framed.plane;
  if (framed.bordered) for (let p = 0, from = at + scratchAt; p < parts; p++, from += scratch) u8.fill(0, from, from + frameRoom);
  const put = (offset: number, value: number): void => {
    i32[(at + offset) >> 2] = value;
  };
  put(spreadFields.source, y.address);
  put(spreadFields.sourceImage, y.image);
  put(spreadFields.frame, framed.copied ? at + frameAt : 0);
  put(spreadFields.framed, frameRoom);
  put(spreadFields.frameChannels, outChannels);
  put(spreadFields.group, depth * framed.plane);
  put(spreadFields.terms, at + termsAt);
  put(spreadFields.depth, depth);
  put(spreadFields.taps, at + tapsAt);
  put(spreadFields.tapCount, taps);
  put(spreadFields.weights, at + weightsAt);
  put(spreadFields.weightsGroup, rows * depth * taps * 4);
  put(spreadFields.tiles, at + tilesAt);
  put(spreadFields.tileCount, tiles.length);
  put(spreadFields.plane, target.plane);
  put(spreadFields.back, inPlace ? 0 : at + backAt);
  put(spreadFields.to, to);
  put(spreadFields.toImage, result.image);
  put(spreadFields.toPlane, result.channel);
  put(spreadFields.channels, rows);
  put(spreadFields.bias, bias);

  convPack.run(
    at + weightsAt, addressOf(weight), groups, depth * byOut * 4, at + tilesAt, tiles.length, byIn * 4,
    kernel[0], byRow * 4, kernel[1], byColumn * 4, depth, byOut * 4,
  );
  const units = groups * tiles.length;
  if (parts === 1) convSpread.run(at, 0, batch, 0, units, at + scratchAt);
  else runParts(convSpread, splitRanges(batch, units, parts).map((range, p) => [at, ...range, at + scratchAt + p * scratch]));
  release(at, bytes);
}

/** Transposed convolution of float32 images, which is the gradient of a convolution to its input: see `convSpread` and `convGather`. */
export const fastConvInput: FastKernel<ConvGeometry> = ([out], [grads, w, b], geometry) => {
  const [y, weight, bias] = [grads as Tensor, w as Tensor, b as Tensor | undefined];
  const { batch, inChannels, outChannels } = geometry;
  if (!areFloat32(out, y, weight, bias) || batch === 0 || inChannels === 0 || outChannels === 0) return false;
  const run = paysGathered(geometry) ? gatherInput : spreadInput;
  run(geometry, imagesOf(y), weight, bias === undefined ? 0 : addressOf(bias), addressOf(out));
  return true;
};
