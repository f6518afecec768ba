import { i32 } from './code.ts';
import { tileEntry } from './conv-tile.ts';
import { WasmKernel } from './kernel.ts';

/**
 * Packs weights in panels, tile by tile in each group: for each (a, b, c) in ascending order the weights of the tile's rows side by side.
 *
 * Arguments: where to, first weight, groups, their distance, table of tiles, tiles, distance of rows, then count and distance of a, b and c. Distances
 * are in bytes.
 */
export const convPack: WasmKernel = new WasmKernel('convPack', (m) =>
  m.function(
    'convPack',
    ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    (f, to, from, groups, groupStep, tiles, tileCount, rowStep, a, aStep, b, bStep, c, cStep) => {
      const [entry, atA, atB, atC, at, rows] = Array.from({ length: 6 }, () => f.i32());
      f.repeat(groups, () => {
        entry.set(tiles);
        f.repeat(tileCount, () => {
          rows.set(i32.load(entry, tileEntry.rows));
          atA.set(i32.add(from, i32.mul(i32.load(entry, tileEntry.row), rowStep)));
          f.repeat(a, () => {
            atB.set(atA);
            f.repeat(b, () => {
              atC.set(atB);
              f.repeat(c, () => {
                at.set(atC);
                f.repeat(rows, () => {
                  f.store(to, i32.load(at));
                  to.increase(4);
                  at.increase(rowStep);
                });
                atC.increase(cStep);
              });
              atB.increase(bStep);
            });
            atA.increase(aStep);
          });
          entry.increase(tileEntry.bytes);
        });
        from.increase(groupStep);
      });
    },
  ),
);
