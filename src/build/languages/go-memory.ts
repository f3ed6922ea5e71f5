import { Reader } from '../../wasm/reader.ts'
import { Writer } from '../../wasm/writer.ts'

const [TYPE, IMPORT, FUNCTION, GLOBAL, EXPORT, CODE, DATA] = [1, 2, 3, 6, 7, 10, 11]
const I32 = 0x7f

/** The first bytes of `adapterMemory` in guest-sdk/go/ampoule.go, and its size. */
const MARK = Buffer.from('ampoule:adapter!')
const BYTES = 4 * 65_536

/**
 * A module of Go's compiler whose WASI adapter gets its memory from a variable of the binding, by an exported `cabi_realloc_adapter`.
 * Without it the adapter grows the memory itself, and Go, which believes that nobody else does, puts its heap over the adapter's
 * state. (Go's own allocator cannot serve the adapter: it is called before Go's runtime has started.) Source: runtime/mem_wasm.go
 * and mem_sbrk.go; wit-component's names of exports. Throws when the binding is not in the module.
 */
export function giveAdapterMemory(module: Uint8Array): Uint8Array {
  const sections = readSections(module)
  const contentOf = (id: number): Uint8Array => sections.find((one) => one.id === id)?.content ?? Uint8Array.of(0)
  const count = (id: number): number => new Reader(contentOf(id)).u32()
  const start = findMark(contentOf(DATA))
  if (start === undefined) throw new Error('the binding has no memory for the WASI adapter')
  const next = count(GLOBAL)

  const additions: Readonly<Record<number, (out: Writer) => void>> = {
    [TYPE]: (out) => out.bytes(0x60, 4, I32, I32, I32, I32, 1, I32),
    [FUNCTION]: (out) => out.u32(count(TYPE)),
    [GLOBAL]: (out) => {
      out.bytes(I32, 1, 0x41)
      out.signed(start)
      out.byte(0x0b)
    },
    [EXPORT]: (out) => {
      out.name('cabi_realloc_adapter')
      out.byte(0)
      // Go's modules import functions, and nothing else.
      out.u32(count(IMPORT) + count(FUNCTION))
    },
    [CODE]: (out) => out.sized(() => writeBump(out, next, start - MARK.length + BYTES)),
  }

  const out = new Writer(module.length + 1024)
  out.copy(module, 0, 8)
  for (const { id, content } of sections) {
    const add = additions[id]
    out.byte(id)
    out.sized(() => {
      if (add === undefined) return out.copy(content, 0, content.length)
      const reader = new Reader(content)
      out.u32(reader.u32() + 1)
      out.copy(content, reader.pos, content.length)
      add(out)
    })
  }
  return out.take()
}

/** The address of the mark in the memory, behind the mark itself. */
function findMark(data: Uint8Array): number | undefined {
  const reader = new Reader(data)
  for (let segments = reader.u32(); segments > 0; segments--) {
    // Active, in memory 0, at a constant: Go's linker writes no others.
    if (reader.u32() !== 0 || reader.byte() !== 0x41) return undefined
    const address = reader.s33()
    if (reader.byte() !== 0x0b) return undefined
    const length = reader.u32()
    const at = Buffer.from(data.buffer, data.byteOffset + reader.pos, length).indexOf(MARK)
    if (at >= 0) return address + at + MARK.length
    reader.pos += length
  }
  return undefined
}

/** `(old, oldSize, align, size) -> at`: the next multiple of align, or a trap when that is beyond `limit`. */
function writeBump(out: Writer, next: number, limit: number): void {
  const [LOCAL_GET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET, CONST] = [0x20, 0x22, 0x23, 0x24, 0x41]
  const [ADD, SUB, AND, XOR] = [0x6a, 0x6b, 0x71, 0x73]
  const constant = (value: number): void => {
    out.byte(CONST)
    out.signed(value)
  }
  out.byte(0)
  // at = (next + align - 1) & ~(align - 1), kept in the parameter that is not needed
  out.byte(GLOBAL_GET)
  out.u32(next)
  out.bytes(LOCAL_GET, 2, ADD)
  constant(1)
  out.bytes(SUB, LOCAL_GET, 2)
  constant(1)
  out.byte(SUB)
  constant(-1)
  out.bytes(XOR, AND, LOCAL_TEE, 0)
  // next = at + size; beyond the limit there is nothing to give
  out.bytes(LOCAL_GET, 3, ADD)
  out.byte(GLOBAL_SET)
  out.u32(next)
  out.byte(GLOBAL_GET)
  out.u32(next)
  constant(limit)
  out.bytes(0x4b, 0x04, 0x40, 0x00, 0x0b) // i32.gt_u, if, unreachable, end
  out.bytes(LOCAL_GET, 0, 0x0b)
}

interface RawSection {
  readonly id: number
  readonly content: Uint8Array
}

function readSections(module: Uint8Array): readonly RawSection[] {
  const reader = new Reader(module, 8)
  const sections: RawSection[] = []
  while (reader.pos < module.length) {
    const id = reader.byte()
    const size = reader.u32()
    sections.push({ id, content: module.subarray(reader.pos, reader.pos + size) })
    reader.pos += size
  }
  return sections
}
