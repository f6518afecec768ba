import { runParts } from '../threads/threads.ts';
import type { Pair } from '../frame.ts';
import { allocate, release } from '../memory/heap.ts';
import { tilesFor } from '../wasm/conv-tile.ts';
import { heap } from '../wasm/memory.ts';
import { winogradConv, winogradFields, winogradPack } from '../wasm/winograd-conv.ts';
import { PRODUCTS, TILE, TRANSFORM_BYTES } from '../wasm/winograd.ts';
import { type Framed, type Gather, type Images, type PlaceGrid, frameBytes, lines, partCount, splitRanges, tilesBytes, writeFrame, writeTiles } from './conv-layout.ts';

/** Channels from which transforming pays, on both sides. */
const CHANNELS = 16;
/** Tiles of all images from which transforming the weights pays. */
const ALL_TILES = 16;
/** Bytes of transformed inputs and products that stay in the second-level cache. */
const ROOM = 640 * 1024;

let enabled = true;

/** Switches Winograd's convolution on or off and returns what it was: tests compare both. */
export function setWinograd(on: boolean): boolean {
  const before = enabled;
  enabled = on;
  return before;
}

const tileRows = ([height, width]: Pair): Pair => [Math.ceil(height / TILE), Math.ceil(width / TILE)];

/**
 * Whether Winograd's convolution is faster than the direct one: 3x3 windows with stride 1, many channels, and results of which whole tiles do not cover
 * much more than there is. It depends on sizes only, and so do the bits of the result.
 */
export function paysWinograd({ batch, groups, kernel, stride, dilation, depth, rows, grid }: Gather): boolean {
  if (!enabled || groups !== 1 || kernel[0] !== 3 || kernel[1] !== 3 || stride[0] !== 1 || stride[1] !== 1 || dilation[0] !== 1 || dilation[1] !== 1) return false;
  const [down, across] = tileRows(grid);
  const tiles = down * across;
  return depth >= CHANNELS && rows >= CHANNELS && batch * tiles >= ALL_TILES && tiles * TILE * TILE <= 2 * grid[0] * grid[1];
}

/** Runs a convolution for which `paysWinograd` holds. */
export function winograd(g: Gather): void {
  const { batch, depth, rows: channels, grid, weight } = g;
  const [down, across] = tileRows(grid);
  const imageTiles = down * across;
  const parts = Math.min(partCount(batch * channels * depth * 9 * grid[0] * grid[1]), batch);

  const most = Math.max(16, Math.min(128, Math.floor(ROOM / (4 * PRODUCTS * (depth + channels)))));
  const blockImages = Math.max(1, Math.min(Math.ceil(batch / parts), Math.floor(most / imageTiles)));
  const blockTiles = imageTiles <= most ? imageTiles : Math.ceil(imageTiles / Math.ceil(imageTiles / most) / 4) * 4;
  const columns = Math.ceil((blockImages * blockTiles) / 4) * 4;
  const tileBytes = columns * 4;
  // A line more, so that the products of a tile do not all compete for the same lines of the cache.
  const [inputProduct, outputProduct] = [depth * tileBytes + 64, channels * tileBytes + 64];

  const size: Pair = [down * TILE + 2, across * TILE + 2];
  const pitch = size[1] * 4;
  const framed: Framed = { pitch, plane: size[0] * pitch, residue: size[1], copied: true, bordered: true };
  const plane = grid[0] * grid[1] * 4;
  const result: Images = { address: g.to, image: channels * plane, channel: plane, row: grid[1] * 4, column: 4 };
  const direct = grid[0] % TILE === 0 && grid[1] % TILE === 0;
  const outputImage = imageTiles * TILE * TILE * 4;
  const whole: Framed = { pitch: across * TILE * 4, plane: blockImages * outputImage, residue: across * TILE, copied: true, bordered: true };

  const tiles = tilesFor(channels);
  const places: PlaceGrid = { rows: 1, columns, fromRow: 0, toRow: 0 };
  const frameAt = lines(4 * Object.keys(winogradFields).length);
  const backAt = frameAt + lines(frameBytes(1));
  const inputTilesAt = backAt + lines(frameBytes(1));
  const outputTilesAt = inputTilesAt + lines((blockImages * imageTiles + 3) * 4);
  const termsAt = outputTilesAt + lines((blockImages * imageTiles + 3) * 4);
  const tilesAt = termsAt + lines(depth * 4);
  const weightsAt = tilesAt + lines(tilesBytes(tiles, places));
  const scratchAt = weightsAt + lines(PRODUCTS * channels * depth * 4);
  const frameRoom = lines(depth * framed.plane + 16);
  const scratch = lines(blockImages * frameRoom + PRODUCTS * (inputProduct + outputProduct) + TRANSFORM_BYTES + (direct ? 0 : channels * whole.plane));
  const bytes = scratchAt + parts * scratch;
  const at = allocate(bytes);

  writeFrame(at + frameAt, g.source, framed, g.inner, g.before, size, 1);
  if (!direct) writeFrame(at + backAt, result, whole, grid, [0, 0], [down * TILE, across * TILE], 1, true);
  writeTiles(at + tilesAt, tiles, depth, places);
  const { i32, u8 } = heap;
  for (let p = 0, from = at + scratchAt; p < parts; p++, from += scratch) u8.fill(0, from, from + blockImages * frameRoom);
  for (let k = 0, to = (at + termsAt) >> 2; k < depth; k++) i32[to + k] = k * tileBytes;
  const [outputPitch, toImage] = direct ? [result.row, result.image] : [whole.pitch, outputImage];
  for (let n = 0, from = (at + inputTilesAt) >> 2, to = (at + outputTilesAt) >> 2; n < blockImages; n++) {
    for (let i = 0; i < down; i++) {
      for (let j = 0; j < across; j++) {
        i32[from++] = n * frameRoom + i * TILE * pitch + j * TILE * 4;
        i32[to++] = n * toImage + i * TILE * outputPitch + j * TILE * 4;
      }
    }
    for (let t = 0; t < 3; t++) i32[from + t] = 0;
  }
  const put = (offset: number, value: number): void => {
    i32[(at + offset) >> 2] = value;
  };
  put(winogradFields.source, g.source.address);
  put(winogradFields.sourceImage, g.source.image);
  put(winogradFields.frame, at + frameAt);
  put(winogradFields.framed, frameRoom);
  put(winogradFields.pitch, pitch);
  put(winogradFields.plane, framed.plane);
  put(winogradFields.depth, depth);
  put(winogradFields.blockImages, blockImages);
  put(winogradFields.imageTiles, imageTiles);
  put(winogradFields.blockTiles, blockTiles);
  put(winogradFields.inputTiles, at + inputTilesAt);
  put(winogradFields.outputTiles, at + outputTilesAt);
  put(winogradFields.terms, at + termsAt);
  put(winogradFields.weights, at + weightsAt);
  put(winogradFields.tiles, at + tilesAt);
  put(winogradFields.tileCount, tiles.length);
  put(winogradFields.tileBytes, tileBytes);
  put(winogradFields.inputProduct, inputProduct);
  put(winogradFields.outputProduct, outputProduct);
  put(winogradFields.to, g.to);
  put(winogradFields.toImage, result.image);
  put(winogradFields.toPlane, plane);
  put(winogradFields.channels, channels);
  put(winogradFields.back, direct ? 0 : at + backAt);
  put(winogradFields.outputPitch, outputPitch);
  put(winogradFields.outputImage, outputImage);
  put(winogradFields.outputPlane, whole.plane);
  put(winogradFields.bias, g.bias);

  winogradPack.run(at + weightsAt, weight.address, at + tilesAt, tiles.length, depth, weight.row, weight.depth, weight.steps[0], weight.steps[1]);
  if (parts === 1) winogradConv.run(at, 0, batch, at + scratchAt);
  else {
    const blocks = Math.ceil(batch / blockImages);
    const partOf = ([first, count]: readonly number[], p: number): number[] => [at, first * blockImages, Math.min(count * blockImages, batch - first * blockImages), at + scratchAt + p * scratch];
    runParts(winogradConv, splitRanges(blocks, 1, parts).map(partOf));
  }
  release(at, bytes);
}
