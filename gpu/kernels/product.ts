import { broadcastStrides } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Block } from '../backend.ts';
import { blockOf, launch } from '../launch.ts';
import { address, coordinates, joined, namesOf, numbersOf } from '../layout.ts';
import { type Shader, type Source, sourceOf } from '../source.ts';

/** A matrix operand: how far rows and columns lie apart, and the dimensions before them. */
export interface MatrixOperand {
  readonly block: Block;
  readonly offset: number;
  readonly row: number;
  readonly column: number;
  /** Of the dimensions before the last two. */
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** `out = alpha·(a @ b) + beta·c`; without `c` nothing is added. */
export interface Product {
  readonly out: Tensor;
  /** Dimensions of the stack of results. */
  readonly lead: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixOperand;
  readonly b: MatrixOperand;
  readonly c: MatrixOperand | null;
  readonly alpha: number;
  readonly beta: number;
}

/** From this many rows and columns on, groups of threads share what they read. */
const TILED = 32;
/** Rows and columns of the result that a group makes. */
const TILE = 64;

/** A matrix with any dimensions before the last two; with `transposed` its transpose. */
export function matrixOperand(tensor: Tensor, transposed = false): MatrixOperand {
  const { shape, strides, ndim } = tensor;
  const [row, column] = [strides[ndim - 2], strides[ndim - 1]];
  return { block: blockOf(tensor), offset: tensor.offset, row: transposed ? column : row, column: transposed ? row : column, shape: shape.slice(0, -2), strides: strides.slice(0, -2) };
}

/** An operand that is broadcast to the result. */
export function broadcastOperand(tensor: Tensor, target: readonly number[]): MatrixOperand {
  const strides = broadcastStrides(tensor.shape, tensor.strides, target);
  const rank = target.length;
  return { block: blockOf(tensor), offset: tensor.offset, row: strides[rank - 2], column: strides[rank - 1], shape: target.slice(0, -2), strides: strides.slice(0, -2) };
}

/** Runs a product of matrices, or of stacks of them whose leading dimensions broadcast to those of the result. */
export function multiply({ out, lead, m, n, k, a, b, c, alpha, beta }: Product): void {
  const operands = c === null ? [a, b] : [a, b, c];
  const walk = joined(lead, operands.map((x) => broadcastStrides(x.shape, x.strides, lead)), operands.map((x) => x.offset));
  const rank = walk.sizes.length;
  const batches = walk.sizes.reduce((total, size) => total * size, 1);
  const tiled = rank <= 1 && m >= TILED && n >= TILED && batches < 2 ** 16;
  const source = sourceOf(`product ${c === null ? '' : 'added '}${tiled ? 'tiled ' : ''}${rank}`, () => write(rank, c !== null, tiled));
  const steps = operands.flatMap((x) => [x.row, x.column]);
  launch(source, out, {
    arrays: operands.map((x) => x.block), integers: [m, n, k, batches, ...steps, ...numbersOf(walk)], floats: c === null ? [alpha] : [alpha, beta],
  });
}

function write(rank: number, added: boolean, tiled: boolean): Omit<Source, 'name'> {
  const arrays = added ? ['a', 'b', 'c'] : ['a', 'b'];
  const integers = ['m', 'n', 'k', 'batches', ...arrays.flatMap((x) => [`${x}r`, `${x}c`]), ...namesOf(rank, arrays, 'z')];
  const floats = added ? ['alpha', 'beta'] : ['alpha'];
  const body = `const rows = idiv(this.thread.x, n); const j = this.thread.x - rows * n; const stack = idiv(rows, m); const i = rows - stack * m; ${coordinates(rank, 'stack', 'c', 'z')}`
    + ` const from = ${address(rank, 'a', 'stack')} + i * ar; const other = ${address(rank, 'b', 'stack')} + j * bc; let total = 0;`
    + ' let at = from; let bt = other; for (let p = 0; p < k; p++) { total = total + a[at] * b[bt]; at = at + ac; bt = bt + br; }'
    + (added ? ` const c0v = c[${address(rank, 'c', 'stack')} + i * cr + j * cc]; return alpha * total + beta * c0v;` : ' return alpha * total;');
  const plain = { arrays, integers, floats, body };
  return tiled ? { ...plain, shader: tiledShader(plain, rank, added) } : plain;
}

/** The parameters of a kernel as gpu.js lays them out: sizes of the result and of every array, then integers, then floats. */
export function parameters({ arrays, integers, floats }: Pick<Source, 'arrays' | 'integers' | 'floats'>): string {
  const members = [
    'outputX : u32', 'outputY : u32', 'outputZ : u32', 'dispatchWidth : u32',
    ...arrays.map((name) => `${name}_dims : vec4<u32>`), ...integers.map((name) => `${name} : i32`), ...floats.map((name) => `${name} : f32`),
  ];
  const bindings = arrays.map((name, i) => `@group(0) @binding(${i + 1}) var<storage, read> ${name} : array<f32>;`);
  return `struct Params { ${members.join(', ')} }
@group(0) @binding(0) var<uniform> q : Params;
${bindings.join('\n')}
@group(0) @binding(${arrays.length + 1}) var<storage, read_write> result : array<f32>;`;
}

/** Groups of 16 × 16 threads make 64 × 64 results, 4 × 4 each, from blocks of 16 columns and rows that they bring into shared memory together. */
function tiledShader(kernel: Pick<Source, 'arrays' | 'integers' | 'floats'>, rank: number, added: boolean): Shader {
  const start = (x: string): string => (rank === 0 ? `q.${x}o` : `q.${x}o + stack * q.${x}s0`);
  const value = (x: string): string => (added ? `q.alpha * ${x} + q.beta * c[${start('c')} + row * q.cr + column * q.cc]` : `q.alpha * ${x}`);
  const four = [0, 1, 2, 3];
  const store = four.flatMap((i) => four.map((j) => `{ let row = top + ty * 4 + ${i}; let column = side + tx * 4 + ${j}; if (row < q.m && column < q.n) { result[(stack * q.m + row) * q.n + column] = ${value(`t${i}.${'xyzw'[j]}`)}; } }`));
  const quad = (name: string, at: string): string => `vec4<f32>(${four.map((i) => `${name}[p * 64 + ${at} * 4 + ${i}]`).join(', ')})`;
  const code = `${parameters(kernel)}
var<workgroup> left : array<f32, 1024>;
var<workgroup> right : array<f32, 1024>;
@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) group : vec3<u32>, @builtin(local_invocation_id) local : vec3<u32>) {
  let stack = i32(group.z);
  let top = i32(group.y) * ${TILE};
  let side = i32(group.x) * ${TILE};
  let tx = i32(local.x);
  let ty = i32(local.y);
  let number = ty * 16 + tx;
  let fromA = ${start('a')};
  let fromB = ${start('b')};
  var t0 = vec4<f32>();
  var t1 = vec4<f32>();
  var t2 = vec4<f32>();
  var t3 = vec4<f32>();
  for (var base = 0; base < q.k; base += 16) {
    for (var load = 0; load < 4; load++) {
      let at = load * 256 + number;
      // Neighbouring threads read along the dimension whose elements lie side by side.
      var row = at / 16;
      var p = at % 16;
      if (q.ar < q.ac) { row = at % 64; p = at / 64; }
      var x = 0.0;
      if (top + row < q.m && base + p < q.k) { x = a[fromA + (top + row) * q.ar + (base + p) * q.ac]; }
      left[p * 64 + row] = x;
      var column = at % 64;
      var r = at / 64;
      if (q.br < q.bc) { column = at / 16; r = at % 16; }
      var y = 0.0;
      if (side + column < q.n && base + r < q.k) { y = b[fromB + (base + r) * q.br + (side + column) * q.bc]; }
      right[r * 64 + column] = y;
    }
    workgroupBarrier();
    for (var p = 0; p < 16; p++) {
      let l = ${quad('left', 'ty')};
      let r = ${quad('right', 'tx')};
      t0 += l.x * r;
      t1 += l.y * r;
      t2 += l.z * r;
      t3 += l.w * r;
    }
    workgroupBarrier();
  }
  ${store.join('\n  ')}
}`;
  return { code, groups: ([m, n, , batches]) => [Math.ceil(n / TILE), Math.ceil(m / TILE), batches] };
}
