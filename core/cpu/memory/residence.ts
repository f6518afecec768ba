import { onPressure, resetHeap } from './heap.ts';

/**
 * The kernels' memory is a cache over the JavaScript heap. Results come into being in it; when as many have come as fit the nursery, those that are not known
 * to be dead move out, to ordinary arrays that the garbage collector takes care of, and come back when a kernel needs them again. So nothing is freed
 * under a live reference and nothing leaks, without a call in user code and without finalizers (which do not run inside a synchronous loop).
 *
 * What a recorded operation keeps for its gradient will be needed soon: it stays for one more period. The best moment to empty the nursery is the end of a
 * backward pass: saved values have gone, most of the rest is dead, and the next step finds its memory in the caches.
 */

/** Something that lies in the kernels' memory for now. */
export interface Resident {
  /** Where; 0 when it is out or released. */
  readonly address: number;
  /** The period in which a kernel last asked for the address. */
  readonly used: number;
  /** How many recorded operations keep it for their gradients. */
  readonly saves: number;
  byteLength(): number;
  moveOut(): void;
}

/** Results that came into being since the nursery was last emptied, and the bytes of those that are still there. */
let young: Resident[] = [];
let youngBytes = 0;
/** What a kernel needed again after it had been out, and other things that stay long. */
let old: Resident[] = [];
/** Length of `old` when it was last looked through. */
let oldAtSweep = 0;

/** A nursery of this size fits the second-level cache; at the end of a backward pass no more should be left. */
const SNUG = 1 << 20;
/** The nursery grows while saved values fill it, and while results are needed again after they had to leave. */
let nursery = SNUG;
const LARGEST_NURSERY = 64 << 20;
/** Results in the nursery, dead ones included, from which on it is emptied even if they are small: the list of them should not outlive a minor collection. */
const MANY = 512;
/** The same for now: it grows as the nursery does. */
let many = MANY;
const MOST = 8192;

/** Number of times the nursery was emptied: the clock by which residents grow cold. */
let period = 1;
/** What was not used for so many periods can leave when memory is short. */
const COLD = 8;
/** Bytes that came back since the nursery was last emptied. */
let cameBack = 0;

/** The running period, for `Resident.used`. */
export function currentPeriod(): number {
  return period;
}

/** Makes room for a result. To be called before its memory is asked for. */
export function makeRoom(bytes: number): void {
  if ((youngBytes + bytes > nursery || young.length >= many) && young.length > 0) emptyNursery();
}

/** Adds a result of so many bytes, of which nobody can tell how long it lives. */
export function addYoung(resident: Resident, bytes: number): void {
  young.push(resident);
  youngBytes += bytes;
}

/** A result in the nursery was released early. */
export function leaveNursery(bytes: number): void {
  youngBytes -= bytes;
}

/** Adds something that stays until it grows cold. */
export function addOld(resident: Resident): void {
  old.push(resident);
}

/** Counts bytes that came back into the kernels' memory. */
export function countReturn(bytes: number): void {
  cameBack += bytes;
}

/** A backward pass has ended. */
export function passEnded(): void {
  if (youngBytes > SNUG || young.length > MANY / 2) emptyNursery();
}

/** Moves results out, other than those of this period that are saved for a gradient, if there is room for more beside them. */
function emptyNursery(): void {
  const leaving = young;
  young = [];
  youngBytes = 0;
  for (let i = 0; i < leaving.length; i++) {
    const resident = leaving[i];
    if (resident.address === 0) continue;
    if (resident.saves > 0 && resident.used === period) addYoung(resident, resident.byteLength());
    else resident.moveOut();
  }
  const crowded = youngBytes > nursery >> 1;
  if ((crowded || cameBack > nursery >> 3) && nursery < LARGEST_NURSERY) nursery *= 2;
  else if (crowded) moveYoungOut();
  if (young.length > many >> 1) {
    if (many < MOST) many *= 2;
    else moveYoungOut();
  }
  cameBack = 0;
  period++;
  // Small things that nobody holds any more would take long to fill the memory: their number is bounded as well.
  if (old.length > 2 * oldAtSweep + 1000) {
    moveColdOut();
    oldAtSweep = old.length;
  }
}

function moveYoungOut(): void {
  for (const resident of young) if (resident.address !== 0) resident.moveOut();
  young = [];
  youngBytes = 0;
}

/** What was not used for a while leaves: when memory is short, and when much has come. */
function moveColdOut(): void {
  const staying: Resident[] = [];
  for (const resident of old) {
    if (resident.address === 0) continue;
    if (resident.used > period - COLD) staying.push(resident);
    else resident.moveOut();
  }
  old = staying;
}

onPressure(moveColdOut);

/** Moves everything out of the kernels' memory, which is empty and can be replaced then. Not to be called while a kernel or a backward pass runs. */
export function moveAllOut(): void {
  emptyNursery();
  moveYoungOut();
  for (const resident of old) if (resident.address !== 0) resident.moveOut();
  old = [];
  resetHeap();
}
