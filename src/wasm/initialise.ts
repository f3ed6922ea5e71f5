import type { Detached, InstrumentReport } from './contract.ts'

/**
 * Does to a new instance of a detached module what instantiation does by itself in a whole one: writes the active data segments in
 * order, then calls the start function. Throws what instantiation would throw.
 */
export function initialise(
  { segments, start }: Pick<Detached, 'segments' | 'start'>,
  { memories }: Pick<InstrumentReport, 'memories'>,
  exports: WebAssembly.Exports,
  imports: WebAssembly.Imports,
): void {
  for (const { memory: index, offset, bytes } of segments) {
    const from = memories[index]?.from
    const memory = (
      from === undefined ? exports[`ampoule:memory${index}`] : imports[from.module]?.[from.name]
    ) as WebAssembly.Memory
    const at = typeof offset === 'number' ? offset : address((exports[offset] as WebAssembly.Global<'i32' | 'i64'>).value)
    if (at + bytes.length > memory.buffer.byteLength) throw new WebAssembly.RuntimeError('data segment is out of bounds')
    new Uint8Array(memory.buffer).set(bytes, at)
  }
  if (start) (exports['ampoule:start'] as () => void)()
}

const address = (value: number | bigint): number => (typeof value === 'bigint' ? Number(BigInt.asUintN(64, value)) : value >>> 0)
