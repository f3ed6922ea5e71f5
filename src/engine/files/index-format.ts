import { createHash } from 'node:crypto'

/** Read and verified at once. */
export const CHUNK_BYTES = 32 * 1024

const HASH_BYTES = 32

/** What is in an image: files one after the other in one file, and the hashes of its chunks, by which it is verified as it is read. */
export interface ImageIndex {
  readonly files: readonly ImageFile[]
  /** Of all files together. */
  readonly bytes: number
  /** SHA-256 of each chunk of {@link CHUNK_BYTES}, one after the other. */
  readonly chunks: Buffer
}

export interface ImageFile {
  /** Relative, with `/`. */
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

interface Stored {
  readonly form: 1
  readonly bytes: number
  readonly chunks: string
  readonly files: readonly (readonly [path: string, offset: number, bytes: number])[]
}

export function encodeIndex({ files, bytes, chunks }: ImageIndex): Buffer {
  const stored: Stored = {
    form: 1,
    bytes,
    chunks: chunks.toString('base64'),
    files: files.map(({ path, offset, bytes: own }) => [path, offset, own]),
  }
  return Buffer.from(JSON.stringify(stored))
}

/** Throws unless the text has this SHA-256 (hex) and is what `encodeIndex` gave. */
export function decodeIndex(text: Buffer, sha256: string): ImageIndex {
  if (createHash('sha256').update(text).digest('hex') !== sha256) throw new Error(`the index ${sha256} does not match its hash`)
  // The hash says that it is what encodeIndex wrote.
  const { form, bytes, chunks, files } = JSON.parse(text.toString()) as Stored
  const hashes = Buffer.from(chunks, 'base64')
  if (form !== 1 || hashes.length !== Math.ceil(bytes / CHUNK_BYTES) * HASH_BYTES)
    throw new Error(`the index ${sha256} is of another form`)
  return { bytes, chunks: hashes, files: files.map(([path, offset, own]) => ({ path, offset, bytes: own })) }
}

export const isChunk = ({ chunks }: ImageIndex, number: number, bytes: Uint8Array): boolean =>
  createHash('sha256')
    .update(bytes)
    .digest()
    .equals(chunks.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES))
