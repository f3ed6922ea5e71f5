import { promisify } from 'node:util'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { invalidParameter } from '../functions/lambda-error.ts'
import { QUOTAS } from '../functions/quotas.ts'

/** A zip whose table of contents has been read and found harmless; contents are read when they are wanted. */
export interface Package {
  /** Paths of the files, relative, with `/`. No folders. */
  readonly files: ReadonlySet<string>
  /** Of all files together, as the table of contents says; reading one that is larger than it says fails. */
  readonly unzippedBytes: number
  /** Throws `InvalidParameterValueException` when it is damaged. */
  read(path: string): Promise<Buffer>
}

export interface PackageLimits {
  readonly unzippedBytes: number
  readonly entries: number
}

const LIMITS: PackageLimits = { unzippedBytes: QUOTAS.unzippedBytes, entries: QUOTAS.zipEntries }

const open = promisify<Buffer, yauzl.Options, ZipFile>(yauzl.fromBuffer)

/** Methods of compression (APPNOTE 4.4.5). */
const STORED = 0
const DEFLATED = 8

/** File type bits of a Unix mode, in the upper half of the external attributes. */
const TYPE_MASK = 0o170000
const SYMBOLIC_LINK = 0o120000
const REGULAR = 0o100000
const FOLDER = 0o040000

/**
 * Reads a zip's table of contents; nothing is unpacked, so a bomb is refused by what it says of itself, and one that lies fails while it is
 * read, at the size that it has said. Throws `InvalidParameterValueException`: no zip, encrypted, absolute paths or such that leave the
 * folder, links, two files of one name, too many or too large.
 */
export async function openPackage(bytes: Uint8Array, limits: PackageLimits = LIMITS): Promise<Package> {
  let zip: ZipFile
  try {
    zip = await open(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      lazyEntries: true,
      // yauzl refuses absolute paths, drive letters, `..` and backslashes, and data that is longer or shorter than it says.
      decodeStrings: true,
      strictFileNames: true,
      validateEntrySizes: true,
    })
  } catch (error) {
    throw invalidParameter('Could not unzip uploaded file. Please check your file, then try to upload again.', { cause: error })
  }
  if (zip.entryCount > limits.entries)
    throw invalidParameter(`The zip has ${zip.entryCount} entries, the limit is ${limits.entries}`)
  const entries = new Map<string, Entry>()
  let unzippedBytes = 0
  for await (const entry of entriesOf(zip)) {
    const path = entry.fileName
    if (path.endsWith('/')) continue
    refuseUnusual(entry)
    if (entries.has(path)) throw invalidParameter(`The zip has the file ${JSON.stringify(path)} twice`)
    unzippedBytes += entry.uncompressedSize
    if (unzippedBytes > limits.unzippedBytes)
      throw invalidParameter(`Unzipped size must be smaller than ${limits.unzippedBytes} bytes`)
    entries.set(path, entry)
  }
  refuseFilesAsFolders(entries, (path) => invalidParameter(`The zip has ${JSON.stringify(path)} both as a file and as a folder`))
  return {
    files: new Set(entries.keys()),
    unzippedBytes,
    async read(path) {
      const entry = entries.get(path)
      if (entry === undefined) throw invalidParameter(`The zip has no file ${JSON.stringify(path)}`)
      try {
        const bytes = await buffer(await openEntry(zip, entry))
        if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is another')
        return bytes
      } catch (error) {
        throw invalidParameter(`The file ${JSON.stringify(path)} in the zip is damaged: ${(error as Error).message}`, {
          cause: error,
        })
      }
    },
  }
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      const settle = (): void => void zip.off('entry', found).off('end', ended).off('error', failed)
      const found = (entry: Entry): void => (settle(), resolve(entry))
      const ended = (): void => (settle(), resolve(undefined))
      const failed = (error: Error): void => {
        settle()
        reject(invalidParameter(`The zip cannot be used: ${error.message}`, { cause: error }))
      }
      zip.on('entry', found).on('end', ended).on('error', failed)
      zip.readEntry()
    })
    if (entry === undefined) return
    yield entry
  }
}

const openEntry = (zip: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)))
  })

function refuseUnusual(entry: Entry): void {
  const path = JSON.stringify(entry.fileName)
  if (entry.isEncrypted()) throw invalidParameter(`The file ${path} in the zip is encrypted`)
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw invalidParameter(`The file ${path} in the zip is compressed in a way (${entry.compressionMethod}) that is not deflate`)
  if (entry.fileName.includes('\0')) throw invalidParameter(`The zip has a file with a NUL character in its name: ${path}`)
  const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK
  if (type === SYMBOLIC_LINK)
    throw invalidParameter(`The file ${path} in the zip is a symbolic link: zip what it leads to (leave out -y)`)
  if (type !== 0 && type !== REGULAR && type !== FOLDER) throw invalidParameter(`The file ${path} in the zip is no regular file`)
}

/** `a` and `a/b` cannot both be unpacked. Throws what `refusal` makes. */
export function refuseFilesAsFolders(paths: ReadonlyMap<string, unknown>, refusal: (path: string) => Error): void {
  for (const path of paths.keys())
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
      if (paths.has(path.slice(0, slash))) throw refusal(path.slice(0, slash))
}
