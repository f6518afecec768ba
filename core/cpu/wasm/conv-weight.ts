import { f32x4, i32, v128 } from './code.ts';
import { fieldsOf, frameFunction } from './conv-frame.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { WasmKernel, mulAdd } from './kernel.ts';
import type { ModuleBuilder } from './module.ts';
import { transposed } from './transpose.ts';

/**
 * Parameters of `convWeight`, all but counts in bytes:
 *
 * - `source`, `sourceImage`: the first image of `x` and the distance of images; `frame`, `framed`, `frameChannels`: fields of the frame images are
 *   copied into (or 0), room for one, and channels; `group`: distance of groups in what is read then;
 * - `y`, `ySource`, `yFrame`, `yFramed`, `yChannels`, `yImage`, `yGroup`, `yPlane`: the same for `y`, and the distance of its channels;
 * - `batch`, `blockImages`, `imagePlaces`, `blockPlaces`: images in all and in a block, places of an image, and of an image in a block;
 * - `places`: where the windows of `blockImages` images lie;
 * - `terms`, `termCount`, `termTiles`: where weights read relative to a window (padded to whole tiles), how many, and tiles of them;
 * - `sums`: room for the totals of all units and terms; `to`: the result; `channels`, `channelTiles`: channels of `y` in a group, and tiles of them.
 */
export const weightFields = fieldsOf([
  'source', 'sourceImage', 'frame', 'framed', 'frameChannels', 'group', 'y', 'ySource', 'yFrame', 'yFramed', 'yChannels', 'yImage', 'yGroup', 'yPlane', 'batch', 'blockImages',
  'imagePlaces', 'blockPlaces', 'places', 'terms', 'termCount', 'termTiles', 'sums', 'to', 'channels', 'channelTiles',
]);

/** Weights of one channel of the result that are summed at once. */
export const TERMS = 5;

/**
 * `sums[t][o] = Σ_p y[p][o] · x[places[p] + terms[t]]` for `TERMS` weights and `vectors` vectors of channels, one accumulator per result.
 * Parameters: `y, x, places, count, terms, sums`.
 */
function productFunction(m: ModuleBuilder, vectors: number): FunctionBuilder {
  return m.function('product', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, y, x, places, count, terms, to) => {
    const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
    x.increase(i32.load(terms));
    // Relative to the first, which saves an addition and a register.
    const steps = list(TERMS - 1, (t) => f.i32(i32.sub(i32.load(terms, 4 * (t + 1)), i32.load(terms))));
    const sums = list(TERMS, () => list(vectors, () => f.v128(f32x4.const(0))));
    const b = list(vectors, () => f.v128());
    const a = f.v128();
    const at = f.i32();
    f.if(count, () =>
      f.doWhile(() => {
        at.set(i32.add(x, i32.load(places)));
        for (let j = 0; j < vectors; j++) b[j].set(v128.load(y, 16 * j));
        for (let t = 0; t < TERMS; t++) {
          a.set(v128.load32Splat(t === 0 ? at : i32.add(at, steps[t - 1])));
          for (let j = 0; j < vectors; j++) sums[t][j].set(mulAdd(a, b[j], sums[t][j]));
        }
        y.increase(16 * vectors);
        places.increase(4);
        return count.tee(i32.sub(count, 1));
      }),
    );
    sums.flat().forEach((sum, i) => f.store(to, sum, 16 * i));
  });
}

/**
 * The gradient of a convolution to its weight, `w[o, k] = Σ_{n, p} y[n, o, p] · x[n, window p + terms[k]]`. Places are taken in blocks: as many images as
 * have at most 512 places together, or an image in as many equal parts as it takes. A block's products are summed place by place in order, with one
 * accumulator per weight, and the blocks' sums are added up in order: what a weight's sum is depends on the sizes alone.
 *
 * Channels of `y` are the lanes of vectors, for which blocks of `y` are transposed; `x` is read in place.
 *
 * Arguments: address of the parameters, first unit, units (tiles of channels of all groups in order), first tile of terms, tiles, scratch (framed
 * images of `x`, those of `y`, transposed places of a block, one tile of sums). Parts with other units or terms write to disjoint places.
 */
function weightKernel(vectors: number): WasmKernel {
  const name = `convWeight${vectors}`;
  const lanes = 4 * vectors;
  const rowBytes = 16 * vectors;
  return new WasmKernel(name, (m) => {
    const frame = frameFunction(m);
    const product = productFunction(m, vectors);
    const transpose = m.function('transpose', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], transposed);
    /** `(to, from, images, step, frame, framed, channels)`: frames images. */
    const frames = m.function('frames', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, to, from, images, step, fields, framed, channels) => {
      f.repeat(images, () => {
        f.call(frame, fields, to, from, channels);
        to.increase(framed);
        from.increase(step);
      });
    });
    /** `(to, from, add)`: stores or adds a tile of sums. */
    const keep = m.function('keep', ['i32', 'i32', 'i32'], (f, to, from, add) => {
      const vectorsOf = Array.from({ length: TERMS * vectors }, (_, i) => 16 * i);
      f.if(
        add,
        () => vectorsOf.forEach((i) => f.store(to, f32x4.add(v128.load(to, i), v128.load(from, i)), i)),
        () => vectorsOf.forEach((i) => f.store(to, v128.load(from, i), i)),
      );
    });

    return m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, parameters, firstUnit, units, firstTile, tiles, scratch) => {
      const value = (key: keyof typeof weightFields): ReturnType<typeof i32.load> => i32.load(parameters, weightFields[key]);
      const field = (key: keyof typeof weightFields): IntLocal => f.i32(value(key));
      const local = (): IntLocal => f.i32();
      const [batch, blockImages, imagePlaces, blockPlaces, channelTiles, termTiles, channels] = (
        ['batch', 'blockImages', 'imagePlaces', 'blockPlaces', 'channelTiles', 'termTiles', 'channels'] as const
      ).map(field);
      const [first, count, place, places, unit, group, channel, width, b] = [local(), local(), local(), local(), local(), local(), local(), local(), local()];
      const [x, y, yAt, xAt, to, tile, sums, lastTile, panel, result] = [local(), local(), local(), local(), local(), local(), local(), local(), local(), local()];
      const lastUnit = f.i32(i32.add(firstUnit, units));
      lastTile.set(i32.add(firstTile, tiles));
      const yFrames = f.i32(i32.add(scratch, i32.mul(value('framed'), blockImages)));
      panel.set(i32.add(yFrames, i32.mul(value('yFramed'), blockImages)));
      // Behind the transposed places of the largest block.
      result.set(i32.add(panel, i32.mul(i32.mul(blockImages, blockPlaces), rowBytes)));
      const atUnit = (): void => {
        group.set(i32.divU(unit, channelTiles));
        channel.set(i32.mul(i32.remU(unit, channelTiles), lanes));
        width.set(i32.sub(channels, channel));
        f.if(i32.gtS(width, lanes), () => width.set(lanes));
        sums.set(i32.add(value('sums'), i32.mul(i32.add(i32.mul(unit, termTiles), firstTile), TERMS * rowBytes)));
      };

      f.for(first, 0, batch, blockImages, () => {
        count.set(i32.sub(batch, first));
        f.if(i32.gtS(count, blockImages), () => count.set(blockImages));
        x.set(i32.add(value('source'), i32.mul(first, value('sourceImage'))));
        y.set(i32.add(value('y'), i32.mul(first, value('ySource'))));
        f.if(value('frame'), () => {
          f.call(frames, scratch, x, count, value('sourceImage'), value('frame'), value('framed'), value('frameChannels'));
          x.set(scratch);
        });
        f.if(value('yFrame'), () => {
          f.call(frames, yFrames, y, count, value('ySource'), value('yFrame'), value('yFramed'), value('yChannels'));
          y.set(yFrames);
        });
        f.for(place, 0, imagePlaces, blockPlaces, () => {
          places.set(i32.sub(imagePlaces, place));
          f.if(i32.gtS(places, blockPlaces), () => places.set(blockPlaces));
          f.for(unit, firstUnit, lastUnit, 1, () => {
            atUnit();
            yAt.set(i32.add(i32.add(y, i32.mul(group, value('yGroup'))), i32.add(i32.mul(channel, value('yPlane')), i32.shl(place, 2))));
            to.set(panel);
            b.set(count);
            f.while(b, () => {
              f.call(transpose, to, yAt, places, i32.const(rowBytes), width, value('yPlane'));
              to.increase(i32.mul(places, rowBytes));
              yAt.increase(value('yImage'));
              b.increase(-1);
            });
            xAt.set(i32.add(x, i32.mul(group, value('group'))));
            f.for(tile, firstTile, lastTile, 1, () => {
              f.call(product, panel, xAt, i32.add(value('places'), i32.shl(place, 2)), i32.mul(count, places), i32.add(value('terms'), i32.mul(tile, 4 * TERMS)), result);
              f.call(keep, sums, result, i32.or(first, place));
              sums.increase(TERMS * rowBytes);
            });
          });
        });
      });

      const [termAt, terms] = [local(), local()];
      termAt.set(i32.mul(firstTile, TERMS));
      terms.set(i32.sub(value('termCount'), termAt));
      f.if(i32.gtS(terms, i32.mul(tiles, TERMS)), () => terms.set(i32.mul(tiles, TERMS)));
      f.for(unit, firstUnit, lastUnit, 1, () => {
        atUnit();
        to.set(i32.add(i32.mul(i32.add(i32.mul(group, channels), channel), value('termCount')), termAt));
        f.call(transpose, i32.add(value('to'), i32.shl(to, 2)), sums, width, i32.shl(value('termCount'), 2), terms, i32.const(rowBytes));
      });
    });
  });
}

/** By the number of vectors that hold the channels of a tile. */
export const convWeight: Readonly<Record<1 | 2, WasmKernel>> = { 1: weightKernel(1), 2: weightKernel(2) };
