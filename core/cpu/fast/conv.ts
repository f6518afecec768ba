import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts } from '../threads/threads.ts';
import { type ConvGeometry, stridesOf4, windowFrame } from '../frame.ts';
import { allocate, release } from '../memory/heap.ts';
import { NARROW_BYTES, convGather, gatherFields } from '../wasm/conv-gather.ts';
import { convPack } from '../wasm/conv-pack.ts';
import { type TileShape, tilesFor } from '../wasm/conv-tile.ts';
import { ENTRY, allFinite } from '../wasm/finite.ts';
import { heap } from '../wasm/memory.ts';
import { type Gather, type PlaceGrid, frameBytes, framedLayout, imagesOf, lines, partCount, splitRanges, tilesBytes, writeFrame, writeTerms, writeTiles } from './conv-layout.ts';
import { paysWinograd, winograd } from './conv-winograd.ts';

/** Whether all operands are float32 tensors, the bias without gaps. */
export function areFloat32(out: Tensor, a: Tensor, b: Tensor, bias?: Tensor): boolean {
  return out.dtype === 'float32' && a.dtype === 'float32' && b.dtype === 'float32' && (bias === undefined || (bias.dtype === 'float32' && (bias.strides[0] === 1 || bias.shape[0] === 1)));
}

/**
 * Whether it pays to lay the windows out side by side: rows that are not a multiple of four long waste lanes, rows shorter than four cannot be read by
 * vectors at all; the copy costs about as much as eight rows of products.
 */
function paysUnrolled(rows: number, columns: number, channels: number): boolean {
  if (rows === 1) return false;
  if (columns < 4) return true;
  const waste = (n: number): number => (Math.ceil(n / 4) * 4) / n;
  return waste(columns) > waste(rows * columns) + 8 / channels;
}

/** Runs a convolution that gathers. */
export function gather(g: Gather): void {
  if (!paysWinograd(g)) gatherDirect(g);
  else {
    winograd(g);
    redoNonFinite(g);
  }
}

/** Winograd's products spread what is not finite, or overflows, over a tile: images whose result has such elements are convolved directly. */
function redoNonFinite(g: Gather): void {
  const size = g.rows * g.grid[0] * g.grid[1];
  const table = allocate(ENTRY);
  const isFinite = (first: number, count: number): boolean => {
    heap.i32[table >> 2] = count * size;
    heap.i32[(table >> 2) + 1] = g.to + 4 * first * size;
    return allFinite.run(table, 1) === 1;
  };
  if (!isFinite(0, g.batch)) {
    for (let n = 0; n < g.batch; n++) {
      if (!isFinite(n, 1)) gatherDirect({ ...g, batch: 1, source: { ...g.source, address: g.source.address + n * g.source.image }, to: g.to + 4 * n * size });
    }
  }
  release(table, ENTRY);
}

function gatherDirect(g: Gather): void {
  const { batch, groups, kernel, stride, depth, rows, inner, before, size, source, weight } = g;
  const framed = framedLayout(source, inner, before, size, stride[1]);
  const plane = g.grid[0] * g.grid[1];
  const terms = depth * kernel[0] * kernel[1];
  const channels = groups * rows;
  const fromRow = stride[0] * framed.pitch;
  const flat = g.grid[0] > 1 && fromRow === g.grid[1] * 4;
  const unrolled = !flat && paysUnrolled(g.grid[0], g.grid[1], rows);
  const grid: PlaceGrid =
    flat || unrolled ? { rows: 1, columns: plane, fromRow: 0, toRow: 0 } : { rows: g.grid[0], columns: g.grid[1], fromRow, toRow: g.grid[1] * 4 };
  const tiles: readonly TileShape[] = tilesFor(rows);

  const frameAt = lines(4 * Object.keys(gatherFields).length);
  const termsAt = frameAt + lines(frameBytes(stride[1]));
  const flatTermsAt = termsAt + lines(terms * 4);
  const tilesAt = flatTermsAt + (unrolled ? lines(terms * 4) : 0);
  const weightsAt = tilesAt + lines(tilesBytes(tiles, grid));
  const scratchAt = weightsAt + lines(channels * terms * 4);
  const frameRoom = framed.copied ? lines(groups * depth * framed.plane + 16) : 0;
  const unrolledRoom = unrolled ? lines(terms * plane * 4 + 16) : 0;
  const scratch = frameRoom + unrolledRoom + lines(NARROW_BYTES);
  const parts = partCount(batch * channels * plane * terms);
  const bytes = scratchAt + parts * scratch;
  const at = allocate(bytes);

  if (framed.copied) writeFrame(at + frameAt, source, framed, inner, before, size, stride[1]);
  writeTerms(at + termsAt, depth, g, framed);
  writeTiles(at + tilesAt, tiles, terms, grid);
  const { i32, u8 } = heap;
  if (unrolled) for (let k = 0, to = (at + flatTermsAt) >> 2; k < terms; k++) i32[to + k] = k * plane * 4;
  if (framed.bordered) for (let p = 0, to = at + scratchAt; p < parts; p++, to += scratch) u8.fill(0, to, to + frameRoom);
  const put = (offset: number, value: number): void => {
    i32[(at + offset) >> 2] = value;
  };
  put(gatherFields.source, source.address);
  put(gatherFields.sourceImage, source.image);
  put(gatherFields.frame, framed.copied ? at + frameAt : 0);
  put(gatherFields.framed, frameRoom);
  put(gatherFields.frameChannels, groups * depth);
  put(gatherFields.group, depth * framed.plane);
  put(gatherFields.terms, at + termsAt);
  put(gatherFields.depth, terms);
  put(gatherFields.unrolled, unrolledRoom);
  put(gatherFields.rows, g.grid[0]);
  put(gatherFields.columns, g.grid[1]);
  put(gatherFields.rowStep, fromRow);
  put(gatherFields.flatTerms, at + flatTermsAt);
  put(gatherFields.weights, at + weightsAt);
  put(gatherFields.weightsGroup, rows * terms * 4);
  put(gatherFields.tiles, at + tilesAt);
  put(gatherFields.tileCount, tiles.length);
  put(gatherFields.bias, g.bias);
  put(gatherFields.to, g.to);
  put(gatherFields.toImage, channels * plane * 4);
  put(gatherFields.plane, plane * 4);
  put(gatherFields.channels, rows);
  put(gatherFields.narrow, grid.rows === 1 && grid.columns < 4 ? grid.columns : 0);

  convPack.run(
    at + weightsAt, weight.address, groups, weight.group, at + tilesAt, tiles.length, weight.row,
    depth, weight.depth, kernel[0], weight.steps[0], kernel[1], weight.steps[1],
  );
  const units = groups * tiles.length;
  if (parts === 1) convGather.run(at, 0, batch, 0, units, at + scratchAt);
  else runParts(convGather, splitRanges(batch, units, parts).map((range, p) => [at, ...range, at + scratchAt + p * scratch]));
  release(at, bytes);
}

/** Convolution of float32 images: see `convGather`. */
export const fastConv: FastKernel<ConvGeometry> = ([out], [input, w, b], geometry) => {
  const [x, weight, bias] = [input as Tensor, w as Tensor, b as Tensor | undefined];
  const { groups, inChannels, outChannels, batch } = geometry;
  if (!areFloat32(out, x, weight, bias) || batch === 0 || inChannels === 0 || outChannels === 0) return false;
  const steps = stridesOf4(weight);
  const frame = windowFrame(geometry);
  const rows = outChannels / groups;
  gather({
    ...geometry,
    source: imagesOf(x),
    depth: inChannels / groups,
    rows,
    inner: frame.inner,
    before: frame.before,
    size: frame.size,
    grid: geometry.output,
    weight: { address: addressOf(weight), group: rows * steps[0] * 4, row: steps[0] * 4, depth: steps[1] * 4, steps: [steps[2] * 4, steps[3] * 4] },
    bias: bias === undefined ? 0 : addressOf(bias),
    to: addressOf(out),
  });
  return true;
};
