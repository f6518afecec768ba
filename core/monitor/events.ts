import { joinBytes } from '../io/bytes.ts';
import { maskedCrc32c } from './crc32c.ts';
import type { Histogram } from './histogram.ts';
import { Message } from './protobuf.ts';

// The messages that TensorBoard reads, with the numbers of their fields.
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto, framework/summary.proto and framework/tensor.proto

const FLOAT = 1;
const DOUBLE = 2;
const STRING = 7;

/** One record of a TFRecord file: length, its checksum, the data, and their checksum. @see https://www.tensorflow.org/tutorials/load_data/tfrecord */
export function record(data: Uint8Array): Uint8Array {
  const head = new Uint8Array(12);
  const view = new DataView(head.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(head.subarray(0, 8)), true);
  const foot = new Uint8Array(4);
  new DataView(foot.buffer).setUint32(0, maskedCrc32c(data), true);
  return joinBytes([head, data, foot]);
}

/** When an event was, and at which step. */
export interface EventTime {
  /** Seconds since 1970. */
  readonly walltime: number;
  readonly step: number;
}

const event = ({ walltime, step }: EventTime): Message => new Message().double(1, walltime).int(2, step);

/** The first event of a file; with a step it is also the start of a run that goes on from there. */
export function versionEvent(time: EventTime): Uint8Array {
  return event(time).text(3, 'brain.Event:2').bytes();
}

/** Tells TensorBoard to hide what came from this step on before. */
export function startEvent(time: EventTime): Uint8Array {
  return event(time).message(7, new Message().int(1, 1)).bytes();
}

/** An event that holds one value. */
export function summaryEvent(time: EventTime, value: Message): Uint8Array {
  return event(time).message(5, new Message().message(1, value)).bytes();
}

/** Says which part of TensorBoard shows a value. */
function metadata(plugin: string, content?: Message): Message {
  const data = new Message().text(1, plugin);
  if (content !== undefined && content.bytes().length > 0) data.message(2, content);
  return new Message().message(1, data);
}

/** A number, in single precision. */
export function scalarValue(tag: string, value: number): Message {
  return new Message().text(1, tag).float(2, value, true);
}

/** A number as a tensor, in single or double precision. */
export function tensorScalarValue(tag: string, value: number, double: boolean): Message {
  const tensor = new Message().int(1, double ? DOUBLE : FLOAT);
  if (double) tensor.packed(6, [value]);
  else tensor.packedFloats(5, [value]);
  return new Message().text(1, tag).message(8, tensor).message(9, metadata('scalars'));
}

/** A histogram. */
export function histogramValue(tag: string, { min, max, num, sum, sumSquares, limits, counts }: Histogram): Message {
  const proto = new Message().double(1, min).double(2, max).double(3, num).double(4, sum).double(5, sumSquares).packed(6, limits).packed(7, counts);
  return new Message().text(1, tag).message(5, proto);
}

/** A text, which TensorBoard reads as Markdown. */
export function textValue(tag: string, text: string): Message {
  const shape = new Message().message(2, new Message().int(1, 1));
  const tensor = new Message().int(1, STRING).message(2, shape).blob(8, new TextEncoder().encode(text));
  return new Message().text(1, `${tag}/text_summary`).message(8, tensor).message(9, metadata('text'));
}

/** A setting of a run, as the hyperparameter table shows it. */
export type HparamValue = number | string | boolean;

/** google.protobuf.Value */
function anyValue(value: HparamValue): Message {
  if (typeof value === 'number') return new Message().double(2, value, true);
  return typeof value === 'string' ? new Message().blob(3, new TextEncoder().encode(value)) : new Message().int(4, value ? 1 : 0, true);
}

const typeCode = (value: HparamValue): number => (typeof value === 'string' ? 1 : typeof value === 'boolean' ? 2 : 3);

const hparamsValue = (tag: string, content: Message): Message => new Message().text(1, tag).message(9, metadata('hparams', content));

/** The three values that the hyperparameter table needs: its columns, the settings of this run, and that it has ended well. */
export function hparamValues(
  hparams: Readonly<Record<string, HparamValue>>,
  metrics: readonly string[],
  domains: Readonly<Record<string, readonly HparamValue[]>>,
): Message[] {
  const experiment = new Message();
  for (const [name, value] of Object.entries(hparams)) {
    const info = new Message().text(1, name).int(4, typeCode(value));
    if (Object.hasOwn(domains, name)) {
      const list = new Message();
      for (const allowed of domains[name]) list.message(1, anyValue(allowed));
      info.message(5, list);
    }
    experiment.message(4, info);
  }
  for (const tag of metrics) experiment.message(5, new Message().message(1, new Message().text(2, tag)));
  const session = new Message();
  for (const [name, value] of Object.entries(hparams)) session.message(1, new Message().text(1, name).message(2, anyValue(value)));
  return [
    hparamsValue('_hparams_/experiment', new Message().message(2, experiment)),
    hparamsValue('_hparams_/session_start_info', new Message().message(3, session)),
    hparamsValue('_hparams_/session_end_info', new Message().message(4, new Message().int(1, 1))),
  ];
}
