/** File API: Blob and File over bytes in memory, which is where all of a guest's bytes are. */
import { utf8DecodeLossy, utf8Encode } from '../bytes.ts'
import { ReadableStream } from 'web-streams-polyfill'
import { concat, isBytes, toBytes } from './bytes-of.ts'
import { tag } from './define.ts'

const BYTES = Symbol('bytes')

export class WebBlob {
  declare [BYTES]: Uint8Array<ArrayBuffer>
  declare readonly size: number
  declare readonly type: string

  constructor(parts: Iterable<unknown> = [], options: { readonly type?: string; readonly endings?: string } = {}) {
    if (typeof parts !== 'object' || parts === null) throw new TypeError('Blob: the parts must be a list')
    const bytes = concat(Array.from(parts, partBytes))
    const type = String(options.type ?? '')
    const fixed = { size: bytes.length, type: /[^\x20-\x7e]/.test(type) ? '' : type.toLowerCase() }
    for (const [key, value] of Object.entries(fixed)) Object.defineProperty(this, key, { value, enumerable: true })
    Object.defineProperty(this, BYTES, { value: bytes })
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.resolve(this[BYTES].slice().buffer)
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this[BYTES].slice())
  }

  text(): Promise<string> {
    return Promise.resolve(utf8DecodeLossy(this[BYTES]).replace(/^\uFEFF/, ''))
  }

  stream(): ReadableStream<Uint8Array> {
    const bytes = this[BYTES]
    return new ReadableStream<Uint8Array>({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes.slice())
        controller.close()
      },
    })
  }

  slice(start = 0, end = this.size, type = ''): WebBlob {
    return new WebBlob([this[BYTES].subarray(...range(start, end, this.size))], { type })
  }
}
tag(WebBlob.prototype, 'Blob')

export class WebFile extends WebBlob {
  declare readonly name: string
  declare readonly lastModified: number

  constructor(parts: Iterable<unknown>, name: string, options: { readonly type?: string; readonly lastModified?: number } = {}) {
    super(parts, options)
    const fixed = { name: String(name), lastModified: Math.trunc(Number(options.lastModified ?? Date.now())) }
    for (const [key, value] of Object.entries(fixed)) Object.defineProperty(this, key, { value, enumerable: true })
  }
}
tag(WebFile.prototype, 'File')

/** Not a copy. */
export const blobBytes = (blob: WebBlob): Uint8Array<ArrayBuffer> => blob[BYTES]

function partBytes(part: unknown): Uint8Array {
  if (part instanceof WebBlob) return part[BYTES]
  return isBytes(part) ? toBytes(part) : utf8Encode(String(part))
}

function range(start: number, end: number, size: number): [from: number, to: number] {
  const clamp = (at: number): number => (at < 0 ? Math.max(0, size + at) : Math.min(at, size))
  const from = clamp(Math.trunc(start) || 0)
  return [from, Math.max(from, clamp(Math.trunc(end) || 0))]
}
