import { readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { decodeMap, isOfBundle, mapFrame, MAX_MAP_BYTES, type Decoded, type SourceMapLocation } from './source-map.ts'
import { formatFrame, parseStack } from './stack.ts'

const MAX_MAPS = 4

/**
 * Leads frames in what functions log (`console.error(error)`) back to the author's files, line by line. A map is read at once, so that the lines
 * stay in order, and a thread that reads one does nothing else: only for whoever develops a function.
 */
export class LogFrames {
  readonly #maps = new Map<string, Decoded | undefined>()

  /** The line, a frame in it with its place in a file of the author's or of a package; undefined for a frame in what the bundler added. */
  apply(line: string, location: SourceMapLocation): string | undefined {
    const text = line.trimStart()
    if (!text.startsWith('at ')) return line
    const [frame] = parseStack(text)
    if (frame === undefined || !isOfBundle(frame.file)) return line
    const map = this.#open(location.path)?.map
    if (map === undefined) return line
    const found = mapFrame(frame, map)
    if (found === undefined) return undefined
    const indent = line.slice(0, line.length - text.length)
    return indent + formatFrame({ ...found, file: posix.join(location.root, found.file) })
  }

  #open(path: string): Decoded | undefined {
    if (this.#maps.has(path)) return this.#maps.get(path)
    const [oldest] = this.#maps.keys()
    if (this.#maps.size >= MAX_MAPS && oldest !== undefined) this.#maps.delete(oldest)
    const decoded = read(path)
    this.#maps.set(path, decoded)
    return decoded
  }
}

function read(path: string): Decoded | undefined {
  try {
    return statSync(path).size > MAX_MAP_BYTES ? undefined : decodeMap(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
