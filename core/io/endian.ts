/** True where typed arrays hold the low byte first, as nearly every machine does. */
export const hostIsLittle: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reverses the bytes of every group of `width` bytes, in place, and returns the array. */
export function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  for (let i = 0; i + width <= bytes.length; i += width) {
    for (let a = i, b = i + width - 1; a < b; a++, b--) {
      const byte = bytes[a];
      bytes[a] = bytes[b];
      bytes[b] = byte;
    }
  }
  return bytes;
}

/** Converts between the byte order of the machine and the one of a file, in place. */
export function orderBytes(bytes: Uint8Array, width: number, order: 'little' | 'big'): Uint8Array {
  return width === 1 || hostIsLittle === (order === 'little') ? bytes : swapBytes(bytes, width);
}
