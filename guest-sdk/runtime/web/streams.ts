/** Streams Standard, by web-streams-polyfill; and the streams around text codecs (Encoding Standard 6), which StarlingMonkey lacks, too. */
import { concat } from './bytes-of.ts'
import { tag } from './define.ts'

type MakeTransform = new (transformer: Transformer) => Pick<TransformStream, 'readable' | 'writable'>

interface TextStreams extends Record<string, unknown> {
  readonly TextEncoderStream: new () => GenericTransformStream
  readonly TextDecoderStream: new (label?: string, options?: TextDecoderOptions) => GenericTransformStream
}

/** The two classes on a TransformStream. */
export function createTextStreams(Transform: MakeTransform): TextStreams {
  class TextEncoderStream {
    readonly encoding = 'utf-8'
    readonly readable: ReadableStream
    readonly writable: WritableStream

    constructor() {
      const encoder = new TextEncoder()
      // The first half of a surrogate pair waits for the second.
      let half = ''
      const { readable, writable } = new Transform({
        transform(chunk: unknown, controller) {
          const text = half + String(chunk)
          half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? ''
          const bytes = encoder.encode(half === '' ? text : text.slice(0, -1))
          if (bytes.length > 0) controller.enqueue(bytes)
        },
        flush(controller) {
          if (half !== '') controller.enqueue(encoder.encode(half))
        },
      })
      this.readable = readable
      this.writable = writable
    }
  }
  tag(TextEncoderStream.prototype, 'TextEncoderStream')

  class TextDecoderStream {
    readonly encoding: string
    readonly fatal: boolean
    readonly ignoreBOM: boolean
    readonly readable: ReadableStream
    readonly writable: WritableStream

    constructor(label = 'utf-8', options: TextDecoderOptions = {}) {
      const decoder = new TextDecoder(label, options)
      this.encoding = decoder.encoding
      this.fatal = decoder.fatal
      this.ignoreBOM = decoder.ignoreBOM
      const { readable, writable } = new Transform({
        transform(chunk: BufferSource, controller) {
          const text = decoder.decode(chunk, { stream: true })
          if (text !== '') controller.enqueue(text)
        },
        flush(controller) {
          const text = decoder.decode()
          if (text !== '') controller.enqueue(text)
        },
      })
      this.readable = readable
      this.writable = writable
    }
  }
  tag(TextDecoderStream.prototype, 'TextDecoderStream')

  return { TextEncoderStream, TextDecoderStream }
}

/** The engine's streams and the library's. */
interface Readable {
  getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: unknown }> }
}

/** Reads a stream of bytes to its end. Rejects with a `TypeError` when a chunk is something else. */
export function readAll(stream: Readable): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  const next = (): Promise<Uint8Array<ArrayBuffer>> =>
    reader.read().then(({ done, value }) => {
      if (done) return concat(chunks)
      if (!(value instanceof Uint8Array)) throw new TypeError('a body stream must give Uint8Arrays')
      chunks.push(value)
      return next()
    })
  return next()
}
