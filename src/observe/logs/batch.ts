import { Packr, Unpackr } from 'msgpackr'
import type { Counted } from '../usage/counted.ts'

/** Entries of one stream, as they go to disk. */
export interface Chunk {
  readonly functionName: string
  readonly version: string
  readonly stream: string
  /** Of the first and of the last entry; milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  readonly entries: Uint8Array
}

/** What a lane hands over at once. */
export interface Batch {
  readonly chunks: readonly Chunk[]
  readonly counted: readonly Counted[]
}

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** In memory of its own, so that it can be moved to another thread. */
export const packBatch = (batch: Batch): Uint8Array<ArrayBuffer> => new Uint8Array(packr.pack(batch))

export const unpackBatch = (bytes: Uint8Array): Batch => unpackr.unpack(bytes) as Batch
