import { type I32, i32 } from './code.ts';
import type { FunctionBuilder, IntLocal } from './function.ts';
import { copyVectors } from './copy.ts';
import type { ModuleBuilder } from './module.ts';

/** Byte offsets of named fields of four bytes each in a block of parameters. */
export function fieldsOf<const N extends string>(names: readonly N[]): Readonly<Record<N, number>> {
  return Object.fromEntries(names.map((name, i) => [name, 4 * i])) as Record<N, number>;
}

/**
 * How an image is copied between an ordinary layout and a frame: distances of channels and of the `rows` in bytes, and `parts` stretches of a row, each
 * with a number of columns and where it starts; `columnFrom` and `columnTo` are the distances of neighbours in it. With a stride of s, a frame keeps
 * the columns of each residue modulo s side by side, so that windows of neighbouring results read neighbours.
 */
export const frameFields = fieldsOf(['channelFrom', 'channelTo', 'rows', 'rowFrom', 'rowTo', 'columnFrom', 'columnTo', 'parts']);
/** Fields of one stretch; they follow the fields of the frame. */
export const partFields = fieldsOf(['columns', 'from', 'to']);
/** Bytes of the fields of a frame before its stretches. */
export const FRAME_BYTES = 4 * Object.keys(frameFields).length;
/** Bytes of the fields of a stretch. */
export const PART_BYTES = 4 * Object.keys(partFields).length;

/** Copies `columns` elements; the pointers are the function's to change. */
function copyColumns(f: FunctionBuilder, to: IntLocal, from: IntLocal, columns: I32, columnTo: I32, columnFrom: I32): void {
  f.if(
    i32.and(i32.geS(columns, 4), i32.eq(i32.add(columnTo, columnFrom), 8)),
    () => copyVectors(f, to, from, f.i32(i32.shl(columns, 2))),
    () =>
      f.repeat(columns, () => {
        f.store(to, i32.load(from));
        to.increase(columnTo);
        from.increase(columnFrom);
      }),
  );
}

/** `(frame, to, from, channels)`: copies channels as a frame's fields say. */
export function frameFunction(m: ModuleBuilder): FunctionBuilder {
  return m.function('frame', ['i32', 'i32', 'i32', 'i32'], (f, frame, to, from, channels) => {
    const field = (name: keyof typeof frameFields): IntLocal => f.i32(i32.load(frame, frameFields[name]));
    const [channelFrom, channelTo, rows, rowFrom, rowTo, columnFrom, columnTo] = (
      ['channelFrom', 'channelTo', 'rows', 'rowFrom', 'rowTo', 'columnFrom', 'columnTo'] as const
    ).map(field);
    const [part, a, b, rowAt, rowOf] = [f.i32(), f.i32(), f.i32(), f.i32(), f.i32()];
    f.repeat(channels, () => {
      rowAt.set(to);
      rowOf.set(from);
      f.repeat(rows, () => {
        part.set(i32.add(frame, FRAME_BYTES));
        f.repeat(i32.load(frame, frameFields.parts), () => {
          a.set(i32.add(rowAt, i32.load(part, partFields.to)));
          b.set(i32.add(rowOf, i32.load(part, partFields.from)));
          copyColumns(f, a, b, i32.load(part, partFields.columns), columnTo, columnFrom);
          part.increase(PART_BYTES);
        });
        rowAt.increase(rowTo);
        rowOf.increase(rowFrom);
      });
      to.increase(channelTo);
      from.increase(channelFrom);
    });
  });
}

/** Copies `rows` rows of `columns` elements, side by side in `to`, `rowFrom` bytes apart in `from`. Both pointers end behind what they passed. */
export function copyDense(f: FunctionBuilder, to: IntLocal, from: IntLocal, rows: I32, columns: I32, rowFrom: I32): void {
  const bytes = f.i32(i32.shl(columns, 2));
  const at = f.i32();
  f.repeat(rows, () => {
    f.if(
      i32.geS(columns, 4),
      () => copyVectors(f, to, from, bytes),
      () => {
        f.for(at, 0, bytes, 4, () => f.store(i32.add(to, at), i32.load(i32.add(from, at))));
      },
    );
    to.increase(bytes);
    from.increase(rowFrom);
  });
}
