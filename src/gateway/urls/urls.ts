import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Question } from '../../control/lane-protocol.ts'
import type { Changed } from '../../control/residence.ts'
import type { LaneSupervisor } from '../../engine/contract.ts'
import { AmpouleError } from '../../errors.ts'
import type { Account } from '../../functions/arn.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import type { FunctionName } from '../../functions/name.ts'
import { mayAccess, type Identity } from '../../functions/policy.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import { createUrlReader, type UrlRoute, type UrlTarget } from '../../functions/url.ts'
import { Invocation, type InvocationOptions } from '../../invoke/invocation.ts'
import { sendWhole } from '../../triggers/http-answer.ts'
import { readBody, refuseTooLarge } from '../../triggers/http-body.ts'
import { requestHead } from '../../triggers/http-headers.ts'
import { serveHttp } from '../../triggers/http.ts'
import { toLambdaError } from '../../triggers/invoke.ts'
import type { InFlight } from '../in-flight.ts'
import { hosted, recorded, resolve, type Resolving } from '../management/target.ts'
import { corsHeaders, isPreflight, preflightHeaders } from './cors.ts'

export interface FunctionUrlOptions extends Resolving {
  readonly account: Account
  readonly supervisor: LaneSupervisor
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
  /** Who signed a request to a URL with `AWS_IAM`, by its head and then by its body; both throw a `LambdaError` for a wrong signature. */
  readonly identify: (incoming: IncomingMessage) => (body: Uint8Array) => Identity
}

/** Beyond so many what is known is forgotten. */
const MAX_ROUTES = 10_000

/** The function URLs of a lane, beside what the configuration declares. */
export class FunctionUrls {
  readonly #options: FunctionUrlOptions
  readonly #read: ReturnType<typeof createUrlReader>
  readonly #routes = new Map<string, UrlRoute>()
  /** Counted up when anything changes: an answer that was on its way meanwhile may be out of date. */
  #generation = 0

  constructor(options: FunctionUrlOptions) {
    this.#options = options
    this.#read = createUrlReader(options.account)
  }

  /** False: it is no request to a function URL. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const target = this.#read(hostOf(incoming), incoming.url ?? '/')
    if (target === undefined) return false
    void this.#serve(target, incoming, outgoing)
    return true
  }

  told({ changed }: Changed): void {
    this.#generation++
    const names = new Set(changed)
    for (const [urlId, { name }] of this.#routes) if (names.has(name)) this.#routes.delete(urlId)
  }

  async #serve(target: UrlTarget, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let own: readonly string[] = []
    let invocation: Invocation | undefined
    try {
      const route = await this.#find(target.urlId)
      if (route === undefined) return this.#refuse(incoming, outgoing, 404, 'Not Found')
      if (route.cors !== undefined) {
        const request = crossOriginOf(incoming)
        if (isPreflight(request)) return this.#answer(incoming, outgoing, 200, preflightHeaders(route.cors, request))
        own = corsHeaders(route.cors, request)
      }
      const { identity, body } = route.authType === 'NONE' ? ANYBODY : await this.#verify(incoming, outgoing)
      if (!this.#allowed(route, identity)) return this.#refuse(incoming, outgoing, 403, 'Forbidden', own)
      const reference = { name: route.name as FunctionName, qualifier: route.qualifier }
      const { target: version } = await resolve(reference, this.#options)
      const { inFlight, invocations, logs } = this.#options
      invocation = new Invocation(route.name, recorded(version, invocations, logs))
      inFlight.enter(invocation)
      const match = { ...target, target: hosted(version, this.#options) }
      await serveHttp({ match, invocation, incoming, outgoing, body, own, timing: false, closing: () => inFlight.draining })
    } catch (error) {
      this.#fail(incoming, outgoing, error, own)
    } finally {
      if (invocation !== undefined) this.#options.inFlight.leave(invocation)
    }
  }

  async #find(urlId: string): Promise<UrlRoute | undefined> {
    const known = this.#routes.get(urlId)
    if (known !== undefined) return known
    const generation = this.#generation
    const question: Question = { kind: 'url', urlId }
    const route = (await this.#options.supervisor.ask(question)) as UrlRoute | undefined
    if (route !== undefined && generation === this.#generation) {
      if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
      this.#routes.set(urlId, route)
    }
    return route
  }

  /** The body has to be here before the function starts: it is signed, too. */
  async #verify(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<{ readonly identity: Identity; readonly body: Uint8Array }> {
    const identify = this.#options.identify(incoming)
    const head = requestHead(incoming.rawHeaders, '')
    if (!head.hasBody) return { identity: identify(NOTHING), body: NOTHING }
    refuseTooLarge(head, QUOTAS.payloadBytes)
    if (head.expectsContinue) outgoing.writeContinue()
    const body = await readBody(incoming, QUOTAS.payloadBytes)
    return { identity: identify(body), body }
  }

  #allowed({ arn, authType, statements }: UrlRoute, identity: Identity): boolean {
    const access = { action: 'lambda:InvokeFunctionUrl', resource: arn, identity, urlAuthType: authType }
    return mayAccess(this.#options.account.id, statements, access)
  }

  /** AWS answers with 502 when a function fails, whichever way, and tells nobody why. */
  #fail(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown, own: readonly string[]): void {
    if (outgoing.headersSent || outgoing.destroyed) return
    if (error instanceof LambdaError && error.status === 403) {
      const unsigned = error.type === 'MissingAuthenticationTokenException'
      return this.#refuse(incoming, outgoing, 403, unsigned ? 'Forbidden' : error.message, own)
    }
    if (error instanceof AmpouleError && CALLERS.has(error.code))
      return this.#refuse(incoming, outgoing, toLambdaError(error).status, error.message, own)
    this.#refuse(incoming, outgoing, 502, 'Internal Server Error', own)
  }

  #refuse(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    status: number,
    message: string,
    own: readonly string[] = [],
  ): void {
    const body = Buffer.from(JSON.stringify({ Message: message }))
    this.#answer(incoming, outgoing, status, [...own, 'content-type', 'application/json'], body)
  }

  #answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    status: number,
    headers: string[],
    body: Uint8Array | null = null,
  ): void {
    const head = { status, headers, contentLength: undefined }
    sendWhole(incoming, outgoing, head, body, { extra: [], close: this.#options.inFlight.draining })
  }
}

const NOTHING = new Uint8Array()

const ANYBODY = { identity: { kind: 'anonymous' }, body: undefined } as const

/** What the caller can do something about; the message is meant for it. */
const CALLERS: ReadonlySet<string> = new Set(['InvalidRequest', 'PayloadTooLarge', 'TooManyRequests'])

/** Without making an object of all headers: most requests are not for a URL. */
function hostOf({ rawHeaders }: IncomingMessage): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') return rawHeaders[index + 1]
  }
  return undefined
}

const crossOriginOf = ({ method = 'GET', headers }: IncomingMessage) => ({
  method,
  origin: headers.origin,
  requestedMethod: headers['access-control-request-method'],
})
