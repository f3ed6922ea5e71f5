import type { Additions, Indices, Ref } from './assemble.ts'
import type { Fuel } from './fuel.ts'
import type { ModuleInfo } from './model.ts'
import type { ScannedFunction } from './scan.ts'
import * as site from './sites.ts'
import { I64, writeValueType } from './types.ts'
import type { Writer } from './writer.ts'

export interface EmitContext {
  readonly info: ModuleInfo
  readonly indices: Indices
  readonly fuel: Fuel | undefined
  readonly refs: readonly Ref[]
  /** Where a table's writes are announced; `dirty` is there for tables of this module. */
  readonly tableWrite: (table: number) => { readonly touch: Ref; readonly dirty: Ref | undefined } | undefined
}

/** How a function keeps its fuel in a local (facts: the local is what makes metering cheap). */
const OFF = 0
/** Has loops: the local is spilled around calls and at the end, branches to the function's label land in a wrapper block. */
const CACHED = 1
/** No loops: every charge writes the global through. */
const WRITE_THROUGH = 2
/** Has exception handlers, which may be entered from any call: the global is read at every charge. */
const DIRECT = 3

/**
 * The second walk: writes one body from the places that the first walk noted. Unchanged runs are copied as they are.
 */
export class Emitter {
  /** Offsets of hinted `if`s in the body just written, from the first byte of its locals vector. */
  readonly hints: number[] = []
  readonly #context: EmitContext
  readonly #out: Writer
  readonly #shift: number
  readonly #globalShift: number
  readonly #fuelGlobal: number
  readonly #cold: number
  #mode = OFF
  #local = 0
  #start = 0

  constructor(context: EmitContext, additions: Additions, out: Writer) {
    this.#context = context
    this.#out = out
    this.#shift = additions.functionImports.length
    this.#globalShift = additions.globalImports.length
    const { fuel, indices } = context
    this.#fuelGlobal = fuel === undefined ? 0 : indices.global(fuel.global)
    this.#cold = fuel === undefined ? 0 : indices.func(fuel.cold)
  }

  /** The index that label `label` of a function has in the output: injected `if`s and the wrapper are labels too. */
  labelIndex(scanned: ScannedFunction, sites: site.Sites, label: number): number {
    const position = scanned.labels?.[label]
    const mode = this.#modeOf(scanned)
    if (position === undefined) return label
    let index = label + (mode === CACHED && scanned.branchesOut ? 1 : 0)
    for (let at = scanned.firstSite; at < scanned.endSite && sites.data[at]! <= position; at += 4) {
      const kind = sites.data[at + 2]!
      if ((kind === site.ENTRY || kind === site.LOOP) && mode !== OFF) index++
      else if (kind === site.TABLE_WRITE && this.#context.tableWrite(sites.data[at + 3]!)?.dirty !== undefined) index++
    }
    return index
  }

  #modeOf(scanned: ScannedFunction): number {
    if (this.#context.fuel === undefined) return OFF
    return scanned.hasHandler ? DIRECT : scanned.hasLoop ? CACHED : WRITE_THROUGH
  }

  body(defined: number, scanned: ScannedFunction, sites: site.Sites): void {
    const { info } = this.#context
    const out = this.#out
    const from = info.bodies[defined * 2]!
    const to = info.bodies[defined * 2 + 1]!
    this.hints.length = 0
    this.#start = out.pos
    this.#local = scanned.locals
    this.#mode = this.#modeOf(scanned)
    const codeAt = sites.data[scanned.firstSite]!
    if (this.#mode === OFF) out.copy(info.bytes, from, codeAt)
    else {
      out.u32(scanned.localGroups + 1)
      out.copy(info.bytes, scanned.groupsAt, codeAt)
      out.bytes(1, I64)
    }
    const wrapped = this.#mode === CACHED && scanned.branchesOut
    let done = codeAt
    for (let at = scanned.firstSite; at < scanned.endSite; at += 4) {
      const siteFrom = sites.data[at]!
      if (siteFrom > done) out.copy(info.bytes, done, siteFrom)
      done = sites.data[at + 1]!
      this.#site(sites.data[at + 2]!, sites.data[at + 3]!, siteFrom, done)
      if (wrapped && at === scanned.firstSite) this.#openWrapper(defined)
    }
    // The last byte is the function's `end`.
    out.copy(info.bytes, done, to - 1)
    if (wrapped) out.byte(0x0b)
    if (this.#mode === CACHED) this.#spill()
    out.byte(0x0b)
  }

  /** A block without parameters around the body: depth d, which used to be the function, is now the wrapper, so no branch changes. */
  #openWrapper(defined: number): void {
    const { info } = this.#context
    const out = this.#out
    const index = info.functions[info.importedFunctions + defined]!
    const type = info.types[index]!
    if (type.kind !== 'func') return
    out.byte(0x02)
    if (type.results.length === 0) out.byte(0x40)
    else if (type.results.length === 1) writeValueType(out, type.results[0]!)
    else out.signed(type.params.length === 0 ? index : this.wrapperType(index))
  }

  /** Set by the owner: the index of the type () -> results of function type `index`. */
  wrapperType: (index: number) => number = (index) => index

  #site(kind: number, argument: number, from: number, to: number): void {
    const { info, refs, indices } = this.#context
    const out = this.#out
    switch (kind) {
      case site.ENTRY:
        return this.#charge(argument, true, true)
      case site.CHARGE:
        return this.#charge(argument, false, false)
      case site.LOOP:
        return this.#charge(argument, false, true)
      case site.CALL:
        this.#spillBefore()
        out.byte(0x10)
        out.u32(this.#func(argument))
        return this.#reload()
      case site.CALL_OTHER:
        this.#spillBefore()
        out.copy(info.bytes, from, to)
        return this.#reload()
      case site.TAIL_CALL:
        this.#spillBefore()
        out.byte(0x12)
        return out.u32(this.#func(argument))
      case site.LEAVE:
        this.#spillBefore()
        return out.copy(info.bytes, from, to)
      case site.REF_FUNC:
        out.byte(0xd2)
        return out.u32(this.#func(argument))
      case site.GLOBAL_GET:
        out.byte(0x23)
        return out.u32(argument + this.#globalShift)
      case site.GLOBAL_SET:
        out.byte(0x24)
        return out.u32(argument + this.#globalShift)
      case site.CALL_INJECTED:
        this.#spillBefore()
        out.byte(0x10)
        out.u32(indices.func(refs[argument]!))
        return this.#reload()
      case site.READ_INJECTED:
        out.byte(0x23)
        return out.u32(indices.global(refs[argument]!))
      case site.RAISE_FLAG:
        out.bytes(0x41, 1, 0x24)
        return out.u32(indices.global(refs[argument]!))
      case site.TABLE_WRITE:
        this.#announceWrite(argument)
        return out.copy(info.bytes, from, to)
    }
  }

  #func(index: number): number {
    return index < this.#context.info.importedFunctions ? index : index + this.#shift
  }

  #announceWrite(table: number): void {
    const write = this.#context.tableWrite(table)
    if (write === undefined) return
    const out = this.#out
    const { indices } = this.#context
    if (write.dirty !== undefined) {
      out.byte(0x23)
      out.u32(indices.global(write.dirty))
      out.byte(0x45)
      this.hints.push(out.pos - this.#start)
      out.bytes(0x04, 0x40)
    }
    this.#spillBefore()
    out.byte(0x10)
    out.u32(indices.func(write.touch))
    this.#reload()
    if (write.dirty !== undefined) out.byte(0x0b)
  }

  #localOp(code: number): void {
    this.#out.byte(code)
    this.#out.u32(this.#local)
  }

  #globalOp(code: number): void {
    this.#out.byte(code)
    this.#out.u32(this.#fuelGlobal)
  }

  #spill(): void {
    this.#localOp(0x20)
    this.#globalOp(0x24)
  }

  #spillBefore(): void {
    if (this.#mode === CACHED) this.#spill()
  }

  #reload(): void {
    if (this.#mode !== CACHED && this.#mode !== WRITE_THROUGH) return
    this.#globalOp(0x23)
    this.#localOp(0x21)
  }

  /** `entry`: the local does not hold the fuel yet. A check makes an endless loop stop, so it is never free. */
  #charge(cost: number, entry: boolean, check: boolean): void {
    const mode = this.#mode
    if (mode === OFF || (cost === 0 && !check)) return
    const out = this.#out
    if (entry || mode === DIRECT) this.#globalOp(0x23)
    else this.#localOp(0x20)
    out.byte(0x42)
    out.signed(check ? Math.max(cost, 1) : cost)
    out.byte(0x7d)
    if (mode === CACHED) this.#localOp(0x21)
    else {
      this.#localOp(0x22)
      this.#globalOp(0x24)
    }
    if (!check) return
    this.#localOp(0x20)
    out.bytes(0x42, 0, 0x53)
    this.hints.push(out.pos - this.#start)
    out.bytes(0x04, 0x40)
    this.#localOp(0x20)
    out.byte(0x10)
    out.u32(this.#cold)
    this.#localOp(0x22)
    this.#globalOp(0x24)
    out.byte(0x0b)
  }
}
