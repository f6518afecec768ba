/** Where vector `v` begins in a matrix, and how far its elements lie apart. */
export interface Vectors {
  readonly cells: Float64Array;
  readonly count: number;
  readonly length: number;
  readonly first: number;
  readonly step: number;
}

/** Makes vectors orthonormal by Gram and Schmidt's method, each projection taken out twice. */
export function orthonormalize({ cells, count, length, first, step }: Vectors): void {
  const dot = (x: number, y: number): number => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += cells[x + i * step] * cells[y + i * step];
    return sum;
  };
  for (let v = 0; v < count; v++) {
    const at = v * first;
    for (let round = 0; round < 2; round++) {
      for (let w = 0; w < v; w++) {
        const along = dot(at, w * first);
        for (let i = 0; i < length; i++) cells[at + i * step] -= along * cells[w * first + i * step];
      }
    }
    const size = Math.sqrt(dot(at, at));
    for (let i = 0; i < length; i++) cells[at + i * step] /= size;
  }
}
