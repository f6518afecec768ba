/** Loss and slope at a point of a line, with whatever else belongs to it. */
export interface LinePoint<G> {
  readonly loss: number;
  /** Derivative along the line. */
  readonly slope: number;
  /** The whole gradient there. */
  readonly gradient: G;
}

/** Where a line search ended. */
export interface LineResult<G> extends LinePoint<G> {
  readonly step: number;
  readonly evaluations: number;
}

/** Minimum of the cubic through two points with given slopes, within bounds. */
export function cubicMinimum(x1: number, f1: number, g1: number, x2: number, f2: number, g2: number, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? (x1 <= x2 ? [x1, x2] : [x2, x1]);
  const d1 = g1 + g2 - (3 * (f1 - f2)) / (x1 - x2);
  const square = d1 * d1 - g1 * g2;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const at = x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2)) : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2));
  return Math.min(Math.max(at, low), high);
}

interface End<G> extends LinePoint<G> {
  readonly at: number;
}

const DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST = 25;

/**
 * Searches a step that satisfies the strong Wolfe conditions: the loss falls enough (c₁ = 1e-4), and the slope gets flat enough (c₂ = 0.9).
 *
 * @param evaluate - loss, slope and gradient at a step
 * @param first - the step to try first
 * @param start - those at step 0; its slope is below 0
 * @param reach - largest component of the direction
 * @param tolerance - smallest movement worth a try
 * @see Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6; PyTorch's `_strong_wolfe`
 */
export function strongWolfe<G>(evaluate: (step: number) => LinePoint<G>, first: number, start: LinePoint<G>, reach: number, tolerance: number): LineResult<G> {
  let t = first;
  let now = evaluate(t);
  let evaluations = 1;
  let before: End<G> = { at: 0, ...start };
  let bracket: [End<G>, End<G>] | null = null;
  let rounds = 0;
  while (rounds < MOST) {
    if (now.loss > start.loss + DECREASE * t * start.slope || (rounds > 1 && now.loss >= before.loss)) {
      bracket = [before, { at: t, ...now }];
      break;
    }
    if (Math.abs(now.slope) <= -CURVATURE * start.slope) return { ...now, step: t, evaluations };
    if (now.slope >= 0) {
      bracket = [before, { at: t, ...now }];
      break;
    }
    const last: End<G> = { at: t, ...now };
    t = cubicMinimum(before.at, before.loss, before.slope, t, now.loss, now.slope, [t + 0.01 * (t - before.at), t * 10]);
    before = last;
    now = evaluate(t);
    evaluations++;
    rounds++;
  }
  const ends: [End<G>, End<G>] = bracket ?? [{ at: 0, ...start }, { at: t, ...now }];
  return narrowed(ends, evaluate, start, reach, tolerance, evaluations, rounds);
}

/** Narrows an interval that holds a step with the conditions. */
function narrowed<G>(ends: [End<G>, End<G>], evaluate: (step: number) => LinePoint<G>, start: LinePoint<G>, reach: number, tolerance: number, before: number, done: number): LineResult<G> {
  let evaluations = before;
  let slow = false;
  let [low, high]: [0 | 1, 0 | 1] = ends[0].loss <= ends[1].loss ? [0, 1] : [1, 0];
  for (let rounds = done; rounds < MOST; rounds++) {
    const [a, b] = ends;
    if (Math.abs(b.at - a.at) * reach < tolerance) break;
    let t = cubicMinimum(a.at, a.loss, a.slope, b.at, b.loss, b.slope);
    const [least, most] = [Math.min(a.at, b.at), Math.max(a.at, b.at)];
    const margin = 0.1 * (most - least);
    if (Math.min(most - t, t - least) < margin) {
      if (slow || t >= most || t <= least) {
        t = Math.abs(t - most) < Math.abs(t - least) ? most - margin : least + margin;
        slow = false;
      } else slow = true;
    } else slow = false;
    const now: End<G> = { at: t, ...evaluate(t) };
    evaluations++;
    if (now.loss > start.loss + DECREASE * t * start.slope || now.loss >= ends[low].loss) {
      ends[high] = now;
      [low, high] = ends[0].loss <= ends[1].loss ? [0, 1] : [1, 0];
      continue;
    }
    const enough = Math.abs(now.slope) <= -CURVATURE * start.slope;
    if (!enough && now.slope * (ends[high].at - ends[low].at) >= 0) ends[high] = ends[low];
    ends[low] = now;
    if (enough) break;
  }
  const { at, ...point } = ends[low];
  return { ...point, step: at, evaluations };
}
