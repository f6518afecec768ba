import { i32 } from './code.ts';
import { copyDense, fieldsOf, frameFunction } from './conv-frame.ts';
import { TILES, biasFunction, callTile, tileEntry, tileFunction } from './conv-tile.ts';
import type { IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

/**
 * Parameters of `convGather`, all but counts in bytes:
 *
 * - `source`, `sourceImage`: the first image and the distance of images;
 * - `frame`: fields of the frame each image is copied into, or 0 where windows are read from the source; `framed`: room for one, 0 without;
 *   `frameChannels`: channels of an image;
 * - `group`: distance of groups of channels in the image or frame;
 * - `terms`, `depth`: where the terms of a sum are read, relative to the window, and how many there are;
 * - `unrolled`: room for the windows of a group side by side, or 0; then `rows`, `columns` and `rowStep` say what windows there are, and `flatTerms`
 *   where the terms are read there;
 * - `weights`, `weightsGroup`: packed panels of rows, and their distance from group to group;
 * - `tiles`, `tileCount`: the table of tiles of a group (see `tileEntry`);
 * - `bias`: one float per channel of the result, or 0;
 * - `to`, `toImage`, `plane`, `channels`: the result, distances of images and channels, channels in a group;
 * - `narrow`: elements of a plane if less than a vector, else 0.
 */
export const gatherFields = fieldsOf([
  'source', 'sourceImage', 'frame', 'framed', 'frameChannels', 'group', 'terms', 'depth', 'unrolled', 'rows', 'columns', 'rowStep', 'flatTerms', 'weights', 'weightsGroup', 'tiles', 'tileCount',
  'bias', 'to', 'toImage', 'plane', 'channels', 'narrow',
]);

/** Bytes of scratch after frame and unrolled windows: results of one tile of narrow planes. */
export const NARROW_BYTES = 5 * 16;

/**
 * Direct convolution: `y[n, o, p] = Σ_k weight[o, k] · x[n, window p + terms[k]] + bias[o]`, summed over (channel, kernel row, kernel column) in ascending
 * order, then the bias.
 *
 * Arguments: address of the parameters, first image, images, first unit, units (tiles of all groups in order), scratch. Parts with other images or
 * units write to disjoint places.
 */
export const convGather: WasmKernel = new WasmKernel('convGather', (m) => {
  const frame = frameFunction(m);
  const tiles = TILES.map((shape) => tileFunction(m, shape, 'zero'));
  const addBias = biasFunction(m);

  /** `(parameters, to, from)`: for each term a row with what all windows read. */
  const unroll = m.function('unroll', ['i32', 'i32', 'i32'], (f, parameters, to, from) => {
    const field = (name: keyof typeof gatherFields): IntLocal => f.i32(i32.load(parameters, gatherFields[name]));
    const [terms, rows, columns, rowStep] = (['terms', 'rows', 'columns', 'rowStep'] as const).map(field);
    const at = f.i32();
    f.repeat(field('depth'), () => {
      at.set(i32.add(from, i32.load(terms)));
      copyDense(f, to, at, rows, columns, rowStep);
      terms.increase(4);
    });
  });

  return m.function('convGather', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, parameters, image, images, firstUnit, units, scratch) => {
    const field = (name: keyof typeof gatherFields): IntLocal => f.i32(i32.load(parameters, gatherFields[name]));
    const [depth, group, unrolled, tileCount, narrow, channels, bias, plane] = (['depth', 'group', 'unrolled', 'tileCount', 'narrow', 'channels', 'bias', 'plane'] as const).map(field);
    const terms = f.i32(i32.load(parameters, gatherFields.terms));
    f.if(unrolled, () => terms.set(i32.load(parameters, gatherFields.flatTerms)));
    const [from, unit, groupAt, entry, base, row, to, target, targetPlane] = Array.from({ length: 9 }, () => f.i32());
    const windows = f.i32(i32.add(scratch, field('framed')));
    const narrowAt = f.i32(i32.add(windows, unrolled));
    const lastImage = f.i32(i32.add(image, images));
    const lastUnit = f.i32(i32.add(firstUnit, units));
    f.while(i32.ltS(image, lastImage), () => {
      from.set(i32.add(field('source'), i32.mul(image, field('sourceImage'))));
      f.if(field('frame'), () => {
        f.call(frame, field('frame'), scratch, from, field('frameChannels'));
        from.set(scratch);
      });
      f.for(unit, firstUnit, lastUnit, 1, () => {
        groupAt.set(i32.divU(unit, tileCount));
        entry.set(i32.remU(unit, tileCount));
        base.set(i32.add(from, i32.mul(groupAt, group)));
        f.if(unrolled, () => {
          f.if(i32.or(i32.eqz(entry), i32.eq(unit, firstUnit)), () => f.call(unroll, parameters, windows, base));
          base.set(windows);
        });
        entry.set(i32.add(field('tiles'), i32.mul(entry, tileEntry.bytes)));
        row.set(i32.add(i32.mul(groupAt, channels), i32.load(entry, tileEntry.row)));
        to.set(i32.add(i32.add(field('to'), i32.mul(image, field('toImage'))), i32.mul(row, plane)));
        target.set(to);
        targetPlane.set(plane);
        f.if(narrow, () => {
          target.set(narrowAt);
          targetPlane.set(16);
        });
        const panel = i32.add(i32.add(field('weights'), i32.mul(groupAt, field('weightsGroup'))), i32.load(entry, tileEntry.panel));
        callTile(f, tiles, entry, { panel: f.i32(panel), terms, depth, base, to: target, plane: targetPlane });
        const at = f.i32(to);
        f.if(narrow, () => copyDense(f, at, target, i32.load(entry, tileEntry.rows), narrow, i32.const(16)));
        f.if(bias, () => {
          f.repeat(i32.load(entry, tileEntry.rows), () => {
            f.call(addBias, to, plane, i32.add(bias, i32.shl(row, 2)));
            row.increase(1);
            to.increase(plane);
          });
        });
      });
      image.increase(1);
    });
  });
});
