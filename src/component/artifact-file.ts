import { createHash } from 'node:crypto'
import type { InstrumentReport } from '../wasm/contract.ts'
import type { Artifact, ArtifactMeta, LinkPlan } from './contract.ts'

/*
 * One file per artifact, so that one rename makes it appear whole:
 *   8 bytes magic | u32le length of the header | SHA-256 of the header | header (JSON) | data segments, one after the other
 * Core modules are files of their own, named by their SHA-256, since functions of one language runtime share them. The header holds
 * those names, the lengths of the segments, and one SHA-256 for the segments of each module.
 */
const MAGIC = Buffer.from('ampoule2', 'latin1')
const HASH_BYTES = 32
/** Where the header begins. */
export const HEADER_AT = MAGIC.length + 4 + HASH_BYTES

/** Where it ends, by what comes before it. */
export const headerEnd = (prefix: Buffer): number => HEADER_AT + prefix.readUInt32LE(MAGIC.length)

interface Header {
  readonly id: string
  readonly plan: LinkPlan
  readonly meta: ArtifactMeta
  readonly modules: readonly {
    readonly hash: string
    readonly segmentsHash: string
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
    modules: modules.map(({ hash, segments, start, report }) => ({
      hash,
      segmentsHash: sha256(...segments.map((segment) => segment.bytes)).toString('hex'),
      segments: segments.map((segment) => ({ ...segment, bytes: segment.bytes.length })),
      start,
      report,
    })),
  }
  const json = Buffer.from(JSON.stringify(header))
  const prefix = new Uint8Array(HEADER_AT + json.length)
  prefix.set(MAGIC)
  new DataView(prefix.buffer).setUint32(MAGIC.length, json.length, true)
  prefix.set(sha256(json), MAGIC.length + 4)
  prefix.set(json, HEADER_AT)
  return [prefix, ...modules.flatMap(({ segments }) => segments.map((segment) => segment.bytes))]
}

/** The file is not what `encodeArtifact` wrote. */
export class DamagedArtifact extends Error {
  override readonly name = 'DamagedArtifact'
}

/** Hashes of the core modules that an artifact needs, by its file up to the end of the header; none when that is damaged. */
export function modulesOf(head: Buffer): readonly string[] {
  try {
    return readHeader(head).header.modules.map(({ hash }) => hash)
  } catch (error) {
    if (error instanceof DamagedArtifact) return []
    throw error
  }
}

function readHeader(buffer: Buffer): { readonly header: Header; readonly end: number } {
  if (buffer.length < HEADER_AT || !MAGIC.equals(buffer.subarray(0, MAGIC.length)))
    throw new DamagedArtifact('it does not begin like an artifact')
  const length = buffer.readUInt32LE(MAGIC.length)
  if (length > buffer.length - HEADER_AT) throw new DamagedArtifact('it is cut off in its header')
  const end = HEADER_AT + length
  const json = buffer.subarray(HEADER_AT, end)
  if (!sha256(json).equals(buffer.subarray(MAGIC.length + 4, HEADER_AT)))
    throw new DamagedArtifact('its header does not match its hash')
  // The hash says that it is what encodeArtifact wrote.
  return { header: JSON.parse(json.toString()) as Header, end }
}

/**
 * Rejects with `DamagedArtifact` unless every byte is as it was written, for this id. `readModule` gives the verified module of a hash.
 */
export async function decodeArtifact(
  file: Uint8Array<ArrayBuffer>,
  id: string,
  readModule: (hash: string) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Artifact> {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.length)
  const { header, end } = readHeader(buffer)
  if (header.id !== id) throw new DamagedArtifact(`it is of another component (${header.id})`)
  let at = end
  const filled = header.modules.map(({ segmentsHash, segments, ...rest }, index) => {
    const from = at
    const take = (length: number): Uint8Array<ArrayBuffer> => {
      if (length > file.length - at) throw new DamagedArtifact(`it is cut off in the data of core module ${index}`)
      at += length
      return file.subarray(at - length, at)
    }
    const taken = segments.map((segment) => ({ ...segment, bytes: take(segment.bytes) }))
    if (sha256(file.subarray(from, at)).toString('hex') !== segmentsHash)
      throw new DamagedArtifact(`the data of core module ${index} does not match its hash`)
    return { ...rest, segments: taken }
  })
  if (at !== file.length) throw new DamagedArtifact(`it has ${file.length - at} bytes too many`)
  const modules = await Promise.all(filled.map(async (module) => ({ ...module, bytes: await readModule(module.hash) })))
  return { id, plan: header.plan, meta: header.meta, modules }
}
