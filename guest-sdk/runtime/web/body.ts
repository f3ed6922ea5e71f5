/**
 * Fetch Standard 5.3, the Body mixin. What the author gave stays as it is until somebody asks for another form: a stream costs an
 * interpreter more than the rest of a request, so it exists only when `body` is looked at or was given.
 */
import { ReadableStream } from 'web-streams-polyfill'
import { utf8DecodeLossy, utf8Encode } from '../bytes.ts'
import { blobBytes, WebBlob, WebFile } from './blob.ts'
import { isBytes, toBytes } from './bytes-of.ts'
import { decodeForm } from './decode-form.ts'
import { encodeMultipart, WebFormData } from './form-data.ts'
import type { WebHeaders } from './headers.ts'
import { readAll } from './streams.ts'
import { WebURLSearchParams } from './url-search-params.ts'

/** Text or bytes, neither of which is ever changed. */
type Whole = string | Uint8Array

export interface Body {
  readonly type: string | undefined
  whole: Whole | undefined
  stream: ReadableStream | undefined
  used: boolean
}

/** Takes over what may be a body. Bytes are copied, because their owner may change them. */
export function extractBody(source: unknown): Body | undefined {
  if (source === null || source === undefined) return undefined
  if (typeof source === 'string') return whole(source.toWellFormed(), 'text/plain;charset=UTF-8')
  if (isBytes(source)) return whole(toBytes(source).slice())
  if (source instanceof WebURLSearchParams) return whole(source.toString(), 'application/x-www-form-urlencoded;charset=UTF-8')
  if (source instanceof WebBlob) return whole(blobBytes(source), source.type === '' ? undefined : source.type)
  if (source instanceof WebFormData) {
    const { bytes, type } = encodeMultipart(source)
    return whole(bytes, type)
  }
  if (source instanceof ReadableStream) {
    if (source.locked) throw new TypeError('the body stream is locked: somebody reads it already')
    return { type: undefined, whole: undefined, stream: source, used: false }
  }
  return whole(String(source).toWellFormed(), 'text/plain;charset=UTF-8')
}

/** Bytes that nobody else changes. */
export const whole = (content: Whole, type?: string): Body => ({ type, whole: content, stream: undefined, used: false })

const isUsed = (body: Body | undefined): boolean => body !== undefined && (body.used || body.stream?.locked === true)

/** The content, which is gone then. Throws a `TypeError` the second time. */
export function takeBody(body: Body | undefined): Whole | null | Promise<Uint8Array> {
  if (body === undefined) return null
  if (isUsed(body)) throw new TypeError('the body has been read already')
  body.used = true
  return body.stream === undefined ? (body.whole ?? '') : readAll(body.stream)
}

/** Both halves can be read. */
export function cloneBody(body: Body | undefined): Body | undefined {
  if (body === undefined) return undefined
  if (isUsed(body)) throw new TypeError('the body has been read already, so it cannot be cloned')
  if (body.stream === undefined) return { ...body }
  const [one, other] = body.stream.tee()
  body.stream = one
  return { ...body, stream: other }
}

export const BODY = Symbol('body')

/** What Request and Response have in common. */
export abstract class WithBody {
  declare [BODY]: Body | undefined
  abstract readonly headers: WebHeaders

  get body(): ReadableStream | null {
    const body = this[BODY]
    if (body === undefined) return null
    if (body.stream === undefined) {
      const bytes = toUint8Array(body.whole ?? '')
      body.stream = new ReadableStream({
        type: 'bytes',
        start(controller) {
          if (bytes.length > 0) controller.enqueue(bytes.slice())
          controller.close()
        },
      })
      // Read before: a stream that has ended.
      if (body.used) void body.stream.getReader().cancel()
    }
    return body.stream
  }

  get bodyUsed(): boolean {
    return isUsed(this[BODY])
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return consume(this, (content) => toUint8Array(content).slice().buffer)
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return consume(this, (content) => toUint8Array(content).slice())
  }

  text(): Promise<string> {
    return consume(this, toText)
  }

  json(): Promise<unknown> {
    return consume(this, (content): unknown => JSON.parse(toText(content)))
  }

  blob(): Promise<WebBlob> {
    const type = this.headers.get('content-type') ?? ''
    return consume(this, (content) => new WebBlob([content], { type }))
  }

  formData(): Promise<WebFormData> {
    const type = this.headers.get('content-type') ?? ''
    return consume(this, (content) => decodeForm(toUint8Array(content), type, new WebFormData(), WebFile))
  }
}

/** Without async functions: lowered, they cost as much as what they do here. */
function consume<T>(of: WithBody, convert: (content: Whole) => T): Promise<T> {
  try {
    const content = takeBody(of[BODY])
    if (content === null || typeof content === 'string' || content instanceof Uint8Array) {
      return Promise.resolve(convert(content ?? ''))
    }
    return content.then(convert)
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

const toUint8Array = (content: Whole): Uint8Array => (typeof content === 'string' ? utf8Encode(content) : content)

function toText(content: Whole): string {
  const text = typeof content === 'string' ? content : utf8DecodeLossy(content)
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
