import { createHash } from 'node:crypto'
import type { InstrumentReport } from '../wasm/contract.ts'
import type { Artifact, ArtifactMeta, LinkPlan } from './contract.ts'

/*
 * One file per artifact, so that one rename makes it appear whole:
 *   8 bytes magic | u32le length of the header | SHA-256 of the header | header (JSON) |
 *   for each core module: its bytes, then those of its data segments, one after the other
 * The header holds the lengths, and one SHA-256 for each core module with its segments.
 */
const MAGIC = Buffer.from('ampoule1', 'latin1')
const HASH_BYTES = 32
const PREFIX_BYTES = MAGIC.length + 4 + HASH_BYTES

interface Header {
  readonly id: string
  readonly plan: LinkPlan
  readonly meta: ArtifactMeta
  readonly modules: readonly {
    readonly bytes: number
    readonly sha256: string
    readonly segments: readonly { readonly memory: number; readonly offset: number | string; readonly bytes: number }[]
    readonly start: boolean
    readonly report: InstrumentReport
  }[]
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The parts of the file, to be written in order. */
export function encodeArtifact({ id, plan, meta, modules }: Artifact): Uint8Array<ArrayBuffer>[] {
  const header: Header = {
    id,
    plan,
    meta,
    modules: modules.map(({ bytes, segments, start, report }) => ({
      bytes: bytes.length,
      sha256: sha256(bytes, ...segments.map((segment) => segment.bytes)).toString('hex'),
      segments: segments.map((segment) => ({ ...segment, bytes: segment.bytes.length })),
      start,
      report,
    })),
  }
  const json = Buffer.from(JSON.stringify(header))
  const prefix = new Uint8Array(PREFIX_BYTES + json.length)
  prefix.set(MAGIC)
  new DataView(prefix.buffer).setUint32(MAGIC.length, json.length, true)
  prefix.set(sha256(json), MAGIC.length + 4)
  prefix.set(json, PREFIX_BYTES)
  return [prefix, ...modules.flatMap(({ bytes, segments }) => [bytes, ...segments.map((segment) => segment.bytes)])]
}

/** The file is not what `encodeArtifact` wrote. */
export class DamagedArtifact extends Error {
  override readonly name = 'DamagedArtifact'
}

/** Throws `DamagedArtifact` unless every byte is as it was written, for this id. */
export function decodeArtifact(file: Uint8Array<ArrayBuffer>, id: string): Artifact {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.length)
  if (file.length < PREFIX_BYTES || !MAGIC.equals(buffer.subarray(0, MAGIC.length)))
    throw new DamagedArtifact('it does not begin like an artifact')
  const length = buffer.readUInt32LE(MAGIC.length)
  if (length > file.length - PREFIX_BYTES) throw new DamagedArtifact('it is cut off in its header')
  const json = buffer.subarray(PREFIX_BYTES, PREFIX_BYTES + length)
  if (!sha256(json).equals(buffer.subarray(MAGIC.length + 4, PREFIX_BYTES)))
    throw new DamagedArtifact('its header does not match its hash')
  // The hash says that it is what encodeArtifact wrote.
  const header: Header = JSON.parse(json.toString())
  if (header.id !== id) throw new DamagedArtifact(`it is of another component (${header.id})`)
  let at = PREFIX_BYTES + length
  const modules = header.modules.map(({ bytes: size, sha256: hash, segments, start, report }, index) => {
    const from = at
    const take = (length: number): Uint8Array<ArrayBuffer> => {
      if (length > file.length - at) throw new DamagedArtifact(`it is cut off in core module ${index}`)
      at += length
      return file.subarray(at - length, at)
    }
    const bytes = take(size)
    const filled = segments.map((segment) => ({ ...segment, bytes: take(segment.bytes) }))
    if (sha256(file.subarray(from, at)).toString('hex') !== hash)
      throw new DamagedArtifact(`core module ${index} does not match its hash`)
    return { bytes, segments: filled, start, report }
  })
  if (at !== file.length) throw new DamagedArtifact(`it has ${file.length - at} bytes too many`)
  return { id, plan: header.plan, meta: header.meta, modules }
}
