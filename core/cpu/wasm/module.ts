import { type CallTarget, type Code, type ValueType, unsigned } from './code.ts';
import { FunctionBuilder, type Locals } from './function.ts';
import { MAX_PAGES } from './memory.ts';

const typeBytes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A list: its length, then its items. */
const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
const text = (s: string): Code => list([...new TextEncoder().encode(s)]);

/** Puts functions together to a Wasm module. Every module imports the one memory that all kernels share, as `env.memory`. */
export class ModuleBuilder {
  private readonly functions: FunctionBuilder[] = [];
  private readonly exported: FunctionBuilder[] = [];

  /** Writes a function that only this module calls. */
  function<const P extends readonly ValueType[]>(
    name: string,
    parameters: P,
    body: (f: FunctionBuilder, ...args: Locals<P>) => void,
    result: ValueType | null = null,
  ): FunctionBuilder {
    const f = new FunctionBuilder(name, parameters, result);
    body(f, ...f.arguments(parameters));
    this.functions.push(f);
    return f;
  }

  /** Makes a function callable from JavaScript, under its name. */
  export(f: FunctionBuilder): FunctionBuilder {
    this.exported.push(f);
    return f;
  }

  /** The bytes of the module, for a memory that is shared between threads or not. Functions keep their names, which profilers and traces of errors show. */
  bytes(shared: boolean): Uint8Array<ArrayBuffer> {
    const index = new Map<CallTarget, number>(this.functions.map((f, i) => [f, i]));
    const flatten = (code: Code, out: number[]): number[] => {
      if (typeof code === 'number') out.push(code);
      else if (isList(code)) for (const part of code) flatten(part, out);
      else {
        const i = index.get(code);
        if (i === undefined) throw new Error('module: a call to a function of another module');
        out.push(...unsigned(i));
      }
      return out;
    };
    const section = (id: number, content: Code): Code => {
      const bytes = flatten(content, []);
      return [id, unsigned(bytes.length), bytes];
    };
    const signature = (f: FunctionBuilder): Code => [0x60, list(f.parameters.map((t) => typeBytes[t])), list(f.result === null ? [] : [typeBytes[f.result]])];
    const body = (f: FunctionBuilder): Code => {
      // A function that returns a value early still needs one on the stack at its end, unless code there cannot be reached.
      const end: Code = f.result === null ? 0x0b : [0x00, 0x0b];
      const bytes = flatten([list(f.locals.map((t) => [1, typeBytes[t]])), f.code, end], []);
      return [unsigned(bytes.length), bytes];
    };
    const memory: Code = [text('env'), text('memory'), 0x02, shared ? 0x03 : 0x01, unsigned(1), unsigned(MAX_PAGES)];
    return Uint8Array.from(
      flatten(
        [
          [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
          section(1, list(this.functions.map(signature))),
          section(2, list([memory])),
          section(3, list(this.functions.map((_, i) => unsigned(i)))),
          section(7, list(this.exported.map((f) => [text(f.name), 0x00, unsigned(index.get(f) ?? 0)]))),
          section(10, list(this.functions.map(body))),
          section(0, [text('name'), section(1, list(this.functions.map((f, i) => [unsigned(i), text(f.name)])))]),
        ],
        [],
      ),
    );
  }
}

function isList(code: Exclude<Code, number>): code is readonly Code[] {
  return Array.isArray(code);
}
