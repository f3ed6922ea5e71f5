import type { Ref } from './assemble.ts'
import * as bulk from './bulk.ts'
import * as control from './control.ts'
import type { ModuleInfo } from './model.ts'
import * as op from './opcodes.ts'
import { invalid, Reader } from './reader.ts'
import * as site from './sites.ts'
import { readHeapType, readValueType } from './types.ts'

/** V8's bound on locals, parameters included, less the one that metering adds. */
const MAX_LOCALS = 49_999

/** What the first walk learns of a function. */
export interface ScannedFunction {
  /** Its places in `Sites`. */
  firstSite: number
  endSite: number
  /** Parameters and locals: the index of the first local that is added. */
  locals: number
  localGroups: number
  /** Where the local groups begin, behind their count. */
  groupsAt: number
  hasLoop: boolean
  hasHandler: boolean
  /** Something branches to the function's own label. */
  branchesOut: boolean
  /** Where each construct with a label begins, in order; only when asked for. */
  labels: number[] | undefined
}

/** What the scanner asks of the passes; each answers with a position in `refs`, or nothing when the instruction may stay. */
export interface Replacements {
  bulk(slot: number, first: number, second: number, at: number): Ref | undefined
  memorySize(memory: number): Ref | undefined
  memoryGrow(memory: number): Ref | undefined
  tableGrow(table: number): Ref | undefined
  /** False when table writes need no notice. */
  tableWrite(table: number): boolean
  /** 'keep' the real drop, 'remove' it, or raise a flag. */
  drop(space: 'data' | 'elem', index: number): Ref | 'keep' | 'remove'
}

/**
 * The first walk: checks every opcode and index, finds the segments of straight-line code and what they cost, and notes each place
 * that the second walk changes. An index that the input does not have must be refused here: the output has more of everything.
 */
export class Scanner {
  readonly sites = new site.Sites()
  readonly refs: Ref[] = []
  /** By opcode slot: 1 when some function uses it. */
  readonly seen = new Uint8Array(op.PREFIX_THREADS + 512)
  /** Set to learn where labels are, which only label names need. */
  withLabels = false
  readonly #info: ModuleInfo
  readonly #reader: Reader
  readonly #replace: Replacements
  readonly #stack = new control.ControlStack()
  #segment = 0
  #function: ScannedFunction | undefined

  constructor(info: ModuleInfo, replace: Replacements) {
    this.#info = info
    this.#reader = new Reader(info.bytes)
    this.#replace = replace
  }

  scan(defined: number): ScannedFunction {
    const info = this.#info
    const reader = this.#reader
    reader.pos = info.bodies[defined * 2]!
    reader.end = info.bodies[defined * 2 + 1]!
    const type = info.types[info.functions[info.importedFunctions + defined]!]!
    const scanned = this.#readLocals(type.kind === 'func' ? type.params.length : 0)
    this.#function = scanned
    this.#stack.reset()
    this.#stack.push(control.FUNCTION, 0)
    this.#segment = this.sites.add(reader.pos, reader.pos, site.ENTRY, 0)
    scanned.firstSite = this.#segment
    this.#walk(scanned.locals)
    scanned.branchesOut = this.#stack.targeted[0] === 1
    scanned.endSite = this.sites.length
    return scanned
  }

  #readLocals(params: number): ScannedFunction {
    const reader = this.#reader
    const at = reader.pos
    const localGroups = reader.count(2)
    const groupsAt = reader.pos
    let locals = params
    for (let i = 0; i < localGroups; i++) {
      locals += reader.u32()
      readValueType(reader)
    }
    if (locals > MAX_LOCALS)
      invalid(`${locals} locals are more than ${MAX_LOCALS}, the engine's bound less the one that is added`, at)
    return {
      firstSite: 0,
      endSite: 0,
      locals,
      localGroups,
      groupsAt,
      hasLoop: false,
      hasHandler: false,
      branchesOut: false,
      labels: this.withLabels ? [] : undefined,
    }
  }

  #walk(locals: number): void {
    const { immediates, weights } = op.opcodeTables()
    const reader = this.#reader
    const { bytes, end } = reader
    const seen = this.seen
    const sites = this.sites
    while (reader.pos < end) {
      const at = reader.pos
      let slot = bytes[reader.pos++]!
      if (slot >= 0xfb && slot < 0xff) {
        const code = reader.u32()
        if (code >= 512) invalid(`unsupported opcode 0x${slot.toString(16)} 0x${code.toString(16)}`, at)
        slot = op.PREFIX_GC + (slot - 0xfb) * 512 + code
      }
      seen[slot] = 1
      sites.data[this.#segment + 3]! += weights[slot]!
      switch (immediates[slot]) {
        case op.NONE:
          // Of what has no immediates, only control matters, and that has the lowest codes.
          if (slot < 0x1a && this.#control(slot, at)) {
            if (reader.pos !== end) invalid('code after the end of a function', reader.pos)
            return
          }
          break
        case op.LOCAL: {
          const local = reader.u32()
          if (local >= locals) invalid(`unknown local ${local}`, at)
          break
        }
        case op.VAR32:
          reader.skipLeb(5)
          break
        case op.MEMARG:
          this.#memoryArgument(at)
          break
        default:
          this.#other(slot, immediates[slot]!, at)
      }
    }
    invalid('function body has no end', end)
  }

  /** Control instructions without immediates; true at the end of the function. */
  #control(slot: number, at: number): boolean {
    const stack = this.#stack
    const { pos } = this.#reader
    switch (slot) {
      case 0x05:
        if (stack.kinds[stack.height] !== control.IF) invalid('else without if', at)
        this.#arm(control.ELSE)
        break
      case 0x19: {
        const kind = stack.kinds[stack.height]
        if (kind !== control.TRY && kind !== control.CATCH) invalid('catch_all without try', at)
        this.#arm(control.CATCH_ALL)
        break
      }
      case 0x0b:
        return this.#end()
      case 0x00:
        this.#segment = 0
        break
      case 0x0f:
      case 0x0a:
        this.#leave(at, pos)
        break
    }
    return false
  }

  /** The next arm of an if or try: a segment of its own. */
  #arm(kind: number): void {
    this.#stack.kinds[this.#stack.height] = kind
    this.#newSegment()
  }

  #newSegment(): void {
    this.#segment = this.sites.add(this.#reader.pos, this.#reader.pos, site.CHARGE, 0)
  }

  #leave(from: number, to: number): void {
    this.sites.add(from, to, site.LEAVE, 0)
    this.#stack.leave()
    this.#segment = 0
  }

  /**
   * Which segment goes on behind a construct. When nothing inside escapes, its end is reached exactly when its entry was, so what
   * follows is paid there. Otherwise, when the end is reached only by falling out of the last segment inside, that one goes on.
   */
  #end(): boolean {
    const stack = this.#stack
    const height = stack.height
    if (height === 0) {
      stack.height = -1
      return true
    }
    const kind = stack.kinds[height]!
    const escapes = stack.outermost[height]! < height
    const targeted = stack.targeted[height] === 1
    const entry = stack.entries[height]!
    stack.pop()
    if (!escapes) this.#segment = entry
    else if (kind === control.LOOP || ((kind === control.BLOCK || kind === control.TRY_TABLE) && !targeted)) return false
    else this.#newSegment()
    return false
  }

  #memoryArgument(at: number): void {
    const reader = this.#reader
    const align = reader.u32()
    const memory = (align & 64) === 0 ? 0 : reader.u32()
    if (align > 127 || memory >= this.#info.memories.length) invalid(`unknown memory ${memory}`, at)
    reader.skipLeb(10)
  }

  #index(space: string, known: number): number {
    const at = this.#reader.pos
    const index = this.#reader.u32()
    if (index >= known) invalid(`unknown ${space} ${index}`, at)
    return index
  }
  #type(): number {
    return this.#index('type', this.#info.types.length)
  }
  #tableIndex(): number {
    return this.#index('table', this.#info.tables.length)
  }
  #memoryIndex(): number {
    return this.#index('memory', this.#info.memories.length)
  }
  #heapType(): void {
    readHeapType(this.#reader)
    this.#checkTypes()
  }
  #checkTypes(): void {
    if (this.#reader.largestType >= this.#info.types.length) invalid(`unknown type ${this.#reader.largestType}`, this.#reader.pos)
  }

  #other(slot: number, immediate: number, at: number): void {
    const reader = this.#reader
    const info = this.#info
    switch (immediate) {
      case op.VAR64:
        return reader.skipLeb(10)
      case op.BYTES4:
        return reader.skip(4)
      case op.BYTES8:
        return reader.skip(8)
      case op.BYTES16:
        return reader.skip(16)
      case op.LANE:
      case op.FENCE:
        return reader.skip(1)
      case op.MEMARG_LANE:
        this.#memoryArgument(at)
        return reader.skip(1)
      case op.BLOCK:
        return this.#block(slot, at)
      case op.LABEL:
        return this.#label(slot, at)
      case op.BR_TABLE: {
        const count = reader.count()
        for (let i = 0; i <= count; i++) this.#stack.branch(reader.u32(), at)
        this.#segment = 0
        return
      }
      case op.FUNC: {
        const index = this.#index('func', info.functions.length)
        if (slot === 0x10) this.sites.add(at, reader.pos, site.CALL, index)
        else if (slot === 0xd2) this.sites.add(at, reader.pos, site.REF_FUNC, index)
        else {
          this.sites.add(at, reader.pos, site.TAIL_CALL, index)
          this.#stack.leave()
          this.#segment = 0
        }
        return
      }
      case op.CALL_INDIRECT:
        this.#type()
        this.#tableIndex()
        if (slot === 0x11) this.sites.add(at, reader.pos, site.CALL_OTHER, 0)
        else this.#leave(at, reader.pos)
        return
      case op.GLOBAL: {
        const index = this.#index('global', info.globals.length)
        if (index >= info.importedGlobals)
          this.sites.add(at, reader.pos, slot === 0x23 ? site.GLOBAL_GET : site.GLOBAL_SET, index)
        return
      }
      case op.TYPE:
        return this.#typed(slot, at)
      case op.HEAP:
        return this.#heapType()
      case op.SELECT_TYPES: {
        const count = reader.count()
        for (let i = 0; i < count; i++) readValueType(reader)
        return this.#checkTypes()
      }
      case op.TAG: {
        this.#index('tag', info.tags.length)
        if (slot === 0x08) return this.#leave(at, reader.pos)
        const kind = this.#stack.kinds[this.#stack.height]
        if (kind !== control.TRY && kind !== control.CATCH) invalid('catch without try', at)
        return this.#arm(control.CATCH)
      }
      case op.TRY_TABLE:
        return this.#tryTable(at)
      case op.CAST_BRANCH: {
        reader.skip(1)
        this.#stack.branch(reader.u32(), at)
        this.#heapType()
        this.#heapType()
        return this.#newSegment()
      }
      case op.TYPE_FIELD:
        this.#type()
        return void reader.u32()
      case op.TYPE_COUNT:
        this.#type()
        // An array of n elements takes n operands, but costs its allocation.
        this.sites.data[this.#segment + 3]! += Math.min(reader.u32(), 10_000)
        return
      default:
        return this.#state(slot, immediate, at)
    }
  }

  #block(slot: number, at: number): void {
    const reader = this.#reader
    this.#function!.labels?.push(at)
    const first = reader.bytes[reader.pos]!
    // 0x40 is empty; other bytes from 0x40 to 0x7f are value types; anything else is a type index.
    if (reader.pos < reader.end && first >= 0x40 && first < 0x80) {
      if (first === 0x40) reader.pos++
      else {
        readValueType(reader)
        this.#checkTypes()
      }
    } else this.#type()
    const scanned = this.#function!
    switch (slot) {
      case 0x03:
        scanned.hasLoop = true
        this.#stack.push(control.LOOP, this.#segment)
        this.#segment = this.sites.add(reader.pos, reader.pos, site.LOOP, 0)
        return
      case 0x04:
        this.#stack.push(control.IF, this.#segment)
        return this.#newSegment()
      case 0x06:
        scanned.hasHandler = true
        return this.#stack.push(control.TRY, this.#segment)
      default:
        this.#stack.push(control.BLOCK, this.#segment)
    }
  }

  #tryTable(at: number): void {
    const reader = this.#reader
    this.#function!.hasHandler = true
    this.#function!.labels?.push(at)
    const first = reader.bytes[reader.pos]!
    if (reader.pos < reader.end && first >= 0x40 && first < 0x80) {
      if (first === 0x40) reader.pos++
      else {
        readValueType(reader)
        this.#checkTypes()
      }
    } else this.#type()
    this.#stack.push(control.TRY_TABLE, this.#segment)
    const clauses = reader.count(2)
    for (let i = 0; i < clauses; i++) {
      const kind = reader.byte()
      if (kind > 3) invalid(`unsupported catch clause ${kind}`, reader.pos - 1)
      if (kind < 2) this.#index('tag', this.#info.tags.length)
      // Clauses count labels from outside the construct, and their branches come from inside.
      this.#stack.branch(reader.u32() + 1, at)
    }
  }

  #label(slot: number, at: number): void {
    const label = this.#reader.u32()
    switch (slot) {
      case 0x0c:
        this.#stack.branch(label, at)
        this.#segment = 0
        return
      case 0x09:
        if (label > this.#stack.height) invalid(`unknown label ${label}`, at)
        return this.#leave(at, this.#reader.pos)
      case 0x18: {
        const stack = this.#stack
        if (stack.kinds[stack.height] !== control.TRY) invalid('delegate without try', at)
        if (label >= stack.height) invalid(`unknown label ${label}`, at)
        this.#end()
        return
      }
      default:
        this.#stack.branch(label, at)
        this.#newSegment()
    }
  }

  #typed(slot: number, at: number): void {
    const type = this.#type()
    const { pos } = this.#reader
    if (slot === 0x14) this.sites.add(at, pos, site.CALL_OTHER, 0)
    else if (slot === 0x15) this.#leave(at, pos)
    else if (slot === bulk.ARRAY_NEW || slot === bulk.ARRAY_NEW_DEFAULT || slot === bulk.ARRAY_FILL) this.#bulk(slot, type, 0, at)
  }

  #bulk(slot: number, first: number, second: number, at: number): void {
    this.#replaceBy(site.CALL_INJECTED, this.#replace.bulk(slot, first, second, at), at)
  }

  #replaceBy(kind: number, ref: Ref | undefined, at: number): void {
    if (ref !== undefined) this.sites.add(at, this.#reader.pos, kind, this.refs.push(ref) - 1)
  }

  /** Instructions on memories, tables and segments as wholes. */
  #state(slot: number, immediate: number, at: number): void {
    const { elements, data } = this.#info
    switch (immediate) {
      case op.MEMORY: {
        const memory = this.#memoryIndex()
        if (slot === 0x3f) return this.#replaceBy(site.READ_INJECTED, this.#replace.memorySize(memory), at)
        if (slot === 0x40) return this.#replaceBy(site.CALL_INJECTED, this.#replace.memoryGrow(memory), at)
        return this.#bulk(slot, memory, 0, at)
      }
      case op.TABLE: {
        const table = this.#tableIndex()
        if (slot === 0x26 && this.#replace.tableWrite(table)) this.sites.add(at, this.#reader.pos, site.TABLE_WRITE, table)
        if (slot === op.PREFIX_MISC + 15) this.#replaceBy(site.CALL_INJECTED, this.#replace.tableGrow(table), at)
        if (slot === bulk.TABLE_FILL) this.#bulk(slot, table, 0, at)
        return
      }
      case op.MEMORY_MEMORY:
        return this.#bulk(slot, this.#memoryIndex(), this.#memoryIndex(), at)
      case op.TABLE_TABLE:
        return this.#bulk(slot, this.#tableIndex(), this.#tableIndex(), at)
      case op.DATA_MEMORY:
        return this.#bulk(slot, this.#index('data', data.length), this.#memoryIndex(), at)
      case op.ELEM_TABLE:
        return this.#bulk(slot, this.#index('elem', elements.length), this.#tableIndex(), at)
      case op.TYPE_TYPE:
        return this.#bulk(slot, this.#type(), this.#type(), at)
      case op.TYPE_DATA:
        return this.#bulk(slot, this.#type(), this.#index('data', data.length), at)
      case op.TYPE_ELEM:
        return this.#bulk(slot, this.#type(), this.#index('elem', elements.length), at)
      case op.DATA:
        return this.#drop('data', this.#index('data', data.length), at)
      case op.ELEM:
        return this.#drop('elem', this.#index('elem', elements.length), at)
      default:
        invalid(`unsupported opcode ${op.describeOpcode(slot)}`, at)
    }
  }

  #drop(space: 'data' | 'elem', index: number, at: number): void {
    const how = this.#replace.drop(space, index)
    if (how === 'keep') return
    if (how === 'remove') this.sites.add(at, this.#reader.pos, site.REMOVE, 0)
    else this.#replaceBy(site.RAISE_FLAG, how, at)
  }
}
