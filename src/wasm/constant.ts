import { type ModuleInfo, readPatched } from './model.ts'
import * as op from './opcodes.ts'
import { invalid, type Reader } from './reader.ts'
import { readHeapType } from './types.ts'

/** Slots that a constant expression may hold beside constants (extended-const and GC included). */
const ALLOWED = new Set([
  0x6a,
  0x6b,
  0x6c,
  0x7c,
  0x7d,
  0x7e,
  ...[0, 1, 6, 7, 8, 26, 27, 28].map((code) => op.PREFIX_GC + code),
  op.PREFIX_SIMD + 0x0c,
])

/** Walks over a constant expression, its `end` included, and remembers where function and global indices stand. */
export function readConstantExpression(info: ModuleInfo, reader: Reader): void {
  const { immediates } = op.opcodeTables()
  for (;;) {
    const at = reader.pos
    const slot = readSlot(reader)
    switch (slot) {
      case 0x0b:
        return
      case 0x23:
        readPatched(info, reader, 'global')
        continue
      case 0xd2:
        readPatched(info, reader, 'func')
        continue
      case 0xd0:
        readHeapType(reader)
        continue
    }
    const immediate = immediates[slot]
    switch (immediate) {
      case op.VAR32:
        reader.skipLeb(5)
        continue
      case op.VAR64:
        reader.skipLeb(10)
        continue
      case op.BYTES4:
        reader.skip(4)
        continue
      case op.BYTES8:
        reader.skip(8)
        continue
    }
    if (!ALLOWED.has(slot)) invalid(`opcode ${op.describeOpcode(slot)} is not allowed in a constant expression`, at)
    if (immediate === op.BYTES16) reader.skip(16)
    if (immediate === op.TYPE || immediate === op.TYPE_COUNT) {
      const type = reader.u32()
      if (type >= info.types.length) invalid(`unknown type ${type}`, at)
    }
    if (immediate === op.TYPE_COUNT) reader.u32()
  }
}

/** Reads an opcode, prefix and all, to its slot in the table. */
export function readSlot(reader: Reader): number {
  const at = reader.pos
  const byte = reader.byte()
  if (byte < 0xfb || byte === 0xff) return byte
  const code = reader.u32()
  if (code >= 512) invalid(`unsupported opcode 0x${byte.toString(16)} 0x${code.toString(16)}`, at)
  return op.PREFIX_GC + (byte - 0xfb) * 512 + code
}
