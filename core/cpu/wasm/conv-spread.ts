import { i32 } from './code.ts';
import { fieldsOf, frameFunction } from './conv-frame.ts';
import { TILES, biasFunction, callTile, tileEntry, tileFunction } from './conv-tile.ts';
import type { IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';

/**
 * Parameters of `convSpread`, all but counts in bytes:
 *
 * - `source`, `sourceImage`: the first image of `y` and the distance of images;
 * - `frame`: fields of the frame each image is copied into, or 0 where it is read from the source; `framed`: room for one; `frameChannels`;
 * - `group`: distance of groups of channels in the image or frame;
 * - `terms`, `depth`: where the channels of a group are, and how many;
 * - `taps`, `tapCount`: where each tap of the kernel writes in a plane;
 * - `weights`, `weightsGroup`: panels tap by tap, and their distance from group to group;
 * - `tiles`, `tileCount`: the table of tiles of a group (see `tileEntry`);
 * - `plane`: bytes of a channel that sums are added to; `back`: fields of the frame it is copied from to the result, or 0 where it is the result;
 * - `to`, `toImage`, `toPlane`, `channels`: the result, distances of images and channels, channels in a group;
 * - `bias`: one float per channel of the result, or 0.
 */
export const spreadFields = fieldsOf([
  'source', 'sourceImage', 'frame', 'framed', 'frameChannels', 'group', 'terms', 'depth', 'taps', 'tapCount', 'weights', 'weightsGroup', 'tiles', 'tileCount', 'plane', 'back', 'to',
  'toImage', 'toPlane', 'channels', 'bias',
]);

/**
 * Direct transposed convolution, which is the gradient of a convolution to its input: every element of `y` is spread over its window,
 * `x[n, c, window p + taps[t]] += Σ_o weight[o, c, t] · y[n, o, p]`, one accumulator per result over (kernel row, kernel column, channel) in ascending
 * order, then the bias. No products with padding are made, and a stride costs nothing.
 *
 * Arguments: address of the parameters, first image, images, first unit, units (tiles of all groups in order), scratch (a framed image, then five
 * planes). Parts with other images or units write to disjoint places.
 */
export const convSpread: WasmKernel = new WasmKernel('convSpread', (m) => {
  const frame = frameFunction(m);
  const tiles = TILES.map((shape) => tileFunction(m, shape, 'result'));
  const bias = biasFunction(m);

  return m.function('convSpread', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, parameters, image, images, firstUnit, units, scratch) => {
    const field = (name: keyof typeof spreadFields): IntLocal => f.i32(i32.load(parameters, spreadFields[name]));
    const [depth, terms, plane, back, tileCount, tapCount] = (['depth', 'terms', 'plane', 'back', 'tileCount', 'tapCount'] as const).map(field);
    const [from, unit, groupAt, entry, base, rows, row, to, target, panel, tap, taps] = Array.from({ length: 12 }, () => f.i32());
    const planes = f.i32(i32.add(scratch, field('framed')));
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
        entry.set(i32.add(field('tiles'), i32.mul(i32.remU(unit, tileCount), tileEntry.bytes)));
        base.set(i32.add(from, i32.mul(groupAt, field('group'))));
        rows.set(i32.load(entry, tileEntry.rows));
        row.set(i32.add(i32.mul(groupAt, field('channels')), i32.load(entry, tileEntry.row)));
        to.set(i32.add(i32.add(field('to'), i32.mul(image, field('toImage'))), i32.mul(row, field('toPlane'))));
        target.set(to);
        f.if(back, () => target.set(planes));
        f.clear(target, i32.mul(rows, plane));
        panel.set(i32.add(i32.add(field('weights'), i32.mul(groupAt, field('weightsGroup'))), i32.load(entry, tileEntry.panel)));
        taps.set(field('taps'));
        tap.set(tapCount);
        f.while(tap, () => {
          callTile(f, tiles, entry, { panel, terms, depth, base, to: f.i32(i32.add(target, i32.load(taps))), plane });
          panel.increase(i32.shl(i32.mul(rows, depth), 2));
          taps.increase(4);
          tap.increase(-1);
        });
        f.if(back, () => f.call(frame, back, to, target, rows));
        f.if(field('bias'), () => {
          f.repeat(rows, () => {
            f.call(bias, to, field('toPlane'), i32.add(field('bias'), i32.shl(row, 2)));
            row.increase(1);
            to.increase(field('toPlane'));
          });
        });
      });
      image.increase(1);
    });
  });
});
