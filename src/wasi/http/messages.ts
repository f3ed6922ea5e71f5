import { Kind, Resource } from '../handles.ts'
import type { Host } from '../host.ts'
import { undescribable, type Describer, type SavedResource } from '../state.ts'
import { OutgoingBody } from './bodies.ts'
import type { Exchange } from './exchange.ts'
import type { FieldList } from './fields.ts'
import { BodyPipe } from './pipe.ts'
import type { BodySource } from './source.ts'

export const INCOMING_REQUEST: Kind<IncomingRequest> = new Kind('incoming-request')
export const OUTGOING_REQUEST: Kind<OutgoingRequest> = new Kind('outgoing-request')
export const OUTGOING_RESPONSE: Kind<OutgoingResponse> = new Kind('outgoing-response')
export const REQUEST_OPTIONS: Kind<RequestOptions> = new Kind('request-options')
export const RESPONSE_OUTPARAM: Kind<ResponseOutparam> = new Kind('response-outparam')
/** Only an outgoing call that was allowed would make these. */
export const INCOMING_RESPONSE: Kind<Resource> = new Kind('incoming-response')
export const FUTURE_INCOMING_RESPONSE: Kind<Resource> = new Kind('future-incoming-response')

/** What both kinds of request have; undefined stands for none. */
export interface RequestLine {
  method: string
  scheme: string | undefined
  authority: string | undefined
  pathWithQuery: string | undefined
}

/** wasi:http/types incoming-request. */
export class IncomingRequest extends Resource {
  override readonly kind = INCOMING_REQUEST
  readonly line: Readonly<RequestLine>
  readonly headers: FieldList
  /** Undefined once it was consumed. */
  source: BodySource | undefined

  constructor(line: RequestLine, headers: FieldList, source: BodySource) {
    super()
    this.line = line
    this.headers = headers
    this.source = source
  }

  override close(): void {
    this.source?.close()
  }

  override describe(): SavedResource {
    return undescribable(this.kind.name)
  }
}

/** An outgoing message: its headers, and its body once it was asked for. */
abstract class OutgoingMessage extends Resource {
  readonly headers: FieldList
  pipe: BodyPipe | undefined = undefined
  protected readonly host: Host

  constructor(headers: FieldList, host: Host) {
    super()
    this.headers = headers
    this.host = host
  }

  /** Makes the body's handle; undefined at the second time. */
  takeBody(): number | undefined {
    if (this.pipe !== undefined) return undefined
    this.changes++
    const pipe = new BodyPipe(this.host)
    this.pipe = pipe
    pipe.expectedBytes = contentLength(this.headers)
    if (this.host.exchange !== undefined) pipe.maxBytes = this.host.exchange.maxBodyBytes
    return this.host.table.add(new OutgoingBody(pipe))
  }

  override close(): void {
    this.headers.release(this.host)
  }
}

/** wasi:http/types outgoing-request. */
export class OutgoingRequest extends OutgoingMessage {
  override readonly kind = OUTGOING_REQUEST
  readonly #line: RequestLine = { method: 'GET', scheme: undefined, authority: undefined, pathWithQuery: undefined }
  #held = 0

  get line(): Readonly<RequestLine> {
    return this.#line
  }

  /** Changes parts of the line; charged to the account. */
  setLine(parts: Partial<RequestLine>): void {
    this.changes++
    Object.assign(this.#line, parts)
    const { method, scheme, authority, pathWithQuery } = this.#line
    const held = 2 * (method.length + (scheme?.length ?? 0) + (authority?.length ?? 0) + (pathWithQuery?.length ?? 0))
    this.host.account.hold(held, 'a request')
    this.host.account.release(this.#held)
    this.#held = held
  }

  override close(): void {
    super.close()
    this.host.account.release(this.#held)
  }

  override describe(_describer: Describer): SavedResource {
    if (this.pipe !== undefined) return undescribable('outgoing-request with a body')
    return { type: 'outgoing-request', headers: [...this.headers.entries], line: { ...this.#line } }
  }
}

/** wasi:http/types outgoing-response. */
export class OutgoingResponse extends OutgoingMessage {
  override readonly kind = OUTGOING_RESPONSE
  status = 200

  override describe(_describer: Describer): SavedResource {
    if (this.pipe !== undefined) return undescribable('outgoing-response with a body')
    return { type: 'outgoing-response', headers: [...this.headers.entries], status: this.status }
  }
}

/** Timeouts in nanoseconds. */
export interface Timeouts {
  connect: bigint | undefined
  firstByte: bigint | undefined
  betweenBytes: bigint | undefined
}

/** wasi:http/types request-options. */
export class RequestOptions extends Resource {
  override readonly kind = REQUEST_OPTIONS
  readonly timeouts: Timeouts

  constructor(timeouts: Timeouts = { connect: undefined, firstByte: undefined, betweenBytes: undefined }) {
    super()
    this.timeouts = { ...timeouts }
  }

  override describe(_describer: Describer): SavedResource {
    return { type: 'request-options', timeouts: { ...this.timeouts } }
  }
}

/** wasi:http/types response-outparam. */
export class ResponseOutparam extends Resource {
  override readonly kind = RESPONSE_OUTPARAM
  readonly exchange: Exchange

  constructor(exchange: Exchange) {
    super()
    this.exchange = exchange
  }

  override describe(): SavedResource {
    return undescribable(this.kind.name)
  }
}

/** What content-length promises; undefined without one, NaN when it is wrong or says different things. */
export function contentLength(headers: FieldList): number | undefined {
  const [first, ...others] = headers.values('content-length')
  if (first === undefined) return undefined
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) return Number.NaN
  return Number(first)
}
