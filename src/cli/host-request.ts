import { AmpouleError, type ErrorCode } from '../errors.ts'
import { sign } from './client/signature.ts'
import type { Input, Option } from './command.ts'
import { textOption } from './parse.ts'

/** Of commands that ask a host. */
export const ENDPOINT_OPTION = {
  type: 'string',
  value: 'URL',
  about: "The host's management API, instead of AMPOULE_ENDPOINT or AWS_ENDPOINT_URL, else http://127.0.0.1:9000.",
} as const satisfies Option

const DEFAULT_ENDPOINT = 'http://127.0.0.1:9000'

/** A request to a host's management API. */
export interface HostRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  /** What it is signed for. Default `lambda`. */
  readonly service?: 'lambda' | 'logs' | 'sqs' | 'kinesis' | 'scheduler'
}

/** What a host refused, by the name that its API has for it. */
export class HostRefusal extends AmpouleError {
  override readonly name = 'HostRefusal'
  readonly type: string

  constructor(type: string, code: ErrorCode, message: string) {
    super(code, message)
    this.type = type
  }
}

export type AskHost = (request: HostRequest) => Promise<unknown>

/**
 * Asks the host that the command line or the environment names; requests are signed when there is an access key (`AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`). Gives the answer's JSON; rejects with {@link HostRefusal}, and with `HostUnreachable` when there is no host.
 */
export function openHost(input: Input, environment: NodeJS.ProcessEnv, signal: AbortSignal): AskHost {
  const given = textOption(input, 'endpoint') ?? environment['AMPOULE_ENDPOINT'] ?? environment['AWS_ENDPOINT_URL']
  const endpoint = URL.parse(given ?? DEFAULT_ENDPOINT)
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol))
    throw new AmpouleError(
      'InvalidRequest',
      `the endpoint is ${JSON.stringify(given)}: it must be an address like ${DEFAULT_ENDPOINT}`,
    )
  return async ({ method, path, query = {}, headers = {}, body, service = 'lambda' }) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const own = await signed({ method, path, query, headers, text, service }, endpoint, environment)
    const url = new URL(path, endpoint)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const response = await fetch(url, { method, headers: own, signal, ...(body !== undefined && { body: text }) }).catch(
      (error: unknown) => {
        throw signal.aborted ? error : unreachable(endpoint, error)
      },
    )
    const answer = await response.text()
    if (response.ok) return JSON.parse(answer)
    throw refusalOf(response, answer, endpoint)
  }
}

async function signed(
  { method, path, query, headers, text, service }: Required<Omit<HostRequest, 'body'>> & { readonly text: string },
  endpoint: URL,
  { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' }: NodeJS.ProcessEnv,
): Promise<Readonly<Record<string, string>>> {
  if (accessKeyId === '' || secretAccessKey === '') return headers
  const bound = { method, path, query: Object.entries(query), headers, body: Buffer.from(text) }
  const { host: _, ...others } = await sign(bound, endpoint, { accessKeyId, secretAccessKey, sessionToken: undefined }, service)
  return others
}

function refusalOf(response: Response, answer: string, endpoint: URL): AmpouleError {
  let told: { readonly __type?: unknown; readonly message?: unknown } = {}
  try {
    told = JSON.parse(answer) as typeof told
  } catch {
    // Answered below.
  }
  const { __type: type, message } = told
  if (typeof type !== 'string' || typeof message !== 'string')
    return new AmpouleError(
      'HostUnreachable',
      `${endpoint.origin} answered ${response.status}, but not as the management API of a host does: name its address with --endpoint URL`,
    )
  const code = NOT_FOUND[type] ?? (response.status >= 500 ? 'Internal' : 'InvalidRequest')
  return new HostRefusal(
    type,
    code,
    `${message.replace(/\.$/, '')} (${type.slice(type.indexOf('#') + 1)})${KEY_ERRORS.test(type) ? KEY_FIX : ''}`,
  )
}

const NOT_FOUND: Readonly<Partial<Record<string, ErrorCode>>> = {
  ResourceNotFoundException: 'FunctionNotFound',
  'com.amazonaws.sqs#QueueDoesNotExist': 'QueueNotFound',
}

const KEY_ERRORS = /^(?:MissingAuthenticationToken|IncompleteSignature|UnrecognizedClient|InvalidSignature)Exception$/
const KEY_FIX =
  ': set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key of the host, which "ampoule key create" makes there'

const unreachable = (endpoint: URL, error: unknown): AmpouleError => {
  const { cause } = error as Error
  const why = (cause instanceof Error && 'code' in cause && String(cause.code)) || (error as Error).message
  return new AmpouleError(
    'HostUnreachable',
    `there is no host at ${endpoint.origin} (${why}): start one with "ampoule serve --data DIR", or name its management API with --endpoint URL or AMPOULE_ENDPOINT`,
    { cause: error },
  )
}
