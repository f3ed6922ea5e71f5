import { readFile, stat } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { posix } from 'node:path'
import { excerptOf, type Excerpt } from './excerpt.ts'
import { parseStack, type StackFrame } from './stack.ts'

/** Where the map of a function's bundle lies and what its sources are relative to. */
export interface SourceMapLocation {
  /** Absolute path of a source map (version 3) whose sources are relative to the function's entry file. */
  readonly path: string
  /** The entry file's folder, relative to the configuration's, with `/`. */
  readonly root: string
}

/** What the author is shown of a stack. */
export interface MappedStack {
  /** In files of the author, relative to the configuration's folder; innermost first. Frames of the runtime are left out. */
  readonly frames: readonly StackFrame[]
  /** Around the innermost frame that is not in a package. */
  readonly excerpt: Excerpt | undefined
}

/** Decoding holds up the thread: a megabyte of map takes some ten milliseconds. */
export const MAX_MAP_BYTES = 24 * 1024 * 1024
/** Decoded maps take several times their size: only the last few are kept. */
const MAX_MAPS = 4
/** Frames that an author gets to see. */
const MAX_FRAMES = 20

/** The names under which the engines know the bundle; other files are the engine's own. */
const BUNDLE = /(?:^|[/:])(?:function|user)\.js$/

export const isOfBundle = (file: string): boolean => BUNDLE.test(file)

export interface Decoded {
  readonly map: SourceMap
  readonly sources: ReadonlyMap<string, string>
}

/** The maps of a lane's functions, read when the first error needs one. */
export class SourceMaps {
  readonly #maps = new Map<string, Promise<Decoded | undefined>>()

  /** Never rejects: without a (readable) map there are no frames. */
  async apply(stack: string, location: SourceMapLocation): Promise<MappedStack> {
    const parsed = parseStack(stack).filter(({ file }) => isOfBundle(file))
    const decoded = parsed.length === 0 ? undefined : await this.#open(location.path)
    if (decoded === undefined) return { frames: [], excerpt: undefined }
    const found = parsed.flatMap((frame) => mapFrame(frame, decoded.map) ?? []).slice(0, MAX_FRAMES)
    const shown = found.find(({ file }) => !isOfPackage(file)) ?? found[0]
    const text = shown === undefined ? undefined : decoded.sources.get(shown.file)
    return {
      frames: found.map((frame) => ({ ...frame, file: posix.join(location.root, frame.file) })),
      excerpt: shown === undefined || text === undefined ? undefined : excerptOf(text, shown.line, shown.column),
    }
  }

  #open(path: string): Promise<Decoded | undefined> {
    const known = this.#maps.get(path)
    this.#maps.delete(path)
    const opened = known ?? decode(path).catch(() => undefined)
    this.#maps.set(path, opened)
    const [oldest] = this.#maps.keys()
    if (this.#maps.size > MAX_MAPS && oldest !== undefined) this.#maps.delete(oldest)
    return opened
  }
}

async function decode(path: string): Promise<Decoded | undefined> {
  const { size } = await stat(path)
  if (size > MAX_MAP_BYTES) return undefined
  return decodeMap(await readFile(path, 'utf8'))
}

/** Throws for what is no map. */
export function decodeMap(text: string): Decoded {
  const payload = JSON.parse(text) as SourceMapPayload
  const sources = new Map<string, string>()
  for (const [index, source] of payload.sources.entries()) {
    const text: unknown = payload.sourcesContent[index]
    if (typeof text === 'string' && isOfAuthor(source)) sources.set(source, text)
  }
  return { map: new SourceMap({ ...payload, sourcesContent: [] }), sources }
}

/** The frame in the author's file or a package's, relative to the entry's folder; undefined for what is neither. */
export function mapFrame(frame: StackFrame, map: SourceMap): StackFrame | undefined {
  const entry = map.findEntry(frame.line - 1, frame.column - 1)
  // Past the last mapping of a line the map answers with that of a line before.
  if (!('originalSource' in entry) || entry.generatedLine !== frame.line - 1 || !isOfAuthor(entry.originalSource))
    return undefined
  return {
    function: frame.function,
    file: entry.originalSource,
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
  }
}

/** Not our runtime and not what the bundler added. */
export const isOfAuthor = (source: string): boolean => !source.includes('\0') && !/(?:^|\/)guest-sdk\/runtime\//.test(source)

export const isOfPackage = (file: string): boolean => /(?:^|\/)node_modules\//.test(file)
