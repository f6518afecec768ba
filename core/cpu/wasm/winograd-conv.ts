import { i32 } from './code.ts';
import { fieldsOf, frameFunction } from './conv-frame.ts';
import { TILES, biasFunction, callTile, tileEntry, tileFunction } from './conv-tile.ts';
import type { IntLocal } from './function.ts';
import { WasmKernel } from './kernel.ts';
import { PRODUCTS, inputFunction, outputFunction, weightFunction } from './winograd.ts';

/**
 * Arguments: where to, weights, table of tiles of rows (see `tileEntry`), tiles, summed channels, then the distances in bytes of rows, summed channels, kernel
 * rows and kernel columns. Packs transformed weights as panels: tile by tile, product by product, channel by channel, the tile's rows side by side.
 */
export const winogradPack: WasmKernel = new WasmKernel('winogradPack', (m) => {
  const transform = weightFunction(m);
  return m.function(
    'winogradPack',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, to, from, entry, tileCount, depth, rowStep, depthStep, kernelRow, kernelColumn) => {
      const [rows, rowAt, at, target, step] = Array.from({ length: 5 }, () => f.i32());
      f.repeat(tileCount, () => {
        rows.set(i32.load(entry, tileEntry.rows));
        rowAt.set(i32.add(from, i32.mul(i32.load(entry, tileEntry.row), rowStep)));
        step.set(i32.shl(i32.mul(rows, depth), 2));
        target.set(to);
        f.repeat(depth, () => {
          at.set(rowAt);
          f.repeat(rows, () => {
            f.call(transform, target, step, at, kernelRow, kernelColumn);
            target.increase(4);
            at.increase(rowStep);
          });
          rowAt.increase(depthStep);
        });
        to.increase(i32.mul(step, PRODUCTS));
        entry.increase(tileEntry.bytes);
      });
    },
  );
});

/**
 * Parameters of `winogradConv`, all but counts in bytes:
 *
 * - `source`, `sourceImage`: the first image and the distance of images; `frame`, `framed`, `pitch`, `plane`: fields of the frame with the zeros around,
 *   room for one, its rows' and channels' distance; `depth`: channels;
 * - `blockImages` images make a block; `imageTiles` tiles of an image, of which `blockTiles` are in a block; one of the two is all;
 * - `inputTiles`, `outputTiles`: tables of where the tiles of `blockImages` images start, with three more that are read but not used;
 * - `terms`: where the channels of a product are; `weights`; `tiles`, `tileCount`: the table of tiles of rows;
 * - `tileBytes`: distance of channels of a product; `inputProduct`, `outputProduct`: distance of products;
 * - `to`, `toImage`, `toPlane`, `channels`: the result; `back`: fields of the frame that results are copied from, or 0 where they are written directly,
 *   `outputPitch`, `outputImage` and `outputPlane`: the distance of rows, images and channels where they are written; `bias` of all channels, or 0.
 */
export const winogradFields = fieldsOf([
  'source', 'sourceImage', 'frame', 'framed', 'pitch', 'plane', 'depth', 'blockImages', 'imageTiles', 'blockTiles', 'inputTiles', 'outputTiles', 'terms', 'weights', 'tiles',
  'tileCount', 'tileBytes', 'inputProduct', 'outputProduct', 'to', 'toImage', 'toPlane', 'channels', 'back', 'outputPitch', 'outputImage', 'outputPlane', 'bias',
]);

/**
 * Convolution with 3x3 windows, stride 1: see `winograd.ts` for the formula. Each of a tile's 36 products is one sum over the channels in ascending order.
 *
 * Arguments: address of the parameters, first image (at the start of a block), images, scratch: framed images, transformed inputs, products, one call's
 * transforms, planes of a block's images where results are copied. Parts with other images write to disjoint places.
 */
export const winogradConv: WasmKernel = new WasmKernel('winogradConv', (m) => {
  const frame = frameFunction(m);
  const input = inputFunction(m);
  const output = outputFunction(m);
  const tiles = TILES.map((shape) => tileFunction(m, shape, 'zero'));
  const addBias = biasFunction(m);

  return m.function('winogradConv', ['i32', 'i32', 'i32', 'i32'], (f, parameters, image, images, scratch) => {
    const value = (name: keyof typeof winogradFields): ReturnType<typeof i32.load> => i32.load(parameters, winogradFields[name]);
    const field = (name: keyof typeof winogradFields): IntLocal => f.i32(value(name));
    const [depth, channels, blockImages, imageTiles, blockTiles, tileCount, tileBytes, inputProduct, outputProduct, back, toPlane] = (
      ['depth', 'channels', 'blockImages', 'imageTiles', 'blockTiles', 'tileCount', 'tileBytes', 'inputProduct', 'outputProduct', 'back', 'toPlane'] as const
    ).map(field);
    const [count, at, from, tile, tilesHere, c, e, k, entry, panel, target] = Array.from({ length: 11 }, () => f.i32());
    const terms = field('terms');
    const lastImage = f.i32(i32.add(image, images));
    const inputs = f.i32(i32.add(scratch, i32.mul(value('framed'), blockImages)));
    const products = f.i32(i32.add(inputs, i32.mul(inputProduct, PRODUCTS)));
    const transform = f.i32(i32.add(products, i32.mul(outputProduct, PRODUCTS)));
    const planes = f.i32(i32.add(transform, PRODUCTS * 16));

    f.while(i32.ltS(image, lastImage), () => {
      count.set(i32.sub(lastImage, image));
      f.if(i32.gtS(count, blockImages), () => count.set(blockImages));
      at.set(scratch);
      from.set(i32.add(value('source'), i32.mul(image, value('sourceImage'))));
      f.repeat(count, () => {
        f.call(frame, value('frame'), at, from, depth);
        at.increase(value('framed'));
        from.increase(value('sourceImage'));
      });
      f.for(tile, 0, imageTiles, blockTiles, () => {
        tilesHere.set(i32.sub(imageTiles, tile));
        f.if(i32.gtS(tilesHere, blockTiles), () => tilesHere.set(blockTiles));
        tilesHere.set(i32.mul(tilesHere, count));
        const wholeTiles = i32.and(i32.add(tilesHere, 3), -4);
        const tableAt = i32.shl(tile, 2);

        at.set(inputs);
        from.set(scratch);
        f.for(c, 0, depth, 1, () => {
          f.call(input, at, inputProduct, from, value('pitch'), i32.add(value('inputTiles'), tableAt), wholeTiles, transform);
          at.increase(tileBytes);
          from.increase(value('plane'));
        });

        f.for(e, 0, PRODUCTS, 1, () => {
          at.set(i32.add(inputs, i32.mul(e, inputProduct)));
          entry.set(value('tiles'));
          f.for(k, 0, tileCount, 1, () => {
            const rows = f.i32(i32.load(entry, tileEntry.rows));
            panel.set(i32.add(value('weights'), i32.mul(PRODUCTS, i32.load(entry, tileEntry.panel))));
            panel.increase(i32.shl(i32.mul(e, i32.mul(rows, depth)), 2));
            target.set(i32.add(i32.add(products, i32.mul(e, outputProduct)), i32.mul(i32.load(entry, tileEntry.row), tileBytes)));
            callTile(f, tiles, entry, { panel, terms, depth, base: at, to: target, plane: tileBytes });
            entry.increase(tileEntry.bytes);
          });
        });

        f.for(c, 0, channels, 1, () => {
          from.set(i32.add(products, i32.mul(c, tileBytes)));
          at.set(i32.add(i32.add(value('to'), i32.mul(image, value('toImage'))), i32.mul(c, toPlane)));
          f.if(back, () => at.set(i32.add(planes, i32.mul(c, value('outputPlane')))));
          f.call(output, at, value('outputPitch'), from, outputProduct, i32.add(value('outputTiles'), tableAt), tilesHere, transform);
        });
      });
      f.if(back, () => {
        at.set(planes);
        target.set(i32.add(value('to'), i32.mul(image, value('toImage'))));
        f.repeat(count, () => {
          f.call(frame, back, target, at, channels);
          target.increase(value('toImage'));
          at.increase(value('outputImage'));
        });
      });
      f.if(value('bias'), () => {
        f.repeat(count, () => {
          target.set(i32.add(value('to'), i32.mul(image, value('toImage'))));
          f.for(c, 0, channels, 1, () => {
            f.call(addBias, target, toPlane, i32.add(value('bias'), i32.shl(c, 2)));
            target.increase(toPlane);
          });
          image.increase(1);
        });
        image.set(i32.sub(image, count));
      });
      image.increase(count);
    });
  });
});
