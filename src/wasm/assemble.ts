import { asNullable, type DefinedType, I32, I64, type ValueType, writeValueType } from './types.ts'
import { Writer } from './writer.ts'

/** An index of the output module that is known only when all additions are: imports come before definitions. */
export interface Ref {
  readonly imported: boolean
  readonly nth: number
}

export interface Indices {
  func(ref: Ref): number
  global(ref: Ref): number
}

/** Writes the body of an injected function: a few instructions, clarity before speed. Parameters and locals share one index space. */
export class Assembler {
  readonly out = new Writer(64)
  /** Offsets of unlikely `if`s from the first byte of the locals vector. */
  readonly hints: number[] = []
  readonly #indices: Indices
  readonly #locals: readonly ValueType[]

  constructor(indices: Indices, locals: readonly ValueType[]) {
    this.#indices = indices
    this.#locals = locals
    this.out.u32(locals.length)
    for (const type of this.#locals) {
      this.out.u32(1)
      writeValueType(this.out, type)
    }
  }

  op(...bytes: readonly number[]): this {
    this.out.bytes(...bytes)
    return this
  }
  /** An opcode with unsigned immediates. */
  with(opcode: readonly number[], ...immediates: readonly number[]): this {
    this.out.bytes(...opcode)
    for (const immediate of immediates) this.out.u32(immediate)
    return this
  }
  get(local: number): this {
    return this.with([0x20], local)
  }
  set(local: number): this {
    return this.with([0x21], local)
  }
  globalGet(ref: Ref): this {
    return this.with([0x23], this.#indices.global(ref))
  }
  globalSet(ref: Ref): this {
    return this.with([0x24], this.#indices.global(ref))
  }
  call(ref: Ref): this {
    return this.with([0x10], this.#indices.func(ref))
  }
  i32(value: number): this {
    this.out.byte(0x41)
    this.out.signed(value)
    return this
  }
  i64(value: number): this {
    this.out.byte(0x42)
    this.out.signed(value)
    return this
  }
  /** A constant of an index type. */
  index(wide: boolean, value: number): this {
    return wide ? this.i64(value) : this.i32(value)
  }
  /** Takes an i32 and runs `then` when it is not zero. */
  when(then: () => void): this {
    this.op(0x04, 0x40)
    then()
    return this.op(0x0b)
  }
  /** As `when`, and tells the engine that it hardly ever happens. */
  unlikely(then: () => void): this {
    this.hints.push(this.out.pos)
    return this.when(then)
  }
  /** Brings an index (i32 unless `wide`) to i64. */
  extend(wide: boolean): this {
    return wide ? this : this.op(0xad)
  }
  wrap(wide: boolean): this {
    return wide ? this : this.op(0xa7)
  }
}

export type Emit = (assembler: Assembler) => void

interface Import {
  readonly module: string
  readonly name: string
}
export interface InjectedFunction {
  readonly name: string
  readonly type: number
  readonly locals: readonly ValueType[]
  readonly emit: Emit
}
interface InjectedGlobal {
  readonly type: ValueType
  readonly initial: (out: Writer) => void
}

/** What the passes add to a module; each kind goes behind what the module has of it, so that as little as possible moves. */
export class Additions {
  readonly types: { readonly params: readonly ValueType[]; readonly results: readonly ValueType[] }[] = []
  readonly functionImports: (Import & { readonly type: number })[] = []
  readonly globalImports: (Import & { readonly type: ValueType })[] = []
  readonly functions: InjectedFunction[] = []
  readonly globals: InjectedGlobal[] = []
  readonly tables: ((out: Writer) => void)[] = []
  readonly exports: { readonly name: string; readonly kind: number; readonly index: () => number }[] = []
  readonly #typeIndices = new Map<string, number>()
  readonly #typeBase: number
  readonly #tableBase: number

  constructor(types: readonly DefinedType[], tables: number) {
    this.#typeBase = types.length
    this.#tableBase = tables
  }

  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`
    let index = this.#typeIndices.get(key)
    if (index === undefined) {
      index = this.#typeBase + this.types.push({ params, results }) - 1
      this.#typeIndices.set(key, index)
    }
    return index
  }

  importFunction(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): Ref {
    return { imported: true, nth: this.functionImports.push({ module, name, type: this.type(params, results) }) - 1 }
  }

  importGlobal(module: string, name: string, type: ValueType): Ref {
    return { imported: true, nth: this.globalImports.push({ module, name, type }) - 1 }
  }

  func(name: string, params: readonly ValueType[], results: readonly ValueType[], locals: readonly ValueType[], emit: Emit): Ref {
    return { imported: false, nth: this.functions.push({ name, type: this.type(params, results), locals, emit }) - 1 }
  }

  /** A mutable global; numbers start at `value`, references at null. */
  global(type: ValueType, value = 0): Ref {
    const stored = asNullable(type)
    return { imported: false, nth: this.globals.push({ type: stored, initial: (out) => writeZero(out, stored, value) }) - 1 }
  }

  table(write: (out: Writer) => void): number {
    return this.#tableBase + this.tables.push(write) - 1
  }
}

function writeZero(out: Writer, type: ValueType, value: number): void {
  switch (type) {
    case I32:
      out.byte(0x41)
      out.signed(value | 0)
      break
    case I64:
      out.byte(0x42)
      out.signed(value)
      break
    case 0x7d:
      out.bytes(0x43, 0, 0, 0, 0)
      break
    case 0x7c:
      out.bytes(0x44, 0, 0, 0, 0, 0, 0, 0, 0)
      break
    case 0x7b:
      out.bytes(0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0))
      break
    default: {
      // `ref.null heap`: a nullable type written in full is 0x63 and its heap type.
      out.byte(0xd0)
      out.signed(Math.floor((type - 0x1000) / 2) - 64)
    }
  }
  out.byte(0x0b)
}
