import type { ModuleInfo } from './model.ts'
import { describeOpcode, PREFIX_GC } from './opcodes.ts'
import { isReference, V128, type ValueType } from './types.ts'

/** struct.new, struct.new_default; array.new, array.new_default, array.new_fixed, array.new_data, array.new_elem. */
const ALLOCATING = [0, 1, 6, 7, 8, 9, 10].map((code) => PREFIX_GC + code)

/**
 * What an exception may carry. An invocation's live exceptions are bounded by its stack, so that small ones stay small; one that
 * carries a reference could carry another exception, and that another, without end.
 */
const MAX_EXCEPTION_BYTES = 64

const sizeOf = (type: ValueType): number => (type === V128 ? 16 : 8)

/**
 * Why the memory limit does not hold: what lies on V8's own heap is counted by nobody, and one that is full ends the whole process.
 * `seen` by opcode slot: 1 when some function uses it.
 */
export function unlimited(info: ModuleInfo, seen: Uint8Array): string[] {
  const reasons = ALLOCATING.filter((slot) => seen[slot] === 1).map((slot) => `${describeOpcode(slot)} takes memory of the host`)
  const importedTags = info.imports.filter(({ kind }) => kind === 'tag').length
  for (const [index, typeIndex] of info.tags.entries()) {
    const type = info.types[typeIndex]
    if (index < importedTags || type?.kind !== 'func') continue
    const bytes = type.params.reduce((sum, param) => sum + sizeOf(param), 0)
    if (type.params.some(isReference)) reasons.push(`exceptions of tag ${index} carry a reference`)
    else if (bytes > MAX_EXCEPTION_BYTES)
      reasons.push(`exceptions of tag ${index} carry ${bytes} bytes, more than ${MAX_EXCEPTION_BYTES}`)
  }
  return reasons
}
