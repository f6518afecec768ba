import { type CallTarget, type Code, type F32, type F32Like, type F64, type I32, type I32Like, type V128, Value, type ValueType, f32, i32, store8Code, storeCode, storeLaneCode, unsigned } from './code.ts';

/** A local variable. As a value it is read; `set` writes it. */
export class Local<T extends ValueType> extends Value<T> {
  private readonly owner: FunctionBuilder;
  readonly index: number;
  constructor(owner: FunctionBuilder, type: T, index: number) {
    super(type, [0x20, unsigned(index)]);
    this.owner = owner;
    this.index = index;
  }
  /** `local = x`. */
  set(x: Value<T>): this {
    this.owner.emit([x.code, 0x21, unsigned(this.index)]);
    return this;
  }
  /** `local = x`, as a value: what the expression `(local = x)` is in JavaScript. */
  tee(x: Value<T>): Value<T> {
    return new Value(this.type, [x.code, 0x22, unsigned(this.index)]);
  }
}

/** An integer variable: a counter or an address. */
export class IntLocal extends Local<'i32'> {
  /** `local = x`. */
  override set(x: I32Like): this {
    return super.set(i32.const(x));
  }
  /** `local += n`. */
  increase(n: I32Like): this {
    return super.set(i32.add(this, n));
  }
}

type LocalOf<T extends ValueType> = T extends 'i32' ? IntLocal : Local<T>;
/** The parameters of a function as its builder sees them. */
export type Locals<P extends readonly ValueType[]> = { readonly [K in keyof P]: LocalOf<P[K]> };

const block: Code = 0x40;

/**
 * Writes one function, statement by statement: `set`, `store`, loops and conditions append code in the order in which they are called.
 * Addresses and offsets are in bytes.
 */
export class FunctionBuilder implements CallTarget {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
  /** Types of the locals behind the parameters. */
  readonly locals: ValueType[] = [];
  private readonly prologue: Code[] = [];
  private body: Code[] = [];
  private readonly hoisted = new Map<string, V128>();

  constructor(name: string, parameters: readonly ValueType[], result: ValueType | null) {
    this.name = name;
    this.parameters = parameters;
    this.result = result;
  }

  /** All code of the function. */
  get code(): Code {
    return [this.prologue, this.body];
  }

  /** Appends code as it is. */
  emit(code: Code): void {
    this.body.push(code);
  }

  /** The statements that a body writes, without appending them; and what it returns. */
  private record<T>(body: () => T): { readonly statements: readonly Code[]; readonly value: T } {
    const outer = this.body;
    this.body = [];
    try {
      const value = body();
      return { statements: this.body, value };
    } finally {
      this.body = outer;
    }
  }

  /**
   * Runs bodies that do not depend on each other, and appends their statements by turns. Compilers that keep the order of statements (V8 from Node 24 on) then find work for a processor while
   * it waits for a result.
   */
  inTurns<T>(bodies: readonly (() => T)[]): T[] {
    const recorded = bodies.map((body) => this.record(body));
    const longest = Math.max(...recorded.map(({ statements }) => statements.length));
    for (let i = 0; i < longest; i++) for (const { statements } of recorded) if (i < statements.length) this.emit(statements[i]);
    return recorded.map(({ value }) => value);
  }

  /** The parameters as locals. */
  arguments<P extends readonly ValueType[]>(types: P): Locals<P> {
    return types.map((type, i) => (type === 'i32' ? new IntLocal(this, 'i32', i) : new Local(this, type, i))) as Locals<P>;
  }

  private nextLocal(type: ValueType): number {
    return this.parameters.length + this.locals.push(type) - 1;
  }

  /** A new integer variable, which starts with a value if one is given (else it keeps what it had: 0 on entry). */
  i32(start?: I32Like): IntLocal {
    const local = new IntLocal(this, 'i32', this.nextLocal('i32'));
    return start === undefined ? local : local.set(start);
  }

  /** A new float variable. */
  f32(start?: F32Like): Local<'f32'> {
    const local = new Local(this, 'f32', this.nextLocal('f32'));
    return start === undefined ? local : local.set(f32.const(start));
  }

  /** A new double variable. */
  f64(start?: F64): Local<'f64'> {
    const local = new Local(this, 'f64', this.nextLocal('f64'));
    return start === undefined ? local : local.set(start);
  }

  /** A new vector variable. */
  v128(start?: V128): Local<'v128'> {
    const local = new Local(this, 'v128', this.nextLocal('v128'));
    return start === undefined ? local : local.set(start);
  }

  /** A vector constant that is made once, before the function's first statement; in inner loops this saves registers from being reloaded. */
  hoist(constant: V128): V128 {
    const key = JSON.stringify(constant.code);
    let local = this.hoisted.get(key);
    if (local === undefined) {
      const index = this.nextLocal('v128');
      this.prologue.push([constant.code, 0x21, unsigned(index)]);
      local = new Local(this, 'v128', index);
      this.hoisted.set(key, local);
    }
    return local;
  }

  /** Writes a value of any type to memory. */
  store(address: I32, x: Value, offset = 0): void {
    this.emit(storeCode(address, x, offset));
  }

  /** Writes the lowest byte of an integer. */
  store8(address: I32, x: I32, offset = 0): void {
    this.emit(store8Code(address, x, offset));
  }

  /** Writes one 32-bit lane of a vector. */
  storeLane(address: I32, x: V128, lane: number, offset = 0): void {
    this.emit(storeLaneCode(address, x, lane, offset));
  }

  /** `if (condition) { … } else { … }`. */
  if(condition: I32, then: () => void, otherwise?: () => void): void {
    const code: Code[] = [condition.code, 0x04, block, this.record(then).statements];
    if (otherwise !== undefined) code.push(0x05, this.record(otherwise).statements);
    this.emit([code, 0x0b]);
  }

  /** `do { … } while (condition)`: the body returns the condition. The form that compilers do best with: see `gemm.ts`. */
  doWhile(body: () => I32): void {
    const { statements, value } = this.record(body);
    this.emit([0x03, block, statements, value.code, 0x0d, 0, 0x0b]);
  }

  /**
   * Runs the body `n` ≥ 1 times, `times` of them in one turn of the loop, which is left in the middle where `n` runs out there. The body gets its place in the turn, and
   * what leaves the loop under a condition; `next` ends a whole turn; `n` is counted down.
   */
  unrolled(n: IntLocal, times: number, body: (place: number, leave: (condition: I32) => void) => void, next: () => void): void {
    const leave = (condition: I32): void => this.emit([condition.code, 0x0d, 1]);
    const { statements } = this.record(() => {
      for (let i = 0; i < times; i++) {
        body(i, leave);
        if (i < times - 1) leave(i32.eq(n, i + 1));
      }
      next();
    });
    this.emit([0x02, block, 0x03, block, statements, n.tee(i32.sub(n, times)).code, 0x0d, 0, 0x0b, 0x0b]);
  }

  /** `while (condition) { … }`. */
  while(condition: I32, body: () => void): void {
    this.emit([0x02, block, 0x03, block, condition.code, 0x45, 0x0d, 1, this.record(body).statements, 0x0c, 0, 0x0b, 0x0b]);
  }

  /** `for (i = from; i < to; i += step) { … }`, signed. */
  for(i: IntLocal, from: I32Like, to: I32Like, step: I32Like, body: () => void): void {
    i.set(from);
    this.while(i32.ltS(i, to), () => {
      body();
      i.increase(step);
    });
  }

  /** Runs the body `n` times, `n` from 0 up; the shape for tight loops. */
  repeat(n: I32, body: () => void): void {
    const left = this.i32(n);
    this.if(left, () =>
      this.doWhile(() => {
        body();
        return left.tee(i32.sub(left, 1));
      }),
    );
  }

  /** Calls a function for its effect. */
  call(target: CallTarget, ...args: readonly Value[]): void {
    this.emit([args.map((a) => a.code), 0x10, target]);
    if (target.result !== null) this.emit(0x1a);
  }

  /** The result of a call. */
  callFor<T extends ValueType>(type: T, target: CallTarget, ...args: readonly Value[]): Value<T> {
    return new Value(type, [args.map((a) => a.code), 0x10, target]);
  }

  /** Copies bytes; the stretches may overlap. */
  copy(to: I32, from: I32, bytes: I32Like): void {
    this.emit([to.code, from.code, i32.const(bytes).code, 0xfc, unsigned(10), 0, 0]);
  }

  /** Fills bytes with zeros. */
  clear(to: I32, bytes: I32Like): void {
    this.emit([to.code, i32.const(0).code, i32.const(bytes).code, 0xfc, unsigned(11), 0]);
  }

  /** Leaves the function with a value (as its last statement: leaves the value). */
  return(x?: F32 | I32 | F64 | V128): void {
    this.emit(x === undefined ? 0x0f : [x.code, 0x0f]);
  }
}
