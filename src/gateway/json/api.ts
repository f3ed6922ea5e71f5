import { AmpouleError } from '../../errors.ts'
import type { Control } from '../../control/control.ts'
import type { Observer } from '../../observe/records.ts'

/** How an operation was refused. */
export interface JsonRefusal {
  readonly status: number
  /** What `__type` says. */
  readonly type: string
  /** The caller's to read. */
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One operation's request. */
export interface JsonCall {
  readonly body: Uint8Array
  /** Where the caller reached this host: `http://localhost:9000`. */
  readonly origin: string
}

/** A service of AWS whose operations are all a POST that names itself in a header (AWS JSON protocol). */
export interface JsonService {
  /** In front of the operation's name in `X-Amz-Target`. */
  readonly target: string
  readonly version: '1.0' | '1.1'
  readonly operations: Readonly<Record<string, (call: JsonCall, control: Control) => Promise<object | void>>>
  unknown(name: string): Error
  refusalOf(error: unknown): JsonRefusal
}

/** Undefined: the request is for none of these services. */
export function createJsonApi(
  services: readonly JsonService[],
  control: Control,
  observe: Observer,
): (request: Request, origin: string) => Promise<Response | undefined> {
  return async (request, origin) => {
    const target = request.headers.get('x-amz-target') ?? ''
    const dot = target.indexOf('.')
    const service = services.find((one) => one.target === target.slice(0, dot))
    if (service === undefined) return undefined
    const name = target.slice(dot + 1, dot + 1 + MAX_NAME)
    const answer = (status: number, body: object, headers = {}): Response =>
      new Response(JSON.stringify(body), {
        status,
        headers: { 'content-type': `application/x-amz-json-${service.version}`, ...headers },
      })
    try {
      if (!Object.hasOwn(service.operations, name)) throw service.unknown(name)
      const body = new Uint8Array(await request.arrayBuffer())
      return answer(200, (await service.operations[name]?.({ body, origin }, control)) ?? {})
    } catch (error) {
      const refusal = service.refusalOf(error)
      if (refusal.status >= 500) {
        observe({ type: 'host', time: control.now(), level: 'error', message: `${target} failed: ${whyOf(error)}` })
      }
      return answer(refusal.status, { __type: refusal.type, message: refusal.message }, refusal.headers)
    }
  }
}

/** Where it came from is of interest where the host is at fault. */
const whyOf = (error: unknown): string =>
  error instanceof Error && !(error instanceof AmpouleError && error.code === 'StoreUnavailable')
    ? (error.stack ?? error.message)
    : String(error)

const MAX_NAME = 64
