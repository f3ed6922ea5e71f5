import type { GlobalValues } from './globals.ts'
import type { MemoryImages } from './memories.ts'
import type { RestoreStrategy } from './restore/contract.ts'
import type { WasiState } from '../wasi/contract.ts'

/**
 * The state of an instance after initialisation; plain data that every lane of the process can use.
 * Tables are not in it: a table that initialisation wrote beyond its element segments makes the snapshot local.
 */
export interface Snapshot {
  readonly memories: MemoryImages
  /** By core instance. */
  readonly globals: readonly GlobalValues[]
  readonly wasi: WasiState
  /** What the memory account holds at the start of every invocation; bytes. */
  readonly accountBytes: number
}

export function releaseSnapshot(snapshot: Snapshot, strategy: RestoreStrategy): void {
  for (const instance of snapshot.memories) for (const { image } of instance) strategy.release(image)
}
