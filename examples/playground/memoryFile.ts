import type { WebFileHandle, WebWritable } from '../../index.ts';

/** A file in memory: tensors of every device can be saved to it. */
export class MemoryFile implements WebFileHandle {
  readonly kind = 'file';
  readonly name = 'a file in memory';
  private readonly chunks: Uint8Array<ArrayBuffer>[] = [];

  getFile(): Promise<Blob> {
    return Promise.resolve(new Blob(this.chunks));
  }

  createWritable(): Promise<WebWritable> {
    return Promise.resolve({
      write: (bytes) => {
        this.chunks.push(bytes);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    });
  }
}
