import type { Tensor } from '../../tensor.ts';
import { type FastKernel, addressOf } from '../engine.ts';
import { runParts } from '../threads/threads.ts';
import { type ConvGeometry, windowFrame } from '../frame.ts';
import { allocate, release } from '../memory/heap.ts';
import { TERMS, convWeight, weightFields } from '../wasm/conv-weight.ts';
import { heap } from '../wasm/memory.ts';
import { areFloat32 } from './conv.ts';
import { frameBytes, framedLayout, imagesOf, lines, partCount, splitRanges, writeFrame, writeTerms } from './conv-layout.ts';

/** Places whose products are summed before they are added to the total. */
const BLOCK = 512;

/** Gradient of a convolution of float32 images to its weight: see `convWeight`. */
export const fastConvWeight: FastKernel<ConvGeometry> = ([out], [input, grads], geometry) => {
  const [x, y] = [input as Tensor, grads as Tensor];
  const { batch, groups, inChannels, outChannels, output, kernel, stride } = geometry;
  if (!areFloat32(out, x, y) || batch === 0 || inChannels === 0 || outChannels === 0) return false;
  const [depth, channels] = [inChannels / groups, outChannels / groups];
  const [from, yFrom, to] = [imagesOf(x), imagesOf(y), addressOf(out)];
  const { inner, before, size } = windowFrame(geometry);
  const framed = framedLayout(from, inner, before, size, stride[1]);
  // Places of `y` have to lie side by side.
  const yDense = yFrom.column === 4 && (output[0] === 1 || yFrom.row === output[1] * 4);
  const yFramed = { pitch: output[1] * 4, plane: output[0] * output[1] * 4, residue: output[1], copied: true, bordered: false };

  const places = output[0] * output[1];
  const blockImages = Math.min(batch, Math.max(1, Math.floor(BLOCK / places)));
  const blockPlaces = Math.ceil(places / Math.ceil(places / BLOCK) / 4) * 4;
  const vectors = channels <= 4 ? 1 : 2;
  const channelTiles = Math.ceil(channels / (4 * vectors));
  const terms = depth * kernel[0] * kernel[1];
  const termTiles = Math.ceil(terms / TERMS);
  const units = groups * channelTiles;

  const frameAt = lines(4 * Object.keys(weightFields).length);
  const yFrameAt = frameAt + lines(frameBytes(stride[1]));
  const placesAt = yFrameAt + lines(frameBytes(1));
  const termsAt = placesAt + lines(blockImages * places * 4);
  const sumsAt = termsAt + lines(termTiles * TERMS * 4);
  const scratchAt = sumsAt + units * termTiles * TERMS * vectors * 16;
  const frameRoom = framed.copied ? lines(inChannels * framed.plane + 16) : 0;
  const yRoom = yDense ? 0 : lines(outChannels * yFramed.plane + 16);
  const scratch = blockImages * (frameRoom + yRoom) + lines(blockImages * blockPlaces * vectors * 16) + TERMS * vectors * 16;
  const parts = partCount(batch * channels * groups * terms * places);
  const bytes = scratchAt + parts * lines(scratch);
  const at = allocate(bytes);

  if (framed.copied) writeFrame(at + frameAt, from, framed, inner, before, size, stride[1]);
  if (!yDense) writeFrame(at + yFrameAt, yFrom, yFramed, output, [0, 0], output, 1);
  const termsEnd = writeTerms(at + termsAt, depth, geometry, framed);
  const { i32, u8 } = heap;
  i32.fill(0, termsEnd >> 2, (at + termsAt) / 4 + termTiles * TERMS);
  const image = framed.copied ? frameRoom : from.image;
  for (let n = 0, p = (at + placesAt) >> 2; n < blockImages; n++) {
    for (let i = 0; i < output[0]; i++) {
      const row = n * image + i * stride[0] * framed.pitch;
      for (let j = 0; j < output[1]; j++) i32[p++] = row + j * 4;
    }
  }
  if (framed.bordered) for (let p = 0, first = at + scratchAt; p < parts; p++, first += lines(scratch)) u8.fill(0, first, first + blockImages * frameRoom);
  const put = (offset: number, value: number): void => {
    i32[(at + offset) >> 2] = value;
  };
  put(weightFields.source, from.address);
  put(weightFields.sourceImage, from.image);
  put(weightFields.frame, framed.copied ? at + frameAt : 0);
  put(weightFields.framed, frameRoom);
  put(weightFields.frameChannels, inChannels);
  put(weightFields.group, depth * framed.plane);
  put(weightFields.y, yFrom.address);
  put(weightFields.ySource, yFrom.image);
  put(weightFields.yFrame, yDense ? 0 : at + yFrameAt);
  put(weightFields.yFramed, yRoom);
  put(weightFields.yChannels, outChannels);
  put(weightFields.yImage, yDense ? yFrom.image : yRoom);
  put(weightFields.yGroup, channels * (yDense ? yFrom.channel : yFramed.plane));
  put(weightFields.yPlane, yDense ? yFrom.channel : yFramed.plane);
  put(weightFields.batch, batch);
  put(weightFields.blockImages, blockImages);
  put(weightFields.imagePlaces, places);
  put(weightFields.blockPlaces, blockPlaces);
  put(weightFields.places, at + placesAt);
  put(weightFields.terms, at + termsAt);
  put(weightFields.termCount, terms);
  put(weightFields.termTiles, termTiles);
  put(weightFields.sums, at + sumsAt);
  put(weightFields.to, to);
  put(weightFields.channels, channels);
  put(weightFields.channelTiles, channelTiles);

  const kernelOf = convWeight[vectors];
  if (parts === 1) kernelOf.run(at, 0, units, 0, termTiles, at + scratchAt);
  else runParts(kernelOf, splitRanges(units, termTiles, parts).map((range, p) => [at, ...range, at + scratchAt + p * lines(scratch)]));
  release(at, bytes);
  return true;
};
