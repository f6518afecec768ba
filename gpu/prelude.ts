import type { KernelFunction } from './gpujs.ts';

/** A function that kernels may call: its source for gpu.js, and for WebGPU one in WGSL where gpu.js's translation would lose something. */
interface Helper {
  /** `name(a, b)`; all parameters and the result are numbers. */
  readonly parameters: readonly string[];
  readonly body: string;
  /** Body in WGSL, where `user_a` is parameter `a`. */
  readonly wgsl?: string;
}

// Coefficients of W. J. Cody's rational approximations are not needed in single precision: Chebyshev fits of a few terms do.
const ERFC = 'const z = Math.abs(x); const t = 1 / (1 + 0.5 * z);'
  + 'const p = t * expOf(-z * z - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));'
  + 'let y = p; if (x < 0) { y = 2 - p; } return y;';

/** A bitwise function of whole numbers below 2^24 in size, half by half: WebGL has none of negative numbers. */
const bitwise = (op: string): Helper => ({
  parameters: ['x', 'y'],
  body: 'const p = Math.floor(x * 0.000244140625); const q = Math.floor(y * 0.000244140625); let ph = p; if (p < 0) { ph = p + 16384; } let qh = q; if (q < 0) { qh = q + 16384; }'
    + ` const low = (x - p * 4096) ${op} (y - q * 4096); let high = ph ${op} qh; if (high >= 8192) { high = high - 16384; } return high * 4096 + low;`,
});

/**
 * Functions that are right where those of graphics drivers are not: NaN is seen and passed on, tanh and its like do not overflow on the way, log and what
 * is near 0 keeps its digits, whole powers are exact.
 */
const helpers: Readonly<Record<string, Helper>> = {
  isNan: { parameters: ['x'], body: 'let y = 0; if (x !== x) { y = 1; } return y;', wgsl: 'return select(0.0, 1.0, (bitcast<u32>(user_x) & 0x7fffffffu) > 0x7f800000u);' },
  // Quotient of whole numbers ≥ 0 below 2^24, cut to a whole number.
  idiv: { parameters: ['a', 'n'], body: 'return Math.floor(a / n);', wgsl: 'return f32(i32(user_a) / i32(user_n));' },
  // 1 for negative numbers and -0.
  signBit: { parameters: ['x'], body: 'let y = 0; if (x < 0) { y = 1; } if (x === 0) { if (1 / x < 0) { y = 1; } } return y;', wgsl: 'return f32(bitcast<u32>(user_x) >> 31u);' },
  larger: { parameters: ['x', 'y'], body: 'let z = y; if (x > y) { z = x; } if (isNan(x) > 0.5) { z = x; } return z;' },
  smaller: { parameters: ['x', 'y'], body: 'let z = y; if (x < y) { z = x; } if (isNan(x) > 0.5) { z = x; } return z;' },
  signOf: { parameters: ['x'], body: 'let y = x; if (x > 0) { y = 1; } if (x < 0) { y = -1; } return y;' },
  whole: { parameters: ['x'], body: 'let y = Math.floor(Math.abs(x)); if (x < 0) { y = -y; } return y;', wgsl: 'return trunc(user_x);' },
  even: {
    parameters: ['x'],
    body: 'const low = Math.floor(x); const rest = x - low; let y = low; if (rest > 0.5) { y = low + 1; } if (rest === 0.5) { y = 2 * Math.floor(0.5 * low + 0.5); } return y;',
    wgsl: 'return round(user_x);',
  },
  // Cast to a dtype of whole numbers: NaN becomes 0.
  entire: { parameters: ['x'], body: 'let y = whole(x); if (isNan(x) > 0.5) { y = 0; } return y;' },
  byteOf: { parameters: ['x'], body: 'const y = entire(x); return y - 256 * Math.floor(y / 256);' },
  // With the sign of the divisor.
  remainderOf: { parameters: ['x', 'y'], body: 'let r = x - whole(x / y) * y; if (r !== 0 && ((r < 0 && y > 0) || (r > 0 && y < 0))) { r = r + y; } return r;' },
  // Drivers make infinity of NaN.
  expOf: { parameters: ['x'], body: 'return Math.exp(x);', wgsl: 'return select(exp(user_x), user_x, (bitcast<u32>(user_x) & 0x7fffffffu) > 0x7f800000u);' },
  ln: {
    parameters: ['x'],
    body: 'return Math.log(x);',
    // log(m·2^e) = e·ln 2 + 2·atanh((m - 1)/(m + 1)), with m around 1.
    wgsl: `var bits = bitcast<u32>(user_x);
  var extra = 0.0;
  if (user_x > 0.0 && bits < 0x00800000u) { bits = bitcast<u32>(user_x * 16777216.0); extra = -24.0; }
  if (bits == 0u || bits >= 0x7f800000u) { return log(user_x); }
  var e = f32(i32(bits >> 23u) - 127) + extra;
  var m = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
  if (m > 1.41421356) { m = m * 0.5; e = e + 1.0; }
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  return e * 0.693147182 + 2.0 * s * (1.0 + z * (0.333333333 + z * (0.2 + z * (0.142857143 + z * (0.111111111 + z * 0.0909090909)))));`,
  },
  expMinusOne: {
    parameters: ['x'],
    body: 'let y = expOf(x) - 1; if (Math.abs(x) < 0.5) { y = x * (1 + x * (0.5 + x * (0.166666667 + x * (0.0416666667 + x * (0.00833333333 + x * (0.00138888889 + x * (0.000198412698 + x * 0.0000248015873))))))); } return y;',
  },
  logOnePlus: {
    parameters: ['x'],
    body: 'let y = ln(1 + x); if (Math.abs(x) < 0.25) { const s = x / (2 + x); const z = s * s; y = 2 * s * (1 + z * (0.333333333 + z * (0.2 + z * (0.142857143 + z * 0.111111111)))); } return y;',
  },
  tanhOf: {
    parameters: ['x'],
    body: 'const t = expMinusOne(-2 * Math.abs(x)); let y = -t / (2 + t); if (x < 0) { y = -y; } if (isNan(x) > 0.5) { y = x; } return y;',
  },
  sinhOf: { parameters: ['x'], body: 'const t = expMinusOne(Math.abs(x)); let y = 0.5 * (t + t / (t + 1)); if (t > 16777216) { y = 0.5 * t; } if (x < 0) { y = -y; } return y;' },
  coshOf: { parameters: ['x'], body: 'const t = expOf(Math.abs(x)); return 0.5 * t + 0.5 / t;' },
  asinhOf: {
    parameters: ['x'],
    body: 'const z = Math.abs(x); let y = logOnePlus(z + z * z / (1 + Math.sqrt(z * z + 1))); if (z > 1000000000) { y = ln(z) + 0.69314718; } if (x < 0) { y = -y; } return y;',
  },
  acoshOf: { parameters: ['x'], body: 'let y = logOnePlus(x - 1 + Math.sqrt((x - 1) * (x + 1))); if (x > 1000000000) { y = ln(x) + 0.69314718; } return y;' },
  atanhOf: { parameters: ['x'], body: 'return 0.5 * (logOnePlus(x) - logOnePlus(-x));' },
  // Quarter turns are taken off in three parts; then polynomials of Moshier's Cephes library, 1989.
  quarters: { parameters: ['x'], body: 'return even(x * 0.636619772);' },
  restOf: { parameters: ['x', 'k'], body: 'return x - k * 1.5703125 - k * 0.0004837512969970703 - k * 0.00000007549789948768648;' },
  sinNear: { parameters: ['r'], body: 'const z = r * r; return r + r * z * (-0.16666654611 + z * (0.0083321608736 - z * 0.00019515295891));' },
  cosNear: { parameters: ['r'], body: 'const z = r * r; return 1 - 0.5 * z + z * z * (0.04166664568298827 + z * (-0.001388731625493765 + z * 0.00002443315711809948));' },
  // The sine of r after k quarter turns.
  turned: { parameters: ['r', 'k'], body: 'const q = k - 4 * Math.floor(k * 0.25); let y = sinNear(r); if (q === 1 || q === 3) { y = cosNear(r); } if (q >= 2) { y = -y; } return y;' },
  sinOf: { parameters: ['x'], body: 'const k = quarters(x); return turned(restOf(x, k), k);' },
  cosOf: { parameters: ['x'], body: 'const k = quarters(x); return turned(restOf(x, k), k + 1);' },
  tanOf: { parameters: ['x'], body: 'const k = quarters(x); const r = restOf(x, k); return turned(r, k) / turned(r, k + 1);' },
  atanOf: {
    parameters: ['x'],
    body: 'const a = Math.abs(x); let y = 0; let r = a; if (a > 2.41421356) { y = 1.57079633; r = -1 / a; } else { if (a > 0.414213562) { y = 0.785398163; r = (a - 1) / (a + 1); } }'
      + ' const z = r * r; y = y + r + r * z * (-0.333329491539 + z * (0.199777106478 + z * (-0.138776856032 + z * 0.0805374449538))); if (x < 0) { y = -y; } return y;',
  },
  asinOf: { parameters: ['x'], body: 'return 2 * atanOf(x / (1 + Math.sqrt((1 - x) * (1 + x))));' },
  acosOf: { parameters: ['x'], body: 'let y = 2 * atanOf(Math.sqrt((1 - x) / (1 + x))); if (x === -1) { y = 3.14159265; } return y;' },
  atanTwo: {
    parameters: ['y', 'x'],
    body: 'let a = 1.57079633; if (x !== 0) { a = atanOf(Math.abs(y) / Math.abs(x)); } if (x === 0 && y === 0) { a = 0; } if (x < 0) { a = 3.14159265 - a; } if (y < 0) { a = -a; } if (isNan(x) > 0.5) { a = x; } if (isNan(y) > 0.5) { a = y; } return a;',
  },
  power: {
    parameters: ['x', 'y'],
    body: 'let r = 1;'
      + 'if (Math.floor(y) === y && Math.abs(y) < 1025) {'
      + ' let n = Math.abs(y); let b = x;'
      + ' for (let i = 0; i < 11; i++) { const h = Math.floor(n * 0.5); if (n - 2 * h > 0.5) { r = r * b; } b = b * b; n = h; }'
      + ' if (y < 0) { r = 1 / r; }'
      + '} else {'
      + ' r = expOf(y * ln(x));'
      + ' if (x === 0) { r = 0; if (y < 0) { r = 1 / x; } }'
      + '} return r;',
  },
  erfcOf: { parameters: ['x'], body: ERFC },
  erfOf: {
    parameters: ['x'],
    body: 'let y = 1 - erfcOf(x); if (Math.abs(x) < 1) { const z = x * x;'
      + ' y = 1.128379167 * x * (1 - z * (0.333333333 - z * (0.1 - z * (0.0238095238 - z * (0.00462962963 - z * (0.000757575758 - z * (0.000106837607 - z * (0.0000132275132 - z * (0.00000145891690 - z * 0.000000145038)))))))));'
      + ' } return y;',
  },
  normalCdfOf: { parameters: ['x'], body: 'return 0.5 * erfcOf(-0.70710678 * x);' },
  geluSlopeOf: { parameters: ['x'], body: 'return 0.5 * erfcOf(-0.70710678 * x) + 0.39894228 * x * expOf(-0.5 * x * x);' },
  hypotOf: { parameters: ['x', 'y'], body: 'const a = larger(Math.abs(x), Math.abs(y)); const b = smaller(Math.abs(x), Math.abs(y)); const r = b / a; let z = a * Math.sqrt(1 + r * r); if (a === 0) { z = a; } return z;' },
  // Whole numbers below 2^24, whose products modulo 2^24 are made of parts that floats hold exactly.
  low12: { parameters: ['x'], body: 'return x - 4096 * Math.floor(x * 0.000244140625);' },
  times24: {
    parameters: ['a', 'b'],
    body: 'const al = low12(a); const ah = (a - al) * 0.000244140625; const bl = low12(b); const bh = (b - bl) * 0.000244140625;'
      + ' const high = low12(low12(ah * bl) + low12(al * bh)); const low = al * bl; const carry = Math.floor(low * 0.000244140625); return low12(high + carry) * 4096 + low12(low);',
  },
  bitAndOf: bitwise('&'), bitOrOf: bitwise('|'), bitXorOf: bitwise('^'),
  add24: { parameters: ['a', 'b'], body: 'let y = a - 16777216 + b; if (y < 0) { y = y + 16777216; } return y;' },
  // h·(2h + 1), which is another number for every h, with its halves exchanged.
  round24: { parameters: ['h'], body: 'const y = times24(h, add24(add24(h, h), 1)); const low = low12(y); return low * 4096 + (y - low) * 0.000244140625;' },
  // 24 random bits of place `i` under a seed of two whole numbers below 2^16.
  random24: {
    parameters: ['i', 'a', 'b'],
    body: 'let h = round24(add24(i, times24(a, 10368889))); h = round24(add24(h, times24(b, 15485863))); return round24(round24(add24(round24(h), 7654321)));',
  },
};

/** The helpers a source calls, those that these call first. */
function calledBy(source: string, found: string[] = []): string[] {
  for (const [, name] of source.matchAll(/\b([a-zA-Z]\w*)\(/g)) {
    const helper = Object.hasOwn(helpers, name) ? helpers[name] : undefined;
    if (helper === undefined || found.includes(name)) continue;
    calledBy(helper.body, found);
    found.push(name);
  }
  return found;
}

/** The helpers that a kernel needs, for gpu.js. */
export function functionsFor(source: string): KernelFunction[] {
  return calledBy(source).map((name) => {
    const { parameters, body } = helpers[name];
    return {
      name,
      source: `function ${name}(${parameters.join(', ')}) { ${body} }`,
      settings: { argumentTypes: Object.fromEntries(parameters.map((p) => [p, 'Number' as const])), returnType: 'Number' as const },
    };
  });
}

/** Where the block that opens at or after `from` has closed. */
function endOf(text: string, from: number): number {
  let depth = 0;
  for (let i = text.indexOf('{', from); i >= 0 && i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return i + 1;
  }
  return text.length;
}

/** Puts WGSL in the place of gpu.js's translation of helpers that have it. */
export function withNativeHelpers(wgsl: string): string {
  let out = '';
  let from = 0;
  for (const match of wgsl.matchAll(/^fn fn_([a-zA-Z]\w*)\([^)]*\) -> f32 /gm)) {
    const native = Object.hasOwn(helpers, match[1]) ? helpers[match[1]].wgsl : undefined;
    if (native === undefined) continue;
    out += `${wgsl.slice(from, match.index)}${match[0]}{\n  ${native}\n}`;
    from = endOf(wgsl, match.index);
  }
  return out + wgsl.slice(from);
}

/** The names of all helpers that have WGSL of their own, for the test that sees whether they reach the shader. */
export function nativeHelpers(): string[] {
  return Object.keys(helpers).filter((name) => helpers[name].wgsl !== undefined);
}
