import type { Tensor } from '../../tensor.ts';
import { addressOf } from '../engine.ts';
import { threadCount } from '../threads/threads.ts';
import { type ConvGeometry, type Pair, stridesOf4 } from '../frame.ts';
import { FRAME_BYTES, PART_BYTES, frameFields, partFields } from '../wasm/conv-frame.ts';
import { type TileShape, tileEntry } from '../wasm/conv-tile.ts';
import { heap } from '../wasm/memory.ts';

// How images, windows and weights lie in memory, for the kernels of convolutions. Distances are in bytes.

/** An image tensor: its first element and the distances of its images, channels, rows and columns. */
export interface Images {
  readonly address: number;
  readonly image: number;
  readonly channel: number;
  readonly row: number;
  readonly column: number;
}

/** A tensor `(batch, channels, height, width)` or `(batch, channels, length)` as images. */
export function imagesOf(x: Tensor): Images {
  const [image, channel, row, column] = stridesOf4(x);
  return { address: addressOf(x), image: image * 4, channel: channel * 4, row: row * 4, column: column * 4 };
}

/** Weights as a convolution uses them: where tap (0, 0) is, and the distances in bytes of groups, result channels, summed channels, rows and columns. */
export interface WeightLayout {
  readonly address: number;
  readonly group: number;
  readonly row: number;
  readonly depth: number;
  readonly steps: Pair;
}

/** A convolution whose sums are gathered: every result reads its window. */
export interface Gather extends Pick<ConvGeometry, 'batch' | 'groups' | 'kernel' | 'stride' | 'dilation'> {
  readonly source: Images;
  /** Summed channels and result channels in a group. */
  readonly depth: number;
  readonly rows: number;
  /** Rows and columns of an image, zeros (or, below 0, cells left out) before them, and how far windows reach. */
  readonly inner: Pair;
  readonly before: Pair;
  readonly size: Pair;
  /** Rows and columns of the result. */
  readonly grid: Pair;
  readonly weight: WeightLayout;
  /** Address of the bias, or 0. */
  readonly bias: number;
  readonly to: number;
}

/** Images that are read through windows, where they are or in a frame. */
export interface Framed {
  /** Distance of neighbouring rows, and bytes of a channel. */
  readonly pitch: number;
  readonly plane: number;
  /** Columns of one residue of the stride. */
  readonly residue: number;
  /** Whether images are copied into the frame. */
  readonly copied: boolean;
  /** Whether the frame has cells that no image covers. */
  readonly bordered: boolean;
}

/** Images of `inner` rows and columns as windows with a stride of `step` columns read them, `before` cells ahead and `size` in all. */
export function framedLayout(x: Images, inner: Pair, before: Pair, size: Pair, step: number, padColumns = 0): Framed {
  const bordered = before[0] !== 0 || before[1] !== 0 || size[0] > inner[0] || size[1] > inner[1] || padColumns > 0;
  // Channels that lie a multiple of 4096 bytes apart would all compete for the same few lines of the cache.
  const crowded = x.channel !== 0 && x.channel % 4096 === 0;
  if (!bordered && !crowded && step === 1 && x.column === 4) return { pitch: x.row, plane: x.channel, residue: size[1], copied: false, bordered };
  const residue = Math.ceil(size[1] / step);
  const pitch = (residue * step + padColumns) * 4;
  const plane = size[0] * pitch;
  return { pitch, plane: plane % 1024 === 0 ? plane + 64 : plane, residue, copied: true, bordered: bordered || residue * step > size[1] };
}

/** Bytes of the fields of a frame. */
export function frameBytes(step: number): number {
  return FRAME_BYTES + step * PART_BYTES;
}

/**
 * Writes the fields of a frame: how an image is copied into it, or back from it.
 *
 * @param x - the image's side
 */
export function writeFrame(at: number, x: Images, { pitch, plane, residue }: Framed, inner: Pair, before: Pair, size: Pair, step: number, back = false): void {
  const { i32 } = heap;
  const put = (offset: number, value: number): void => {
    i32[(at + offset) >> 2] = value;
  };
  const top = Math.max(0, -before[0]);
  const left = Math.max(0, -before[1]);
  const right = Math.min(inner[1], size[1] - before[1]);
  put(back ? frameFields.channelTo : frameFields.channelFrom, x.channel);
  put(back ? frameFields.channelFrom : frameFields.channelTo, plane);
  put(frameFields.rows, Math.max(0, Math.min(inner[0], size[0] - before[0]) - top));
  put(back ? frameFields.rowTo : frameFields.rowFrom, x.row);
  put(back ? frameFields.rowFrom : frameFields.rowTo, pitch);
  put(back ? frameFields.columnTo : frameFields.columnFrom, x.column * step);
  put(back ? frameFields.columnFrom : frameFields.columnTo, 4);
  put(frameFields.parts, step);
  for (let r = 0, part = FRAME_BYTES; r < step; r++, part += PART_BYTES) {
    const first = left + ((((r - left - before[1]) % step) + step) % step);
    put(part + partFields.columns, Math.max(0, Math.ceil((right - first) / step)));
    put(part + (back ? partFields.to : partFields.from), top * x.row + first * x.column);
    put(part + (back ? partFields.from : partFields.to), (top + before[0]) * pitch + (r * residue + (first + before[1] - r) / step) * 4);
  }
}

/** Writes where the taps of a kernel lie in a plane of a frame, from tap (0, 0) on, once for each channel: (channel, row, column) in ascending order. */
export function writeTerms(at: number, channels: number, { kernel, dilation, stride }: Pick<ConvGeometry, 'kernel' | 'dilation' | 'stride'>, { pitch, plane, residue }: Framed): number {
  const { i32 } = heap;
  let to = at >> 2;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < kernel[0]; i++) {
      const row = c * plane + i * dilation[0] * pitch;
      for (let j = 0; j < kernel[1]; j++) {
        const column = j * dilation[1];
        i32[to++] = row + ((column % stride[1]) * residue + Math.floor(column / stride[1])) * 4;
      }
    }
  }
  return to << 2;
}

/** Vectors of four places in rows, as tables of places list them. */
export interface PlaceGrid {
  readonly rows: number;
  /** Places of a row. */
  readonly columns: number;
  /** Distance of rows where places are read and where they are written. */
  readonly fromRow: number;
  readonly toRow: number;
  /** Where vectors that only fill up a tile are written; without it, they repeat the last one, and the last of a row overlaps the one before. */
  readonly spare?: number;
}

/** Bytes of a table of places. */
export function placesBytes({ rows, columns }: PlaceGrid, { vectors }: TileShape): number {
  return Math.ceil((rows * Math.ceil(columns / 4)) / vectors) * 8 * vectors;
}

/** Writes a table of places for tiles of so many vectors. */
export function writePlaces(at: number, { rows, columns, fromRow, toRow, spare }: PlaceGrid, { vectors }: TileShape): void {
  const { i32 } = heap;
  const across = Math.ceil(columns / 4);
  const last = spare === undefined ? Math.max(0, columns - 4) : 4 * (across - 1);
  const total = Math.ceil((rows * across) / vectors) * vectors;
  let i = 0;
  let v = 0;
  for (let n = 0, to = at >> 2; n < total; n++) {
    const j = Math.min(4 * v, last) * 4;
    i32[to] = i * fromRow + j;
    i32[to + vectors] = spare !== undefined && n >= rows * across ? spare : i * toRow + j;
    to += n % vectors === vectors - 1 ? vectors + 1 : 1;
    if (++v < across) continue;
    v = 0;
    if (i < rows - 1) i++;
    else v = across - 1;
  }
}

/** Bytes of a table of tiles with its tables of places. */
export function tilesBytes(tiles: readonly TileShape[], grid: PlaceGrid): number {
  let bytes = tiles.length * tileEntry.bytes;
  for (let t = 0; t < tiles.length; t++) if (isFirstOfShape(tiles, t)) bytes += placesBytes(grid, tiles[t]);
  return bytes;
}

const isFirstOfShape = (tiles: readonly TileShape[], t: number): boolean => t === 0 || tiles[t] !== tiles[t - 1];

/** Writes a table of tiles and, behind it, the tables of places of each shape. `depth` is the number of weights of a row. */
export function writeTiles(at: number, tiles: readonly TileShape[], depth: number, grid: PlaceGrid): void {
  let places = at + tiles.length * tileEntry.bytes;
  let end = places;
  let row = 0;
  for (let t = 0, entry = at; t < tiles.length; t++, entry += tileEntry.bytes) {
    if (isFirstOfShape(tiles, t)) {
      places = end;
      end += placesBytes(grid, tiles[t]);
      writePlaces(places, grid, tiles[t]);
    }
    const { i32 } = heap;
    i32[(entry + tileEntry.rows) >> 2] = tiles[t].rows;
    i32[(entry + tileEntry.row) >> 2] = row;
    i32[(entry + tileEntry.panel) >> 2] = row * depth * 4;
    i32[(entry + tileEntry.places) >> 2] = places;
    i32[(entry + tileEntry.placesEnd) >> 2] = end;
    row += tiles[t].rows;
  }
}

/** Multiplications below which the work stays on one thread. */
const WORTH_SPLITTING = 750_000;

/** Over how many threads so many multiplications are split. */
export function partCount(products: number): number {
  return products < WORTH_SPLITTING ? 1 : threadCount();
}

/**
 * Splits two ranges into at most so many parts: along the first where that is long enough, else along the second.
 *
 * @returns `[start, length, start, length]` of each part
 */
export function splitRanges(first: number, second: number, parts: number): [number, number, number, number][] {
  const along = first >= parts || first >= second;
  const total = along ? first : second;
  const out: [number, number, number, number][] = [];
  const count = Math.min(parts, total);
  for (let p = 0; p < count; p++) {
    const start = Math.floor((p * total) / count);
    const length = Math.floor(((p + 1) * total) / count) - start;
    out.push(along ? [start, length, 0, second] : [0, first, start, length]);
  }
  return out;
}

/** Rounds up to a line of the cache. */
export const lines = (bytes: number): number => (bytes + 63) & ~63;
