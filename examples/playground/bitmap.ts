// A drawing becomes an image like those of the data set: 32x32 points, filled by the digit from top to bottom, counted in blocks of 4x4.

/** Points a side of a drawing. */
export const SIDE = 32;
const CELLS = 8;

/** Where the drawn points lie, bounds included; null for an empty drawing. */
function bounds(bits: Uint8Array): { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number } | null {
  let [left, right, top, bottom] = [SIDE, -1, SIDE, -1];
  bits.forEach((bit, i) => {
    if (bit === 0) return;
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  return right < 0 ? null : { left, right, top, bottom };
}

/** The image of a drawing of 32x32 points, 64 values from 0 to 1; null for an empty one. */
export function toImage(bits: Uint8Array): Float32Array | null {
  const box = bounds(bits);
  if (box === null) return null;
  const [width, height] = [box.right - box.left + 1, box.bottom - box.top + 1];
  // The longer side fills the image; digits of the data set are about three quarters as wide as they are high.
  const scale = Math.max(height, width) / SIDE;
  const [middleX, middleY] = [(box.left + box.right + 1) / 2, (box.top + box.bottom + 1) / 2];
  const image = new Float32Array(CELLS * CELLS);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [fromX, fromY] = [Math.floor(middleX + (x + 0.5 - SIDE / 2) * scale), Math.floor(middleY + (y + 0.5 - SIDE / 2) * scale)];
      const inside = fromX >= 0 && fromX < SIDE && fromY >= 0 && fromY < SIDE;
      if (inside && bits[fromY * SIDE + fromX] !== 0) image[Math.floor(y / 4) * CELLS + Math.floor(x / 4)] += 1 / 16;
    }
  }
  return image;
}

/** Draws a round spot. With this radius, drawn digits have as much ink as those of the data set. */
export function dab(bits: Uint8Array, x: number, y: number, radius = 1.9): void {
  for (let j = Math.ceil(y - radius); j <= y + radius; j++) {
    for (let i = Math.ceil(x - radius); i <= x + radius; i++) {
      if (i >= 0 && i < SIDE && j >= 0 && j < SIDE && (i - x) ** 2 + (j - y) ** 2 <= radius ** 2) bits[j * SIDE + i] = 1;
    }
  }
}

/** Draws a line of spots. */
export function stroke(bits: Uint8Array, from: readonly [number, number], to: readonly [number, number]): void {
  const length = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let k = 0; k <= length; k++) dab(bits, from[0] + ((to[0] - from[0]) * k) / length, from[1] + ((to[1] - from[1]) * k) / length);
}
